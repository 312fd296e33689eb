/** Recoveries without a duplicate after which the window is as narrow as at first. */
const LASTING_RECOVERIES = 16
const MOST_STEPS = 255

/**
 * How long RACK waits for what may only be late (RFC 8985 6.2 step 4): a quarter of the least round trip, and another
 * quarter for each round trip in which a duplicate showed that something was sent again for nothing.
 */
export class ReorderingWindow {
  /** The RFC's reo_wnd_mult. */
  #steps = 1
  #recoveriesLeft = 0
  /** Duplicates up to here were of the round trip that has counted. */
  #roundEnd = 0

  /** An acknowledgement up to `unacknowledged` told of a duplicate; `next` is the next new byte. */
  onDuplicate (unacknowledged: number, next: number): void {
    if (unacknowledged < this.#roundEnd) {
      return
    }
    this.#steps = Math.min(MOST_STEPS, this.#steps + 1)
    this.#recoveriesLeft = LASTING_RECOVERIES
    this.#roundEnd = next
  }

  /** A recovery, after a timeout or without one, is over. */
  onRecovered (): void {
    if (this.#recoveriesLeft > 0 && --this.#recoveriesLeft === 0) {
      this.#steps = 1
    }
  }

  ns (leastRttNs: number, srttNs: number): number {
    return Math.min(leastRttNs / 4 * this.#steps, srttNs)
  }
}
