/**
 * `base` (0 or more) to the power of `exponent`, with the same bits on every Node. `**` has not: V8 exchanged what is
 * behind it between Node 22 and 26, and about one result in twelve differs in its last bit; an event a nanosecond later
 * is another run. `2 ** x` for whole x and `x ** 2` are exact on both.
 *
 * The relative error is about that of the logarithm times the exponent: 1e-16 |exponent log base|.
 */
export function power (base: number, exponent: number): number {
  return exponent === 0 ? 1 : Math.exp(exponent * Math.log(base))
}

/** As `power`, rounded twice. */
export function cube (base: number): number {
  return base * base * base
}
