import type { WireName } from '../experiment/unit.ts'
import { WIRES } from '../experiment/wire-pair.ts'
import type { ResultsData } from '../results/data.ts'
import { renderChart } from './chart.ts'
import { WIRE_LINES } from './distributions.ts'
import { formatInterval } from './format.ts'
import type { Markup } from './markup.ts'
import type { ArmStyle } from './palette.ts'
import { factorScale, valueScale } from './scales.ts'
import type { ValueScale } from './scales.ts'
import { armsAlong, levelText } from './sweeps.ts'
import type { SweepPoint, SweptMetric } from './sweeps.ts'
import { WIRE_WORDS } from './wire-words.ts'

/** A mean at a place. */
interface Place {
  readonly arm: string
  readonly wire: WireName
  /** Whether the wire's verdicts lead here: its marks are full and have their intervals. */
  readonly leads: boolean
  readonly level: number
  readonly mean: number
  readonly low: number
  readonly high: number
  readonly tip: string
}

/** How large one panel is drawn, CSS pixels. */
export interface PanelSize {
  readonly width: number
  readonly height: number
}

/** What all panels of a metric share, so that they can be compared. */
export interface SweepAxes {
  readonly y: ValueScale
}

/** One value axis for all panels. */
export function sweepAxes (swept: SweptMetric): SweepAxes {
  const places = placesOf(swept, swept.points)
  const positive = places.every(({ mean }) => mean > 0)
  return {
    y: valueScale(places.flatMap(({ leads, mean, low, high }) => [mean, ...(leads ? [low, high].filter((end) => Number.isFinite(end) && (end > 0 || !positive)) : [])]), swept.metric.unit)
  }
}

/** Mean over the first factor, a line an arm, with intervals where a wire leads; other wires with lines and marks of their own. */
export async function sweepPanel (results: ResultsData, swept: SweptMetric, points: readonly SweepPoint[], axes: SweepAxes, styles: ReadonlyMap<string, ArmStyle>, size: PanelSize, id: string): Promise<Markup> {
  const rows = placesOf(swept, points)
  const arms = armsAlong(swept, results)
  const wires = WIRES.filter((wire) => rows.some((row) => row.wire === wire))
  const ofArm = <Value> (value: (style: ArmStyle) => Value): { domain: string[], range: Value[] } =>
    ({ domain: arms, range: arms.flatMap((arm) => { const style = styles.get(arm); return style === undefined ? [] : [value(style)] }) })
  const ofWire = <Value> (value: (wire: WireName) => Value): { domain: WireName[], range: Value[] } => ({ domain: wires, range: wires.map(value) })
  const [factor] = swept.sweep.factors
  const x = { field: 'level', type: 'quantitative' as const, title: factor.title, ...factorScale(swept.points.map(({ levels }) => levels[0]), factor, (level) => levelText(level, factor)) }
  const y = { field: 'mean', type: 'quantitative' as const, title: 'mean over runs', ...axes.y }
  const color = { field: 'arm', type: 'nominal' as const, scale: ofArm(({ colour }) => colour) }
  const shape = { field: 'arm', type: 'nominal' as const, scale: ofArm(({ symbol }) => symbol) }
  const detail = { field: 'wire' }
  return await renderChart({
    ...size,
    data: { values: rows.map((row) => ({ ...row, low: Number.isFinite(row.low) ? row.low : row.mean, high: Number.isFinite(row.high) ? row.high : row.mean })) },
    layer: [
      {
        mark: { type: 'line', strokeJoin: 'round', aria: false, clip: true },
        encoding: {
          x, y, color, detail,
          strokeWidth: { field: 'wire', type: 'nominal', scale: ofWire((wire) => wires.length === 1 ? 1.75 : Math.min(5, WIRE_LINES[wire].width)) },
          strokeOpacity: { field: 'wire', type: 'nominal', scale: ofWire((wire) => wires.length === 1 ? 0.85 : WIRE_LINES[wire].opacity) },
          strokeDash: { field: 'wire', type: 'nominal', scale: ofWire((wire) => wires.length === 1 ? [1, 0] : WIRE_LINES[wire].dash) }
        }
      },
      {
        transform: [{ filter: 'datum.leads' }],
        mark: { type: 'rule', strokeWidth: 1.5, aria: false, clip: true },
        encoding: { x, y: { ...y, field: 'low' }, y2: { field: 'high' }, color, detail }
      },
      {
        transform: [{ filter: '!datum.leads' }],
        mark: { type: 'point', filled: false, size: 26, strokeWidth: 1.2, fill: 'var(--bg)', opacity: 1 },
        encoding: { x, y, color, shape, description: { field: 'tip' } }
      },
      {
        transform: [{ filter: 'datum.leads' }],
        mark: { type: 'point', filled: true, size: 48, opacity: 1 },
        encoding: { x, y, color, shape, description: { field: 'tip' } }
      }
    ]
  }, id)
}

function placesOf ({ sweep: { factors }, metric }: SweptMetric, points: readonly SweepPoint[]): Place[] {
  return points.flatMap(({ levels, findings }) => findings.flatMap(({ wire, arms }, index) => arms.map(({ arm, mean }) => ({
    arm: arm.name,
    wire,
    leads: index === 0,
    level: levels[0],
    mean: mean.estimate,
    low: mean.low,
    high: mean.high,
    tip: `${arm.title}, ${WIRE_WORDS[wire]}, ${levels.map((level, at) => levelText(level, factors[at])).join(', ')}: ${formatInterval(mean, metric.unit)}`
  }))))
}
