/** Who waits for what was queued until then to be gone. */
export class Flushes {
  readonly #waiting: Flush[] = []
  #until = 0

  /** The last item of a queue, by sequence, that somebody asked to have sent. */
  get until (): number {
    return this.#until
  }

  /** Resolves when all up to this item has left the queue. */
  add (until: number): Promise<void> {
    const done = Promise.withResolvers<void>()
    this.#until = until
    this.#waiting.push({ until, done })
    return done.promise
  }

  /** The first item of the queue is this one now; Infinity without one. */
  onDeparture (first: number): void {
    while (this.#waiting.length > 0 && this.#waiting[0].until < first) {
      this.#waiting.shift()?.done.resolve()
    }
  }
}

interface Flush {
  readonly until: number
  readonly done: PromiseWithResolvers<void>
}
