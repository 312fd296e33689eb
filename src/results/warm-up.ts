import type { Metric, SampleEvent } from '../experiment/definition.ts'
import type { UnitResult } from '../experiment/unit.ts'
import { WIRES } from '../experiment/wire-pair.ts'
import { mserTruncation } from '../stats/mser.ts'
import { mean } from '../stats/quantile.ts'
import type { ExperimentDescription, ResultsData } from './data.ts'

/** What statistics over runs are made of. */
export interface Measurements extends Pick<ResultsData, 'units'> {
  readonly run: { readonly experiment: Pick<ExperimentDescription, 'cases'> }
}

/**
 * When a case has settled, in milliseconds of a run's time: samples that were complete before this are left out of every
 * statistic. 0 where the case has no warm-up. They stay in the results' files.
 *
 * Of `mser-5` it is one time for all arms, seeds and wires, for they must be compared over the same stretch: the latest that
 * the rule finds for any arm and any kind of sample that a goal is made of, on the most modelled wire that ran. The rule sees
 * the mean over seeds of the first, second, ... sample to be complete, because what noise hides in one run shows there (Welch
 * 1983). The order counts, and not the time, so that no bin can be empty; the time is the mean over seeds of that of the first
 * sample that is kept.
 */
export function warmUpCutMs ({ run, units }: Measurements, caseName: string): number {
  const { warmUpMs = 0, metrics = [] } = run.experiment.cases.find(({ name }) => name === caseName) ?? {}
  if (warmUpMs !== 'mser-5') {
    return warmUpMs
  }
  const good = units.filter((unit) => unit.case === caseName && unit.error === undefined)
  const wire = WIRES.find((wire) => good.some((unit) => unit.wire === wire))
  const byArm = Map.groupBy(good.filter((unit) => unit.wire === wire), ({ arm }) => arm)
  return Math.max(0, ...[...byArm.values()].flatMap((runs) => kindsOf(metrics).map((kind) => settledMs(runs, kind))))
}

/** The samples of a run that statistics are made of: those of one kind that were complete when its case had warmed up. */
export function settledSamples ({ samples }: UnitResult, kind: string, cutMs: number): SampleEvent[] {
  return samples.filter(({ metric, timeMs }) => metric === kind && timeMs >= cutMs)
}

function kindsOf (metrics: readonly Metric[]): string[] {
  return [...new Set(metrics.filter(({ role }) => role !== 'cost').map(({ sample }) => sample))]
}

function settledMs (runs: readonly UnitResult[], kind: string): number {
  const series = runs.map(({ samples }) => samples.filter(({ metric }) => metric === kind).sort(byTime)).filter(({ length }) => length > 0)
  if (series.length === 0) {
    return 0
  }
  const common = Math.min(...series.map(({ length }) => length))
  const means = Float64Array.from({ length: common }, (_, i) => mean(series.map((samples) => samples[i].value)))
  const truncation = mserTruncation(means)
  return truncation === 0 ? 0 : mean(series.map((samples) => samples[truncation].timeMs))
}

/** The value decides between samples of one time, so that the order of recording does not. */
function byTime (a: SampleEvent, b: SampleEvent): number {
  return (a.timeMs - b.timeMs) || (a.value - b.value)
}
