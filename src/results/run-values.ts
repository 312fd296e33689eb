import type { Metric, SampleEvent, Statistic } from '../experiment/definition.ts'
import type { UnitResult, WireName } from '../experiment/unit.ts'
import { mean, quantileSorted } from '../stats/quantile.ts'
import { compareUnits } from './data.ts'
import { settledSamples, warmUpCutMs } from './warm-up.ts'
import type { Measurements } from './warm-up.ts'

/** What one run says about one metric. */
export interface RunValue {
  readonly seed: string
  readonly samples: number
  readonly failures: number
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly maximum: number
  /** The metric's own statistic: the one number that the run contributes to every interval and comparison. */
  readonly value: number
  /** The sample at the quantile failed, or of a mean the middle one: the value is a bound, set by deadlines or by the length of the run, and no measurement. */
  readonly saturated: boolean
  /** No failed sample has a part in the value: of a mean none failed, of a quantile neither of the two samples that it lies between. A share of failures is always measured. */
  readonly measured: boolean
}

/**
 * The sample that says whether a statistic is a measurement, as the share of samples below it. A mean has a part of every
 * sample: it is one where the middle sample succeeded.
 */
const DECIDING_RANKS: Readonly<Partial<Record<Statistic, number>>> = { mean: 0.5, p50: 0.5, p90: 0.9, p95: 0.95, p99: 0.99, maximum: 1 }

/**
 * The values of one metric on one wire, by arm, in the order of seeds. Runs that failed, or recorded no such sample once the
 * case had warmed up, have none.
 *
 * A failure must never make an arm look good, neither by leaving the sample out nor by failing fast. It counts as what it
 * took to fail, or as the worst success that any arm had with the same seed, whichever is worse (worst-rank imputation); where
 * no arm had one, as the worst failure of any.
 */
export function runValues (results: Measurements, wire: WireName, caseName: string, metric: Metric): Map<string, RunValue[]> {
  const cutMs = warmUpCutMs(results, caseName)
  const bySeed = new Map<string, MeasuredUnit[]>()
  const units = results.units.filter((unit) => unit.wire === wire && unit.case === caseName && unit.error === undefined).sort(compareUnits)
  for (const result of units) {
    const unit = { arm: result.arm, seed: result.seed, samples: settledSamples(result, metric.sample, cutMs) }
    const group = bySeed.get(unit.seed)
    if (group === undefined) {
      bySeed.set(unit.seed, [unit])
    } else {
      group.push(unit)
    }
  }
  const byArm = new Map<string, RunValue[]>()
  for (const [seed, group] of bySeed) {
    const worst = worstOf(group, metric)
    for (const { arm, samples } of group) {
      if (samples.length > 0) {
        const list = byArm.get(arm) ?? []
        list.push(runValue(seed, samples, metric, worst))
        byArm.set(arm, list)
      }
    }
  }
  return byArm
}

/** The samples of one kind that one run had when the case had warmed up. */
type MeasuredUnit = Pick<UnitResult, 'arm' | 'seed' | 'samples'>

/** Of a seed on which nothing succeeded the worst failure: there all fail alike, however fast. */
function worstOf (group: readonly MeasuredUnit[], { better }: Metric): number {
  const samples = group.flatMap((unit) => unit.samples)
  const successes = samples.filter(({ ok }) => ok)
  return (successes.length > 0 ? successes : samples).reduce((worst, { value }) => better === 'lower' ? Math.max(worst, value) : Math.min(worst, value), better === 'lower' ? -Infinity : Infinity)
}

function runValue (seed: string, samples: readonly SampleEvent[], { better, statistic }: Metric, worst: number): RunValue {
  const sorted = Float64Array.from(samples, ({ ok, value }) => ok
    ? value
    : better === 'lower' ? Math.max(value, worst) : Math.min(value, worst)).sort()
  const failures = samples.filter(({ ok }) => !ok).length
  const statistics: Record<Statistic, number> = {
    mean: mean(sorted),
    p50: quantileSorted(sorted, 0.5),
    p90: quantileSorted(sorted, 0.9),
    p95: quantileSorted(sorted, 0.95),
    p99: quantileSorted(sorted, 0.99),
    maximum: sorted[sorted.length - 1],
    'failed-share': failures / sorted.length
  }
  const { 'failed-share': _share, p95: _p95, ...columns } = statistics
  return { seed, samples: sorted.length, failures, ...columns, value: statistics[statistic], ...validity(sorted.length, failures, { better, statistic }) }
}

/** Failures rank behind all successes: above them where lower is better, below where higher is. */
function validity (samples: number, failures: number, { better, statistic }: Pick<Metric, 'better' | 'statistic'>): Pick<RunValue, 'saturated' | 'measured'> {
  const share = DECIDING_RANKS[statistic]
  if (share === undefined || failures === 0) {
    return { saturated: false, measured: true }
  }
  const position = share * (samples - 1)
  const failed = (rank: number): boolean => better === 'lower' ? rank >= samples - failures : rank < failures
  return {
    saturated: failed(Math.round(position)),
    measured: statistic !== 'mean' && !failed(Math.floor(position)) && !failed(Math.ceil(position))
  }
}
