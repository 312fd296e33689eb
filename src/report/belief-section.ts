import type { Analysis } from './analysis.ts'
import { BELIEF_RULE, BELIEF_TEXTS, beliefCause, beliefReason } from './belief-sentences.ts'
import type { Belief, MetricBelief } from './beliefs.ts'
import { scrollable } from './chart.ts'
import { plural, typeset } from './format.ts'
import { html } from './markup.ts'
import type { Markup } from './markup.ts'

const SIGNS: Readonly<Record<Belief, { readonly sign: string, readonly kind: string }>> = {
  all: { sign: '✓', kind: 'good' },
  effects: { sign: '✓', kind: 'good' },
  direction: { sign: '~', kind: 'open' },
  nothing: { sign: '✕', kind: 'bad' },
  open: { sign: '?', kind: 'open' },
  unchecked: { sign: '–', kind: 'same' }
}

/** A verdict on every metric, with what it rests on and where the largest difference comes from. */
export function beliefTable ({ beliefs }: Analysis): Markup {
  const [alone, swept] = [true, false].map((wanted) => beliefs.filter((belief) => (belief.case.sweep === undefined) === wanted))
  return html`${alone.length === 0 ? undefined : table(alone, 'Can each metric be believed?')}
${swept.length === 0 ? undefined : html`<details><summary>Along sweeps: ${plural(swept.length, 'metric')}</summary>${table(swept, 'Can each metric of the sweeps be believed?')}</details>`}
<details class="paper"><summary>The rule</summary><p>${BELIEF_RULE}</p><p>Due to: simulation and stack differ by the model of libp2p's sessions; the stack and real peers, by what computing and the kernel add.</p></details>`
}

function table (beliefs: readonly MetricBelief[], label: string): Markup {
  const causes = beliefs.some((belief) => beliefCause(belief) !== undefined)
  return scrollable(label, html`<table class="data beliefs"><thead><tr><th scope="col">Metric</th><th scope="col" class="text">Can it be believed?</th><th scope="col" class="text">Because</th>${causes ? html`<th scope="col" class="text">Mostly due to</th>` : undefined}</tr></thead>
${[...Map.groupBy(beliefs, ({ case: { title } }) => title)].map(([title, own]) =>
    html`<tbody><tr><th colspan="${causes ? 4 : 3}" scope="rowgroup"><b>${title}</b></th></tr>${own.map((belief) => row(belief, causes))}</tbody>`)}</table>`)
}

function row (belief: MetricBelief, causes: boolean): Markup {
  return html`<tr><th scope="row">${belief.metric.title}</th><td class="text">${badge(belief)}</td><td class="text">${typeset(beliefReason(belief))}</td>${causes ? html`<td class="text">${typeset(beliefCause(belief) ?? '')}</td>` : undefined}</tr>`
}

function badge ({ belief }: MetricBelief): Markup {
  const { sign, kind } = SIGNS[belief]
  return html`<span class="badge ${kind}"><span aria-hidden="true">${sign}</span> ${BELIEF_TEXTS[belief]}</span>`
}
