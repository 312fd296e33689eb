import { CONFIDENCE } from './interval.ts'
import type { PairedEffect } from './paired.ts'

export const VERDICTS = ['improved', 'regressed', 'no meaningful change', 'inconclusive'] as const
export type Verdict = typeof VERDICTS[number]

/** Beyond this the number of seeds is not worth stating: the effect is too close to the line, or to nothing. */
const MAXIMUM_STATED_SEEDS = 1000
const ALPHA = 1 - CONFIDENCE

export interface Judgement {
  readonly verdict: Verdict
  /** After correction over all comparisons. */
  readonly adjustedPValue: number
  /** Where inconclusive: about how many more seeds would settle it; absent where that would be more than 1000. */
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
export type JudgedEffect = Pick<PairedEffect, 'pairs' | 'baselineMean' | 'difference' | 'relative'>

/**
 * 'improved' and 'regressed' need an effect that is both significant and at least the minimum; 'no meaningful change'
 * needs an interval that lies within the minimum on both sides. Anything else is 'inconclusive'.
 */
export function judge (effect: JudgedEffect, context: JudgementContext): Judgement {
  const { adjustedPValue, better, minimumEffect } = context
  const { estimate, low, high } = relativeChange(effect)
  if (adjustedPValue < ALPHA && Math.abs(estimate) >= minimumEffect) {
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

/** From a baseline of zero any change is infinite, and none is none. */
function relativeChange ({ relative, difference }: JudgedEffect): { estimate: number, low: number, high: number } {
  const scaled = (value: number): number => value === 0 ? 0 : value * Infinity
  return relative ?? { estimate: scaled(difference.estimate), low: scaled(difference.low), high: scaled(difference.high) }
}

/**
 * An interval's width falls with the square root of the runs. It has to leave out zero where the effect is large enough
 * to matter, and to fit within the minimum where it is not; and the sign-flip test has to be able to reach alpha at all.
 */
function seedsMissing ({ pairs, difference, baselineMean }: JudgedEffect, { comparisons, minimumEffect }: JudgementContext): number {
  const minimum = minimumEffect * Math.max(0, baselineMean)
  const distance = Math.abs(difference.estimate)
  const wanted = distance >= minimum ? distance : minimum - distance
  const halfWidth = (difference.high - difference.low) / 2
  const needed = Number.isFinite(halfWidth) ? Math.ceil(pairs * (halfWidth / wanted) ** 2) : 0
  return Math.max(1, pairsNeeded(comparisons) - pairs, needed - pairs)
}
