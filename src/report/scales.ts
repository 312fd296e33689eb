import type { Factor, Metric } from '../experiment/definition.ts'

/** A value axis as vega-lite takes it. */
export interface ValueScale {
  readonly scale: { readonly type: 'log' | 'linear', readonly domain: [number, number], readonly nice: false, readonly zero?: false }
  readonly axis: { readonly values: number[], readonly labelExpr: string, readonly labelOverlap?: boolean }
}

/** Values that span more than this need a log axis to be told apart. */
const LOG_FROM_RATIO = 8

const LABELS: Readonly<Record<Metric['unit'], string>> = {
  ms: "datum.value >= 1000 ? format(datum.value / 1000, '~r') + ' s' : format(datum.value, '~r') + ' ms'",
  share: "format(datum.value, '~%')",
  // Thousands and more as SI has them; less never: "990m" of a count would be read as metres or millions.
  count: "abs(datum.value) < 1000 ? format(datum.value, '~r') : format(datum.value, '~s')",
  bytes: "format(datum.value, '~s') + 'B'",
  'bit/s': "format(datum.value, '~s') + 'bit/s'"
}

/** How far an axis goes where all values are zero. */
const OF_NOTHING: Readonly<Record<Metric['unit'], number>> = { ms: 1, share: 0.01, count: 1, bytes: 1, 'bit/s': 1 }

/** An axis over all values; logarithmic where they span much. */
export function valueScale (values: Iterable<number>, unit: Metric['unit']): ValueScale {
  let low = Infinity
  let high = -Infinity
  for (const value of values) {
    low = Math.min(low, value)
    high = Math.max(high, value)
  }
  if (low > 0 && high / low > LOG_FROM_RATIO) {
    const domain: [number, number] = [low / 1.15, high * 1.3]
    return { scale: { type: 'log', domain, nice: false }, axis: { values: logTicks(domain), labelExpr: LABELS[unit] } }
  }
  const least = low === 0 && high === 0 ? OF_NOTHING[unit] : 1e-6
  const margin = Math.max((high - low) * 0.06, Math.abs(high) * 0.01, least)
  const domain: [number, number] = [low >= 0 ? Math.max(0, low - margin) : low - margin, high + margin]
  return { scale: { type: 'linear', domain, nice: false, zero: false }, axis: { values: linearTicks(domain), labelExpr: LABELS[unit] } }
}

/** An axis along a factor: a tick for each level, labelled as it was set. */
export function factorScale (levels: readonly number[], { scale }: Pick<Factor, 'scale'>, label: (level: number) => string): ValueScale {
  const values = [...new Set(levels)].sort((a, b) => a - b)
  const [low, high] = [values[0], values[values.length - 1]]
  const axis = { values, labelExpr: `(${JSON.stringify(Object.fromEntries(values.map((level) => [level, label(level)])))})[datum.value]`, labelOverlap: true }
  // A level of zero has no place on a log axis.
  if (scale === 'log' && low > 0) {
    const margin = (high / low) ** 0.05
    return { scale: { type: 'log', domain: [low / margin, high * margin], nice: false }, axis }
  }
  const margin = (high - low) * 0.05
  return { scale: { type: 'linear', domain: [low - margin, high + margin], nice: false, zero: false }, axis }
}

/** 1, 2 and 5 of each decade over short spans; fewer over long ones. */
export function logTicks ([low, high]: readonly [number, number]): number[] {
  const decades = Math.log10(high / low)
  const steps = decades <= 2.2 ? [1, 2, 5] : decades <= 3.2 ? [1, 3] : [1]
  const ticks: number[] = []
  for (let exponent = Math.floor(Math.log10(low)); exponent <= Math.ceil(Math.log10(high)); exponent++) {
    ticks.push(...steps.map((step) => Number(`${step}e${exponent}`)))
  }
  return ticks.filter((tick) => tick >= low && tick <= high)
}

/** Four or five round numbers. */
export function linearTicks ([low, high]: readonly [number, number]): number[] {
  const raw = (high - low) / 4
  const power = 10 ** Math.floor(Math.log10(raw))
  const step = power * ([1, 2, 5].find((factor) => factor * power >= raw) ?? 10)
  const ticks: number[] = []
  for (let i = Math.ceil(low / step); i * step <= high; i++) {
    ticks.push(Number((i * step).toPrecision(12)))
  }
  return ticks
}
