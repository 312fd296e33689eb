import type { Metric } from '../experiment/definition.ts'
import { formatValue } from './format.ts'
import { valueScale } from './scales.ts'

/** Where values stand in a panel, in the chart's units from its top. */
export interface PanelScale {
  readonly height: number
  /** One decimal. */
  place(value: number): number
  readonly ticks: ReadonlyArray<{ readonly at: number, readonly label: string }>
  readonly logarithmic: boolean
}

/** Ticks closer together than this would touch. */
const TICK_DISTANCE = 13

/** From zero, so that areas mean what they show. */
export function fromZero (values: readonly number[], unit: Metric['unit'], height: number): PanelScale {
  return linear(0, Math.max(...values) || 1, unit, height)
}

/** From about the least value where zero is far from all. */
export function fromLeast (values: readonly number[], unit: Metric['unit'], height: number): PanelScale {
  const [least, greatest] = [Math.min(...values), Math.max(...values)]
  const margin = Math.max((greatest - least) * 0.1, greatest * 0.02)
  return least < greatest / 2 ? fromZero(values, unit, height) : linear(least - margin, greatest + margin, unit, height)
}

/** As other charts show such values: logarithmic where they span much. */
export function fitting (values: readonly number[], unit: Metric['unit'], height: number): PanelScale {
  const { scale: { type, domain: [low, high] }, axis } = valueScale(values, unit)
  const of = type === 'log' ? Math.log : (value: number): number => value
  const place = (value: number): number => oneDecimal(height * (1 - (of(value) - of(low)) / (of(high) - of(low))))
  return { height, place, logarithmic: type === 'log', ticks: apart(axis.values.map(value => ({ at: place(value), label: formatValue(value, unit) }))) }
}

function linear (low: number, high: number, unit: Metric['unit'], height: number): PanelScale {
  const place = (value: number): number => oneDecimal(height * (1 - (value - low) / (high - low)))
  return { height, place, logarithmic: false, ticks: [low, high].map(value => ({ at: place(value), label: formatValue(value, unit) })) }
}

/** Those of the ticks that leave each other room. */
function apart (ticks: PanelScale['ticks']): PanelScale['ticks'] {
  const kept: Array<PanelScale['ticks'][number]> = []
  for (const tick of ticks) {
    if (kept.every(({ at }) => Math.abs(at - tick.at) >= TICK_DISTANCE)) {
      kept.push(tick)
    }
  }
  return kept
}

export function oneDecimal (value: number): number {
  return Math.round(value * 10) / 10
}
