import { mean, quantileSorted } from '../stats/quantile.ts'

/** A measurement's result by the names of the reference's columns: numbers and words; null where there is no value. */
export type Row = Record<string, number | string | null>

/** Digits after the point: microseconds of a millisecond, kilobits of a megabit. */
const DIGITS = 3

/** `value` as it is written; null where it is not a number. */
export function rounded (value: number, digits = DIGITS): number | null {
  return Number.isFinite(value) ? Number(value.toFixed(digits)) : null
}

/** `<name>_mean` and `<name>_sd` (of a sample; null for a single value). */
export function meanAndDeviation (name: string, values: readonly number[]): Row {
  return { [`${name}_mean`]: rounded(mean(values)), [`${name}_sd`]: rounded(deviation(values)) }
}

/** The sample standard deviation; NaN of fewer than two values. */
export function deviation (values: readonly number[]): number {
  const centre = mean(values)
  return Math.sqrt(values.reduce((sum, value) => sum + (value - centre) ** 2, 0) / (values.length - 1))
}

/** `min_ms`, the given percentiles as `p50_ms` and so on, `max_ms`, `mean_ms`. */
export function timeColumns (times: readonly number[], percentiles: readonly number[]): Row {
  const sorted = Float64Array.from(times).sort()
  const at = (probability: number): number | null => sorted.length === 0 ? null : rounded(quantileSorted(sorted, probability))
  return {
    min_ms: at(0),
    ...Object.fromEntries(percentiles.map(percentile => [`p${percentile}_ms`, at(percentile / 100)])),
    max_ms: at(1),
    mean_ms: rounded(mean(sorted))
  }
}

/** The share of those for which `holds`; null of none. */
export function share<T> (items: readonly T[], holds: (item: T) => boolean): number | null {
  return rounded(items.filter(holds).length / items.length, 4)
}
