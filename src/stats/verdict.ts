import { CONFIDENCE } from './interval.ts'
import type { PairedEffect } from './paired.ts'

export const VERDICTS = ['improved', 'regressed', 'no meaningful change', 'inconclusive'] as const
export type Verdict = typeof VERDICTS[number]

/** Beyond this the number of seeds is not worth stating: the effect is too close to the line, or to nothing. */
const MAXIMUM_STATED_SEEDS = 1000
const ALPHA = 1 - CONFIDENCE
/** From this p-value on what was seen says nothing about how many seeds would show an effect. */
const UNLIKELY = 0.5

export interface Judgement {
  readonly verdict: Verdict
  /** After correction over all comparisons. */
  readonly adjustedPValue: number
  /** Where inconclusive: about how many more seeds would settle it; absent where that would be more than 1000, and where chance explains the difference (p of a half or more) though there are seeds enough. */
  readonly moreSeeds?: number
}

export interface JudgementContext {
  readonly adjustedPValue: number
  /** How many comparisons were corrected together. */
  readonly comparisons: number
  readonly better: 'lower' | 'higher'
  /** The smallest relative change that matters: 0.05 is 5%. */
  readonly minimumEffect: number
}

/** What of an effect a verdict is made of; of groups that share no seeds `pairs` is the size of the smaller. */
export type JudgedEffect = Pick<PairedEffect, 'pairs' | 'baselineMean' | 'difference' | 'relative' | 'pValue'>

/**
 * 'improved' and 'regressed' need an effect that is significant, at least the minimum, and has an interval without zero (of
 * the ratio where there is one, else of the difference: the one that is shown); 'no meaningful change'
 * needs an interval that lies within the minimum on both sides. Anything else is 'inconclusive'.
 */
export function judge (effect: JudgedEffect, context: JudgementContext): Judgement {
  const { adjustedPValue, better, minimumEffect } = context
  const { estimate, low, high } = relativeChange(effect)
  if (adjustedPValue < ALPHA && Math.abs(estimate) >= minimumEffect && (low > 0 || high < 0)) {
    return { verdict: (estimate < 0) === (better === 'lower') ? 'improved' : 'regressed', adjustedPValue }
  }
  if (low >= -minimumEffect && high <= minimumEffect) {
    return { verdict: 'no meaningful change', adjustedPValue }
  }
  const moreSeeds = seedsMissing(effect, context)
  return moreSeeds <= MAXIMUM_STATED_SEEDS
    ? { verdict: 'inconclusive', adjustedPValue, moreSeeds }
    : { verdict: 'inconclusive', adjustedPValue }
}

/**
 * How many pairs it takes before any of so many comparisons can be significant: the least p-value of the sign-flip test,
 * 2^(1 - pairs), times all of them (Holm's first step) has to be below alpha.
 */
export function pairsNeeded (comparisons: number): number {
  return Math.ceil(1 + Math.log2(comparisons / ALPHA))
}

/** From a baseline of zero, or too near to it for a ratio, any change is infinite, and none is none. */
function relativeChange ({ relative, difference }: JudgedEffect): { estimate: number, low: number, high: number } {
  const scaled = (value: number): number => value === 0 ? 0 : value * Infinity
  return relative ?? { estimate: scaled(difference.estimate), low: scaled(difference.low), high: scaled(difference.high) }
}

/**
 * An interval's width falls with the square root of the runs. It has to leave out zero where the effect is large enough
 * to matter, at the level that correction leaves to this comparison, and to fit within the minimum where it is not; and the
 * sign-flip test has to be able to reach alpha at all. Infinite where chance explains the difference.
 */
function seedsMissing ({ pairs, difference, relative, baselineMean, pValue }: JudgedEffect, { adjustedPValue, comparisons, minimumEffect }: JudgementContext): number {
  const forTest = pairsNeeded(comparisons) - pairs
  if (adjustedPValue >= UNLIKELY && forTest <= 0) {
    return Infinity
  }
  const minimum = minimumEffect * Math.max(0, baselineMean)
  const distance = Math.abs(difference.estimate)
  const matters = distance >= minimum
  const wanted = matters ? distance : minimum - distance
  // By how much correction multiplied this p-value is by how much less its level is; a p-value of 1 hides by how much.
  const level = ALPHA * Math.min(1, pValue / adjustedPValue)
  const widening = matters ? normalQuantile(1 - level / 2) / normalQuantile(1 - ALPHA / 2) : 1
  const halfWidth = widening * Math.max(difference.high - difference.low, relative === undefined ? 0 : (relative.high - relative.low) * baselineMean) / 2
  const needed = Number.isFinite(halfWidth) ? Math.ceil(pairs * (halfWidth / wanted) ** 2) : 0
  return Math.max(1, forTest, needed - pairs)
}

/** Above a half, within 0.0005 (Abramowitz and Stegun 1964, 26.2.23). */
function normalQuantile (share: number): number {
  const t = Math.sqrt(-2 * Math.log(1 - share))
  return t - (2.515517 + 0.802853 * t + 0.010328 * t ** 2) / (1 + 1.432788 * t + 0.189269 * t ** 2 + 0.001308 * t ** 3)
}
