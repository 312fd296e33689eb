/** A bound on messages and bytes that wait, which may be a part of a wider one. */
export class Budget {
  readonly #maximumMessages: number
  readonly #maximumBytes: number
  readonly #whole: Budget | undefined
  #messages = 0
  #bytes = 0

  constructor (maximumMessages: number, maximumBytes: number, whole?: Budget) {
    this.#maximumMessages = maximumMessages
    this.#maximumBytes = maximumBytes
    this.#whole = whole
  }

  get messages (): number {
    return this.#messages
  }

  get bytes (): number {
    return this.#bytes
  }

  /** Sets room aside for one message; false, and nothing is set aside, where there is none. */
  take (bytes: number): boolean {
    if (this.#messages >= this.#maximumMessages || this.#bytes + bytes > this.#maximumBytes || this.#whole?.take(bytes) === false) {
      return false
    }
    this.#messages++
    this.#bytes += bytes
    return true
  }

  /** Gives back what `take` set aside. */
  give (bytes: number): void {
    this.#messages--
    this.#bytes -= bytes
    this.#whole?.give(bytes)
  }
}
