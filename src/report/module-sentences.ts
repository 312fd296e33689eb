import { isGoal } from './counted.ts'
import type { ComparisonVerdict } from './findings.ts'
import { countOf, formatEffect, plural } from './format.ts'
import { largestGainText } from './largest-gain.ts'
import type { LargestGain } from './largest-gain.ts'
import { MODULE_TITLES } from './module-verdicts.ts'
import type { ModuleVerdict } from './module-verdicts.ts'
import { rivalsClause } from './rivals.ts'
import { byStrength, lowerFirst } from './sentences.ts'
import type { Effect } from './sentences.ts'

/** How many losses and costs are named; the rest is counted. */
const NAMED = 2

/**
 * A module in a sentence: `Connection pool: improved 5 of 9 goals (most: first address dead, request -93% [-94, -92]), no
 * meaningful change in 3, worse in 1 (...); costs: ...`.
 */
export function moduleSentence (verdict: ModuleVerdict): string {
  return `${MODULE_TITLES[verdict.subject]}: ${moduleClauses(verdict)}.`
}

/** The same without its subject and full stop. */
export function moduleClauses ({ goals, largestGain, rivalled, swept, costs, withoutGain }: ModuleVerdict): string {
  return [
    goals.length === 0 ? undefined : goalsClause(goals, largestGain),
    rivalled.length === 0 ? undefined : rivalsClause(rivalled),
    swept.length === 0 ? undefined : `along sweeps improved ${shareOf(of(swept, 'improved').length, swept.length, 'comparison')}, worse in ${of(swept, 'regressed').length}`,
    costsClause(costs),
    withoutGain.length === 0 ? undefined : withoutGainClause(withoutGain)
  ].filter((clause) => clause !== undefined).join('; ')
}

/** `most: first address dead, request -93% [-94, -92]`, with what real peers and rivals make of it */
function gainText (largest: LargestGain): string {
  const text = largestGainText(largest)
  return `${text.startsWith(' that') ? 'the most' : 'most'}${text}: ${effectText(largest.effect)}`
}

function goalsClause (goals: readonly Effect[], largest: LargestGain | undefined): string {
  const [improved, same, worse, open, saturated] = (['improved', 'no meaningful change', 'regressed', 'inconclusive', 'saturated'] as const).map((verdict) => of(goals, verdict))
  return [
    largest === undefined
      ? `improved none of ${plural(goals.length, 'goal')}`
      : `improved ${shareOf(improved.length, goals.length, 'goal')} (${gainText(largest)})`,
    ...(same.length === 0 ? [] : [`no meaningful change in ${same.length}`]),
    ...(worse.length === 0 ? [] : [`worse in ${worse.length} (${names(worse)})`]),
    ...(open.length === 0 ? [] : [`inconclusive in ${open.length}`]),
    ...(saturated.length === 0 ? [] : [`not measured in ${saturated.length}, where too much failed`])
  ].join(', ')
}

function costsClause (costs: readonly Effect[]): string {
  if (costs.length === 0) {
    return 'costs: none measured'
  }
  const [more, less, same, open, saturated] = (['regressed', 'improved', 'no meaningful change', 'inconclusive', 'saturated'] as const).map((verdict) => of(costs, verdict))
  return `costs: ${[
    ...(more.length === 0 ? [] : [`more in ${shareOf(more.length, costs.length, 'comparison')} (${names(more)})`]),
    ...(less.length === 0 ? [] : [`less in ${less.length}`]),
    ...(same.length === 0 ? [] : [`no meaningful change in ${same.length}`]),
    ...(open.length === 0 ? [] : [`inconclusive in ${open.length}`]),
    ...(saturated.length === 0 ? [] : [`not measured in ${saturated.length}`])
  ].join(', ')}`
}

function withoutGainClause (effects: readonly Effect[]): string {
  return `where nothing can be gained, ${withoutGainCounts(effects)}`
}

function withoutGainCounts (effects: readonly Effect[]): string {
  const worse = of(effects, 'regressed')
  const open = of(effects, 'inconclusive')
  const saturated = of(effects, 'saturated')
  const known = effects.length - open.length - saturated.length
  const lost = worse.length === 0 ? known === 0 ? 'nothing is known' : `nothing is lost in ${known === effects.length ? plural(known, 'comparison') : shareOf(known, effects.length, 'comparison')}` : `worse or dearer in ${shareOf(worse.length, effects.length, 'comparison')} (${names(worse)})`
  return `${lost}${open.length === 0 ? '' : `, inconclusive in ${open.length}`}${saturated.length === 0 ? '' : `, not measured in ${saturated.length}`}`
}

/** `first address dead, request -93% [-94, -92]` */
export function effectText ({ finding: { case: { title }, metric }, comparison }: Effect): string {
  return `${lowerFirst(title)}, ${lowerFirst(metric.title)} ${formatEffect(comparison, metric.unit)}`
}

function names (effects: readonly Effect[]): string {
  const more = effects.length - NAMED
  // A goal that is lost comes before what was to be paid.
  const ordered = [...byStrength(effects.filter(isGoal)), ...byStrength(effects.filter((effect) => !isGoal(effect)))]
  return `${ordered.slice(0, NAMED).map(effectText).join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}

function of (effects: readonly Effect[], verdict: ComparisonVerdict): Effect[] {
  return effects.filter(({ comparison }) => comparison.verdict === verdict)
}

function shareOf (count: number, total: number, noun: string): string {
  return `${countOf(count)} of ${plural(total, noun)}`
}
