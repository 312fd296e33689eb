import type { RandomStream } from '../core/random.ts'
import { checkFinite, mean, quantileSorted } from './quantile.ts'

/** Of every interval in twinwire. */
export const CONFIDENCE = 0.95

/** Draws of a bootstrap: the ends of an interval then vary by about 2% of its width between random streams. */
const RESAMPLES = 4000
const TAIL = (1 - CONFIDENCE) / 2

/** With fewer values a bootstrap knows too little of the distribution: Student's interval assumes more and errs less. */
export const MINIMUM_FOR_BOOTSTRAP = 8

/** An estimate and its 95% confidence interval, over runs. Of one run the interval is the whole line. */
export interface Interval {
  readonly estimate: number
  readonly low: number
  readonly high: number
}

/**
 * The mean with a studentised bootstrap interval (Efron and Tibshirani 1993, section 12.5), which keeps its coverage for
 * the skewed values that latencies are, where percentile intervals are too short.
 *
 * @param values one a run: samples within a run depend on each other and must not be resampled
 * @throws ERR_INVALID_OPTION for no values, or one that is not finite
 */
export function meanInterval (values: readonly number[], random: RandomStream): Interval {
  checkFinite(values, 'values')
  const sample = new Float64Array(values.length)
  return studentisedInterval(values.length, (pick) => {
    for (let i = 0; i < sample.length; i++) {
      sample[i] = values[pick === undefined ? i : pick[i]]
    }
    const estimate = mean(sample)
    return { estimate, standardError: standardError(sample, estimate) }
  }, random)
}

/**
 * The median with a percentile bootstrap interval: the median has no standard error to studentise with.
 *
 * @throws ERR_INVALID_OPTION for no values, or one that is not finite
 */
export function medianInterval (values: readonly number[], random: RandomStream): Interval {
  checkFinite(values, 'values')
  const sorted = Float64Array.from(values).sort()
  const estimate = quantileSorted(sorted, 0.5)
  if (values.length === 1) {
    return { estimate, low: -Infinity, high: Infinity }
  }
  // How often each value was drawn: cheaper than to sort the draws.
  const counts = new Uint32Array(sorted.length)
  return percentileInterval(estimate, () => {
    counts.fill(0)
    for (let i = 0; i < counts.length; i++) {
      counts[random.integer(counts.length)]++
    }
    return medianCounted(sorted, counts)
  })
}

/** The median of as many values as there are, each so often as it counts. */
function medianCounted (sorted: Float64Array, counts: Uint32Array): number {
  const middle = (sorted.length - 1) >> 1
  let i = 0
  let seen = counts[0]
  while (seen <= middle) {
    seen += counts[++i]
  }
  const low = sorted[i]
  if (sorted.length % 2 === 1) {
    return low
  }
  while (seen <= middle + 1) {
    seen += counts[++i]
  }
  return low + (sorted[i] - low) * 0.5
}

/** The middle 95% of what `draw` gives. */
export function percentileInterval (estimate: number, draw: () => number): Interval {
  const draws = new Float64Array(RESAMPLES)
  for (let i = 0; i < RESAMPLES; i++) {
    draws[i] = draw()
  }
  draws.sort()
  return { estimate, low: quantileSorted(draws, TAIL), high: quantileSorted(draws, 1 - TAIL) }
}

export interface Studentised {
  readonly estimate: number
  readonly standardError: number
}

/**
 * The interval of any estimate that comes with a standard error.
 *
 * @param count of runs
 * @param evaluate the estimate over the picked runs (indices, with repetition), or over all runs where nothing is picked
 */
export function studentisedInterval (count: number, evaluate: (pick?: Uint32Array) => Studentised, random: RandomStream): Interval {
  const observed = evaluate()
  if (count === 1) {
    return { estimate: observed.estimate, low: -Infinity, high: Infinity }
  }
  const pick = new Uint32Array(count)
  return bootstrapInterval(observed, count - 1, count < MINIMUM_FOR_BOOTSTRAP
    ? undefined
    : () => {
        for (let j = 0; j < count; j++) {
          pick[j] = random.integer(count)
        }
        return evaluate(pick)
      })
}

/**
 * A studentised bootstrap interval from resamples, whichever way they are made.
 *
 * @param degrees of freedom of the standard error, for Student's interval where there are no resamples or too many of them have no spread
 * @param draw the estimate over a resample; absent where there are too few runs to resample
 */
export function bootstrapInterval ({ estimate, standardError }: Studentised, degrees: number, draw?: () => Studentised): Interval {
  // Values that are equal but for rounding have no spread to resample.
  if (standardError <= Math.abs(estimate) * 1e-12) {
    return { estimate, low: estimate, high: estimate }
  }
  const student = studentQuantile(degrees)
  const fallback = { estimate, low: estimate - student * standardError, high: estimate + student * standardError }
  if (draw === undefined) {
    return fallback
  }
  const ratios = new Float64Array(RESAMPLES)
  let degenerate = 0
  for (let i = 0; i < RESAMPLES; i++) {
    const drawn = draw()
    if (drawn.standardError <= standardError * 1e-6) {
      degenerate++
    } else {
      ratios[i] = (drawn.estimate - estimate) / drawn.standardError
    }
  }
  // Nearly all runs equal and a few that are not: resamples without those have no spread to divide by.
  if (degenerate > RESAMPLES * 0.001) {
    return fallback
  }
  ratios.sort()
  return {
    estimate,
    low: estimate - quantileSorted(ratios, 1 - TAIL) * standardError,
    high: estimate - quantileSorted(ratios, TAIL) * standardError
  }
}

/** Of the mean of independent values. */
export function standardError (values: ArrayLike<number>, centre = mean(values)): number {
  let squares = 0
  for (let i = 0; i < values.length; i++) {
    squares += (values[i] - centre) ** 2
  }
  return Math.sqrt(squares / (values.length - 1) / values.length)
}

/**
 * Whether values have a mean that something can be related to: above zero by twice its own standard error or more. Nearer to
 * zero a ratio to it has no error that the delta method could give (Fieller 1954): its interval would be anything.
 */
export function isRatioBase (values: ArrayLike<number>): boolean {
  const centre = mean(values)
  return centre > 0 && (values.length === 1 || centre >= 2 * standardError(values))
}

const STUDENT_975 = [12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228]
const NORMAL_975 = 1.959964

/** The 97.5% quantile of Student's t; from 11 degrees of freedom by Cornish-Fisher expansion, within 0.0002. */
function studentQuantile (degrees: number): number {
  if (degrees <= STUDENT_975.length) {
    // Of a fraction the whole below it, which is the wider.
    return STUDENT_975[Math.max(1, Math.floor(degrees)) - 1]
  }
  const z = NORMAL_975
  return z + (z ** 3 + z) / (4 * degrees) + (5 * z ** 5 + 16 * z ** 3 + 3 * z) / (96 * degrees ** 2) +
    (3 * z ** 7 + 19 * z ** 5 + 17 * z ** 3 - 15 * z) / (384 * degrees ** 3)
}
