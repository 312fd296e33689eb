import type { Metric } from '../experiment/definition.ts'
import type { ClaimOutcome } from './claims.ts'
import type { Comparison, ComparisonVerdict } from './findings.ts'
import { plural } from './format.ts'
import { html } from './markup.ts'
import type { Markup } from './markup.ts'

interface Badge {
  readonly sign: string
  readonly kind: 'good' | 'bad' | 'same' | 'open'
  readonly text: string
}

const GOALS: Readonly<Record<ComparisonVerdict, Badge>> = {
  improved: { sign: '✓', kind: 'good', text: 'improved' },
  regressed: { sign: '✕', kind: 'bad', text: 'regressed' },
  'no meaningful change': { sign: '=', kind: 'same', text: 'no meaningful change' },
  inconclusive: { sign: '?', kind: 'open', text: 'inconclusive' },
  saturated: { sign: '…', kind: 'open', text: 'saturated: too much failed' }
}

/** What is paid is no success where there is less of it, and no failure where there is more. */
const COSTS: Readonly<Record<ComparisonVerdict, Badge>> = {
  ...GOALS,
  improved: { sign: '↓', kind: 'same', text: 'costs less' },
  regressed: { sign: '↑', kind: 'open', text: 'costs more' }
}

const CLAIMS: Readonly<Record<ClaimOutcome, Badge>> = {
  met: { sign: '✓', kind: 'good', text: 'met' },
  partly: { sign: '~', kind: 'open', text: 'partly met' },
  'not met': { sign: '✕', kind: 'bad', text: 'not met' },
  open: { sign: '?', kind: 'same', text: 'open' }
}

/** A verdict as a sign, a word and a colour; an inconclusive one with what it would need. */
export function verdictBadge (metric: Pick<Metric, 'role'>, comparison: Comparison): Markup {
  const { verdict, lostSeeds, moreSeeds } = comparison
  const needs = verdict !== 'inconclusive' || lostSeeds !== undefined || moreSeeds === undefined ? undefined : `about ${plural(moreSeeds, 'more seed')}`
  return html`${show({ ...(metric.role === 'cost' ? COSTS : GOALS)[verdict], text: verdictWord(metric, comparison) })}${needs === undefined ? undefined : html` <small>${needs}</small>`}`
}

/** What became of a promise. */
export function claimBadge (outcome: ClaimOutcome): Markup {
  return show(CLAIMS[outcome])
}

/** Whether a threshold holds. */
export function holdsBadge (holds: boolean): Markup {
  return show(holds ? { sign: '✓', kind: 'good', text: 'holds' } : { sign: '✕', kind: 'bad', text: 'does not hold' })
}

/** A verdict's sign where there is no room for its word. */
export function verdictSign ({ role }: Pick<Metric, 'role'>, { verdict }: Pick<Comparison, 'verdict'>): string {
  return (role === 'cost' ? COSTS : GOALS)[verdict].sign
}

/** A verdict's word where there is no room for its badge. */
export function verdictWord ({ role }: Pick<Metric, 'role'>, { verdict, tooFewPairs, lostSeeds }: Pick<Comparison, 'verdict' | 'tooFewPairs' | 'lostSeeds'>): string {
  if (verdict === 'inconclusive' && lostSeeds !== undefined) {
    return `withheld: failed on ${plural(lostSeeds, 'seed')} of the baseline`
  }
  return tooFewPairs ? 'too few seeds for a verdict' : (role === 'cost' ? COSTS : GOALS)[verdict].text
}

function show ({ sign, kind, text }: Badge): Markup {
  return html`<span class="badge ${kind}"><span aria-hidden="true">${sign}</span> ${text}</span>`
}
