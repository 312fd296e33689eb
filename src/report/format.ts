import type { Metric } from '../experiment/definition.ts'
import type { Interval } from '../stats/interval.ts'
import type { PairedEffect } from '../stats/paired.ts'
import type { Comparison } from './findings.ts'

/** A value with three significant digits in the unit that suits its size: `6.24 s`, `278 ms`, `4.2%`, `12.5 kB`. */
export function formatValue (value: number, unit: Metric['unit']): string {
  const { factor, suffix } = scaleOf(value, unit)
  return `${threeDigits(value * factor)}${suffix}`
}

/** `246 ms [244, 248]` */
export function formatInterval (interval: Interval, unit: Metric['unit']): string {
  return `${formatValue(interval.estimate, unit)} ${formatEnds(interval, unit)}`.trimEnd()
}

/** `[244, 248]`, in the unit in which the estimate is shown; nothing for an interval without width. */
export function formatEnds ({ estimate, low, high }: Interval, unit: Metric['unit']): string {
  if (low === high) {
    return ''
  }
  if (low === -Infinity) {
    return '[one run]'
  }
  const { factor } = scaleOf(estimate, unit)
  const decimals = decimalsOf((estimate === 0 ? high : estimate) * factor)
  return `[${(low * factor).toFixed(decimals)}, ${(high * factor).toFixed(decimals)}]`
}

/** A relative change and its interval: `-96% [-97, -95]`, or as a factor from tenfold on: `×14 [13, 15]`. */
export function formatChange ({ estimate, low, high }: Interval): string {
  const text = estimate >= 9 ? multiple : percent(estimate, low, high)
  const unit = estimate >= 9 ? '' : '%'
  if (low === high) {
    return `${text(estimate)}${unit}`
  }
  return low === -Infinity ? `${text(estimate)}${unit} [one run]` : `${text(estimate)}${unit} [${text(low)}, ${text(high)}]`
}

/** How an arm changed: relative where that has a meaning, else in the metric's unit; of bounds nothing. */
export function formatEffect ({ relative, difference, bounds }: Pick<PairedEffect, 'relative' | 'difference'> & Pick<Comparison, 'bounds'>, unit: Metric['unit']): string {
  return bounds === undefined ? formatDifference(relative, difference, unit) : 'no size'
}

/** `6.24 s -> 430 ms`, and of what is a bound that it is one: `> 10 s (23% failed) -> 835 ms`. */
export function formatFromTo ({ baselineMean, armMean, bounds = {} }: Pick<Comparison, 'baselineMean' | 'armMean' | 'bounds'>, metric: Pick<Metric, 'unit' | 'better'>): string {
  return `${formatBound(baselineMean, metric, bounds.baseline)} -> ${formatBound(armMean, metric, bounds.arm)}`
}

/**
 * A value, or that it lies beyond one, where too many samples failed for a measurement: `> 10 s (23% failed)`.
 *
 * @param failed the share of samples that did; absent: the value is measured
 */
export function formatBound (value: number, { unit, better }: Pick<Metric, 'unit' | 'better'>, failed?: number): string {
  return failed === undefined ? formatValue(value, unit) : `${better === 'lower' ? '>' : '<'} ${formatValue(value, unit)} (${formatValue(failed, 'share')} failed)`
}

/** The same for any two that were compared. */
export function formatDifference (relative: Interval | undefined, difference: Interval, unit: Metric['unit']): string {
  if (relative !== undefined) {
    return formatChange(relative)
  }
  return difference.estimate === 0 ? 'both 0' : `${difference.estimate > 0 ? '+' : ''}${formatInterval(difference, unit)}`
}

/** `+3.2%`, with a decimal below ten. */
export function formatPercent (change: number): string {
  return Number.isFinite(change) ? `${percent(change, change, change)(change)}%` : 'no ratio'
}

/** A p-value as one reads it. */
export function formatPValue (value: number): string {
  return value < 0.001 ? '< 0.001' : value.toFixed(3)
}

/** Real minus signs, arrows and multiplication signs, for the page; a terminal gets the text as it is. */
export function typeset (text: string): string {
  return text.replaceAll(/(^|[\s[(])-(?=[\d.])/g, '$1\u2212').replaceAll('->', '\u2192')
}

/** In words where there is none. */
export function countOf (count: number): string {
  return count === 0 ? 'none' : String(count)
}

/** `1 seed`, `20 seeds`. */
export function plural (count: number, noun: string): string {
  return `${count} ${noun}${count === 1 ? '' : 's'}`
}

/** What shows a value of this size best. */
function scaleOf (value: number, unit: Metric['unit']): { readonly factor: number, readonly suffix: string } {
  const size = Math.abs(value)
  switch (unit) {
    case 'ms':
      return size >= 999.5 ? { factor: 1e-3, suffix: ' s' } : size > 0 && size < 0.0995 ? { factor: 1e3, suffix: ' µs' } : { factor: 1, suffix: ' ms' }
    case 'share':
      return { factor: 100, suffix: '%' }
    case 'bytes':
      return size >= 999.5e3 ? { factor: 1e-6, suffix: ' MB' } : size >= 999.5 ? { factor: 1e-3, suffix: ' kB' } : { factor: 1, suffix: ' B' }
    case 'bit/s':
      return size >= 999.5e6 ? { factor: 1e-9, suffix: ' Gbit/s' } : size >= 999.5e3 ? { factor: 1e-6, suffix: ' Mbit/s' } : size >= 999.5 ? { factor: 1e-3, suffix: ' kbit/s' } : { factor: 1, suffix: ' bit/s' }
    default:
      return { factor: 1, suffix: '' }
  }
}

function threeDigits (value: number): string {
  return Number.isInteger(value) || !Number.isFinite(value) ? String(value) : value.toFixed(decimalsOf(value))
}

function decimalsOf (value: number): number {
  return value === 0 || !Number.isFinite(value) ? 0 : Math.min(6, Math.max(0, 2 - Math.floor(Math.log10(Math.abs(value)))))
}

function percent (estimate: number, low: number, high: number): (value: number) => string {
  // An interval whose ends read the same would look like none.
  const narrow = high > low && Math.abs(high - low) < 0.02
  const decimals = Math.abs(estimate) < 0.0995 || narrow ? 1 : 0
  return (value) => {
    const text = (value * 100).toFixed(decimals)
    return Number(text) === 0 ? '0' : value > 0 ? `+${text}` : text
  }
}

function multiple (change: number): string {
  return `×${threeDigits(change + 1)}`
}
