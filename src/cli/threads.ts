import { Tinypool } from 'tinypool'

/** Node's longest timer: a thread that waits for what comes next is kept. */
const KEPT_MS = 2 ** 31 - 1

/**
 * Threads that tasks run in. One is made when a task finds none that is free, and serves whatever is run until `stop`: to
 * load what a task needs takes longer than many a task.
 */
export class Threads<Task, Result> {
  readonly #pool: Tinypool

  /**
   * @param worker a module whose default export takes a task and returns its result: both cross threads
   * @param maximum of threads
   */
  constructor (worker: URL, maximum: number) {
    this.#pool = new Tinypool({ filename: worker.href, minThreads: 0, maxThreads: maximum, idleTimeout: KEPT_MS })
  }

  /** Rejects when the signal aborts, and ends the thread that the task had. */
  async run (task: Task, signal?: AbortSignal): Promise<Result> {
    return await this.#pool.run(task, { signal: signal ?? null })
  }

  /** Ends the threads, whatever they do. */
  async stop (): Promise<void> {
    await this.#pool.destroy()
  }
}
