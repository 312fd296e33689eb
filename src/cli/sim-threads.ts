import { Tinypool } from 'tinypool'
import type { UnitResult } from '../experiment/unit.ts'
import type { SimTask } from './sim-task.ts'

/** Node's longest timer: a thread that waits for what comes next is kept. */
const KEPT_MS = 2 ** 31 - 1

/**
 * The threads that simulations run in. One is made when a task finds none that is free, and serves whatever is run until
 * `stop`: to load what a task needs takes longer than many a task.
 */
export class SimThreads {
  readonly #pool: Tinypool

  /**
   * @param worker a module whose default export takes a `SimTask` and returns its `UnitResult`
   * @param maximum of threads
   */
  constructor (worker: URL, maximum: number) {
    this.#pool = new Tinypool({ filename: worker.href, minThreads: 0, maxThreads: maximum, idleTimeout: KEPT_MS })
  }

  /** Rejects when the signal aborts, and ends the thread that the task had. */
  async run (task: SimTask, signal: AbortSignal): Promise<UnitResult> {
    return await this.#pool.run(task, { signal })
  }

  /** Ends the threads, whatever they do. */
  async stop (): Promise<void> {
    await this.#pool.destroy()
  }
}
