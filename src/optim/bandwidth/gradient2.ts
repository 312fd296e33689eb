import { INITIAL_LIMIT } from './concurrency-limit.ts'
import type { ConcurrencyLimit, ConcurrencySample } from './concurrency-limit.ts'

/** How far the round trip of now may exceed the usual one before the limit is lowered. */
const TOLERANCE = 1.5
/** What may queue at the peer, in requests: the step by which the limit grows. */
const QUEUE = 4
const SMOOTHING = 0.2
/** Samples that the usual round trip is averaged over, ... */
const LONG_WINDOW = 600
/** ... after so many that are simply averaged. */
const WARM_UP = 10

/**
 * Gradient2 of Netflix's concurrency-limits: compares each round trip with their long average,
 *
 * `g = clamp(1.5 long / short, 0.5, 1)`, `L <- 0.8 L + 0.2 (g L + queue)`.
 *
 * An average in place of a minimum tolerates requests of unequal cost. Where it deviates: a dropped request counts as the
 * least gradient (theirs ignores it), and each sample moves the limit (theirs gathers them into windows of a second).
 */
export class Gradient2 implements ConcurrencyLimit {
  readonly #maximum: number
  #estimate: number
  #longMs = 0
  #samples = 0

  /** @param maximum of the limit, whatever the samples say */
  constructor (maximum: number) {
    this.#maximum = maximum
    this.#estimate = Math.min(INITIAL_LIMIT, maximum)
  }

  get limit (): number {
    return Math.floor(this.#estimate)
  }

  /** Moves the limit by one sample. */
  onSample ({ rttMs, inFlight, dropped }: ConcurrencySample): void {
    if (!dropped) {
      this.#average(rttMs)
    }
    // Half-used, the limit was not what set the round trip.
    if (inFlight < this.#estimate / 2 && !dropped) {
      return
    }
    const gradient = dropped ? 0.5 : rttMs <= TOLERANCE * this.#longMs ? 1 : Math.max(TOLERANCE * this.#longMs / rttMs, 0.5)
    const estimate = (1 - SMOOTHING) * this.#estimate + SMOOTHING * (gradient * this.#estimate + (dropped ? 0 : QUEUE))
    this.#estimate = Math.min(Math.max(estimate, 1), this.#maximum)
  }

  #average (rttMs: number): void {
    this.#samples++
    this.#longMs += (rttMs - this.#longMs) * (this.#samples <= WARM_UP ? 1 / this.#samples : 2 / (LONG_WINDOW + 1))
    // Load is over, and the average is still of its time: without this it would take as long to believe it.
    if (this.#longMs > 2 * rttMs) {
      this.#longMs *= 0.9
    }
  }
}
