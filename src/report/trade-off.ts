import type { ResultsData } from '../results/data.ts'
import type { Analysis } from './analysis.ts'
import { CHART_HEIGHT, CHART_WIDTH, dataTable, figure, renderChart } from './chart.ts'
import type { Finding } from './findings.ts'
import { formatInterval, typeset } from './format.ts'
import type { Markup } from './markup.ts'
import type { ArmStyle } from './palette.ts'
import { valueScale } from './scales.ts'
import { leadingFindings, lowerFirst } from './sentences.ts'

/** More would repeat themselves. */
const MAXIMUM_FIGURES = 6

/** Characters of an axis title that fit a chart. */
const LINE = 40

/** Costs that differ by less are the same: rounding. */
const LEAST_SPREAD = 1e-6

/** What an arm gives against what it takes. */
interface TradeOff {
  readonly goal: Finding
  readonly cost: Finding
}

/**
 * A scatter a case whose arms differ in a cost, a mark an arm: its first goal against the cost that differs most. Sweeps
 * have their own charts.
 */
export async function tradeOffFigures (results: ResultsData, analysis: Analysis, styles: ReadonlyMap<string, ArmStyle>): Promise<Markup[]> {
  const byCase = Map.groupBy(leadingFindings(results, analysis).filter((finding) => finding.case.sweep === undefined && finding.arms.length > 1), (finding) => finding.case.name)
  const tradeOffs = [...byCase.values()].flatMap((findings) => {
    const [goal, cost] = [findings.find(({ metric }) => metric.role !== 'cost'), dearest(findings.filter(({ metric }) => metric.role === 'cost'))]
    return goal === undefined || cost === undefined ? [] : [{ goal, cost }]
  })
  const figures: Markup[] = []
  for (const tradeOff of tradeOffs.slice(0, MAXIMUM_FIGURES)) {
    figures.push(await tradeOffFigure(tradeOff, styles))
  }
  return figures
}

/** The cost that differs most between arms; undefined where no cost varies. */
function dearest (costs: readonly Finding[]): Finding | undefined {
  return costs.filter((cost) => spread(cost) > LEAST_SPREAD).toSorted((a, b) => spread(b) - spread(a)).at(0)
}

/** The farthest that an arm's mean is from the baseline's, as a share of the larger of the two: the same for halving and doubling. */
function spread ({ arms, baseline }: Finding): number {
  const reference = arms.find(({ arm }) => arm.name === baseline)?.mean.estimate ?? 0
  return Math.max(0, ...arms.map(({ mean: { estimate } }) => estimate === reference ? 0 : Math.abs(estimate - reference) / Math.max(Math.abs(estimate), Math.abs(reference))))
}

async function tradeOffFigure ({ goal, cost }: TradeOff, styles: ReadonlyMap<string, ArmStyle>): Promise<Markup> {
  const arms = goal.arms.flatMap(({ arm, mean }) => {
    const paid = cost.arms.find((one) => one.arm.name === arm.name)
    return paid === undefined ? [] : [{ arm, gain: mean, paid: paid.mean }]
  })
  const id = `trade-off-${goal.case.name}`
  const rows = arms.map(({ arm, gain, paid }) => ({
    arm: arm.name,
    x: paid.estimate,
    xLow: finite(paid.low, paid.estimate),
    xHigh: finite(paid.high, paid.estimate),
    y: gain.estimate,
    yLow: finite(gain.low, gain.estimate),
    yHigh: finite(gain.high, gain.estimate),
    tip: `${arm.title}: ${formatInterval(gain, goal.metric.unit)}, ${formatInterval(paid, cost.metric.unit)}`
  }))
  const names = rows.map(({ arm }) => arm)
  const color = { field: 'arm', type: 'nominal' as const, scale: { domain: names, range: names.map((name) => styles.get(name)?.colour ?? 'var(--fg)') } }
  const shape = { field: 'arm', type: 'nominal' as const, scale: { domain: names, range: names.map((name) => styles.get(name)?.symbol ?? 'circle') } }
  const x = { field: 'x', type: 'quantitative' as const, title: inLines(`${cost.metric.title} (cost)`), ...valueScale(rows.flatMap(({ x, xLow, xHigh }) => [x, xLow, xHigh]), cost.metric.unit) }
  const y = { field: 'y', type: 'quantitative' as const, title: inLines(`${goal.metric.title}, ${goal.metric.better} is better`), ...valueScale(rows.flatMap(({ y, yLow, yHigh }) => [y, yLow, yHigh]), goal.metric.unit) }
  return figure({
    id,
    title: goal.case.title,
    description: `${goal.metric.title} against ${lowerFirst(cost.metric.title)}, ${lowerFirst(goal.case.title)}, means over runs. ${rows.map(({ tip }) => tip).join('. ')}.`,
    chart: await renderChart({
      width: CHART_WIDTH - 70,
      height: CHART_HEIGHT - 70,
      data: { values: rows },
      layer: [
        { mark: { type: 'rule', strokeWidth: 1.25, opacity: 0.7, aria: false, clip: true }, encoding: { x: { ...x, field: 'xLow' }, x2: { field: 'xHigh' }, y, color } },
        { mark: { type: 'rule', strokeWidth: 1.25, opacity: 0.7, aria: false, clip: true }, encoding: { x, y: { ...y, field: 'yLow' }, y2: { field: 'yHigh' }, color } },
        { mark: { type: 'point', filled: true, size: 90, opacity: 1, stroke: 'var(--bg)', strokeWidth: 1 }, encoding: { x, y, color, shape, description: { field: 'tip' } } }
      ]
    }, id),
    table: dataTable(['Arm', goal.metric.title, `${cost.metric.title} (cost)`], arms.map(({ arm, gain, paid }) => [arm.title, typeset(formatInterval(gain, goal.metric.unit)), typeset(formatInterval(paid, cost.metric.unit))]))
  })
}

/** Of an axis title that would make the whole chart smaller. */
function inLines (text: string): string[] {
  return text.split(' ').reduce<string[]>((lines, word) => {
    const last = lines.at(-1)
    return last !== undefined && `${last} ${word}`.length <= LINE ? [...lines.slice(0, -1), `${last} ${word}`] : [...lines, word]
  }, [])
}

function finite (end: number, estimate: number): number {
  return Number.isFinite(end) ? end : estimate
}
