import type { Metric } from '../experiment/definition.ts'
import type { CaseDescription, ResultsData } from '../results/data.ts'
import type { Analysis } from './analysis.ts'
import { plural } from './format.ts'
import { effectsOf, leadingFindings, lowerFirst, strength } from './sentences.ts'
import { sampleTitle, samplesOf } from './wire-agreements.ts'

/** More would make a page too large to send and too long to read. */
const MAXIMUM_SHOWN = 10

/** One kind of sample of one case. */
export interface Distribution {
  readonly case: CaseDescription
  readonly metric: Metric
  readonly id: string
  readonly title: string
}

export interface DistributionChoice {
  /** In the experiment's order. */
  readonly shown: readonly Distribution[]
  /** How many are not drawn because others have larger effects. */
  readonly leftOut: number
}

/**
 * Kinds of samples that are worth a distribution: of cases that compare arms and stand alone (sweeps are drawn along what
 * they vary), failures' shares left out. What a case is about comes before what it costs; where there are many, those with
 * the largest effects, and costs only in what room is left.
 */
export function chooseDistributions (results: ResultsData, analysis: Analysis): DistributionChoice {
  const { cases, arms } = results.run.experiment
  const all = cases.filter((one) => one.sweep === undefined && (one.arms ?? arms).length > 1).flatMap((caseDescription) => {
    return samplesOf(caseDescription).toSorted((a, b) => Number(isCost(caseDescription, a)) - Number(isCost(caseDescription, b))).map((metric) => ({
      case: caseDescription,
      metric,
      id: `${caseDescription.name}-${metric.sample}`,
      title: `${caseDescription.title}: ${lowerFirst(sampleTitle(metric))}`
    }))
  })
  if (all.length <= MAXIMUM_SHOWN) {
    return { shown: all, leftOut: 0 }
  }
  const effects = effectsOf(leadingFindings(results, analysis))
  const largest = new Map(all.map((one) => [one, Math.max(0, ...effects.filter(({ finding }) => finding.case === one.case && finding.metric.sample === one.metric.sample).map(strength))]))
  const shown = new Set([...all].sort((a, b) => Number(isCost(a.case, a.metric)) - Number(isCost(b.case, b.metric)) || (largest.get(b) ?? 0) - (largest.get(a) ?? 0)).slice(0, MAXIMUM_SHOWN))
  return { shown: all.filter((one) => shown.has(one)), leftOut: all.length - shown.size }
}

/** Whether all that is made of a metric's samples is what the case costs. */
function isCost ({ metrics }: CaseDescription, { sample }: Metric): boolean {
  return metrics.every((metric) => metric.sample !== sample || metric.role === 'cost')
}

/** What is not drawn, and why; nothing where all is. */
export function leftOutSentence ({ shown, leftOut }: DistributionChoice): string {
  return leftOut === 0 ? '' : `Drawn are the ${shown.length} with the largest effects of ${plural(shown.length + leftOut, 'distribution')}, goals before costs; all samples are in samples.parquet.`
}
