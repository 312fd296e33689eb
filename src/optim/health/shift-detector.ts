import { ChangeDetector } from './cusum.ts'
import type { Change } from './cusum.ts'

/** Samples that make the first baseline; until then nothing is found. */
const LEARNING_SAMPLES = 8
/** Weight of a sample in the baseline afterwards: it follows a new path within some hundreds of samples. */
const BASELINE_WEIGHT = 1 / 256
/** From the mean absolute deviation to the standard deviation of a normal distribution. */
const DEVIATION_FACTOR = Math.sqrt(Math.PI / 2)
/** Deviation of logarithms is never taken to be less: a shift of less than a quarter is none, however steady the path. */
const LEAST_DEVIATION = Math.log(1.25)
/** k: shifts by less than this many deviations count against the condition, as half of what must be found. */
const SLACK = 1
/** One sample counts for at most this many deviations, so that none alone is a change. */
const CLIP = 3
/**
 * h, in deviations. A false alarm comes once in about 400,000 samples on average (the ARL, which the tests compute) where
 * logarithms have heavy tails (Laplace), more rarely where they are normal. A doubling is found after 4 samples.
 */
const THRESHOLD = 7

/**
 * Finds that a positive quantity has shifted by a factor against its own slowly moving baseline: by a CUSUM of its
 * logarithm, in deviations of the baseline. `direction` 1 finds growth (of a round trip), -1 decline (of a rate).
 */
export class ShiftDetector extends ChangeDetector {
  readonly #direction: 1 | -1
  #samples = 0
  #mean = 0
  #absoluteDeviation = 0

  constructor (direction: 1 | -1) {
    super(THRESHOLD)
    this.#direction = direction
  }

  /** What is usual; undefined before the first sample. */
  get baseline (): number | undefined {
    return this.#samples === 0 ? undefined : Math.exp(this.#mean)
  }

  sample (value: number, nowMs: number): Change | undefined {
    if (!(value > 0)) {
      return undefined
    }
    const difference = Math.log(value) - this.#mean
    const learnt = this.#samples >= LEARNING_SAMPLES
    const deviation = Math.max(this.#absoluteDeviation * DEVIATION_FACTOR, LEAST_DEVIATION)
    this.#learn(difference, learnt)
    if (!learnt) {
      return undefined
    }
    const deviations = this.#direction * difference / deviation
    return this.add(Math.max(-CLIP, Math.min(CLIP, deviations)) - SLACK, nowMs)
  }

  #learn (difference: number, learnt: boolean): void {
    const weight = learnt ? BASELINE_WEIGHT : 1 / (this.#samples + 1)
    if (this.#samples > 0) {
      this.#absoluteDeviation += weight * (Math.abs(difference) - this.#absoluteDeviation)
    }
    this.#mean += weight * difference
    if (!learnt) {
      this.#samples++
    }
  }
}
