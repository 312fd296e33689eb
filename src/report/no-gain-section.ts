import { verdictBadge } from './badges.ts'
import { scrollable } from './chart.ts'
import { formatEffect, formatFromTo, typeset } from './format.ts'
import { html } from './markup.ts'
import type { Markup } from './markup.ts'
import { MODULE_TITLES } from './module-verdicts.ts'
import type { ModuleVerdict } from './module-verdicts.ts'
import type { Effect } from './sentences.ts'
import { WIRE_PLACES } from './wire-words.ts'

/** What each module costs in the cases where it can gain nothing; undefined where there are none. */
export function noGainTable (verdicts: readonly ModuleVerdict[], experiment: string): Markup | undefined {
  const own = verdicts.filter(({ withoutGain }) => withoutGain.length > 0)
  return own.length === 0
    ? undefined
    : scrollable(`Where nothing can be gained: ${experiment}`, html`<table class="data"><thead><tr><th scope="col">Module</th><th scope="col" class="text">Case</th><th scope="col" class="text">Metric</th><th scope="col">Baseline to arm</th><th scope="col">Change [95%]</th><th scope="col" class="text">Verdict</th></tr></thead>
${own.map(({ subject, withoutGain }) => html`<tbody>${withoutGain.map((effect, index) => row(index === 0 ? MODULE_TITLES[subject] : '', MODULE_TITLES[subject], effect))}</tbody>`)}</table>`)
}

function row (shown: string, module: string, effect: Effect): Markup {
  const { finding: { wire, case: { title }, metric }, comparison } = effect
  return html`<tr><th scope="row">${shown === '' ? html`<span class="aside">${module}</span>` : shown}</th><td class="text">${title} <small>${WIRE_PLACES[wire]}</small></td><td class="text">${metric.title}${metric.role === 'cost' ? html` <small>cost</small>` : undefined}</td>
<td>${typeset(formatFromTo(comparison, metric))}</td><td>${typeset(formatEffect(comparison, metric.unit))}</td><td class="text">${verdictBadge(metric, comparison)}</td></tr>`
}
