import { setTimeout as sleep } from 'node:timers/promises'
import { ProcessorLoad } from './processor-load.ts'
import { Turns } from './turns.ts'

/** How long processors are watched before a run begins beside others. Many that dial at one instant, too, would measure how long this machine takes for that. */
const WATCHED_MS = 1_000

/** What they may be busy with then. Requests that wait for a processor at every hop are slower than the network makes them. */
const CALM_SHARE = 0.5

/** What runs that go side by side do in turns, each for all its processes. */
export class RunTurns {
  /** Processes are started and warmed up: seconds where there is none to be used again. */
  readonly warming = new Turns()
  /** Nodes are made, and the run begins. */
  readonly opening = new Turns()
  /** Runs that have begun and are not over. */
  readonly underWay = new Set<unknown>()
  readonly #load: Pick<ProcessorLoad, 'reset' | 'busyShare'>

  /** The load is by default that of this machine. */
  constructor (load: Pick<ProcessorLoad, 'reset' | 'busyShare'> = new ProcessorLoad()) {
    this.#load = load
  }

  /** Until a run may begin: none is under way, or the processors had half of their time to spare for a second, or it was cut short. */
  async calm (cut: AbortSignal): Promise<void> {
    while (this.underWay.size > 0 && !cut.aborted) {
      this.#load.reset()
      await sleep(WATCHED_MS, undefined, { signal: cut }).catch(() => {})
      if (this.#load.busyShare <= CALM_SHARE) {
        return
      }
    }
  }
}
