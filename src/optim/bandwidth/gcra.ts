/**
 * Paces bytes at a rate, with a burst: the generic cell rate algorithm (ITU-T I.371, annex A, in its continuous form),
 * `TAT = max(now, TAT) + bytes / R`. A message conforms while `TAT - now <= burst`, whatever its size: one that is larger
 * than the burst goes into debt, and what follows waits, rather than itself for ever.
 *
 * Over any window of time T the bytes of conforming messages are <= R T + burst + one message. What is kept is not TAT
 * but `TAT - now` as of the last look at the clock, so that a clock that jumps backwards changes nothing, and one that
 * jumps forwards, or a long pause, mints the burst at most.
 */
export class Gcra {
  readonly #msPerByte: number
  readonly #burstMs: number
  #aheadMs = 0
  #seenMs = -Infinity

  /** @param rateBitsPerSecond Infinity: everything conforms */
  constructor (rateBitsPerSecond: number, burstBytes: number) {
    this.#msPerByte = 8e3 / rateBitsPerSecond
    this.#burstMs = rateBitsPerSecond === Infinity ? 0 : burstBytes * this.#msPerByte
  }

  /** How long until a message conforms, in milliseconds; 0 where one does now. */
  delayMs (nowMs: number): number {
    this.#advance(nowMs)
    const delayMs = this.#aheadMs - this.#burstMs
    return delayMs > RESOLUTION_MS ? delayMs : 0
  }

  /** Whether all that was charged is paid for, so that this is as good as new. */
  isAtRest (nowMs: number): boolean {
    this.#advance(nowMs)
    return this.#aheadMs === 0
  }

  /** Charges what was sent, whether or not it conformed. */
  take (nowMs: number, bytes: number): void {
    this.#advance(nowMs)
    this.#aheadMs += bytes * this.#msPerByte
  }

  /** Gives back what was charged and not sent after all; never more than brings it to rest. */
  refund (bytes: number): void {
    this.#aheadMs = Math.max(0, this.#aheadMs - bytes * this.#msPerByte)
  }

  #advance (nowMs: number): void {
    this.#aheadMs = Math.max(0, this.#aheadMs - Math.max(0, nowMs - this.#seenMs))
    this.#seenMs = nowMs
  }
}

/** In milliseconds. Clocks count whole nanoseconds at best: a timer must not find that it came a rounding too early. */
export const RESOLUTION_MS = 1e-6
