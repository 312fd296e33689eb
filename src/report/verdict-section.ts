import type { Arm } from '../experiment/definition.ts'
import { seedsOf, wiresOf } from '../results/data.ts'
import type { ResultsData } from '../results/data.ts'
import { agreementSentence } from './agreement-sentences.ts'
import type { Analysis } from './analysis.ts'
import { verdictBadge } from './badges.ts'
import { beliefSentence } from './belief-sentences.ts'
import { claimTally } from './claim-sentences.ts'
import { countedEffects, countedGoals, isGoal } from './counted.ts'
import { formatEffect, formatFromTo, plural, typeset } from './format.ts'
import { headline } from './headline.ts'
import { armKey } from './legend.ts'
import { html, withCode } from './markup.ts'
import type { Markup } from './markup.ts'
import { moduleClauses } from './module-sentences.ts'
import { MODULE_TITLES, moduleVerdicts } from './module-verdicts.ts'
import { byStrength, costTally, effectsOf, leadingFindings, lowerFirst, tally } from './sentences.ts'
import type { Effect } from './sentences.ts'
import { WIRE_PLACES } from './wire-words.ts'

const HIGHLIGHTS = 3

/** The answer in a sentence, what each arm did, and how far to believe it. */
export function verdictSection (results: ResultsData, analysis: Analysis): Markup {
  const { arms } = results.run.experiment
  const effects = effectsOf(leadingFindings(results, analysis))
  const cards = arms.flatMap((arm) => {
    const own = effects.filter((effect) => effect.arm.arm.name === arm.name)
    return own.length === 0 ? [] : [card(arm, own)]
  })
  const modules = moduleList(results, analysis)
  return html`<p class="verdict">${typeset(headline(results, analysis))}</p>
${modules}
<p class="agreement-line"><b>${withCode(typeset(beliefSentence(analysis, results)))}</b>${analysis.agreements.length === 0 ? undefined : withCode(typeset(` ${agreementSentence(analysis, results)}`))}</p>
<ul class="chips">${chips(results, analysis)}</ul>
${modules === undefined ? html`<div class="cards">${cards}</div>` : html`<details class="paper"><summary>The largest changes of each arm</summary><div class="cards">${cards}</div></details>`}`
}

/** What each module did alone and what all did together, a sentence each. */
function moduleList (results: ResultsData, analysis: Analysis): Markup | undefined {
  const verdicts = moduleVerdicts(results, analysis)
  return verdicts.length === 0
    ? undefined
    : html`<ul class="modules">${verdicts.map((verdict) => html`<li><b>${MODULE_TITLES[verdict.subject]}:</b> ${typeset(moduleClauses(verdict))}.</li>`)}</ul>`
}

function card (arm: Arm, effects: readonly Effect[]): Markup {
  const goals = countedGoals(effects)
  const costs = countedEffects(effects).filter((effect) => !isGoal(effect))
  const notable = byStrength(goals.filter(({ comparison: { verdict } }) => verdict === 'improved' || verdict === 'regressed')).slice(0, HIGHLIGHTS)
  return html`<section class="card"><h2>${armKey(arm)}</h2><p class="quiet">${arm.description}</p><p><b>${tally(goals)}</b>${costs.length === 0 ? undefined : html` <span class="quiet">costs: ${costTally(costs)}</span>`}</p>
<ul>${notable.map(({ finding: { case: { title }, metric }, comparison }) =>
    html`<li>${verdictBadge(metric, comparison)} ${title}, ${lowerFirst(metric.title)} <b>${typeset(formatEffect(comparison, metric.unit))}</b> <span class="quiet">${typeset(formatFromTo(comparison, metric))}</span></li>`)}</ul></section>`
}

function chips ({ run, units }: ResultsData, { claims, thresholds: values, agreementThresholds, holes }: Analysis): Markup[] {
  const thresholds = [...values, ...agreementThresholds].filter(({ checked }) => checked)
  const held = thresholds.filter(({ holds }) => holds).length
  return [
    ...wiresOf({ run }).map((wire) => html`<li>${plural(seedsOf({ run }, wire).length, 'seed')} ${WIRE_PLACES[wire]}</li>`),
    ...(claims.length === 0 ? [] : [html`<li><a href="#promises">promises: ${claimTally(claims)}</a></li>`]),
    ...(thresholds.length === 0 ? [] : [html`<li class="${held === thresholds.length ? 'good' : 'bad'}"><a href="#thresholds">${held === thresholds.length ? '✓' : '✕'} ${held} of ${plural(thresholds.length, 'threshold')} ${held === 1 ? 'holds' : 'hold'}</a></li>`]),
    holes.length === 0
      ? html`<li class="good">✓ complete: ${plural(units.length, 'run')}</li>`
      : html`<li class="bad"><a href="#holes">✕ partial: ${plural(holes.length, 'run')} without a result</a></li>`
  ]
}
