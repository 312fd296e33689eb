/** What the examples have in common, and is not about networks. */

export interface Range {
  readonly least: number
  readonly most: number
  readonly default: number
}

/** The argument of the command line at `index`, or the default; ends the process with a message where it is wrong. */
export function argument (index: number, name: string, { least, most, default: otherwise }: Range): number {
  const text = process.argv[2 + index] ?? String(otherwise)
  const value = Number(text)
  if (!Number.isInteger(value) || value < least || value > most) {
    console.error(`${name}: expected a whole number from ${least} to ${most}, found '${text}'`)
    process.exit(2)
  }
  return value
}

/** Cells of a table, rounded: for each probability the least value that so large a part of them does not exceed. */
export function quantiles (values: readonly number[], probabilities: readonly number[], width: number): string {
  const sorted = values.toSorted((a, b) => a - b)
  return probabilities.map(p => (sorted[Math.ceil(p * sorted.length) - 1] ?? NaN).toFixed(0).padStart(width)).join('')
}

export async function sleep (ms: number): Promise<void> {
  await new Promise(resolve => { setTimeout(resolve, ms) })
}
