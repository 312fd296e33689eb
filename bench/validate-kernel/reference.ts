import { readFile } from 'node:fs/promises'

/** Measured over the kernel, by column; numbers where the cell is one, null where it is empty. */
export type ReferenceRow = Record<string, number | string | null>

const folder = new URL('../../test/data/kernel-tcp/', import.meta.url)

/** Rows of one of the CSV files in test/data/kernel-tcp. None of their cells is quoted. */
export async function readReference (file: string): Promise<ReferenceRow[]> {
  const [heading, ...lines] = (await readFile(new URL(file, folder), 'utf8')).trim().split('\n')
  const names = heading.split(',')
  return lines.map(line => {
    const cells = line.split(',')
    return Object.fromEntries(names.map((name, column) => [name, cellOf(cells[column])]))
  })
}

function cellOf (text: string): number | string | null {
  if (text === '') {
    return null
  }
  const value = Number(text)
  return Number.isNaN(value) ? text : value
}
