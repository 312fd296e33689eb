import type { AckSample } from './congestion.ts'

/**
 * Proportional Rate Reduction (RFC 9937, which obsoletes RFC 6937): during fast recovery the window goes from what it was
 * to ssthresh over one round trip, clocked by what is delivered. Where losses took more than that, as much is sent as is
 * delivered (PRR-CRB), and a segment more, as in slow start (PRR-SSRB), for each acknowledgement that advances and reports
 * no further loss: the RFC chooses between the bounds of its predecessor so, as Linux does since 4.3.
 */
export class ProportionalRateReduction {
  readonly #mssBytes: number
  #ssthreshBytes = 0
  #windowBytes = 0
  #deliveredBytes = 0
  #sentBytes = 0

  constructor (mssBytes: number) {
    this.#mssBytes = mssBytes
  }

  /** `windowBytes` is the window when the loss was found. */
  begin (windowBytes: number, ssthreshBytes: number): void {
    this.#windowBytes = windowBytes
    this.#ssthreshBytes = ssthreshBytes
    this.#deliveredBytes = 0
    this.#sentBytes = 0
  }

  onSent (bytes: number): void {
    this.#sentBytes += bytes
  }

  /** The window after an acknowledgement in recovery: what is in flight and whole segments on top. */
  cwndBytes ({ deliveredBytes, ackedBytes, lostBytes, pipeBytes }: AckSample): number {
    const mssBytes = this.#mssBytes
    this.#deliveredBytes += deliveredBytes
    const roomBytes = this.#ssthreshBytes - pipeBytes
    let mayBytes: number
    if (roomBytes < 0) {
      mayBytes = Math.ceil(this.#deliveredBytes * this.#ssthreshBytes / this.#windowBytes / mssBytes) * mssBytes - this.#sentBytes
    } else {
      // An advance of the cumulative acknowledgement means that the retransmission was not lost: one segment more.
      const bonusBytes = ackedBytes > 0 && lostBytes === 0 ? mssBytes : 0
      mayBytes = Math.min(roomBytes, Math.max(this.#deliveredBytes - this.#sentBytes, deliveredBytes) + bonusBytes)
    }
    // The first retransmission always goes: it is what the recovery waits for.
    return pipeBytes + Math.max(mayBytes, this.#sentBytes === 0 ? mssBytes : 0)
  }
}
