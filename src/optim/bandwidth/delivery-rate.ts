/**
 * The rate at which a flow is delivered: bytes acknowledged since the last acknowledgement before what is acknowledged now
 * was sent, over the time since then (BBR's delivery rate, draft-cheng-iccrg-delivery-rate-estimation). From one
 * acknowledgement to another, so that what comes in lumps is not counted with a lump too many. Constant memory: where the
 * round trip reaches further back than the last 128 acknowledgements, the rate is that since the oldest of them.
 */
export class DeliveryRate {
  readonly #timesMs = new Float64Array(MARKS)
  /** Acknowledged in all, with the acknowledgement of the mark. */
  readonly #deliveredBytes = new Float64Array(MARKS)
  #first = 0
  #next = 0
  #totalBytes = 0

  /** Takes an acknowledgement and answers the rate in bit/s. */
  sample (nowMs: number, bytes: number, rttMs: number): number {
    this.#totalBytes += bytes
    const mark = this.#next++ % MARKS
    this.#timesMs[mark] = nowMs
    this.#deliveredBytes[mark] = this.#totalBytes
    this.#first = Math.max(this.#first, this.#next - MARKS)
    while (this.#first + 1 < this.#next && this.#timesMs[(this.#first + 1) % MARKS] <= nowMs - rttMs) {
      this.#first++
    }
    const sinceMs = this.#timesMs[this.#first % MARKS]
    if (sinceMs > nowMs - rttMs && this.#next <= MARKS) {
      // Nothing was acknowledged before: all since the sending.
      return 8e3 * this.#totalBytes / Math.max(rttMs, LEAST_MS)
    }
    return 8e3 * (this.#totalBytes - this.#deliveredBytes[this.#first % MARKS]) / Math.max(nowMs - sinceMs, LEAST_MS)
  }
}

const MARKS = 128
/** No rate is measured over less. */
const LEAST_MS = 0.1
