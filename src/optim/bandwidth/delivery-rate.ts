/**
 * The rate at which a flow is delivered: bytes acknowledged within the last round trip, over that round trip (BBR's
 * delivery rate, draft-cheng-iccrg-delivery-rate-estimation). Constant memory: of what was acknowledged earlier it keeps
 * the last 128 marks, and where the round trip reaches further back, the rate is that since the oldest.
 */
export class DeliveryRate {
  readonly #timesMs = new Float64Array(MARKS)
  /** Delivered in all when the mark was set, that acknowledgement not counted. */
  readonly #deliveredBytes = new Float64Array(MARKS)
  #first = 0
  #next = 0
  #totalBytes = 0

  /** Takes an acknowledgement and answers the rate in bit/s. */
  sample (nowMs: number, bytes: number, rttMs: number): number {
    const mark = this.#next++ % MARKS
    this.#timesMs[mark] = nowMs
    this.#deliveredBytes[mark] = this.#totalBytes
    this.#totalBytes += bytes
    this.#first = Math.max(this.#first, this.#next - MARKS)
    // The first mark that is within the round trip stays.
    while (this.#first < this.#next - 1 && this.#timesMs[this.#first % MARKS] <= nowMs - rttMs) {
      this.#first++
    }
    const sinceMs = this.#first === this.#next - MARKS ? nowMs - this.#timesMs[this.#first % MARKS] : rttMs
    return 8e3 * (this.#totalBytes - this.#deliveredBytes[this.#first % MARKS]) / Math.max(sinceMs, LEAST_MS)
  }
}

const MARKS = 128
/** No rate is measured over less. */
const LEAST_MS = 0.1
