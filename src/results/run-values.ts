import type { Metric, SampleEvent, Statistic } from '../experiment/definition.ts'
import type { UnitResult, WireName } from '../experiment/unit.ts'
import { mean, quantileSorted } from '../stats/quantile.ts'
import { compareUnits } from './data.ts'
import type { ResultsData } from './data.ts'

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
}

/**
 * The values of one metric on one wire, by arm, in the order of seeds. Runs that failed, or recorded no such sample, have
 * none.
 *
 * A failure must never make an arm look good, neither by leaving the sample out nor by failing fast. It counts as what it
 * took to fail, or as the worst success that any arm had with the same seed, whichever is worse (worst-rank imputation).
 */
export function runValues ({ units }: Pick<ResultsData, 'units'>, wire: WireName, caseName: string, metric: Metric): Map<string, RunValue[]> {
  const bySeed = new Map<string, UnitResult[]>()
  for (const unit of [...units].sort(compareUnits)) {
    if (unit.wire === wire && unit.case === caseName && unit.error === undefined) {
      const group = bySeed.get(unit.seed)
      if (group === undefined) {
        bySeed.set(unit.seed, [unit])
      } else {
        group.push(unit)
      }
    }
  }
  const byArm = new Map<string, RunValue[]>()
  for (const [seed, group] of bySeed) {
    const worst = worstSuccess(group, metric)
    for (const unit of group) {
      const samples = unit.samples.filter((sample) => sample.metric === metric.sample)
      if (samples.length > 0) {
        const list = byArm.get(unit.arm) ?? []
        list.push(runValue(seed, samples, metric, worst))
        byArm.set(unit.arm, list)
      }
    }
  }
  return byArm
}

function worstSuccess (group: readonly UnitResult[], { sample: name, better }: Metric): number | undefined {
  let worst: number | undefined
  for (const unit of group) {
    for (const { metric, ok, value } of unit.samples) {
      if (ok && metric === name && (worst === undefined || (better === 'lower' ? value > worst : value < worst))) {
        worst = value
      }
    }
  }
  return worst
}

function runValue (seed: string, samples: readonly SampleEvent[], { better, statistic }: Metric, worst: number | undefined): RunValue {
  const sorted = Float64Array.from(samples, ({ ok, value }) => ok || worst === undefined
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
  return { seed, samples: sorted.length, failures, ...columns, value: statistics[statistic] }
}
