import type { Comparison, GroupResult } from './groups.ts'

/** Cells of the table of groups, with a heading. */
export function groupTable (groups: readonly GroupResult[]): string[][] {
  return [
    ['group', 'figures', 'median', 'target', 'worst', 'target', 'outside', ''],
    ...groups.map(group => [
      group.name,
      String(group.rows),
      ...(group.unit === 'interval'
        ? ['', '', '', 'inside the 99% interval']
        : [amount(group.median, group), amount(group.medianTarget, group), amount(group.worst, group), amount(group.worstTarget, group)]),
      String(misses(group).length),
      group.met ? 'met' : 'MISSED'
    ])
  ]
}

/** Columns without a target. */
export function furtherTable (groups: readonly GroupResult[]): string[][] {
  return [['column', 'figures', 'median error', 'worst error'], ...groups.map(group => [group.name, String(group.rows), amount(group.median, group), amount(group.worst, group)])]
}

/** Each row beyond its own limit. */
export function missTable (groups: readonly GroupResult[]): string[][] {
  return [
    ['group', 'row', 'figure', 'measured', 'model', 'error', ''],
    ...groups.flatMap(group => misses(group).map(comparison => [group.name, ...comparisonCells(comparison, group)]))
  ]
}

/** Every figure of a group. */
export function rowTable (group: GroupResult): string[][] {
  return [['row', 'figure', 'measured', 'model', 'error', ''], ...group.comparisons.map(comparison => comparisonCells(comparison, group))]
}

export function misses ({ comparisons }: GroupResult): Comparison[] {
  return comparisons.filter(({ within }) => !within)
}

function comparisonCells ({ label, column, measured, modelled, error, note }: Comparison, { unit }: GroupResult): string[] {
  const signed = unit === 'relative' ? `${(error * 100).toFixed(1)}%` : error.toPrecision(3)
  return [label, column, significant(measured), significant(modelled), Number.isFinite(error) ? (error > 0 ? `+${signed}` : signed) : '', note]
}

function amount (value: number, { unit }: GroupResult): string {
  if (!Number.isFinite(value)) {
    return '-'
  }
  return unit === 'relative' ? `${Number((value * 100).toPrecision(3))}%` : String(Number(value.toPrecision(2)))
}

function significant (value: number): string {
  return Number.isFinite(value) ? String(Number(value.toPrecision(5))) : '-'
}

export function markdown ([heading, ...rows]: readonly string[][]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
  return [line(heading), `|${heading.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')
}

export function htmlTable ([heading, ...rows]: readonly string[][]): string {
  const cells = (tag: string, row: readonly string[]): string => `<tr>${row.map(cell => `<${tag}>${escaped(cell)}</${tag}>`).join('')}</tr>`
  return `<table><thead>${cells('th', heading)}</thead><tbody>${rows.map(row => cells('td', row)).join('\n')}</tbody></table>`
}

export function escaped (text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}
