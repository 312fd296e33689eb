import type { RandomStream } from '../core/random.ts'
import { TwinwireError } from '../core/errors.ts'
import { isRatioBase, meanInterval, standardError, studentisedInterval } from './interval.ts'
import type { Interval } from './interval.ts'
import { checkFinite, mean } from './quantile.ts'

/** Up to here all 2^(n-1) assignments of signs are counted: half a million sums. */
const MAXIMUM_EXACT_PAIRS = 20
const RANDOM_FLIPS = 20_000

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
    pValue: signFlipPValue(differences, random.fork('sign-flip')),
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
 * The two-sided p-value of the sign-flip (paired permutation) test of the mean difference: exact up to 20 pairs, from
 * seeded random flips beyond. It assumes only that without an effect a difference is as likely to have either sign.
 */
export function signFlipPValue (differences: readonly number[], random: RandomStream): number {
  const magnitude = differences.reduce((sum, difference) => sum + Math.abs(difference), 0)
  // Rounding must not decide whether a sum is as far out as the observed one.
  const observed = Math.abs(differences.reduce((sum, difference) => sum + difference, 0)) - magnitude * 1e-9
  return differences.length <= MAXIMUM_EXACT_PAIRS ? exactPValue(differences, observed) : randomPValue(differences, observed, random)
}

/** A Gray code visits all assignments by one flip each; the first sign stays, as its mirror image has the same sum. */
function exactPValue (differences: readonly number[], observed: number): number {
  const signed = Float64Array.from(differences)
  const assignments = 2 ** (differences.length - 1)
  let sum = differences.reduce((total, difference) => total + difference, 0)
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

/** Counts the observed assignment too, so that no p-value is zero (Phipson and Smyth 2010). */
function randomPValue (differences: readonly number[], observed: number, random: RandomStream): number {
  let extreme = 1
  for (let i = 0; i < RANDOM_FLIPS; i++) {
    let sum = 0
    for (const difference of differences) {
      sum += random.next() < 0.5 ? difference : -difference
    }
    if (Math.abs(sum) >= observed) {
      extreme++
    }
  }
  return extreme / (RANDOM_FLIPS + 1)
}
