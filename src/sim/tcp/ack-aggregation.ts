import { NS_PER_MS, NS_PER_S } from '../../core/units.ts'

/** The excess counts for one to two spans of so many rounds. */
const SPAN_ROUNDS = 5
/** More than the path brings in this time is not made up for. */
const MOST_NS = 100 * NS_PER_MS

/** How many bytes acknowledgements bring together beyond what the rate explains: what a sender needs in flight on top. */
export class AckAggregation {
  readonly #mssBytes: number
  #epochNs = 0
  #epochBytes = 0
  #rounds = 0
  #present = 0
  #previous = 0

  constructor (mssBytes: number) {
    this.#mssBytes = mssBytes
  }

  /** Something happened that begins anew, such as sending after a pause. */
  restart (nowNs: number): void {
    this.#epochNs = nowNs
    this.#epochBytes = 0
  }

  update (nowNs: number, deliveredBytes: number, rate: number, cwndBytes: number, roundStart: boolean): void {
    if (roundStart && ++this.#rounds >= SPAN_ROUNDS) {
      this.#rounds = 0
      this.#previous = this.#present
      this.#present = 0
    }
    // Linux counts whole segments and rounds rate and expectation down: what comes in pairs is one more than expected.
    const expected = Math.floor(Math.floor(rate) * (nowNs - this.#epochNs) / NS_PER_S / this.#mssBytes)
    let expectedBytes = expected * this.#mssBytes
    if (this.#epochBytes <= expectedBytes) {
      this.restart(nowNs)
      expectedBytes = 0
    }
    this.#epochBytes += deliveredBytes
    this.#present = Math.max(this.#present, Math.min(this.#epochBytes - expectedBytes, cwndBytes))
  }

  extraBytes (rate: number): number {
    return Math.min(Math.max(this.#present, this.#previous), rate * MOST_NS / NS_PER_S)
  }
}
