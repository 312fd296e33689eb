import { NS_PER_S } from '../../core/units.ts'

/** An interval takes at least so many round trips, and at most four times as many. */
const LEAST_ROUNDS = 4
/** Of what was delivered so much must be lost, twice, at rates that differ by so little. */
const LOSS_SHARE = 50 / 256
const RATE_TOLERANCE = 1 / 8
const RATE_TOLERANCE_BYTES_PER_SECOND = 500
/** So long the rate found is believed. */
const BELIEVED_ROUNDS = 48

/**
 * BBR version 1's long-term estimate: where two intervals in a row, each ended by a loss, show many losses at the same
 * rate, a token bucket is taken to limit the flow, and that rate is used for a while.
 */
export class PolicerDetector {
  /** The policed rate in bytes a second; 0 where none is believed in. */
  rate = 0
  #sampling = false
  #rounds = 0
  #startNs = 0
  #startDelivered = 0
  #lostBytes = 0
  #previousRate = 0

  /** After an acknowledgement. True where a rate believed in has had its time. */
  update (nowNs: number, roundStart: boolean, deliveredBytes: number, lostBytes: number, applicationLimited: boolean): boolean {
    this.#lostBytes += lostBytes
    if (this.rate > 0) {
      if (roundStart && ++this.#rounds >= BELIEVED_ROUNDS) {
        this.reset()
        return true
      }
      return false
    }
    if (!this.#sampling) {
      if (lostBytes > 0) {
        this.#sampling = true
        this.#beginInterval(nowNs, deliveredBytes)
      }
      return false
    }
    if (applicationLimited) {
      this.reset()
      return false
    }
    this.#rounds += roundStart ? 1 : 0
    if (this.#rounds > 4 * LEAST_ROUNDS) {
      this.reset()
    } else if (this.#rounds >= LEAST_ROUNDS && lostBytes > 0) {
      this.#endInterval(nowNs, deliveredBytes)
    }
    return false
  }

  reset (): void {
    this.rate = 0
    this.#previousRate = 0
    this.#sampling = false
    this.#rounds = 0
  }

  #beginInterval (nowNs: number, deliveredBytes: number): void {
    this.#rounds = 0
    this.#startNs = nowNs
    this.#startDelivered = deliveredBytes
    this.#lostBytes = 0
  }

  #endInterval (nowNs: number, deliveredBytes: number): void {
    const bytes = deliveredBytes - this.#startDelivered
    const durationNs = nowNs - this.#startNs
    if (bytes <= 0 || durationNs <= 0 || this.#lostBytes < LOSS_SHARE * bytes) {
      return
    }
    const rate = bytes * NS_PER_S / durationNs
    const difference = Math.abs(rate - this.#previousRate)
    if (this.#previousRate > 0 && (difference <= RATE_TOLERANCE * this.#previousRate || difference <= RATE_TOLERANCE_BYTES_PER_SECOND)) {
      this.rate = (rate + this.#previousRate) / 2
      this.#rounds = 0
    } else {
      this.#previousRate = rate
      this.#beginInterval(nowNs, deliveredBytes)
    }
  }
}
