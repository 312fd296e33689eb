/** Cells of text in columns of equal width, two spaces apart, with a heading; a cell's colour does not count. */
export function table (heading: readonly string[], rows: ReadonlyArray<readonly Cell[]>): string {
  const plain = rows.map(row => row.map(cell => typeof cell === 'string' ? cell : cell.text))
  const widths = heading.map((title, column) => Math.max(title.length, ...plain.map(row => row[column].length)))
  const line = (cells: readonly Cell[]): string => cells.map((cell, column) => {
    const text = typeof cell === 'string' ? cell : cell.text
    const padding = column === cells.length - 1 ? '' : ' '.repeat(widths[column] - text.length)
    return (typeof cell === 'string' ? text : cell.paint(text)) + padding
  }).join('  ').trimEnd()
  return [line(heading), line(widths.map(width => '─'.repeat(width))), ...rows.map(line)].join('\n')
}

export type Cell = string | { readonly text: string, paint(text: string): string }
