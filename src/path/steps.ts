import type { Kernel } from '../sim/kernel.ts'
import { NS_PER_MS } from '../core/units.ts'

/** So much is simulated between two looks at what goes on outside: some ten milliseconds of real time on a fast path. */
const STEP_NS = 500 * NS_PER_MS

/**
 * Runs until `finished` answers true, nothing is left to happen, or it is `untilNs`; lets the rest of the process breathe
 * in between, so that a long simulation can be cut short.
 *
 * @throws the signal's reason
 */
export async function runInSteps (kernel: Kernel, untilNs: number, finished: () => boolean, signal?: AbortSignal): Promise<void> {
  while (kernel.nowNs < untilNs && !finished() && kernel.pending > 0) {
    signal?.throwIfAborted()
    kernel.run(Math.min(kernel.nowNs + STEP_NS, untilNs))
    await new Promise<void>(resolve => { setImmediate(resolve) })
  }
}
