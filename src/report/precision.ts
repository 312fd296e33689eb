import { randomStream } from '../core/random.ts'
import type { Precision } from '../experiment/definition.ts'
import type { ResultsData } from '../results/data.ts'
import { ANALYSIS_SEED } from './analysis.ts'
import { subjectOf } from './checks.ts'
import { findingsOf } from './findings.ts'
import type { Comparison } from './findings.ts'
import { formatValue, plural } from './format.ts'
import { lowerFirst } from './sentences.ts'

export type PrecisionTarget = Precision['targets'][number]

/** How precisely simulation knows an effect that was to be known to a stated precision. */
export interface TargetPrecision extends PrecisionTarget {
  /** Seeds that ran well in both arms. */
  readonly pairs: number
  /** Half the width of the 95% interval of the relative effect; infinite where there is none. */
  readonly halfWidth: number
  /** Whether that is as wanted. */
  readonly reached: boolean
}

/** Of each target, from the very intervals that the analysis of the same results states. */
export function precisionsOf ({ run, units }: ResultsData, { halfWidth: wanted, targets }: Precision): TargetPrecision[] {
  const isTargeted = (theCase: string, metric: string): boolean => targets.some((target) => target.case === theCase && target.metric === metric)
  const cases = run.experiment.cases.flatMap((theCase) => {
    const metrics = theCase.metrics.filter(({ name }) => isTargeted(theCase.name, name))
    return metrics.length === 0 ? [] : [{ ...theCase, metrics }]
  })
  const findings = findingsOf({ run: { ...run, experiment: { ...run.experiment, cases } }, units }, 'sim', randomStream(ANALYSIS_SEED).fork('sim'))
  return targets.map((target) => {
    const comparison = findings.find((finding) => finding.case.name === target.case && finding.metric.name === target.metric)
      ?.arms.find(({ arm }) => arm.name === target.arm)?.comparison
    const halfWidth = comparison === undefined ? Infinity : halfWidthOf(comparison)
    return { ...target, pairs: comparison?.pairs ?? 0, halfWidth, reached: halfWidth <= wanted }
  })
}

/** From a baseline of zero no change is exactly no change, and any other has no relative size. */
function halfWidthOf ({ relative, difference }: Comparison): number {
  return relative === undefined
    ? difference.low === 0 && difference.high === 0 ? 0 : Infinity
    : (relative.high - relative.low) / 2
}

/** In words, for a reader who must know that looking at the data decided how many there are; undefined where it did not. */
export function precisionSentence (results: ResultsData): string | undefined {
  const { precision } = results.run
  if (precision === undefined) {
    return undefined
  }
  const { halfWidth: wanted, maximumSeeds } = precision
  const found = precisionsOf(results, precision).map(({ pairs, halfWidth, reached, ...target }) =>
    `${titleOf(results, target)}: ${Number.isFinite(halfWidth) ? `±${formatShare(halfWidth)}` : 'not known'} after ${plural(pairs, 'seed')}${reached ? '' : ', which is not reached'}`)
  return `The number of seeds was found on the way: more were added while an effect was known less precisely than ±${formatShare(wanted)} (half of a 95% interval), up to ${maximumSeeds}. ${found.join('; ')}.`
}

function titleOf (results: ResultsData, target: PrecisionTarget): string {
  const { caseTitle, armTitle, metricDefinition } = subjectOf(results, target, 'precision')
  return `${lowerFirst(caseTitle)}, ${lowerFirst(metricDefinition.title)} of ${armTitle}`
}

function formatShare (share: number): string {
  return formatValue(share, 'share')
}
