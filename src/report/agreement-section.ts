import type { Metric } from '../experiment/definition.ts'
import { isPair, pairsOf, WIRES } from '../experiment/wire-pair.ts'
import type { WirePair } from '../experiment/wire-pair.ts'
import type { ResultsData } from '../results/data.ts'
import type { Interval } from '../stats/interval.ts'
import { agreementSentence } from './agreement-sentences.ts'
import type { Analysis } from './analysis.ts'
import { beliefTable } from './belief-section.ts'
import { beliefSentence } from './belief-sentences.ts'
import { CLOSE_VALUES } from './beliefs.ts'
import { dataTable, scrollable } from './chart.ts'
import type { Distribution } from './distribution-choice.ts'
import { cdfFigure, wireKey } from './distributions.ts'
import { formatPercent, formatValue, plural, typeset } from './format.ts'
import { armKey, legend } from './legend.ts'
import { html, withCode } from './markup.ts'
import type { Insert, Markup } from './markup.ts'
import type { ArmStyle } from './palette.ts'
import { inAll, seriesOf } from './series.ts'
import { lowerFirst } from './sentences.ts'
import { differenceAxis, signKey, strip, stripHead } from './strip.ts'
import type { StripAxis, StripSign } from './strip.ts'
import { agreementRows, sampleTitle, valuesByWire } from './wire-agreements.ts'
import type { AgreementRow } from './wire-agreements.ts'
import { pairLabel, pairName, WIRE_TITLES, WIRE_WORDS } from './wire-words.ts'

/** The pair that the question is about is full; its parts are open. */
const PAIR_SIGNS: Readonly<Record<string, StripSign>> = { 'sim tcp': 'disc', 'sim stack': 'ring', 'stack tcp': 'lozenge' }

/** More are no picture any longer. */
const MAXIMUM_LINES = 80
const MAXIMUM_QUANTILE_LINES = 200

/** Whether to believe, then every median side by side, every quantile, and the distributions laid over one another. */
export async function agreementSection (results: ResultsData, analysis: Analysis, chosen: readonly Distribution[], styles: ReadonlyMap<string, ArmStyle>): Promise<Markup> {
  const verdict = html`<p class="lead">${withCode(typeset(beliefSentence(analysis, results)))}</p>`
  const checked = analysis.beliefs.some(({ belief }) => belief !== 'unchecked')
  if (analysis.agreements.length === 0) {
    return html`${verdict}${checked ? beliefTable(analysis) : undefined}`
  }
  const rows = agreementRows(analysis.agreements)
  const [alone, swept] = [true, false].map((wanted) => rows.filter((row) => (row.case.sweep === undefined) === wanted))
  const axis = differenceAxis(analysis.agreements.flatMap(({ quantiles: [median] }) => median.relative))
  const wires = WIRES.filter((wire) => rows.some(({ pairs }) => pairs.some(({ model, reference }) => wire === model || wire === reference)))
  return html`${verdict}
<p>${withCode(typeset(agreementSentence(analysis, results)))}</p>
${beliefTable(analysis)}
<h3 class="apart">Medians side by side</h3>
<p>Each two wires on the seeds that ran well on both. A wire's median is shown of the pair that says most (simulation and real peers, then stack and real peers), so that where the stack ran fewer seeds a difference need not be that of the medians beside it. Difference at the median: the first of two wires over the second, minus 1, with a 95% interval over runs; the band is ${formatValue(CLOSE_VALUES, 'share')} either way. The gap is the largest distance between the two distribution functions: near 1 even for tiny shifts where values hardly vary.</p>
<p class="legend">${pairsOf(wires).map((pair) => html`${signKey(signOf(pair), `${pairLabel(pair)}: ${pairName(pair)}`)} `)}</p>
${alone.length === 0 ? undefined : medianTable(farthest(alone), styles, axis)}
${alone.length > MAXIMUM_LINES ? html`<p>Shown are the ${MAXIMUM_LINES} lines with the largest differences of ${alone.length}; the others are among the quantiles below.</p>` : undefined}
${swept.length === 0 ? undefined : html`<details><summary>Along sweeps: ${swept.length > MAXIMUM_LINES ? `the ${MAXIMUM_LINES} with the largest differences of ` : ''}${plural(swept.length, 'line')}</summary>${medianTable(farthest(swept), styles, axis)}</details>`}
<h3 class="apart">Every quantile</h3>
${rows.length > MAXIMUM_QUANTILE_LINES ? html`<p>Of the ${MAXIMUM_QUANTILE_LINES} lines with the largest differences of ${rows.length}; all samples are in <code>samples.parquet</code>.</p>` : undefined}
${groups(farthest(rows, MAXIMUM_QUANTILE_LINES)).map(([title, own]) => html`<details><summary>${title}</summary>${scrollable(`Quantiles: ${title}`, quantileTable(own))}</details>`)}
<h3 class="apart">Distributions laid over one another</h3>
${legend(results.run.experiment.arms, wires.map((wire) => html`${wireKey(wire, WIRE_TITLES[wire])} `))}
<div class="figures">${await overlays(results, rows, chosen, styles)}</div>`
}

/** Those whose medians differ most, in their order. */
function farthest (rows: readonly AgreementRow[], count = MAXIMUM_LINES): AgreementRow[] {
  const distance = ({ pairs }: AgreementRow): number => Math.max(...pairs.map(({ quantiles: [median] }) => Math.abs(median.relative.estimate)).filter(Number.isFinite), 0)
  const kept = new Set([...rows].sort((a, b) => distance(b) - distance(a)).slice(0, count))
  return rows.filter((row) => kept.has(row))
}

function medianTable (rows: readonly AgreementRow[], styles: ReadonlyMap<string, ArmStyle>, axis: StripAxis): Markup {
  return html`<table class="effects agreement"><thead><tr><th scope="col">Arm</th><th scope="col">Median</th><th scope="col">Difference</th><th scope="col" class="axis">${stripHead(axis)}</th><th scope="col">Tail and gap</th></tr></thead>
${groups(rows).map(([title, own]) => html`<tbody><tr class="group"><th colspan="5" scope="rowgroup">${title}</th></tr>${own.map((row) => medianRow(row, styles, axis))}</tbody>`)}</table>`
}

function groups (rows: readonly AgreementRow[]): Array<[string, AgreementRow[]]> {
  return [...Map.groupBy(rows, (row) => ofOneArm(row) ? row.case.title : `${row.case.title}: ${lowerFirst(sampleTitle(row.metric))}`)]
}

/** Where only one arm takes part, the metric is what tells rows apart. */
function ofOneArm ({ case: { arms } }: AgreementRow): boolean {
  return arms?.length === 1
}

function medianRow (row: AgreementRow, styles: ReadonlyMap<string, ArmStyle>, axis: StripAxis): Markup {
  const { arm, metric, pairs } = row
  const medians = valuesByWire(row, 0)
  const colour = styles.get(arm.name)?.colour ?? 'var(--fg)'
  const marks = pairs.filter(({ quantiles: [median] }) => Number.isFinite(median.relative.estimate)).map(({ quantiles: [median], ...pair }) => ({
    interval: median.relative, colour, sign: signOf(pair), label: typeset(`${arm.title}, ${pairName(pair)}: ${formatRelative(median.relative)}`)
  }))
  return html`<tr><th scope="row">${ofOneArm(row) ? metric.title : armKey(arm)}</th>
<td class="number">${[...medians].map(([wire, value]) => html`<span class="line"><b>${formatValue(value, metric.unit)}</b> <small>${WIRE_WORDS[wire]}</small></span>`)}</td>
<td class="number">${pairs.map(({ quantiles: [{ model, reference, relative }], ...pair }) => html`<span class="line"><b>${typeset(formatPercent(relative.estimate))}</b> <span class="ends">${typeset(formatEnds(relative))}</span> <small>${pairs.length === 1 ? typeset(formatDifference(model - reference, metric.unit)) : pairLabel(pair)}</small></span>`)}</td>
<td class="strip-cell">${marks.length === 0 ? undefined : strip(marks, axis, CLOSE_VALUES)}</td>
<td class="number ends">${pairs.map(({ quantiles: [, p90, p99], maximumGap }) => html`<span class="line">p90 ${typeset(formatPercent(p90.relative.estimate))}, p99 ${typeset(formatPercent(p99.relative.estimate))}, gap ${maximumGap.toFixed(2)}</span>`)}</td></tr>`
}

/** Three lines an arm, a column a wire and a pair; below them the gap of each pair. */
function quantileTable (rows: readonly AgreementRow[]): Markup {
  const [{ pairs: [first] }] = rows
  const wires = WIRES.filter((wire) => rows.some((row) => valuesByWire(row, 0).has(wire)))
  const pairs = pairsOf(wires)
  const find = (row: AgreementRow, wanted: WirePair): AgreementRow['pairs'][number] | undefined => row.pairs.find((pair) => isPair(pair, wanted))
  return dataTable(['Arm and quantile', ...wires.map((wire) => WIRE_WORDS[wire]), ...pairs.map(pairName)], rows.flatMap((row) => {
    const title = ofOneArm(row) ? row.metric.title : row.arm.title
    return [
      ...first.quantiles.map(({ probability }, index): Insert[] => [
        `${title}, p${probability * 100}`,
        ...wires.map((wire) => formatOptional(valuesByWire(row, index).get(wire), row.metric.unit)),
        ...pairs.map((pair) => {
          const relative = find(row, pair)?.quantiles[index].relative
          return relative === undefined ? '' : typeset(formatRelative(relative))
        })
      ]),
      [`${title}, gap`, ...wires.map(() => ''), ...pairs.map((pair) => find(row, pair)?.maximumGap.toFixed(2) ?? '')]
    ]
  }))
}

async function overlays (results: ResultsData, rows: readonly AgreementRow[], chosen: readonly Distribution[], styles: ReadonlyMap<string, ArmStyle>): Promise<Markup[]> {
  const figures: Markup[] = []
  for (const { case: caseDescription, metric, id, title } of chosen) {
    const own = rows.filter((row) => row.case === caseDescription && row.metric === metric)
    // One scenario for all that is laid over one another.
    const seeds = new Set(inAll(own.flatMap(({ pairs }) => pairs.map((pair) => pair.seeds))))
    const series = WIRES.flatMap((wire) => seriesOf(results, { wire, case: caseDescription, sample: metric.sample, seeds }))
    if (seeds.size > 0) {
      figures.push(await cdfFigure({ id: `overlay-${id}`, title, metric, series, styles }))
    }
  }
  return figures
}

function signOf ({ model, reference }: WirePair): StripSign {
  return PAIR_SIGNS[`${model} ${reference}`]
}

function formatRelative (relative: Interval): string {
  return `${formatPercent(relative.estimate)} ${formatEnds(relative)}`
}

function formatEnds ({ low, high }: Interval): string {
  return low === -Infinity ? '[one run]' : `[${formatPercent(low).replace('%', '')}, ${formatPercent(high).replace('%', '')}]`
}

function formatDifference (difference: number, unit: Metric['unit']): string {
  return `${difference > 0 ? '+' : ''}${formatValue(difference, unit)}`
}

function formatOptional (value: number | undefined, unit: Metric['unit']): string {
  return value === undefined ? '' : formatValue(value, unit)
}
