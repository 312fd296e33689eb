import type { Clock } from '../core/clock.ts'

export interface MeasuredInterval {
  readonly bytes: number
  readonly durationMs: number
}

/** Cuts a transfer into intervals, each ended by the first bytes that come when its time is over, as libp2p's perf does. */
export class RateMeter {
  readonly intervals: MeasuredInterval[] = []
  readonly #clock: Clock
  readonly #intervalMs: number
  #startMs: number
  #bytes = 0

  /** Its first interval begins now. */
  constructor (clock: Clock, intervalMs: number) {
    this.#clock = clock
    this.#intervalMs = intervalMs
    this.#startMs = clock.now()
  }

  add (byteCount: number): void {
    this.#bytes += byteCount
    const durationMs = this.#clock.now() - this.#startMs
    if (durationMs >= this.#intervalMs) {
      this.intervals.push({ bytes: this.#bytes, durationMs })
      this.#startMs += durationMs
      this.#bytes = 0
    }
  }
}
