/** More than any interval is worth, and the same on every machine. */
export function sixDigits (value: number): number {
  return Number(value.toPrecision(6))
}
