import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicNowMs } from './monotonic.ts'
import { ProcessorLoad } from './processor-load.ts'
import { Turns } from './turns.ts'

/** How long processors are watched before a run begins beside others. Many that dial at one instant, too, would measure how long this machine takes for that. */
const WATCHED_MS = 1_000

/** What they may be busy with then. Requests that wait for a processor at every hop are slower than the network makes them. */
const CALM_SHARE = 0.5

/** Nobody waits for longer, whatever else it is that keeps the machine busy: how busy it was stands beside what was measured. */
const LONGEST_WAIT_MS = 300_000

export interface RunTurnsOptions {
  /** Default: of this machine. */
  readonly load?: Pick<ProcessorLoad, 'reset' | 'busyShare'>
  /** The longest that a run waits for calm processors, ms. Default: 300,000. */
  readonly longestWaitMs?: number
}

/** What runs that go side by side do in turns, each for all its processes. */
export class RunTurns {
  /** Processes are started and warmed up: seconds where there is none to be used again. */
  readonly warming = new Turns()
  /** Nodes are made, and the run begins. */
  readonly opening = new Turns()
  readonly #underWay = new Set<object>()
  readonly #load: Pick<ProcessorLoad, 'reset' | 'busyShare'>
  readonly #longestWaitMs: number

  constructor ({ load = new ProcessorLoad(), longestWaitMs = LONGEST_WAIT_MS }: RunTurnsOptions = {}) {
    this.#load = load
    this.#longestWaitMs = longestWaitMs
  }

  /** Runs that have begun and are not over. */
  get underWay (): number {
    return this.#underWay.size
  }

  begin (run: object): void {
    this.#underWay.add(run)
  }

  /** Of one that has not begun, too. */
  end (run: object): void {
    this.#underWay.delete(run)
  }

  /**
   * Until a run may begin: no process is being warmed up, for that takes all that this machine has, and nodes are not to wait
   * for it: libp2p pings at intervals from a node's start on, in simulation from time zero on. And none is under way, or the
   * processors had half of their time to spare for a second, or it has waited for too long, or was cut short.
   *
   * @param sinceMs when it began to wait, on the monotonic clock
   */
  async calm (sinceMs: number, cut: AbortSignal): Promise<void> {
    await this.warming.none()
    let calm = false
    while (!calm && this.underWay > 0 && !cut.aborted && monotonicNowMs() - sinceMs <= this.#longestWaitMs) {
      calm = await this.#isCalm(cut)
    }
    // Some may have begun to warm up meanwhile.
    await this.warming.none()
  }

  async #isCalm (cut: AbortSignal): Promise<boolean> {
    this.#load.reset()
    await sleep(WATCHED_MS, undefined, { signal: cut }).catch(() => {})
    return this.#load.busyShare <= CALM_SHARE
  }
}
