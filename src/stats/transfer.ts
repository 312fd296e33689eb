import type { Interval } from './interval.ts'
import type { PairedEffect } from './paired.ts'

/** What a model's effect is worth where the reference is what counts. */
export type Transfer = 'same' | 'direction' | 'unsettled' | 'different'

/** Effects closer than a tenth count as the same: of the whole for reductions, of the effect itself for larger rises. */
const TOLERANCE = 0.1

export interface TransferContext {
  /** The smallest relative change that matters: what is smaller has no direction. */
  readonly minimumEffect: number
  /** Differences in the metric's unit that are as close as this count as the same whatever their ratio. */
  readonly absoluteTolerance: number
}

/**
 * How an effect that was found on a model compares with the one on its reference:
 *
 * - `same`: they differ by at most a tenth, or lie on one side with intervals that overlap, the reference's without zero;
 * - `direction`: they lie on one side and differ by more;
 * - `unsettled`: they lie on different sides, but their intervals overlap: more runs could settle it;
 * - `different`: they lie on different sides, beyond what chance explains.
 */
export function transfer (model: PairedEffect, reference: PairedEffect, { minimumEffect, absoluteTolerance }: TransferContext): Transfer {
  if (Math.abs(model.difference.estimate - reference.difference.estimate) <= absoluteTolerance) {
    return 'same'
  }
  const isRelative = model.relative !== undefined && reference.relative !== undefined
  const [found, expected] = isRelative ? [model.relative, reference.relative] : [model.difference, reference.difference]
  const side = ({ estimate }: Interval): number => isRelative && Math.abs(estimate) < minimumEffect ? 0 : Math.sign(estimate)
  const close = isRelative && Math.abs(found.estimate - expected.estimate) <= TOLERANCE * Math.max(1, Math.abs(expected.estimate))
  const overlap = found.low <= expected.high && expected.low <= found.high
  if (side(found) === side(expected)) {
    const settled = expected.low > 0 || expected.high < 0
    return close || side(found) === 0 || (overlap && settled) ? 'same' : 'direction'
  }
  return close ? 'same' : overlap ? 'unsettled' : 'different'
}
