import { msToNs } from '../core/units.ts'
import { invalidFile, quoted } from './input-file.ts'
import type { JitterOptions } from './jitter.ts'

const NUMBER = /^(\d+(\.\d*)?|\.\d+)(e[-+]?\d+)?$/i
const LARGEST_MS = 3600e3

/**
 * Reads delays to draw from: comma-separated values of one column, a number of milliseconds a line. A first line that
 * holds no number is its heading.
 *
 * @throws ERR_INVALID_FILE with file:line:column
 */
export function parseJitterSamples (text: string, fileName: string): JitterOptions & { readonly distribution: 'empirical' } {
  const lines = text.replace(/^\uFEFF/, '').split(/\r?\n/)
  while (lines.length > 0 && lines[lines.length - 1].trim() === '') {
    lines.pop()
  }
  const first = /^[^\d.,+-][^,]*$/.test(lines[0]?.trim() ?? '') ? 1 : 0
  if (lines.length === first) {
    throw invalidFile('no delays', fileName, first + 1, 1, 'a number of ms', 'nothing')
  }
  const samplesNs = Float64Array.from(lines.slice(first), (line, index) => parseDelay(line, fileName, first + index + 1))
  return { distribution: 'empirical', samplesNs }
}

function parseDelay (line: string, fileName: string, number: number): number {
  const comma = line.indexOf(',')
  if (comma >= 0) {
    throw invalidFile('more than one column', fileName, number, comma + 1, 'the end of the line', quoted(line.slice(comma)))
  }
  const cell = line.trim()
  const delayMs = NUMBER.test(cell) ? Number(cell) : NaN
  if (!(delayMs <= LARGEST_MS)) {
    throw invalidFile('not a delay', fileName, number, 1, `a number of ms, 0 to ${LARGEST_MS}`, quoted(cell))
  }
  return msToNs(delayMs)
}
