import type { Metric } from '../experiment/definition.ts'
import type { CaseDescription, ResultsData } from '../results/data.ts'
import type { Analysis } from './analysis.ts'
import { plural } from './format.ts'
import { effectsOf, leadingFindings, strength } from './sentences.ts'
import { samplesOf } from './wire-agreements.ts'

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
 * they vary), failures' shares left out. Where there are many, those with the largest effects.
 */
export function chooseDistributions (results: ResultsData, analysis: Analysis): DistributionChoice {
  const { cases, arms } = results.run.experiment
  const all = cases.filter((one) => one.sweep === undefined && (one.arms ?? arms).length > 1).flatMap((caseDescription) => {
    const metrics = samplesOf(caseDescription)
    return metrics.map((metric) => ({
      case: caseDescription,
      metric,
      id: `${caseDescription.name}-${metric.sample}`,
      title: metrics.length === 1 ? caseDescription.title : `${caseDescription.title}: ${metric.sample}`
    }))
  })
  if (all.length <= MAXIMUM_SHOWN) {
    return { shown: all, leftOut: 0 }
  }
  const effects = effectsOf(leadingFindings(results, analysis))
  const largest = new Map(all.map((one) => [one, Math.max(0, ...effects.filter(({ finding }) => finding.case === one.case && finding.metric.sample === one.metric.sample).map(strength))]))
  const shown = new Set([...all].sort((a, b) => (largest.get(b) ?? 0) - (largest.get(a) ?? 0)).slice(0, MAXIMUM_SHOWN))
  return { shown: all.filter((one) => shown.has(one)), leftOut: all.length - shown.size }
}

/** What is not drawn, and why; nothing where all is. */
export function leftOutSentence ({ shown, leftOut }: DistributionChoice): string {
  return leftOut === 0 ? '' : `Drawn are the ${shown.length} with the largest effects of ${plural(shown.length + leftOut, 'distribution')}; all samples are in samples.parquet.`
}
