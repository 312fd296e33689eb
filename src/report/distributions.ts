import type { Metric } from '../experiment/definition.ts'
import type { WireName } from '../experiment/unit.ts'
import { WIRES } from '../experiment/wire-pair.ts'
import type { ResultsData } from '../results/data.ts'
import { dataTable, figure, renderChart } from './chart.ts'
import type { Distribution } from './distribution-choice.ts'
import { formatValue, plural } from './format.ts'
import { html } from './markup.ts'
import type { Markup } from './markup.ts'
import type { ArmStyle } from './palette.ts'
import { valueScale } from './scales.ts'
import { cdfPoints, commonSeeds, reached, seriesOf } from './series.ts'
import type { Series } from './series.ts'
import { leadingWire } from './sentences.ts'
import { WIRE_WORDS } from './wire-words.ts'

/** With fewer samples an axis of nines would show little but single samples. */
const NINES_FROM_SAMPLES = 1000
const MARKED = [0.5, 0.9, 0.99, 0.999]

const AT_MOST: Readonly<Record<Metric['unit'], string>> = {
  ms: 'at most this long', bytes: 'at most this large', 'bit/s': 'at most this fast', count: 'at most this many', share: 'at most this share'
}

interface WireLine {
  readonly width: number
  readonly opacity: number
  readonly dash: number[]
}

/** How the lines of each wire are drawn where several are laid over one another. */
export const WIRE_LINES: Readonly<Record<WireName, WireLine>> = {
  sim: { width: 7, opacity: 0.35, dash: [1, 0] },
  stack: { width: 2.5, opacity: 1, dash: [5, 4] },
  tcp: { width: 1.5, opacity: 1, dash: [1, 0] }
}

export interface CdfOptions {
  readonly id: string
  readonly title: string
  readonly metric: Metric
  readonly series: readonly Series[]
  readonly styles: ReadonlyMap<string, ArmStyle>
}

/** What a wire's lines look like where several are laid over one another. */
export function wireKey (wire: WireName, title: string): Markup {
  const { width, opacity, dash } = WIRE_LINES[wire]
  return html`<span class="key"><svg class="wire" viewBox="0 0 28 8" aria-hidden="true"><path d="M1 4h26" stroke="var(--muted)" stroke-width="${width}" stroke-opacity="${opacity}" stroke-dasharray="${dash[1] === 0 ? 'none' : dash.join(' ')}"/></svg> ${title}</span>`
}

/** One chart of distribution functions a case, a line an arm. */
export async function distributionFigures (results: ResultsData, chosen: readonly Distribution[], styles: ReadonlyMap<string, ArmStyle>): Promise<Markup[]> {
  const figures: Markup[] = []
  for (const { case: caseDescription, metric, id, title } of chosen) {
    const selection = { wire: leadingWire(results, caseDescription.name), case: caseDescription, sample: metric.sample }
    const series = seriesOf(results, { ...selection, seeds: commonSeeds(results, selection) })
    if (series.length > 0) {
      figures.push(await cdfFigure({ id: `cdf-${id}`, title, metric, series, styles }))
    }
  }
  return figures
}

/** Distribution functions; with several wires each has a line of its own kind. */
export async function cdfFigure (options: CdfOptions): Promise<Markup> {
  const { id, title, metric, series } = options
  const failed = series.some(({ successes, total }) => successes.length < total)
  return figure({
    id,
    title,
    description: describe(options),
    chart: await cdfChart(options),
    caption: failed ? 'A line that ends below the top has failures: those samples never arrived.' : undefined,
    table: dataTable(
      ['Arm', 'samples', 'failed', 'p10', 'p50', 'p90', 'p99', 'p99.9', metric.unit === 'ms' ? 'slowest' : 'largest'],
      series.map((one) => [
        name(one, series),
        one.total,
        formatValue(1 - one.successes.length / one.total, 'share'),
        ...[0.1, 0.5, 0.9, 0.99, 0.999].map((probability) => formatReached(one, probability, metric)),
        one.successes.length === 0 ? 'never' : formatValue(one.successes[one.successes.length - 1], metric.unit)
      ])
    )
  })
}

async function cdfChart ({ id, metric, series, styles }: CdfOptions): Promise<Markup> {
  const values = series.flatMap(({ successes }) => successes.length === 0 ? [] : [successes[0], successes[successes.length - 1]])
  if (values.length === 0) {
    return html`<p class="empty">No sample succeeded.</p>`
  }
  const x = valueScale(values, metric.unit)
  const samples = Math.max(...series.map(({ total }) => total))
  const nines = samples >= NINES_FROM_SAMPLES ? Math.min(4, Math.ceil(Math.log10(samples))) : undefined
  const floor = nines === undefined ? 0 : 10 ** -nines
  // On an axis of nines a height is the share that is still to come, on a log scale upside down.
  const height = (share: number): number => nines === undefined ? share : Math.max(floor, 1 - share)
  const wires = WIRES.filter((wire) => series.some((one) => one.wire === wire))
  const several = wires.length > 1
  const byWire = <Value> (value: (line: WireLine) => Value): { field: string, type: 'nominal', scale: { domain: WireName[], range: Value[] } } =>
    ({ field: 'wire', type: 'nominal', scale: { domain: wires, range: wires.map((wire) => value(WIRE_LINES[wire])) } })
  const arms = [...new Set(series.map(({ arm }) => arm.name))]
  // Later arms are drawn over earlier ones and thinner, so that equal arms show as nested lines instead of one.
  const width = (arm: string): number => 1.6 + 1.3 * Math.min(3, arms.length - 1 - arms.indexOf(arm))
  const lines = series.flatMap((one) => {
    const points = cdfPoints(one)
    const key = `${one.arm.name} ${one.wire}`
    const last = points[points.length - 1]?.share ?? 0
    return [
      ...points.map(({ value, share }, index) => ({ key, arm: one.arm.name, wire: one.wire, value, height: height(share), order: index + 1, width: width(one.arm.name) })),
      ...(points.length === 0 ? [] : [{ key, arm: one.arm.name, wire: one.wire, value: points[0].value, height: height(0), order: 0, width: width(one.arm.name) }]),
      { key, arm: one.arm.name, wire: one.wire, value: x.scale.domain[1], height: height(last), order: points.length + 1, width: width(one.arm.name) }
    ]
  })
  // Of the most real wire: marks of all would hide one another.
  const marks = series.flatMap((one) => one.wire !== wires[wires.length - 1]
    ? []
    : MARKED.filter((probability) => one.total * (1 - probability) >= 0.99).flatMap((probability) => {
      const value = reached(one, probability)
      return value === undefined
        ? []
        : [{ arm: one.arm.name, value, height: height(probability), tip: `${name(one, series)}: p${formatProbability(probability)} ${formatValue(value, metric.unit)}` }]
    }))
  const colour = { field: 'arm', type: 'nominal' as const, scale: { domain: arms, range: arms.map((arm) => styles.get(arm)?.colour ?? 'var(--fg)') } }
  const shape = { field: 'arm', type: 'nominal' as const, scale: { domain: arms, range: arms.map((arm) => styles.get(arm)?.symbol ?? 'circle') } }
  const encodingX = { field: 'value', type: 'quantitative' as const, ...x, title: null }
  const encodingY = {
    field: 'height',
    type: 'quantitative' as const,
    title: `share of samples ${AT_MOST[metric.unit]}`,
    ...(nines === undefined
      ? { scale: { domain: [0, 1] }, axis: { values: [0, 0.25, 0.5, 0.75, 1], format: '.0%' } }
      : {
          scale: { type: 'log' as const, domain: [1, floor], reverse: false, nice: false },
          axis: { values: [1, 0.5, ...Array.from({ length: nines }, (_, i) => 10 ** -(i + 1))], labelExpr: `datum.value < ${2 * floor} ? 'all' : format(1 - datum.value, '~p')` }
        })
  }
  return await renderChart({
    layer: [
      {
        data: { values: lines },
        mark: { type: 'line', interpolate: 'step-after', strokeJoin: 'round', clip: true, aria: false },
        encoding: {
          x: encodingX,
          y: encodingY,
          color: colour,
          detail: { field: 'key' },
          order: { field: 'order' },
          strokeWidth: several ? byWire(({ width }) => width) : { field: 'width', type: 'quantitative', scale: null },
          ...(several ? { strokeOpacity: byWire(({ opacity }) => opacity), strokeDash: byWire(({ dash }) => dash) } : {})
        }
      },
      {
        data: { values: marks },
        mark: { type: 'point', filled: true, size: 62, opacity: 1, stroke: 'var(--bg)', strokeWidth: 1 },
        encoding: { x: encodingX, y: encodingY, color: colour, shape, description: { field: 'tip' } }
      }
    ]
  }, id)
}

function describe ({ title, metric, series }: CdfOptions): string {
  const lines = series.map((one) => `${name(one, series)}: half within ${formatReached(one, 0.5, metric)}, 99% within ${formatReached(one, 0.99, metric)}, ${plural(one.total - one.successes.length, 'failure')} of ${one.total}`)
  return `Distribution functions, ${title}. ${lines.join('. ')}.`
}

function name ({ arm, wire }: Series, all: readonly Series[]): string {
  return new Set(all.map((one) => one.wire)).size > 1 ? `${arm.title}, ${WIRE_WORDS[wire]}` : arm.title
}

function formatReached (series: Series, probability: number, { unit }: Metric): string {
  const value = reached(series, probability)
  return value === undefined ? 'never' : formatValue(value, unit)
}

function formatProbability (probability: number): string {
  return String(Number((probability * 100).toPrecision(4)))
}
