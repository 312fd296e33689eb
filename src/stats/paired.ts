import type { RandomStream } from '../core/random.ts'
import { TwinwireError } from '../core/errors.ts'
import { isRatioBase, meanInterval, standardError, studentisedInterval } from './interval.ts'
import type { Interval } from './interval.ts'
import { checkFinite, mean } from './quantile.ts'

/** Up to here all 2^(n-1) assignments of signs are counted: half a million sums. */
const MAXIMUM_COUNTED_PAIRS = 20
/** Beyond, differences are rounded to as many parts of the sum of their magnitudes. */
const UNITS = 2 ** 16

/** How one arm differs from another on the same seeds. */
export interface PairedEffect {
  readonly pairs: number
  /** Over the paired runs only. */
  readonly baselineMean: number
  readonly armMean: number
  /** Arm minus baseline, in the metric's unit. */
  readonly difference: Interval
  /** Mean of the arm over mean of the baseline, minus 1. Absent where the baseline's mean is not above zero by twice its standard error. */
  readonly relative?: Interval
  /** Of the sign-flip test, two-sided: how often chance alone would part the arms this far. */
  readonly pValue: number
  /**
   * Share of pairs in which the arm's value is the larger one, ties counted half: 0.5 is no tendency, 0 and 1 are without
   * exception. Vargha and Delaney's A (2000), McGraw and Wong's common language effect size (1992), for pairs.
   */
  readonly superiority: number
  /**
   * The mean difference in standard deviations of the differences (Cohen's d_z, 1988), with Hedges' correction for few pairs
   * (1981). It says how reliably one pair shows the effect, not how much it matters. Absent for fewer than 3 pairs, and where differences do not vary.
   */
  readonly standardised?: number
}

/**
 * Compares runs that share their seeds, and with them all chance that is not the arm's doing (common random numbers).
 *
 * @param baseline one value a seed
 * @param measured of the arm, the same seeds in the same order
 * @throws ERR_INVALID_OPTION for lists of different lengths, no values, or one that is not finite
 */
export function pairedEffect (baseline: readonly number[], measured: readonly number[], random: RandomStream): PairedEffect {
  if (baseline.length !== measured.length) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'pairs need two values each', { path: 'arm', expected: `${baseline.length} values`, found: String(measured.length) })
  }
  checkFinite(baseline, 'baseline')
  checkFinite(measured, 'arm')
  const arm = tied(baseline, measured)
  const differences = arm.map((value, i) => value - baseline[i])
  const baselineMean = mean(baseline)
  const standardised = standardisedMean(differences)
  const effect = {
    pairs: arm.length,
    baselineMean,
    armMean: mean(arm),
    difference: meanInterval(differences, random.fork('difference')),
    pValue: signFlipPValue(differences),
    superiority: mean(differences.map((difference) => difference > 0 ? 1 : difference < 0 ? 0 : 0.5)),
    ...standardised === undefined ? {} : { standardised }
  }
  return isRatioBase(baseline) ? { ...effect, relative: relativeInterval(baseline, arm, random.fork('relative')) } : effect
}

/** Values that differ by rounding alone are ties, for tests that count signs as for those that sum. */
function tied (baseline: readonly number[], arm: readonly number[]): number[] {
  return arm.map((value, i) => Math.abs(value - baseline[i]) <= 1e-9 * Math.max(Math.abs(value), Math.abs(baseline[i])) ? baseline[i] : value)
}

function standardisedMean (differences: readonly number[]): number | undefined {
  const count = differences.length
  const centre = mean(differences)
  const deviation = standardError(differences) * Math.sqrt(count)
  // Of two pairs the correction leaves nothing; the deviation of equal differences is rounding.
  return count > 2 && deviation > Math.abs(centre) * 1e-12 ? centre / deviation * (1 - 3 / (4 * (count - 1) - 1)) : undefined
}

/** Mean of the arm over mean of the baseline, which is above zero, minus 1: a ratio with its standard error by the delta method (Cochran 1977, section 6.4). */
export function relativeInterval (baseline: readonly number[], arm: readonly number[], random: RandomStream): Interval {
  const residuals = new Float64Array(arm.length)
  const interval = studentisedInterval(arm.length, (pick) => {
    let armSum = 0
    let baselineSum = 0
    for (let i = 0; i < arm.length; i++) {
      const index = pick === undefined ? i : pick[i]
      armSum += arm[index]
      baselineSum += baseline[index]
    }
    const ratio = armSum / baselineSum
    for (let i = 0; i < arm.length; i++) {
      const index = pick === undefined ? i : pick[i]
      residuals[i] = (arm[index] - ratio * baseline[index]) * arm.length / baselineSum
    }
    // A resample whose baseline is all zero has no ratio; no spread marks it as one to leave out.
    return baselineSum > 0 ? { estimate: ratio - 1, standardError: standardError(residuals) } : { estimate: 0, standardError: 0 }
  }, random)
  // Where no value is negative nothing can fall by more than all.
  return arm.every((value) => value >= 0) ? { ...interval, low: interval.low === -Infinity ? -Infinity : Math.max(-1, interval.low) } : interval
}

/**
 * The two-sided p-value of the sign-flip (paired permutation) test of the mean difference. It assumes only that without an
 * effect a difference is as likely to have either sign. Exact up to 20 pairs; beyond, differences are rounded to 65,536ths of
 * the sum of their magnitudes, so that the distribution of sums can be told in full (Pagano and Tritchler 1983), and a sum
 * that rounding may have kept from being as far out as the observed one counts as such: it is never too small. That costs
 * next to nothing up to some hundreds of pairs (0.12 standard deviations at 400).
 */
export function signFlipPValue (differences: readonly number[]): number {
  return differences.length <= MAXIMUM_COUNTED_PAIRS ? countedPValue(differences) : roundedPValue(differences)
}

/** A Gray code visits all assignments by one flip each; the first sign stays, as its mirror image has the same sum. */
function countedPValue (differences: readonly number[]): number {
  const magnitude = sumOf(differences.map(Math.abs))
  let sum = sumOf(differences)
  // Rounding must not decide whether a sum is as far out as the observed one.
  const observed = Math.abs(sum) - magnitude * 1e-9
  const signed = Float64Array.from(differences)
  const assignments = 2 ** (differences.length - 1)
  let extreme = 1
  for (let i = 1; i < assignments; i++) {
    const flipped = 32 - Math.clz32(i & -i)
    signed[flipped] = -signed[flipped]
    sum += 2 * signed[flipped]
    if (Math.abs(sum) >= observed) {
      extreme++
    }
  }
  return extreme / assignments
}

/** Difference by difference, how likely each sum of those is whose sign is positive; the others' sum follows from it. */
function roundedPValue (differences: readonly number[]): number {
  const magnitude = sumOf(differences.map(Math.abs))
  if (magnitude === 0) {
    return 1
  }
  const rounded = differences.map((difference) => Math.round(difference / magnitude * UNITS))
  const units = rounded.map(Math.abs)
  const total = sumOf(units)
  const likelihood = new Float64Array(total + 1)
  likelihood[0] = 1
  let reached = 0
  for (const unit of units) {
    reached += unit
    for (let sum = reached; sum >= 0; sum--) {
      likelihood[sum] = (likelihood[sum] + (sum >= unit ? likelihood[sum - unit] : 0)) / 2
    }
  }
  // Each of the two sums is off by half a unit a difference at most.
  const observed = Math.abs(sumOf(rounded)) - differences.length
  // Of more than a thousand pairs the least likelihoods are below what a number can be.
  return Math.max(Number.MIN_VALUE, Math.min(1, sumOf(likelihood.filter((_, positive) => Math.abs(2 * positive - total) >= observed))))
}

function sumOf (values: Iterable<number>): number {
  let sum = 0
  for (const value of values) {
    sum += value
  }
  return sum
}
