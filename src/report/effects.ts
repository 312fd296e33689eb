import type { WireName } from '../experiment/unit.ts'
import type { Verdict } from '../stats/verdict.ts'
import type { Analysis, ArmFinding, Comparison, Finding } from './analysis.ts'
import { formatEffect, formatEnds, formatPValue, formatValue, plural, typeset } from './format.ts'
import { dataTable } from './chart.ts'
import { html } from './markup.ts'
import type { Insert, Markup } from './markup.ts'
import { armKey } from './legend.ts'
import type { ArmStyle } from './palette.ts'
import { effectSentence } from './sentences.ts'
import { ratioAxis, strip, stripHead } from './strip.ts'
import type { StripAxis, StripMark } from './strip.ts'

const BADGES: Readonly<Record<Verdict, { readonly sign: string, readonly kind: string, readonly text: string }>> = {
  improved: { sign: '✓', kind: 'good', text: 'improved' },
  regressed: { sign: '✕', kind: 'bad', text: 'regressed' },
  'no meaningful change': { sign: '=', kind: 'same', text: 'no meaningful change' },
  inconclusive: { sign: '?', kind: 'open', text: 'inconclusive' }
}

/** A verdict as a sign, a word and a colour. */
export function badge ({ verdict, tooFewPairs, moreSeeds }: Comparison): Markup {
  const { sign, kind, text } = BADGES[verdict]
  const needs = verdict !== 'inconclusive' ? undefined : moreSeeds === undefined ? 'over 1000 more seeds' : `about ${plural(moreSeeds, 'more seed')}`
  return html`<span class="badge ${kind}"><span aria-hidden="true">${sign}</span> ${tooFewPairs ? 'too few seeds for a verdict' : text}</span>${needs === undefined ? undefined : html` <small>${needs}</small>`}`
}

/** Every comparison with its interval, as a table and as marks on one axis. */
export function effectTable ({ findings }: Analysis, wire: WireName, styles: ReadonlyMap<string, ArmStyle>): Markup {
  const compared = findings.filter((finding) => finding.wire === wire && finding.arms.some(({ comparison }) => comparison !== undefined))
  if (compared.length === 0) {
    return html`<p>No two arms have runs to compare.</p>`
  }
  const others = findings.filter((finding) => finding.wire !== wire)
  const axis = ratioAxis(findings.flatMap(({ arms }) => arms.flatMap(({ comparison }) => comparison?.relative ?? [])))
  const groups = compared.map((finding) => {
    const other = others.find((candidate) => candidate.case === finding.case && candidate.metric === finding.metric)
    const { metric } = finding
    const baseline = finding.arms.find(({ arm }) => arm.name === finding.baseline)
    return html`<tbody>
<tr class="group"><th colspan="5" scope="rowgroup"><span>${finding.case.title}</span> <b>${metric.title}</b> <small>${metric.better} is better; changes under ${formatValue(metric.minimumEffect, 'share')} do not count</small></th></tr>
${baseline === undefined ? undefined : baselineRow(finding, baseline, styles)}
${finding.arms.filter((arm) => arm !== baseline).map((arm) => armRow(finding, arm, other?.arms.find((one) => one.arm.name === arm.arm.name)?.comparison, styles, axis))}
</tbody>`
  })
  return html`<table class="effects"><thead><tr><th scope="col">Arm</th><th scope="col">Mean over runs</th><th scope="col">Change [95%]</th><th scope="col" class="axis">${stripHead(axis)}</th><th scope="col">Verdict</th></tr></thead>
${groups}</table>`
}

/** Metrics of cases with one arm: what was measured where nothing is compared. */
export function singleArmTable ({ findings }: Analysis): Markup | undefined {
  const single = findings.filter(({ arms }) => arms.length === 1)
  const wires = [...new Set(single.map(({ wire }) => wire))]
  const rows = [...Map.groupBy(single, (finding) => `${finding.case.title}: ${finding.metric.title}, ${finding.arms[0].arm.title}`)]
  return rows.length === 0
    ? undefined
    : html`<h3 class="apart">Cases with one arm</h3><div class="scroll">${dataTable(['', ...wires.map((wire) => wire === 'sim' ? 'simulated' : 'real')], rows.map(([title, own]) => [
      title,
      ...wires.map((wire) => own.filter((finding) => finding.wire === wire).map(({ arms: [{ mean }], metric }) => value(formatValue(mean.estimate, metric.unit), typeset(formatEnds(mean, metric.unit)))))
    ]))}</div>`
}

function baselineRow ({ metric }: Finding, { arm, mean, samples, failures }: ArmFinding, styles: ReadonlyMap<string, ArmStyle>): Markup {
  return html`<tr class="baseline"><th scope="row">${armKey(arm, styles)}</th><td class="number">${value(formatValue(mean.estimate, metric.unit), typeset(formatEnds(mean, metric.unit)))}${failedShare(metric, samples, failures)}</td><td class="number"></td><td class="strip-cell"></td><td><span class="quiet">baseline</span></td></tr>`
}

function armRow (finding: Finding, armFinding: ArmFinding, other: Comparison | undefined, styles: ReadonlyMap<string, ArmStyle>, axis: StripAxis): Markup {
  const { metric, baseline } = finding
  const { arm, mean, samples, failures, comparison } = armFinding
  const numbers = html`<th scope="row">${armKey(arm, styles)}</th><td class="number">${value(formatValue(mean.estimate, metric.unit), typeset(formatEnds(mean, metric.unit)))}${failedShare(metric, samples, failures)}</td>`
  if (comparison === undefined) {
    return html`<tr>${numbers}<td class="number"></td><td class="strip-cell"></td><td><span class="quiet">${arm.name === baseline ? 'baseline' : 'nothing to compare'}</span></td></tr>`
  }
  const colour = styles.get(arm.name)?.colour ?? 'var(--fg)'
  const marks: StripMark[] = []
  if (comparison.relative !== undefined) {
    const significance = `p ${formatPValue(comparison.adjustedPValue).replace(/^[01]/, '= $&')}, ${plural(comparison.pairs, 'pair')}`
    marks.push({ interval: comparison.relative, colour, open: false, label: typeset(`${effectSentence({ finding, arm: armFinding, comparison })} ${significance}`) })
  }
  if (other?.relative !== undefined) {
    marks.push({ interval: other.relative, colour, open: true, label: typeset(`On real peers ${formatEffect(other, metric.unit)}, ${plural(other.pairs, 'pair')}`) })
  }
  return html`<tr>${numbers}<td class="number">${change(comparison, metric.unit)}${other === undefined ? undefined : html`<small class="line">real ${typeset(formatEffect(other, metric.unit))}</small>`}</td><td class="strip-cell">${strip(marks, axis, metric.minimumEffect)}</td><td>${badge(comparison)}</td></tr>`
}

function change (comparison: Comparison, unit: Finding['metric']['unit']): Markup {
  const [estimate, ...ends] = typeset(formatEffect(comparison, unit)).split(' [')
  return value(estimate, ends.length === 0 ? '' : `[${ends[0]}`)
}

function value (estimate: string, ends: string): Markup {
  return html`<b>${estimate}</b> <span class="ends">${ends}</span>`
}

/** Beside latencies only: a metric of failures says it itself. */
function failedShare ({ statistic }: Finding['metric'], samples: number, failures: number): Insert {
  return failures === 0 || statistic === 'failed-share' ? undefined : html`<small class="line bad-text">${formatValue(failures / samples, 'share')} of ${plural(samples, 'sample')} failed</small>`
}
