import type { Row } from '../path/summary.ts'
import { table } from './table.ts'

/** A measurement's row for a reader: a line a quantity, with the deviation over the runs where there is one. */
export function pathTable (row: Row): string {
  const lines = Object.entries(row).filter(([name]) => !name.endsWith('_sd')).map(([name, value]) => {
    const quantity = name.replace(/_mean$/, '')
    const deviation = row[`${quantity}_sd`]
    return [quantity, asText(value), deviation === undefined || deviation === null ? '' : `± ${deviation}`]
  })
  return table(['quantity', 'value', 'deviation'], lines)
}

function asText (value: Row[string]): string {
  return value === null ? '-' : String(value)
}
