import { MODULES } from '../experiment/definition.ts'
import type { WireName } from '../experiment/unit.ts'
import { WIRES } from '../experiment/wire-pair.ts'
import type { ResultsData } from '../results/data.ts'
import type { Analysis } from './analysis.ts'
import { verdictBadge } from './badges.ts'
import type { ArmFinding, Comparison, Finding } from './findings.ts'
import { formatEffect, formatEnds, formatPValue, formatValue, plural, typeset } from './format.ts'
import { dataTable, scrollable } from './chart.ts'
import { comparisonTable } from './comparison-table.ts'
import { html } from './markup.ts'
import type { Insert, Markup } from './markup.ts'
import { casesWithCourses, courseId } from './course-section.ts'
import { armKey } from './legend.ts'
import type { ArmStyle } from './palette.ts'
import { MODULE_TITLES } from './module-verdicts.ts'
import { effectsOf, leadingFindings, lowerFirst, strength, verdictText } from './sentences.ts'
import { ratioAxis, signKey, strip, stripHead } from './strip.ts'
import type { StripAxis, StripMark, StripSign } from './strip.ts'
import { WIRE_PLACES, WIRE_WORDS } from './wire-words.ts'

/** More would make a page too large to send and too long to read. */
const MAXIMUM_DRAWN = 60

const WIRE_SIGNS: Readonly<Record<WireName, StripSign>> = { sim: 'disc', stack: 'ring', tcp: 'lozenge' }

/** What the marks of each wire look like. */
export function wireSigns (wires: readonly WireName[]): Markup {
  return html`<p class="legend">${wires.map((wire) => html`${signKey(WIRE_SIGNS[wire], WIRE_WORDS[wire])} `)}</p>`
}

/**
 * Every comparison outside sweeps with its interval, as a table and as marks on one axis; other wires beside the leading
 * one. What a case costs comes after what it is about.
 */
export function effectTable (results: ResultsData, analysis: Analysis, styles: ReadonlyMap<string, ArmStyle>): Markup {
  const leading = leadingFindings(results, analysis).filter(({ arms }) => arms.some(({ comparison }) => comparison !== undefined))
  if (leading.length === 0) {
    return html`<p>No two arms have runs to compare.</p>`
  }
  const compared = goalsFirst(leading.filter((finding) => finding.case.sweep === undefined))
  if (compared.length === 0) {
    return html`<p>All cases belong to sweeps: see below, along what they vary.</p>`
  }
  const findings = analysis.findings.filter((finding) => finding.case.sweep === undefined)
  const axis = ratioAxis(findings.flatMap(({ arms }) => arms.flatMap(({ comparison }) => comparison?.relative ?? [])))
  const drawn = largest(compared)
  const seenInside = casesWithCourses(results)
  const rest = compared.filter((finding) => !drawn.has(finding))
  const groups = compared.filter((finding) => drawn.has(finding)).map((finding) => {
    const { metric } = finding
    const others = findings.filter((other) => other.wire !== finding.wire && other.case === finding.case && other.metric === metric)
    const elsewhere = (arm: ArmFinding): Elsewhere[] => others.flatMap(({ wire, arms }) => {
      const comparison = arms.find((one) => one.arm.name === arm.arm.name)?.comparison
      return comparison === undefined ? [] : [{ wire, comparison }]
    })
    const baseline = finding.arms.find(({ arm }) => arm.name === finding.baseline)
    return html`<tbody>
<tr class="group"><th colspan="5" scope="rowgroup"><span>${caseTitle(finding.case, seenInside)}</span> <b>${metric.title}</b> ${metric.role === 'cost' ? html`<span class="badge same">cost</span>` : undefined}<small>${metric.better} is better; changes under ${formatValue(metric.minimumEffect, 'share')} do not count${noGainNote(finding.case)}</small></th></tr>
${baseline === undefined ? undefined : baselineRow(finding, baseline)}
${finding.arms.filter((arm) => arm !== baseline).map((arm) => armRow(finding, arm, elsewhere(arm), styles, axis))}
</tbody>`
  })
  return html`<table class="effects"><thead><tr><th scope="col">Arm</th><th scope="col">Mean over runs</th><th scope="col">Change [95%]</th><th scope="col" class="axis">${stripHead(axis)}</th><th scope="col">Verdict</th></tr></thead>
${groups}</table>${rest.length === 0
    ? undefined
    : html`<p>Drawn are the ${drawn.size} metrics with the largest effects of ${compared.length}.</p><details><summary>The other ${rest.length}</summary>${scrollable('Comparisons that are not drawn', comparisonTable(rest.map((finding) =>
      [finding, ...findings.filter((other) => other.wire !== finding.wire && other.case === finding.case && other.metric === finding.metric)])))}</details>`}`
}

/** Those with the largest effects, where all would be too many to draw. */
function largest (findings: readonly Finding[]): Set<Finding> {
  const size = new Map(findings.map((finding) => [finding, Math.max(0, ...effectsOf([finding]).map(strength))]))
  return new Set([...findings].sort((a, b) => (size.get(b) ?? 0) - (size.get(a) ?? 0)).slice(0, MAXIMUM_DRAWN))
}

/** Costs after the goals of their case. */
function goalsFirst (findings: readonly Finding[]): Finding[] {
  return [...Map.groupBy(findings, (finding) => finding.case.name).values()].flatMap((own) => own.toSorted((a, b) => Number(a.metric.role === 'cost') - Number(b.metric.role === 'cost')))
}

/** Linked to its runs, where some were recorded. */
function caseTitle ({ name, title }: Finding['case'], seenInside: ReadonlySet<string>): Insert {
  return seenInside.has(name) ? html`<a href="#${courseId(name)}">${title}</a>` : title
}

function noGainNote ({ noGain = [] }: Finding['case']): string {
  return noGain.length === 0
    ? ''
    : `; nothing to gain for ${noGain.length === MODULES.length ? 'any module' : noGain.map((module) => lowerFirst(MODULE_TITLES[module])).join(', ')} here: what it costs`
}

/** Metrics of cases with one arm: what was measured where nothing is compared. */
export function singleArmTable ({ findings }: Analysis): Markup | undefined {
  const single = findings.filter(({ arms }) => arms.length === 1)
  const wires = WIRES.filter((wire) => single.some((finding) => finding.wire === wire))
  const rows = [...Map.groupBy(single, (finding) => `${finding.case.title}: ${finding.metric.title}, ${finding.arms[0].arm.title}`)]
  return rows.length === 0
    ? undefined
    : html`<h3 class="apart">Cases with one arm</h3>${scrollable('Cases with one arm', dataTable(['Metric', ...wires.map((wire) => WIRE_WORDS[wire])], rows.map(([title, own]) => [
      title,
      ...wires.map((wire) => own.filter((finding) => finding.wire === wire).map(({ arms: [{ mean }], metric }) => value(formatValue(mean.estimate, metric.unit), typeset(formatEnds(mean, metric.unit)))))
    ])))}`
}

function baselineRow ({ metric }: Finding, { arm, mean, samples, failures, saturated }: ArmFinding): Markup {
  return html`<tr class="baseline"><th scope="row">${armKey(arm)}</th><td class="number">${meanOf(metric, mean, saturated)}${failedShare(metric, samples, failures)}</td><td class="number"></td><td class="strip-cell"></td><td><span class="quiet">baseline</span></td></tr>`
}

/** The same comparison on a wire that does not lead. */
interface Elsewhere {
  readonly wire: WireName
  readonly comparison: Comparison
}

function armRow (finding: Finding, armFinding: ArmFinding, elsewhere: readonly Elsewhere[], styles: ReadonlyMap<string, ArmStyle>, axis: StripAxis): Markup {
  const { metric, baseline } = finding
  const { arm, mean, samples, failures, saturated, comparison } = armFinding
  const numbers = html`<th scope="row">${armKey(arm)}</th><td class="number">${meanOf(metric, mean, saturated)}${failedShare(metric, samples, failures)}</td>`
  if (comparison === undefined) {
    return html`<tr>${numbers}<td class="number"></td><td class="strip-cell"></td><td><span class="quiet">${arm.name === baseline ? 'baseline' : 'nothing to compare'}</span></td></tr>`
  }
  const colour = styles.get(arm.name)?.colour ?? 'var(--fg)'
  const marks: StripMark[] = []
  if (comparison.relative !== undefined && comparison.bounds === undefined) {
    marks.push({ interval: comparison.relative, colour, sign: WIRE_SIGNS[finding.wire], label: typeset(`${arm.title} ${WIRE_PLACES[finding.wire]} ${formatEffect(comparison, metric.unit)}: ${verdictText(comparison, metric)}`) })
  }
  for (const { wire, comparison: other } of elsewhere) {
    const { relative, bounds, pairs } = other
    if (relative !== undefined && bounds === undefined) {
      marks.push({ interval: relative, colour, sign: WIRE_SIGNS[wire], label: typeset(`${WIRE_PLACES[wire]} ${formatEffect(other, metric.unit)}, ${plural(pairs, 'pair')}`) })
    }
  }
  return html`<tr>${numbers}<td class="number">${change(comparison, metric.unit)}${elsewhere.map(({ wire, comparison }) => html`<small class="line">${WIRE_WORDS[wire]} ${typeset(formatEffect(comparison, metric.unit))}</small>`)}</td><td class="strip-cell">${strip(marks, axis, metric.minimumEffect)}</td><td>${verdictBadge(metric, comparison)}${isEqual(comparison) || comparison.bounds !== undefined ? undefined : html`<small class="line">${significance(comparison, metric)}</small>`}</td></tr>`
}

/** All ties: half of the pairs would be called better. */
function isEqual ({ difference: { low, high } }: Comparison): boolean {
  return low === 0 && high === 0
}

/** Chance, and the effect size that needs no unit, ties counted half: `p < 0.001, better in 19.5 of 20 pairs`. */
function significance ({ adjustedPValue, superiority, pairs }: Comparison, { better, role }: Finding['metric']): string {
  return `p ${formatPValue(adjustedPValue).replace(/^[01]/, '= $&')}, ${role === 'cost' ? 'cheaper' : 'better'} in ${Number(((better === 'lower' ? 1 - superiority : superiority) * pairs).toFixed(1))} of ${plural(pairs, 'pair')}`
}

function change (comparison: Comparison, unit: Finding['metric']['unit']): Markup {
  const [estimate, ...ends] = typeset(formatEffect(comparison, unit)).split(' [')
  return value(estimate, ends.length === 0 ? '' : `[${ends[0]}`)
}

/** Of what is a bound no interval: it would be that of deadlines. */
function meanOf ({ unit, better }: Finding['metric'], mean: ArmFinding['mean'], saturated: boolean): Markup {
  return saturated ? value(`${better === 'lower' ? '>' : '<'} ${formatValue(mean.estimate, unit)}`, '') : value(formatValue(mean.estimate, unit), typeset(formatEnds(mean, unit)))
}

function value (estimate: string, ends: string): Markup {
  return html`<b>${estimate}</b> <span class="ends">${ends}</span>`
}

/** Beside latencies only: a metric of failures says it itself. */
function failedShare ({ statistic }: Finding['metric'], samples: number, failures: number): Insert {
  return failures === 0 || statistic === 'failed-share' ? undefined : html`<small class="line bad-text">${formatValue(failures / samples, 'share')} of ${plural(samples, 'sample')} failed</small>`
}
