import { show, TwinwireError } from '../core/errors.ts'

/** Latencies between hosts. */
export interface LatencyMatrix {
  /** As in the file, or `0`, `1`, ... where it names none. */
  readonly names: readonly string[]
  /** From the row's host to the column's. What stands in the diagonal has no meaning. */
  readonly oneWayMs: ReadonlyArray<readonly number[]>
}

/** How a table of latencies is to be read. */
export interface LatencyMatrixOptions {
  /** What the file's numbers are, in milliseconds. Half of a round trip is taken for each way. */
  readonly values: 'one-way' | 'round-trip'
}

/**
 * Reads a square matrix of milliseconds as comma-separated values, a row a line. A first row and a first column of names
 * are recognised by holding no number at all; where both are there, they must agree.
 *
 * @param fileName for errors, whose path is `<file>:<line>:<cell>`, both counted from 1
 * @throws ERR_INVALID_FILE for what is not square, a hole, a negative number or no number
 */
export function parseLatencyMatrix (text: string, fileName: string, { values }: LatencyMatrixOptions): LatencyMatrix {
  const rows = cellsOf(text)
  const header = rows.length > 1 && rows[0].slice(1).every(isName) ? rows[0] : undefined
  const body = header === undefined ? rows : rows.slice(1)
  const size = body.length
  const named = header?.length === size + 1 || body.every(row => isName(row[0]))
  if (size < 2) {
    throw invalid('too small a matrix', fileName, 1, 1, 'two hosts or more', `${size}`)
  }
  const firstLine = header === undefined ? 1 : 2
  const firstCell = named ? 2 : 1
  const scale = values === 'round-trip' ? 0.5 : 1
  const oneWayMs = body.map((row, index) => {
    const line = firstLine + index
    checkWidth(row, size + firstCell - 1, fileName, line)
    return row.slice(firstCell - 1).map((cell, column) => scale * parseLatency(cell, fileName, line, firstCell + column))
  })
  return { names: namesOf(header, named ? body : undefined, size, fileName), oneWayMs }
}

function cellsOf (text: string): string[][] {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  while (lines.length > 0 && lines[lines.length - 1].trim() === '') {
    lines.pop()
  }
  return lines.map(line => line.split(',').map(cell => cell.trim()))
}

const NUMBER = /^[-+]?(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i

function isName (cell: string): boolean {
  return cell !== '' && !NUMBER.test(cell) && !/^[-+]?(nan|inf|infinity)$/i.test(cell)
}

function parseLatency (cell: string, fileName: string, line: number, position: number): number {
  if (cell === '') {
    throw invalid('a hole in the matrix', fileName, line, position, 'a latency in ms', 'an empty cell')
  }
  const latency = NUMBER.test(cell) ? Number(cell) : NaN
  if (!(latency >= 0 && latency < Infinity)) {
    throw invalid('not a latency', fileName, line, position, 'a number of ms, 0 or more', show(cell))
  }
  return latency
}

function checkWidth (row: readonly string[], width: number, fileName: string, line: number): void {
  if (row.length !== width) {
    const position = Math.min(row.length, width) + 1
    throw invalid('the matrix is not square', fileName, line, position, `${width} cells in this row`, `${row.length}`)
  }
}

function namesOf (header: readonly string[] | undefined, body: ReadonlyArray<readonly string[]> | undefined, size: number, fileName: string): string[] {
  const column = body?.map(row => row[0])
  if (header === undefined) {
    return unique(column ?? Array.from({ length: size }, (_, index) => String(index)), fileName, index => [index + 1, 1])
  }
  // A column of names has a corner above it.
  const corner = column === undefined ? 0 : 1
  checkWidth(header, size + corner, fileName, 1)
  const names = header.slice(corner)
  column?.forEach((name, index) => {
    if (name !== names[index]) {
      throw invalid('row and column have different names', fileName, index + 2, 1, show(names[index]), show(name))
    }
  })
  return unique(names, fileName, index => [1, index + corner + 1])
}

function unique (names: string[], fileName: string, place: (index: number) => [line: number, position: number]): string[] {
  names.forEach((name, index) => {
    if (names.indexOf(name) !== index) {
      throw invalid('two hosts have one name', fileName, ...place(index), 'a name of its own', show(name))
    }
  })
  return names
}

function invalid (message: string, fileName: string, line: number, position: number, expected: string, found: string): TwinwireError {
  return new TwinwireError('ERR_INVALID_FILE', message, { path: `${fileName}:${line}:${position}`, expected, found })
}
