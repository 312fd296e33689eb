import type { Clock } from './clock.ts'

// @libp2p/utils 7, adaptive-timeout.ts and moving-average.ts.
const TIMEOUT_FACTOR = 1.2
const FAILURE_FACTOR = 2
const MINIMUM_TIMEOUT_MS = 5_000
const MAXIMUM_TIMEOUT_MS = 60_000
const AVERAGE_SPAN_MS = 5_000

/**
 * js-libp2p's `AdaptiveTimeout` on a clock of ours: a time-out that follows a moving average of what earlier attempts took,
 * failed ones counted twice, between 5 and 60 s.
 */
export class AdaptiveTimeout {
  readonly #clock: Clock
  readonly #minimumMs: number
  #averageMs = 0
  #averagedAtMs: number | undefined

  /** @param minimumMs its `minTimeout`, milliseconds */
  constructor (clock: Clock, minimumMs = MINIMUM_TIMEOUT_MS) {
    this.#clock = clock
    this.#minimumMs = minimumMs
  }

  /** For the next attempt. */
  get timeoutMs (): number {
    return Math.min(MAXIMUM_TIMEOUT_MS, Math.max(this.#minimumMs, Math.round(this.#averageMs * TIMEOUT_FACTOR)))
  }

  /** An attempt has ended; `aborted`: by its time-out or its caller. */
  ended (tookMs: number, aborted: boolean): void {
    const sampleMs = aborted ? tookMs * FAILURE_FACTOR : tookMs
    const nowMs = this.#clock.now()
    if (this.#averagedAtMs === undefined) {
      this.#averageMs = sampleMs
    } else {
      const weight = 1 - Math.exp(-(nowMs - this.#averagedAtMs) / AVERAGE_SPAN_MS)
      this.#averageMs += weight * (sampleMs - this.#averageMs)
    }
    this.#averagedAtMs = nowMs
  }
}
