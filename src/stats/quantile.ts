import { show, TwinwireError } from '../core/errors.ts'

/**
 * The quantile of values in ascending order by linear interpolation between order statistics: type 7 of Hyndman and Fan
 * (1996), the default of R, NumPy and DuckDB's `quantile_cont`. simple-statistics' quantile is another type.
 *
 * @param sorted ascending, not empty, no NaN; the caller's word is taken for it
 * @param probability 0 to 1
 */
export function quantileSorted (sorted: ArrayLike<number>, probability: number): number {
  const position = (sorted.length - 1) * probability
  const index = Math.floor(position)
  const low = sorted[index]
  const fraction = position - index
  // Without the test an infinite neighbour would make NaN of an exact position.
  return fraction === 0 ? low : low + (sorted[index + 1] - low) * fraction
}

/**
 * The same for values in any order.
 *
 * @throws ERR_INVALID_OPTION for no values, or one that is not finite
 */
export function quantile (values: Iterable<number>, probability: number): number {
  const sorted = Float64Array.from(values).sort()
  checkFinite(sorted, 'values')
  return quantileSorted(sorted, probability)
}

/** The arithmetic mean; NaN of nothing. */
export function mean (values: ArrayLike<number>): number {
  let sum = 0
  for (let i = 0; i < values.length; i++) {
    sum += values[i]
  }
  return sum / values.length
}

/**
 * @throws ERR_INVALID_OPTION for no values, or one that is not finite
 */
export function checkFinite (values: ArrayLike<number>, path: string): void {
  if (values.length === 0) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'no values to make statistics of', { path, expected: 'one value or more', found: 'none' })
  }
  for (let i = 0; i < values.length; i++) {
    if (!Number.isFinite(values[i])) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'statistics need finite numbers', { path: `${path}[${i}]`, expected: 'a finite number', found: typeof values[i] === 'number' ? String(values[i]) : show(values[i]) })
    }
  }
}
