import { verdictBadge } from './badges.ts'
import type { Finding } from './findings.ts'
import { formatEffect, formatInterval, plural, typeset } from './format.ts'
import { html } from './markup.ts'
import type { Markup } from './markup.ts'
import { lowerFirst } from './sentences.ts'
import { WIRE_WORDS } from './wire-words.ts'

/**
 * Comparisons as numbers alone, where there are too many to draw.
 *
 * @param metrics the same metric on each of its wires, the leading one first; none empty
 */
export function comparisonTable (metrics: ReadonlyArray<readonly Finding[]>): Markup {
  return html`<table class="data"><thead><tr><th scope="col">Case and metric</th><th scope="col" class="text">Arm</th><th scope="col">Mean over runs</th><th scope="col">Change [95%]</th><th scope="col" class="text">Verdict</th><th scope="col" class="text">Other wires</th></tr></thead><tbody>${metrics.flatMap(([leading, ...others]) =>
    leading.arms.map(({ arm, mean, comparison }) => html`<tr><th scope="row">${leading.case.title}: ${lowerFirst(leading.metric.title)}</th><td class="text">${arm.title}</td><td>${typeset(formatInterval(mean, leading.metric.unit))}</td>${comparison === undefined
      ? html`<td></td><td class="text">${arm.name === leading.baseline ? 'baseline' : 'nothing to compare'}</td>`
      : html`<td>${typeset(formatEffect(comparison, leading.metric.unit))}</td><td class="text">${verdictBadge(leading.metric, comparison)} <small>${plural(comparison.pairs, 'pair')}</small></td>`}<td class="text"><small>${others.flatMap(({ wire, arms, metric }) => {
        const other = arms.find((one) => one.arm.name === arm.name)?.comparison
        return other === undefined ? [] : [`${WIRE_WORDS[wire]} ${typeset(formatEffect(other, metric.unit))}`]
      }).join('; ')}</small></td></tr>`))}</tbody></table>`
}
