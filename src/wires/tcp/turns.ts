import { setTimeout as sleep } from 'node:timers/promises'
import { monotonicNowMs } from './monotonic.ts'

/** Gives turns: work that is to be done one at a time, in the order in which it came. */
export class Turns {
  readonly #apartMs: number
  #last: Promise<unknown> = Promise.resolve()
  #endedMs = -Infinity
  #left = 0

  /** @param apartMs how long nobody has a turn after one */
  constructor (apartMs = 0) {
    this.#apartMs = apartMs
  }

  /** What the work answers, when it has had its turn. */
  async take<Result> (work: () => Promise<Result>): Promise<Result> {
    this.#left++
    const turn = this.#last.then(async () => {
      const waitMs = this.#endedMs + this.#apartMs - monotonicNowMs()
      if (waitMs > 0) {
        await sleep(waitMs)
      }
      return await work()
    }).finally(() => {
      this.#endedMs = monotonicNowMs()
      this.#left--
    })
    this.#last = turn.catch(() => {})
    return await turn
  }

  /** Until nobody has a turn or waits for one. */
  async none (): Promise<void> {
    while (this.#left > 0) {
      await this.#last
    }
  }
}
