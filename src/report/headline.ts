import { MODULES } from '../experiment/definition.ts'
import type { Arm } from '../experiment/definition.ts'
import type { ExperimentDescription, ResultsData } from '../results/data.ts'
import type { Analysis } from './analysis.ts'
import { countedEffects, countedGoals, countedParts } from './counted.ts'
import type { ComparisonVerdict } from './findings.ts'
import { countOf, formatEffect, formatValue, plural } from './format.ts'
import { largestGain, largestGainText, realComparison } from './largest-gain.ts'
import type { LargestGain } from './largest-gain.ts'
import { againstRivals, rivalsClause } from './rivals.ts'
import type { AgainstRivals } from './rivals.ts'
import { byStrength, effectsOf, leadingFindings, lowerFirst, strength, tally, upperFirst } from './sentences.ts'
import type { Effect } from './sentences.ts'
import { WIRE_PLACES } from './wire-words.ts'

/** The arm that an answer is about, and what counts of it. */
export interface Lead {
  readonly arm: Arm
  /** Whether nobody declared it: of arms that rival each other it has most of the goals. */
  readonly mostOfAll: boolean
  /** The baseline in words. */
  readonly against: string
  /** Those of sweeps as well. */
  readonly goals: readonly Effect[]
  readonly rivalled: readonly AgainstRivals[]
  readonly costs: readonly Effect[]
  readonly withoutGain: readonly Effect[]
  readonly gain?: LargestGain
}

/**
 * The answer in one sentence: what the arm in question made better and worse, what it costs, what it does where nothing can
 * be gained, and its largest gain with what real peers say of that.
 */
export function headline (results: Pick<ResultsData, 'run'>, analysis: Analysis): string {
  const conclusion = conclude(results, analysis)
  if (typeof conclusion === 'string') {
    return conclusion
  }
  const { arm, mostOfAll, against, goals, rivalled, costs, withoutGain, gain } = conclusion
  return `${upperFirst(arm.title)}${mostOfAll ? ', most of all arms,' : ''} against ${against}: ${[
    ...(goals.length === 0 ? [] : [goalsClause(goals)]),
    ...(rivalled.length === 0 ? [] : [rivalsClause(rivalled)]),
    ...(costs.length === 0 ? [] : [`${countOf(of(costs, 'regressed').length)} of ${plural(costs.length, 'cost')} dearer`]),
    ...(withoutGain.length === 0 ? [] : [withoutGainClause(withoutGain)]),
    ...(gain === undefined ? [] : [`largest gain${largestGainText(gain)}: ${effectClause(gain.effect, analysis)}`])
  ].join('; ')}.`
}

/** What that sentence counts; undefined where it counts nothing, for there are too few runs or nothing improved. */
export function leadOf (results: Pick<ResultsData, 'run'>, analysis: Analysis): Lead | undefined {
  const conclusion = conclude(results, analysis)
  return typeof conclusion === 'string' ? undefined : conclusion
}

/** An answer, or in a sentence why there is none. */
function conclude (results: Pick<ResultsData, 'run'>, analysis: Analysis): Lead | string {
  const { experiment } = results.run
  const effects = countedEffects(effectsOf(leadingFindings(results, analysis)))
  const subject = subjectOf(experiment)
  const arm = subject ?? mostImproved(experiment.arms, effects)
  const own = effects.filter((effect) => effect.arm.arm.name === arm?.name)
  if (arm === undefined || own.length === 0) {
    return 'Nothing could be compared.'
  }
  const { goals, swept, costs, withoutGain } = countedParts(own)
  const all = [...goals, ...swept]
  const baselines = [...new Set(own.map(({ finding: { baseline } }) => baseline))]
  const against = baselines.length > 1 ? 'each metric\'s own baseline' : lowerFirst(experiment.arms.find(({ name }) => name === baselines[0])?.title ?? baselines[0])
  const judged = subject === undefined ? countedGoals(effects) : all.length > 0 ? all : own
  const open = of(judged, 'inconclusive')
  const gain = largestGain(all, () => analysis)
  if (own.every(({ comparison: { pairs } }) => pairs === 1)) {
    const [strongest] = byStrength(own.filter(({ comparison: { bounds } }) => bounds === undefined))
    return `One run of each arm, too few for any verdict${strongest === undefined ? '' : `; the largest difference of ${lowerFirst(arm.title)} from ${against}: ${effectClause(strongest, analysis)}`}.`
  }
  if (open.length === judged.length || (subject === undefined && gain === undefined && open.length > 0 && of(judged, 'regressed').length === 0)) {
    const [fewest] = open.flatMap(({ comparison: { moreSeeds } }) => moreSeeds ?? []).sort((a, b) => a - b)
    return `No verdict yet${subject === undefined ? '' : ` on ${lowerFirst(arm.title)}`}: ${open.length} of ${plural(judged.length, 'comparison')} ${open.length === 1 ? 'is' : 'are'} inconclusive${fewest === undefined ? '' : `; about ${plural(fewest, 'more seed')} would settle the clearest`}.`
  }
  if (subject === undefined && gain === undefined) {
    return `No arm improved on ${against}: of ${plural(judged.length, 'comparison')} ${tally(judged)}.`
  }
  return {
    arm, mostOfAll: subject === undefined, against, goals: all, rivalled: all.flatMap(effect => againstRivals(effect, analysis) ?? []), costs, withoutGain, ...(gain === undefined ? {} : { gain })
  }
}

/** The arm that the question is about: the declared one, the full stack, or the only one with modules. */
export function subjectOf ({ arms, subject }: Pick<ExperimentDescription, 'arms' | 'subject'>): Arm | undefined {
  const modular = arms.filter(({ modules = [] }) => modules.length > 0)
  return subject === undefined
    ? modular.find(({ modules }) => modules?.length === MODULES.length) ?? (modular.length === 1 ? modular[0] : undefined)
    : arms.find(({ name }) => name === subject)
}

/** Of arms that rival each other the one with the most goals improved beyond those made worse. */
function mostImproved (arms: readonly Arm[], effects: readonly Effect[]): Arm | undefined {
  const goals = countedGoals(effects)
  return arms.map((arm) => {
    const own = goals.filter((effect) => effect.arm.arm.name === arm.name)
    const improved = of(own, 'improved')
    return { arm, own, lead: improved.length - of(own, 'regressed').length, total: improved.reduce((sum, effect) => sum + strength(effect), 0) }
  }).filter(({ own }) => own.length > 0).sort((a, b) => b.lead - a.lead || b.total - a.total)[0]?.arm
}

function withoutGainClause (effects: readonly Effect[]): string {
  const [lost, open, saturated] = (['regressed', 'inconclusive', 'saturated'] as const).map((verdict) => of(effects, verdict).length)
  return `worse in ${countOf(lost)} of ${plural(effects.length, 'comparison')} where nothing can be gained${open === 0 ? '' : `, ${open} inconclusive`}${saturated === 0 ? '' : `, ${saturated} not measured`}`
}

function goalsClause (goals: readonly Effect[]): string {
  const [open, saturated] = (['inconclusive', 'saturated'] as const).map((verdict) => of(goals, verdict).length)
  return `${countOf(of(goals, 'improved').length)} of ${plural(goals.length, 'goal')} better, ${countOf(of(goals, 'regressed').length)} worse${open === 0 ? '' : `, ${open} inconclusive`}${saturated === 0 ? '' : `, ${saturated} not measured (too much failed)`}`
}

/** `first address dead, request, p99: -93% [-94, -92], from 6.24 s to 430 ms in simulation (real peers: -60% [-64, -55])` */
export function effectClause (effect: Effect, analysis: Analysis): string {
  const { finding: { wire, case: { title }, metric }, comparison } = effect
  return `${lowerFirst(title)}, ${lowerFirst(metric.title)}: ${formatEffect(comparison, metric.unit)}, from ${formatValue(comparison.baselineMean, metric.unit)} to ${formatValue(comparison.armMean, metric.unit)}${wire === 'tcp' ? '' : ` ${WIRE_PLACES[wire]}`}${realClause(effect, analysis)}`
}

/** What real peers measured of an effect, where they did not confirm it. */
function realClause (effect: Effect, { beliefs, findings }: Analysis): string {
  const { finding: { wire, case: { name }, metric } } = effect
  const belief = beliefs.find((one) => one.case.name === name && one.metric.name === metric.name)
  if (wire === 'tcp' || (belief?.reference === 'tcp' && (belief.belief === 'all' || belief.belief === 'effects'))) {
    return ''
  }
  const real = realComparison(effect, { findings })
  return real === undefined ? '' : ` (${WIRE_PLACES.tcp} ${formatEffect(real, metric.unit)})`
}

function of (effects: readonly Effect[], verdict: ComparisonVerdict): Effect[] {
  return effects.filter(({ comparison }) => comparison.verdict === verdict)
}
