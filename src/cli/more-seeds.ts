import type { Precision } from '../experiment/definition.ts'
import type { TargetPrecision } from '../report/precision.ts'

/** Fewer are not worth another look, and every look adds to the chance of stopping at a lucky one. */
const LEAST = 5

export interface MoreSeeds {
  readonly count: number
  /** Names of the cases that need them. */
  readonly cases: readonly string[]
}

/**
 * How many simulated seeds to add, and to which cases, after so many: about what is missing, as an interval's width falls
 * with the square root of the seeds; at least 5, at most as many again, as the first seeds estimate the width badly.
 *
 * @returns undefined where every target is precise enough, has no pair of runs to be precise about, or no seed is left
 */
export function moreSeeds (precisions: readonly TargetPrecision[], { halfWidth: wanted, maximumSeeds }: Precision, seeds: number): MoreSeeds | undefined {
  const missing = precisions.filter(({ reached, pairs }) => !reached && pairs > 0)
  if (missing.length === 0 || seeds >= maximumSeeds) {
    return undefined
  }
  const widest = Math.max(...missing.map(({ halfWidth }) => halfWidth))
  const estimated = Math.ceil(seeds * ((widest / wanted) ** 2 - 1))
  return {
    count: Math.min(Math.max(LEAST, Math.min(estimated, seeds)), maximumSeeds - seeds),
    cases: [...new Set(missing.map(({ case: name }) => name))]
  }
}
