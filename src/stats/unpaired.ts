import type { RandomStream } from '../core/random.ts'
import { bootstrapInterval, isRatioBase, MINIMUM_FOR_BOOTSTRAP, standardError } from './interval.ts'
import type { Interval, Studentised } from './interval.ts'
import { checkFinite, mean } from './quantile.ts'

/** Up to so many ways to deal the runs out all are counted. */
const MAXIMUM_EXACT_DEALS = 20_000
const RANDOM_DEALS = 20_000

/** How one group of runs differs from another that shares no chance with it. */
export interface UnpairedEffect {
  readonly baselineRuns: number
  readonly armRuns: number
  readonly baselineMean: number
  readonly armMean: number
  /** Arm minus baseline, in the metric's unit. */
  readonly difference: Interval
  /** Mean of the arm over mean of the baseline, minus 1. Absent where the baseline's mean is not above zero by twice its standard error. */
  readonly relative?: Interval
  /** Of the studentised permutation test, two-sided: how often chance alone would part the groups this far. */
  readonly pValue: number
}

/**
 * Compares independent runs: both means are uncertain, and no seed ties one to the other. Intervals are studentised
 * bootstraps that resample each group by itself (Efron and Tibshirani 1993, sections 12.5 and 8.3); with fewer than 8 runs
 * in a group Student's with Welch's degrees of freedom (1947).
 *
 * @throws ERR_INVALID_OPTION for no values, or one that is not finite
 */
export function unpairedEffect (baseline: readonly number[], arm: readonly number[], random: RandomStream): UnpairedEffect {
  checkFinite(baseline, 'baseline')
  checkFinite(arm, 'arm')
  const baselineMean = mean(baseline)
  const effect = {
    baselineRuns: baseline.length,
    armRuns: arm.length,
    baselineMean,
    armMean: mean(arm),
    difference: differenceInterval(baseline, arm, random.fork('difference')),
    pValue: permutationPValue(baseline, arm, random.fork('permutation'))
  }
  return isRatioBase(baseline) ? { ...effect, relative: ratioInterval(baseline, arm, random.fork('relative')) } : effect
}

/** Mean of the arm minus mean of the baseline. */
export function differenceInterval (baseline: readonly number[], arm: readonly number[], random: RandomStream): Interval {
  return twoSampleInterval(baseline, arm, differenceOfMeans, random)
}

/** Mean of the arm over mean of the baseline, which is above zero, minus 1. */
export function ratioInterval (baseline: readonly number[], arm: readonly number[], random: RandomStream): Interval {
  const interval = twoSampleInterval(baseline, arm, ratioOfMeans, random)
  // Where no value is negative nothing can fall by more than all.
  return arm.every(value => value >= 0) && interval.low !== -Infinity ? { ...interval, low: Math.max(-1, interval.low) } : interval
}

interface Estimator {
  (baselineMean: number, armMean: number): number
  /** By how much the estimate moves with either mean: the delta method. */
  gradient(baselineMean: number, armMean: number): readonly [baseline: number, arm: number]
}

const differenceOfMeans: Estimator = Object.assign((baselineMean: number, armMean: number) => armMean - baselineMean, { gradient: () => [-1, 1] as const })

/** Minus 1. Of a resample whose baseline is all zero there is no ratio; no spread marks it as one to leave out. */
const ratioOfMeans: Estimator = Object.assign((baselineMean: number, armMean: number) => baselineMean > 0 ? armMean / baselineMean - 1 : 0, {
  gradient: (baselineMean: number, armMean: number) => baselineMean > 0 ? [-armMean / baselineMean ** 2, 1 / baselineMean] as const : [0, 0] as const
})

function twoSampleInterval (baseline: readonly number[], arm: readonly number[], estimator: Estimator, random: RandomStream): Interval {
  const observed = studentised(baseline, arm, estimator)
  if (baseline.length === 1 || arm.length === 1) {
    return { estimate: observed.estimate, low: -Infinity, high: Infinity }
  }
  const groups = [baseline, arm].map(values => Float64Array.from(values))
  const draw = (): Studentised => {
    [baseline, arm].forEach((values, group) => {
      for (let i = 0; i < values.length; i++) {
        groups[group][i] = values[random.integer(values.length)]
      }
    })
    return studentised(groups[0], groups[1], estimator)
  }
  const isFew = Math.min(baseline.length, arm.length) < MINIMUM_FOR_BOOTSTRAP
  return bootstrapInterval(observed, observed.degrees, isFew ? undefined : draw)
}

/** The estimate, its standard error, and Welch's degrees of freedom (Satterthwaite 1946). */
function studentised (baseline: ArrayLike<number>, arm: ArrayLike<number>, estimator: Estimator): Studentised & { readonly degrees: number } {
  const means = [mean(baseline), mean(arm)] as const
  const gradient = estimator.gradient(...means)
  const baselineVariance = varianceOfMean(baseline) * gradient[0] ** 2
  const armVariance = varianceOfMean(arm) * gradient[1] ** 2
  const variance = baselineVariance + armVariance
  const degrees = variance > 0
    ? variance ** 2 / (baselineVariance ** 2 / (baseline.length - 1) + armVariance ** 2 / (arm.length - 1))
    : baseline.length + arm.length - 2
  return { estimate: estimator(...means), standardError: Math.sqrt(variance), degrees }
}

/** Of one value nothing is known, and nothing is made of it. */
function varianceOfMean (values: ArrayLike<number>): number {
  return values.length === 1 ? 0 : standardError(values) ** 2
}

/**
 * The two-sided p-value of the permutation test of equal means with Welch's statistic: exact where the groups are alike in
 * all but the mean, and right in the limit where their spreads and sizes differ, which it is not with the bare difference
 * (Janssen 1997). All ways to deal the runs out are counted where they are few, random ones otherwise.
 */
export function permutationPValue (baseline: readonly number[], arm: readonly number[], random: RandomStream): number {
  const values = [...baseline, ...arm]
  // Rounding must not decide whether a deal is as far out as the observed one.
  const scale = values.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0)
  const statisticOf = (dealt: readonly number[]): number => welch(dealt, baseline.length, scale)
  const observed = statisticOf(values) * (1 - 1e-9)
  const deals = binomial(values.length, baseline.length)
  return deals <= MAXIMUM_EXACT_DEALS
    ? countDeals(values, baseline.length, dealt => statisticOf(dealt) >= observed) / deals
    : randomDeals(values, dealt => statisticOf(dealt) >= observed, random)
}

/**
 * How far apart the first so many values and the others are, in standard errors; groups without spread are infinitely so.
 *
 * @param scale the size of the values, to tell rounding from a difference
 */
function welch (values: readonly number[], first: number, scale: number): number {
  const baseline = values.slice(0, first)
  const arm = values.slice(first)
  const distance = Math.abs(mean(arm) - mean(baseline))
  if (distance <= scale * 1e-12) {
    return 0
  }
  const error = Math.sqrt(varianceOfMean(baseline) + varianceOfMean(arm))
  return error <= scale * 1e-12 ? Infinity : distance / error
}

/** The smallest p-value that groups of these sizes can have. With equal sizes a deal's mirror image is as far out. */
export function leastPermutationPValue (baselineRuns: number, armRuns: number): number {
  return Math.min(1, (baselineRuns === armRuns ? 2 : 1) / binomial(baselineRuns + armRuns, baselineRuns))
}

function binomial (total: number, chosen: number): number {
  let count = 1
  for (let i = 1; i <= Math.min(chosen, total - chosen); i++) {
    count = count * (total - i + 1) / i
  }
  return Math.round(count)
}

function countDeals (values: readonly number[], first: number, isCounted: (dealt: readonly number[]) => boolean): number {
  let counted = 0
  const deal = (next: number, taken: readonly number[], left: readonly number[]): void => {
    if (taken.length === first) {
      counted += Number(isCounted([...taken, ...left, ...values.slice(next)]))
    } else if (next < values.length) {
      deal(next + 1, [...taken, values[next]], left)
      deal(next + 1, taken, [...left, values[next]])
    }
  }
  deal(0, [], [])
  return counted
}

/** Counts the observed deal too, so that no p-value is zero (Phipson and Smyth 2010). */
function randomDeals (values: readonly number[], isCounted: (dealt: readonly number[]) => boolean, random: RandomStream): number {
  const dealt = [...values]
  let extreme = 1
  for (let i = 0; i < RANDOM_DEALS; i++) {
    extreme += Number(isCounted(random.shuffle(dealt)))
  }
  return extreme / (RANDOM_DEALS + 1)
}
