import { isPair, LEADING_PAIRS } from '../experiment/wire-pair.ts'
import type { WirePair } from '../experiment/wire-pair.ts'
import { quantile } from '../stats/quantile.ts'
import type { Analysis } from './analysis.ts'
import { CLOSE_VALUES } from './beliefs.ts'
import type { WireAgreement } from './wire-agreements.ts'

/** How far two wires agree in times, over all kinds of time that are compared. */
export interface AgreementFigures extends WirePair {
  /** Kinds of time, each in each arm. */
  readonly comparisons: number
  /** Median of the relative differences (without their signs) of the two wires' medians. */
  readonly median: number
  /** The same of their 99th percentiles; absent where no comparison has a ratio there. */
  readonly p99?: number
  /** Of those; fewer than of medians where requests failed. */
  readonly p99Comparisons: number
  /** Whether `median` is within what counts as the same. */
  readonly close: boolean
}

/**
 * Over times alone, as shares, counts and bytes have no delay to err in. A quantile that is a failure on both wires is left
 * out: that they waited for the same time limit says nothing. Undefined where no two wires have a time in common.
 */
export function agreementFigures ({ agreements }: Pick<Analysis, 'agreements'>, pair: WirePair): AgreementFigures | undefined {
  const { model, reference } = pair
  const times = agreements.filter((one) => isPair(one, pair) && one.metric.unit === 'ms')
  const medians = differencesAt(times, 0.5)
  const p99s = differencesAt(times, 0.99)
  if (medians.length === 0) {
    return undefined
  }
  const median = quantile(medians, 0.5)
  return { model, reference, comparisons: medians.length, median, ...(p99s.length === 0 ? {} : { p99: quantile(p99s, 0.5) }), p99Comparisons: p99s.length, close: median <= CLOSE_VALUES }
}

/** Of the pair that says most: the simulation against real peers where both ran. */
export function leadingFigures (analysis: Pick<Analysis, 'agreements'>): AgreementFigures | undefined {
  return LEADING_PAIRS.map((pair) => agreementFigures(analysis, pair)).find((figures) => figures !== undefined)
}

function differencesAt (agreements: readonly WireAgreement[], probability: number): number[] {
  return agreements.filter(({ failedAt }) => !failedAt.has(probability))
    .flatMap(({ quantiles }) => quantiles.filter((one) => one.probability === probability))
    .map(({ relative }) => Math.abs(relative.estimate)).filter(Number.isFinite)
}
