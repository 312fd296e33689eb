import type { Experiment, Metric } from '../experiment/definition.ts'
import type { UnitResult } from '../experiment/unit.ts'
import { formatPercent } from '../report/format.ts'
import { runValues } from '../results/run-values.ts'
import type { Measurements } from '../results/warm-up.ts'
import { quantile } from '../stats/quantile.ts'

/**
 * What a run under way has found so far, in a few words: how the arm of the experiment's first threshold compares with
 * its baseline in simulation. Without interval or verdict, which are for the end; empty where there is no threshold.
 */
export class RunningEstimate {
  readonly #subject: Subject | undefined
  readonly #cases: Experiment['cases']
  readonly #units: UnitResult[] = []
  #text = ''
  #stale = false

  constructor (experiment: Experiment) {
    this.#cases = experiment.cases
    this.#subject = subjectOf(experiment)
  }

  add (unit: UnitResult): void {
    if (unit.wire === 'sim' && unit.case === this.#subject?.caseName) {
      this.#units.push(unit)
      this.#stale = true
    }
  }

  toString (): string {
    if (this.#stale && this.#subject !== undefined) {
      this.#text = describe(this.#subject, { run: { experiment: { cases: this.#cases } }, units: this.#units })
      this.#stale = false
    }
    return this.#text
  }
}

interface Subject {
  readonly caseName: string
  readonly metric: Metric
  readonly arm: string
  readonly baseline: string
}

function subjectOf ({ arms, cases, thresholds: [threshold] }: Experiment): Subject | undefined {
  const metric = cases.find(({ name }) => name === threshold?.case)?.metrics.find(({ name }) => name === threshold?.metric)
  return threshold === undefined || metric === undefined
    ? undefined
    : { caseName: threshold.case, metric, arm: threshold.arm, baseline: metric.baseline ?? arms[0].name }
}

function describe ({ caseName, metric, arm, baseline }: Subject, measurements: Measurements): string {
  const values = runValues(measurements, 'sim', caseName, metric)
  const baselines = new Map(values.get(baseline)?.map(({ seed, value }) => [seed, value]))
  const changes: number[] = []
  for (const { seed, value } of values.get(arm) ?? []) {
    const reference = baselines.get(seed) ?? 0
    if (reference > 0) {
      changes.push(value / reference - 1)
    }
  }
  return changes.length === 0 ? '' : `${caseName} ${metric.name}: ${arm} ${formatPercent(quantile(changes, 0.5))} so far`
}
