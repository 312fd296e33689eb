import type { OutsideWork } from '../../sim/outside-work.ts'

interface Job {
  done: boolean
  /** Settles what its caller waits for. */
  deliver: () => void
}

/**
 * Work that goes on outside of virtual time: cryptography in Node's threads, and turns of the event loop that code asked
 * for. The clock stands still until it is done. Results are delivered in the order of the calls, each when all that the
 * ones before it set going has come to rest, so that it does not matter which thread was faster.
 */
export class NativeWork implements OutsideWork {
  attended = false
  readonly #jobs: Job[] = []
  readonly #onStart: (() => void) | undefined
  #turns = 0
  #wanted: PromiseWithResolvers<void> | undefined

  /** @param onStart called when work was begun that somebody has to attend to. Absent: what is begun unattended is real. */
  constructor (onStart?: () => void) {
    this.#onStart = onStart
  }

  get pending (): boolean {
    return this.#jobs.length > 0 || this.#turns > 0
  }

  async next (): Promise<void> {
    const [first] = this.#jobs
    if (this.#turns > 0 || first === undefined) {
      // The caller comes back after a turn of the event loop.
      return
    }
    while (!first.done) {
      this.#wanted = Promise.withResolvers<void>()
      await this.#wanted.promise
    }
    this.#jobs.shift()
    first.deliver()
  }

  /** The result of `work`, delivered when it is its turn. */
  async result<T> (work: () => Promise<T>): Promise<T> {
    if (!this.attended && this.#onStart === undefined) {
      return await work()
    }
    return await new Promise<T>((resolve, reject) => {
      const job: Job = { done: false, deliver: () => {} }
      this.#jobs.push(job)
      this.#onStart?.()
      const finish = (deliver: () => void): void => {
        job.deliver = deliver
        job.done = true
        this.#wanted?.resolve()
      }
      work().then(value => finish(() => resolve(value)), (error: unknown) => finish(() => reject(error)))
    })
  }

  /** To be told of each turn of the event loop that is asked for, and when it came or was cancelled. */
  turn (change: 1 | -1): void {
    this.#turns += change
  }
}
