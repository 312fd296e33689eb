import type { WireName } from '../experiment/unit.ts'
import { wiresOf } from '../results/data.ts'
import { leadingFigures } from './agreement-figures.ts'
import { unsigned } from './agreement-sentences.ts'
import { claimTable } from './claim-section.ts'
import { CLAIM_RULE, claimTally } from './claim-sentences.ts'
import type { ClaimCheck } from './claims.ts'
import { formatEffect, plural, typeset } from './format.ts'
import { headline } from './headline.ts'
import { largestGainText } from './largest-gain.ts'
import { html, withCode } from './markup.ts'
import type { Insert, Markup } from './markup.ts'
import { moduleClauses } from './module-sentences.ts'
import { moduleTotals } from './module-totals.ts'
import type { EntryEffect, ModuleTotal } from './module-totals.ts'
import { MODULE_TITLES, moduleVerdicts } from './module-verdicts.ts'
import { noGainTable } from './no-gain-section.ts'
import { renderPage } from './page.ts'
import { RIVALS_TEXT, rivalsClause } from './rivals.ts'
import { lowerFirst, tally } from './sentences.ts'
import type { SummaryEntry } from './summary-data.ts'
import { WIRE_PLACES, WIRE_WORDS } from './wire-words.ts'

/**
 * A page over all experiments: what became of each promise, what each module did, each experiment's verdict and how far it
 * can be believed, what the modules cost where they can gain nothing, and how to do it all again. One HTML file, like a
 * report; the same entries give the same text.
 */
export async function renderSummary (entries: readonly SummaryEntry[]): Promise<string> {
  const modules = moduleTotals(entries)
  const claims = entries.flatMap((entry) => entry.analysis.claims.map((claim) => ({ ...claim, entry })))
  const version = entries[0]?.results.run.versions.twinwire ?? ''
  return renderPage({
    title: 'All experiments · twinwire',
    version,
    header: html`<header>
<p class="kicker">twinwire · all experiments</p>
<h1>What do the optimisations change?</h1>
<p class="question">Five modules for js-libp2p, each alone and all together, held to what was promised of them.</p>
<p class="verdict">${overall(entries, claims)}</p>
</header>`,
    sections: [
      { id: 'promises', title: 'Promises', short: 'Promises', content: promises(claims) },
      { id: 'modules', title: 'Modules', short: 'Modules', content: moduleTable(modules) },
      { id: 'experiments', title: 'Experiments', short: 'Experiments', content: experimentTable(entries) },
      { id: 'no-gain', title: 'Where nothing can be gained', short: 'No gain', content: withoutGain(entries) },
      { id: 'environment', title: 'Environment, and how to do it again', short: 'Reproduce', content: environment(entries) }
    ],
    footer: `Made by twinwire ${version} from the results alone.`,
    data: { id: 'experiments-data', value: entries.map(({ results, href, analysis }) => ({ experiment: results.run.experiment.name, report: href, passed: analysis.passed })) }
  })
}

/** Everything in a sentence. */
function overall (entries: readonly SummaryEntry[], claims: readonly ClaimCheck[]): string {
  const figures = entries.flatMap(({ analysis }) => leadingFigures(analysis) ?? []).filter(({ model, reference }) => model === 'sim' && reference === 'tcp')
  const close = figures.filter((one) => one.close).length
  const full = entries.flatMap(({ results, analysis }) => moduleVerdicts(results, analysis)).filter(({ subject }) => subject === 'fullStack').flatMap(({ goals }) => goals)
  return [
    claims.length === 0 ? `${plural(entries.length, 'experiment')}.` : `${plural(entries.length, 'experiment')}: ${claimTally(claims)}.`,
    ...(full.length === 0 ? [] : [`The full stack, of ${plural(full.length, 'goal')} against each experiment's baseline: ${tally(full)}.`]),
    figures.length === 0
      ? 'No real peers ran.'
      : `Simulation and real peers agree within 10% in times at the median in ${close} of ${plural(figures.length, 'experiment')} that ran on both.`
  ].join(' ')
}

function promises (claims: ReadonlyArray<ClaimCheck & { readonly entry: SummaryEntry }>): Markup {
  return claims.length === 0
    ? html`<p>No experiment states one.</p>`
    : html`<p>${claimTally(claims)}. A promise that can be read in several ways has a line for each.</p>
${claimTable(claims, ({ entry }) => html`<small class="line"><a href="${entry.href}#promises">${entry.results.run.experiment.title}</a></small>`)}
<details class="paper"><summary>The rule</summary><p>${CLAIM_RULE}</p></details>`
}

function moduleTable (modules: readonly ModuleTotal[]): Markup {
  return modules.length === 0
    ? html`<p>No arm has one module alone, or all five.</p>`
    : html`<p>Goals are counted against each experiment's own baseline, outside cases where nothing can be gained, and outside sweeps where an experiment has anything else; what two experiments show is counted twice. Costs stand beside them. A rival ${RIVALS_TEXT}. The largest gain is the largest that real peers do not contradict and that is one over rivals, too; where there is none, it says what is known.</p>
<table class="wide"><thead><tr><th scope="col">Module</th><th scope="col">Goals</th><th scope="col">Largest gain</th><th scope="col">Largest loss</th><th scope="col">Largest cost</th></tr></thead><tbody>${modules.map(moduleRow)}</tbody></table>
<h3 class="apart">Module by module</h3>
<dl>${modules.map(({ subject, entries }) => html`<dt>${MODULE_TITLES[subject]}</dt>${entries.map(({ entry, verdict }) => html`<dd>${link(entry)}: ${typeset(moduleClauses(verdict))}.</dd>`)}`)}</dl>`
}

function moduleRow ({ subject, entries, goals, rivalled, costs, gain, loss, cost }: ModuleTotal): Markup {
  return html`<tr><th scope="row">${MODULE_TITLES[subject]} <small class="line">${plural(entries.length, 'experiment')}</small></th>
<td data-label="Goals">${goals.length === 0 ? 'none compared' : tally(goals)}${rivalled.length === 0 ? undefined : html`<small class="line">${rivalsClause(rivalled)}</small>`}</td>
<td data-label="Largest gain">${named(gain?.effect, 'none')}${gain === undefined || largestGainText(gain) === '' ? undefined : html`<small class="line">the largest${largestGainText(gain)}</small>`}</td><td data-label="Largest loss">${named(loss, 'none')}</td><td data-label="Largest cost">${named(cost, costs.length === 0 ? 'none measured' : 'none')}</td></tr>`
}

function named (effect: EntryEffect | undefined, none: string): Markup {
  return effect === undefined
    ? html`<span class="quiet">${none}</span>`
    : html`<b>${typeset(formatEffect(effect.comparison, effect.finding.metric.unit))}</b> <small class="line">${lowerFirst(effect.finding.case.title)}, ${lowerFirst(effect.finding.metric.title)}</small><small class="line">${link(effect.entry, '#effects')}</small>`
}

function experimentTable (entries: readonly SummaryEntry[]): Markup {
  return html`<table class="wide"><thead><tr><th scope="col">Experiment</th><th scope="col">Verdict</th><th scope="col">Runs</th><th scope="col">Thresholds</th><th scope="col">Times, simulation against real peers</th></tr></thead><tbody>${entries.map((entry) => {
    const { results, analysis } = entry
    const { experiment, plan } = results.run
    const checked = [...analysis.thresholds, ...analysis.agreementThresholds].filter((check) => check.checked)
    return html`<tr><th scope="row">${link(entry)} <small class="line">${experiment.question}</small></th><td data-label="Verdict">${typeset(headline(results, analysis))}</td>
<td data-label="Runs">${plan.map(({ wire, seeds }) => html`<span class="line">${plural(seeds.length, 'seed')} ${WIRE_PLACES[wire]}</span>`)}${analysis.holes.length === 0 ? undefined : html`<span class="line bad-text">${plural(analysis.holes.length, 'run')} without a result</span>`}</td>
<td data-label="Thresholds">${checked.length === 0 ? html`<span class="quiet">none</span>` : thresholds(checked)}</td><td data-label="Times, simulation against real peers">${agreement(entry)}</td></tr>`
  })}</tbody></table>`
}

function thresholds (checked: ReadonlyArray<{ readonly holds: boolean }>): Markup {
  const held = checked.filter(({ holds }) => holds).length
  const all = held === checked.length
  return html`<span class="badge ${all ? 'good' : 'bad'}"><span aria-hidden="true">${all ? '✓' : '✕'}</span> ${held} of ${checked.length} ${held === 1 ? 'holds' : 'hold'}</span>`
}

function agreement ({ analysis, results }: SummaryEntry): Insert {
  const figures = leadingFigures(analysis)
  if (figures === undefined) {
    return html`<span class="quiet">${ranOnReal(wiresOf(results)) ? 'no time in common' : 'no real peers ran'}</span>`
  }
  const { model, reference, comparisons, median, p99, p99Comparisons, close } = figures
  return html`<span class="line"><b>${unsigned(median)}</b> at the median ${close ? '(within 10%)' : html`<span class="bad-text">(more than 10%)</span>`}</span><span class="line">${p99 === undefined ? 'no ratio' : unsigned(p99)} at p99</span><small class="line">over ${plural(comparisons, 'comparison')}${p99 === undefined || p99Comparisons === comparisons ? '' : `, ${p99Comparisons} at p99`}${model === 'sim' && reference === 'tcp' ? '' : `, ${WIRE_WORDS[model]} against ${WIRE_WORDS[reference]}`}</small>`
}

function ranOnReal (wires: readonly WireName[]): boolean {
  return wires.includes('tcp')
}

function withoutGain (entries: readonly SummaryEntry[]): Markup {
  const tables = entries.flatMap((entry) => {
    const table = noGainTable(moduleVerdicts(entry.results, entry.analysis), entry.results.run.experiment.title)
    return table === undefined ? [] : [html`<h3 class="apart">${link(entry, '#no-gain')}</h3>${table}`]
  })
  return tables.length === 0 ? html`<p>No experiment has such a case.</p>` : html`<p>Cases that are there to show what a module costs where it has nothing to do.</p>${tables}`
}

function environment (entries: readonly SummaryEntry[]): Markup {
  const distinct = (texts: readonly string[]): string => [...new Set(texts)].join('; ')
  const runs = entries.map(({ results }) => results.run)
  const facts: ReadonlyArray<readonly [string, string]> = [
    ['Versions', distinct(runs.map(({ versions }) => Object.entries(versions).map(([name, version]) => `${name} ${version}`).join(', ')))],
    ['Commit', distinct(runs.map(({ git }) => git === undefined ? 'not from a checkout' : `${git.commit.slice(0, 12)}${git.dirty ? ', with uncommitted changes' : ''}`))],
    ['Machine', distinct(runs.map(({ machine }) => `${machine.cpu}, ${plural(machine.cores, 'core')}, ${(machine.memoryBytes / 1024 ** 3).toFixed(1)} GiB, ${machine.os}`))]
  ]
  return html`<p>${withCode('All of it: `npm run experiments`.')} Each experiment alone:</p>
<pre><code>${runs.map(({ command }) => command).join('\n')}</code></pre>
<dl>${facts.map(([term, text]) => html`<dt>${term}</dt><dd>${text}</dd>`)}</dl>
<p>All numbers of this page, and those behind them, are in <code>summary.json</code>.</p>`
}

function link ({ href, results }: SummaryEntry, anchor = ''): Markup {
  return html`<a href="${href}${anchor}">${results.run.experiment.title}</a>`
}
