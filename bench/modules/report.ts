import { randomStream } from '../../src/core/random.ts'
import { medianInterval } from '../../src/stats/interval.ts'
import type { Interval } from '../../src/stats/interval.ts'

/** One figure, beside what it should be. */
export interface Figure {
  readonly name: string
  readonly parameters: Readonly<Record<string, number | string>>
  readonly unit: string
  readonly value: number
  /** 95%, where there were rounds to draw from. */
  readonly low?: number
  readonly high?: number
  readonly target?: Target
}

export interface Target {
  readonly at: 'least' | 'most'
  readonly value: number
}

/** The median over rounds, with its interval. */
export function median (values: readonly number[]): Pick<Figure, 'value' | 'low' | 'high'> {
  return of(medianInterval(values, randomStream('modules')))
}

/** The median of each round's ratio: what disturbs a round disturbs both. */
export function medianRatio (values: readonly number[], baseline: readonly number[]): Pick<Figure, 'value' | 'low' | 'high'> {
  return median(values.map((value, i) => value / baseline[i]))
}

export function of ({ estimate, low, high }: Interval): Pick<Figure, 'value' | 'low' | 'high'> {
  return { value: estimate, low, high }
}

/** Prints it: as a line of JSON with `--json`, else as a line to be read. */
export function report (figure: Figure): void {
  console.log(process.argv.includes('--json') ? JSON.stringify({ ...figure, ...figure.target && { met: isMet(figure, figure.target) } }) : line(figure))
}

function line (figure: Figure): string {
  const { name, parameters, unit, value, low, high, target } = figure
  const interval = low === undefined || high === undefined ? '' : ` (${short(low)} to ${short(high)})`
  const verdict = target === undefined ? '' : `; target at ${target.at} ${short(target.value)}: ${isMet(figure, target) ? 'met' : 'missed'}`
  return `${[name, ...Object.entries(parameters).map(([key, parameter]) => `${key} ${parameter}`)].join(' ')}: ${short(value)} ${unit}${interval}${verdict}`
}

function isMet ({ value }: Figure, target: Target): boolean {
  return target.at === 'least' ? value >= target.value : value <= target.value
}

function short (value: number): string {
  return String(Math.abs(value) >= 1_000 ? Math.round(value) : Number(value.toPrecision(3)))
}
