import type { Precision } from '../experiment/definition.ts'
import { wiresOf } from '../results/data.ts'
import type { ResultsData } from '../results/data.ts'
import { warmUpCutMs } from '../results/warm-up.ts'
import type { Analysis } from './analysis.ts'
import { subjectOf } from './checks.ts'
import { formatValue, plural } from './format.ts'
import { effectsOf, lowerFirst } from './sentences.ts'
import { WIRE_PLACES } from './wire-words.ts'

/** One effect that was wanted with some precision. */
export interface PrecisionReached {
  readonly title: string
  /** Half the width of the relative effect's interval; absent where nothing could be compared. */
  readonly halfWidth?: number
  readonly reached: boolean
}

/** How the numbers of this report came about: seeds, when the run stopped, what was cut, and the correction. */
export function methodSentences (results: ResultsData, analysis: Analysis): string[] {
  const { plan, experiment: { precision } } = results.run
  return [
    `${join(plan.map(({ wire, seeds }) => `${plural(seeds.length, 'seed')} ${WIRE_PLACES[wire]}`))}; all arms of one seed meet the same network and the same arrivals.`,
    ...(precision === undefined ? ['The number of seeds was fixed beforehand.'] : [precisionSentence(results, analysis, precision)]),
    warmUpSentence(results),
    correctionSentence(results, analysis)
  ]
}

function precisionSentence (results: ResultsData, analysis: Analysis, precision: Precision): string {
  const targets = precisionReached(results, analysis, precision)
  const missed = targets.filter(({ reached }) => !reached)
  const seeds = results.run.plan.find(({ wire }) => wire === 'sim')?.seeds.length ?? 0
  const outcome = missed.length === 0
    ? `that was reached with ${seeds}`
    : `with ${seeds} it was reached for ${targets.length - missed.length} of ${targets.length}, not for ${missed.map(({ title, halfWidth }) => `${title} (${halfWidth === undefined ? 'nothing to compare' : points(halfWidth)})`).join('; ')}`
  return `The number of simulated seeds was not fixed beforehand: the run went on until the 95% intervals of ${plural(targets.length, 'effect')} were within ${points(precision.halfWidth)} or ${precision.maximumSeeds} seeds were run; ${outcome}.`
}

/** Each effect that was wanted with some precision, in simulation. */
export function precisionReached (results: ResultsData, { findings }: Analysis, { halfWidth: wanted, targets }: Precision): PrecisionReached[] {
  return targets.map((target) => {
    const { caseTitle, armTitle, metricDefinition } = subjectOf(results, target, 'precision')
    const title = `${lowerFirst(caseTitle)}, ${lowerFirst(metricDefinition.title)}, ${armTitle}`
    const relative = findings.find((finding) => finding.wire === 'sim' && finding.case.name === target.case && finding.metric.name === target.metric)
      ?.arms.find(({ arm }) => arm.name === target.arm)?.comparison?.relative
    if (relative === undefined) {
      return { title, reached: false }
    }
    const halfWidth = (relative.high - relative.low) / 2
    return { title, halfWidth, reached: halfWidth <= wanted }
  })
}

/** In percentage points of the baseline, as relative effects are. */
function points (halfWidth: number): string {
  return Number.isFinite(halfWidth) ? `±${Number((halfWidth * 100).toPrecision(2))} points` : 'one run'
}

function warmUpSentence (results: ResultsData): string {
  const cut = results.run.experiment.cases.filter(({ warmUpMs }) => warmUpMs !== undefined && warmUpMs !== 0)
  return cut.length === 0
    ? 'No warm-up is cut: every sample counts.'
    : `Samples that were complete while a case warmed up are left out: ${cut.map(({ name, title, warmUpMs }) => {
      const times = wiresOf(results, name).map((wire) => ({ wire, cutMs: warmUpCutMs(results, wire, name) }))
      return warmUpMs === 'mser-5'
        ? `${lowerFirst(title)}, by MSER-5 the first ${join(times.map(({ wire, cutMs }) => `${formatValue(cutMs, 'ms')} ${WIRE_PLACES[wire]}`))}`
        : `${lowerFirst(title)}, the first ${formatValue(times[0]?.cutMs ?? 0, 'ms')}`
    }).join('; ')}.`
}

function correctionSentence (results: ResultsData, { findings }: Analysis): string {
  const counts = wiresOf(results).map((wire) => ({ wire, count: effectsOf(findings.filter((finding) => finding.wire === wire)).length })).filter(({ count }) => count > 0)
  return counts.length === 0
    ? 'Nothing was compared.'
    : `p-values are corrected by Holm's method over all ${join(counts.map(({ wire, count }) => `${plural(count, 'comparison')} ${WIRE_PLACES[wire]}`))}.`
}

function join (parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts[parts.length - 1]}`
}
