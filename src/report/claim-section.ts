import type { Analysis } from './analysis.ts'
import { claimBadge } from './badges.ts'
import { CLAIM_RULE, claimTally, elsewhereText, foundText, fromToText, targetText } from './claim-sentences.ts'
import type { ClaimCheck } from './claims.ts'
import { typeset } from './format.ts'
import { html } from './markup.ts'
import type { Insert, Markup } from './markup.ts'
import { WIRE_PLACES } from './wire-words.ts'

/** Each promise with its readings, what was found of them, and what became of it. */
export function claimSection ({ claims }: Analysis): Markup {
  return html`<p>${claimTally(claims)}. Each is read where the experiment says, on the most modelled wire that ran unless it names another; what other wires say stands beside it.</p>
${claimTable(claims)}
<details class="paper"><summary>The rule</summary><p>${CLAIM_RULE}</p></details>`
}

/**
 * A table of claims by promise.
 *
 * @param where what tells where a claim was checked; absent: nothing
 */
export function claimTable <Check extends ClaimCheck> (claims: readonly Check[], where?: (claim: Check) => Insert): Markup {
  return html`<table class="claims"><thead><tr><th scope="col">What is measured</th><th scope="col">Found [95%]</th><th scope="col">Baseline to arm</th><th scope="col">Outcome</th><th scope="col">Other wires</th></tr></thead>
${[...Map.groupBy(claims, ({ promise }) => promise)].map(([promise, own]) => html`<tbody><tr class="group"><th colspan="5" scope="rowgroup">${typeset(promise)}</th></tr>${own.map((claim) => row(claim, where?.(claim)))}</tbody>`)}</table>`
}

function row (claim: ClaimCheck, where: Insert): Markup {
  const { reading, caseTitle, armTitle, metricDefinition: { title }, leading, elsewhere } = claim
  const [estimate, ends] = leading === undefined ? ['nothing', ''] : splitEnds(typeset(foundText(claim, leading)))
  return html`<tr><th scope="row">${reading} <small class="line">${caseTitle}: ${title}, ${armTitle}; promised ${targetText(claim)}${claim.wire === undefined ? '' : `, read ${WIRE_PLACES[claim.wire]}`}</small>${where}</th>
<td><b>${estimate}</b> <span class="ends">${ends}</span>${leading === undefined ? undefined : html`<small class="line">${WIRE_PLACES[leading.wire]}</small>`}</td>
<td>${leading === undefined ? 'no run to read it from' : typeset(fromToText(claim, leading))}</td>
<td>${claimBadge(claim.outcome)}${claim.byBaseline === true ? html`<small class="line">by the baseline as well</small>` : undefined}</td>
<td>${elsewhere.length === 0 ? html`<small>not run</small>` : elsewhere.map((reading) => html`<small class="line">${typeset(elsewhereText(claim, reading))}</small>`)}</td></tr>`
}

function splitEnds (text: string): [string, string] {
  const [estimate, ends] = text.split(' [')
  return [estimate, ends === undefined ? '' : `[${ends}`]
}
