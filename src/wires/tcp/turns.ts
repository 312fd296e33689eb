/** Gives turns: work that is to be done one at a time, in the order in which it came. */
export class Turns {
  #last: Promise<unknown> = Promise.resolve()
  #left = 0

  /** What the work answers, when it has had its turn. */
  async take<Result> (work: () => Promise<Result>): Promise<Result> {
    this.#left++
    const turn = this.#last.then(work).finally(() => {
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
