import type { Sweep } from '../experiment/definition.ts'
import { WIRES } from '../experiment/wire-pair.ts'
import type { ResultsData } from '../results/data.ts'
import type { Analysis } from './analysis.ts'
import { CHART_HEIGHT, CHART_WIDTH, dataTable, figure, scrollable } from './chart.ts'
import { comparisonTable } from './comparison-table.ts'
import { wireKey } from './distributions.ts'
import { formatInterval, typeset } from './format.ts'
import { heatMaps } from './heat-map.ts'
import { legend } from './legend.ts'
import { html } from './markup.ts'
import type { Insert, Markup } from './markup.ts'
import type { ArmStyle } from './palette.ts'
import { lowerFirst } from './sentences.ts'
import { sweepAxes, sweepPanel } from './sweep-chart.ts'
import { armsAlong, leadingArm, levelsOf, levelText, sweptMetrics } from './sweeps.ts'
import type { SweepPoint, SweptMetric } from './sweeps.ts'
import { WIRE_TITLES, WIRE_WORDS } from './wire-words.ts'

const PANEL = { width: 190, height: 150 }

/** Each metric along each sweep as small multiples and as a heat map of effects, and below them all comparisons. */
export async function sweepSection (results: ResultsData, analysis: Analysis, sweep: Sweep, styles: ReadonlyMap<string, ArmStyle>): Promise<Markup> {
  const metrics = sweptMetrics(results, analysis, sweep)
  if (metrics.length === 0) {
    return html`<p>${sweep.description}</p><p>No run of it ended well.</p>`
  }
  const arms = new Set(metrics.flatMap((swept) => armsAlong(swept, results)))
  const wires = WIRES.filter((wire) => metrics.some(({ points }) => points.some(({ findings }) => findings.some((finding) => finding.wire === wire))))
  const figures: Markup[] = []
  for (const swept of metrics) {
    figures.push(await sweepFigure(results, swept, styles))
  }
  return html`<p>${sweep.description} Means over runs with 95% intervals${wires.length > 1 ? html`; full marks and intervals are of the wire that leads, open marks of the others` : undefined}.</p>
${legend(results.run.experiment.arms.filter(({ name }) => arms.has(name)), wires.length > 1 ? wires.map((wire) => html`${wireKey(wire, WIRE_TITLES[wire])} `) : undefined)}
<p class="quiet">In the tables of changes a colour is as deep as the change is large, blue for better and orange for worse; the sign is the verdict: ✓ improved, ✕ regressed, ↑ costs more, ↓ costs less, = no meaningful change, ? inconclusive.</p>
<div class="${sweep.factors.length === 1 ? 'figures' : 'wide-figures'}">${figures}</div>
<details><summary>All comparisons of the sweep</summary>${scrollable(`All comparisons along ${sweep.title}`, comparisonTable(metrics.flatMap(({ points }) => points.map(({ findings }) => findings))))}</details>`
}

async function sweepFigure (results: ResultsData, swept: SweptMetric, styles: ReadonlyMap<string, ArmStyle>): Promise<Markup> {
  const { sweep, metric, points } = swept
  const id = `sweep-${sweep.name}-${metric.name}`
  const axes = sweepAxes(swept)
  const [, second] = sweep.factors
  const others = second === undefined ? [undefined] : levelsOf(points, 1)
  const panels: Markup[] = []
  for (const [index, other] of others.entries()) {
    const chart = await sweepPanel(results, swept, points.filter(({ levels }) => levels[1] === other), axes, styles,
      second === undefined ? { width: CHART_WIDTH - 70, height: CHART_HEIGHT - 70 } : PANEL, `${id}-${index}`)
    panels.push(other === undefined || second === undefined ? chart : html`<div class="panel"><p>${second.title} ${levelText(other, second)}</p>${chart}</div>`)
  }
  return figure({
    id,
    title: `${metric.title}${metric.role === 'cost' ? ' (cost)' : ''}`,
    description: describe(results, swept),
    chart: second === undefined ? panels[0] : html`<div class="panels">${panels}</div>`,
    after: html`<div class="heats">${heatMaps(swept, results).map((map, index) => scrollable(`${metric.title}: changes${index === 0 ? '' : `, ${index + 1}`}`, map))}</div>`,
    table: numbers(results, swept)
  })
}

function describe (results: ResultsData, swept: SweptMetric): string {
  const { sweep: { factors }, metric, points } = swept
  const ends = [points[0], points[points.length - 1]]
  const place = ({ levels }: SweepPoint): string => levels.map((level, index) => `${lowerFirst(factors[index].title)} ${levelText(level, factors[index])}`).join(', ')
  const arms = armsAlong(swept, results).map((arm) => {
    const values = ends.map((point) => {
      const found = leadingArm(point, arm)
      return `${found === undefined ? 'nothing' : formatInterval(found.mean, metric.unit)} at ${place(point)}`
    })
    return `${results.run.experiment.arms.find(({ name }) => name === arm)?.title ?? arm}: ${values.join(', ')}`
  })
  return `${metric.title} over ${factors.map(({ title }) => lowerFirst(title)).join(' and ')}, ${metric.better} is better. ${arms.join('. ')}.`
}

/** Means with their intervals: a line a place and wire, a column an arm. */
function numbers (results: ResultsData, swept: SweptMetric): Markup {
  const { sweep: { factors }, metric, points } = swept
  const arms = results.run.experiment.arms.filter(({ name }) => armsAlong(swept, results).includes(name))
  return dataTable([factors.map(({ title }) => title).join(', '), ...arms.map(({ title }) => title)], points.flatMap(({ levels, findings }) => findings.map((finding): Insert[] => [
    `${levels.map((level, index) => levelText(level, factors[index])).join(', ')}, ${WIRE_WORDS[finding.wire]}`,
    ...arms.map(({ name }) => {
      const found = finding.arms.find(({ arm }) => arm.name === name)
      return found === undefined ? '' : typeset(formatInterval(found.mean, metric.unit))
    })
  ])))
}
