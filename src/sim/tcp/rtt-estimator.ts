import type { TcpOptions } from './options.ts'

/**
 * Smoothed round-trip time and retransmission timeout (RFC 6298). The clock's granularity G is a nanosecond, so the
 * RFC's max(G, 4 RTTVAR) is 4 RTTVAR.
 */
export class RttEstimator {
  /** -1 before the first sample. */
  srttNs = -1
  rttvarNs = 0
  /** The least round trip so far, delayed acknowledgements aside; infinite before the first. */
  leastNs = Infinity
  /** The timeout now, back-off included; a whole number. */
  rtoNs: number
  readonly #options: Readonly<TcpOptions>
  #baseRtoNs: number
  #backoff = 1

  constructor (options: Readonly<TcpOptions>) {
    this.#options = options
    this.#baseRtoNs = options.initialRtoNs
    this.rtoNs = Math.min(options.maximumRtoNs, options.initialRtoNs)
  }

  /**
   * Takes one measurement. Measured with timestamps, it may be of a segment that was retransmitted (RFC 6298 section 3:
   * Karn's rule need not be kept then).
   */
  sample (rttNs: number): void {
    if (this.srttNs < 0) {
      this.srttNs = rttNs
      this.rttvarNs = rttNs / 2
    } else {
      // RFC 6298 2.3: RTTVAR first, from the SRTT before this sample.
      this.rttvarNs += (Math.abs(this.srttNs - rttNs) - this.rttvarNs) / 4
      this.srttNs += (rttNs - this.srttNs) / 8
    }
    const { minimumRtoNs, minimumRtoBounds, maximumRtoNs } = this.#options
    const rtoNs = minimumRtoBounds === 'variance'
      ? this.srttNs + Math.max(minimumRtoNs, 4 * this.rttvarNs)
      : Math.max(minimumRtoNs, this.srttNs + 4 * this.rttvarNs)
    this.#baseRtoNs = Math.min(maximumRtoNs, Math.ceil(rtoNs))
    this.#setTimeout()
  }

  /** A round trip of the segment that was sent last among those acknowledged. */
  noteLeast (rttNs: number): void {
    if (rttNs < this.leastNs) {
      this.leastNs = rttNs
    }
  }

  /** RFC 6298 5.5: an expiry doubles the timeout. */
  backOff (): void {
    // Once at the maximum the factor must not grow on towards infinity.
    if (this.#baseRtoNs * this.#backoff < this.#options.maximumRtoNs) {
      this.#backoff *= 2
      this.#setTimeout()
    }
  }

  /** What was sent arrived: the timeout is the computed one again. */
  endBackOff (): void {
    if (this.#backoff !== 1) {
      this.#backoff = 1
      this.#setTimeout()
    }
  }

  #setTimeout (): void {
    this.rtoNs = Math.min(this.#options.maximumRtoNs, this.#baseRtoNs * this.#backoff)
  }
}
