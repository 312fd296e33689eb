import type { Kernel } from '../sim/kernel.ts'
import { NS_PER_MS } from '../core/units.ts'

/** The longest and the shortest stretch that is simulated between two looks at what goes on outside. */
const LONGEST_NS = 500 * NS_PER_MS
const SHORTEST_NS = 1000

/** So many events in one stretch take some tens of milliseconds of real time: the next one is shorter. */
const MANY_EVENTS = 100_000

/**
 * Runs until `finished` answers true, nothing is left to happen, or it is `untilNs`; lets the rest of the process breathe
 * in between, so that a long simulation can be cut short. How far it goes at a time follows from how much happens there.
 *
 * @throws the signal's reason
 */
export async function runInSteps (kernel: Kernel, untilNs: number, finished: () => boolean, signal?: AbortSignal): Promise<void> {
  let stepNs = NS_PER_MS
  while (kernel.nowNs < untilNs && !finished() && kernel.pending > 0) {
    signal?.throwIfAborted()
    const before = kernel.dispatched
    kernel.run(Math.min(kernel.nowNs + stepNs, untilNs))
    const many = kernel.dispatched - before > MANY_EVENTS
    stepNs = Math.min(LONGEST_NS, Math.max(SHORTEST_NS, many ? Math.floor(stepNs / 10) : stepNs * 2))
    await new Promise<void>(resolve => { setImmediate(resolve) })
  }
}
