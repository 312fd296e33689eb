import type { Interval } from './interval.ts'
import type { PairedEffect } from './paired.ts'
import { quantileSorted } from './quantile.ts'

/** What a model's effect is worth where the reference is what counts. */
export type Transfer = 'same' | 'direction' | 'unsettled' | 'different'

/** Effects closer than a tenth count as the same: of the whole for reductions, of the effect itself for larger rises. */
const TOLERANCE = 0.1
/** Fewer runs of the reference have an interval of next to everything. */
export const FEWEST_REFERENCE_RUNS = 3
/** Of so many runs of the model a next one lies beyond a given end once in 21. */
export const FEWEST_MODEL_RUNS = 20

export interface TransferContext {
  /** The smallest relative change that matters: what is smaller has no direction. */
  readonly minimumEffect: number
  /** Differences in the metric's unit that are as close as this count as the same whatever their ratio. */
  readonly absoluteTolerance: number
  /** What a reference of fewer than 3 runs is held to; absent: its own interval. */
  readonly singleRuns?: SingleRuns
}

/** The effects of a model's runs one by one: their median, and in place of a confidence interval the smallest and the largest. */
export type SingleRuns = Pick<PairedEffect, 'difference' | 'relative'>

/**
 * How an effect that was found on a model compares with the one on its reference:
 *
 * - `same`: they lie on one side and differ by at most a tenth, or their intervals overlap, the reference's without zero; or
 *   they lie on different sides and differ by at most a tenth, and by no more than the least that matters;
 * - `direction`: they lie on one side and differ by more;
 * - `unsettled`: they lie on different sides, but their intervals overlap: more runs could settle it;
 * - `different`: they lie on different sides, beyond what chance explains.
 *
 * One or two runs of the reference have no interval that would leave anything out. They are held to single runs of the model
 * instead: an effect that all of these have, and the reference not at all or the other way, is `different`. A next run of the
 * kind of n others lies beyond a given end of them once in n + 1, which is once in 21 with the 20 that are asked for; of many
 * comparisons so many, for nothing is corrected over them. That the model has no effect, or only sometimes, so few runs
 * cannot gainsay: what is random in the reference alone may be it.
 */
export function transfer (model: PairedEffect, reference: PairedEffect, { minimumEffect, absoluteTolerance, singleRuns }: TransferContext): Transfer {
  if (Math.abs(model.difference.estimate - reference.difference.estimate) <= absoluteTolerance) {
    return 'same'
  }
  const isRelative = model.relative !== undefined && reference.relative !== undefined
  const [found, expected] = isRelative ? [model.relative, reference.relative] : [model.difference, reference.difference]
  const side = ({ estimate }: Interval): number => isRelative && Math.abs(estimate) < minimumEffect ? 0 : Math.sign(estimate)
  const apart = Math.abs(found.estimate - expected.estimate)
  const close = isRelative && apart <= TOLERANCE * Math.max(1, Math.abs(expected.estimate))
  const overlap = found.low <= expected.high && expected.low <= found.high
  if (side(found) === side(expected)) {
    const settled = expected.low > 0 || expected.high < 0
    return close || side(found) === 0 || (overlap && settled) ? 'same' : 'direction'
  }
  if (close && apart <= minimumEffect) {
    return 'same'
  }
  if (singleRuns === undefined || reference.pairs >= FEWEST_REFERENCE_RUNS) {
    return overlap ? 'unsettled' : 'different'
  }
  const lacks = isRelative && singleRuns.relative !== undefined
    ? lacksEffect(expected.estimate, side(expected), singleRuns.relative, minimumEffect)
    : lacksEffect(reference.difference.estimate, side(expected), singleRuns.difference, isRelative ? minimumEffect * model.baselineMean : 0)
  return lacks ? 'different' : 'unsettled'
}

/** Whether all single runs have an effect of more than the least that matters, and a reference lies between none and them, or on the other side. */
function lacksEffect (estimate: number, side: number, { low, high }: Interval, least: number): boolean {
  return high < -least ? side >= 0 && estimate > high : low > least && side <= 0 && estimate < low
}

/**
 * The effects of single runs on the same seeds; undefined for fewer than 20, and without `relative` where a baseline is not
 * above zero.
 *
 * @param baseline one value a seed
 * @param arm the same seeds in the same order
 */
export function singleRunsOf (baseline: readonly number[], arm: readonly number[]): SingleRuns | undefined {
  if (baseline.length < FEWEST_MODEL_RUNS) {
    return undefined
  }
  const difference = rangeOf(arm.map((value, i) => value - baseline[i]))
  return baseline.every(value => value > 0) ? { difference, relative: rangeOf(arm.map((value, i) => value / baseline[i] - 1)) } : { difference }
}

function rangeOf (effects: readonly number[]): Interval {
  const sorted = Float64Array.from(effects).sort()
  return { estimate: quantileSorted(sorted, 0.5), low: sorted[0], high: sorted[sorted.length - 1] }
}
