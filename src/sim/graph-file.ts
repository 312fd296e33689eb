import type { Graph } from './graph.ts'
import { invalidFile, quoted } from './input-file.ts'

const MAX_NODES = 2 ** 26

/**
 * Reads a graph as a list of edges: the first line holds the number of nodes and the number of edges, each further line
 * the two nodes of an edge, numbered from 0.
 *
 * @throws ERR_INVALID_FILE with file:line:column
 */
export function parseGraph (text: string, fileName: string): Graph {
  const lines = text.split('\n')
  while (lines.length > 0 && lines[lines.length - 1].trim() === '') {
    lines.pop()
  }
  if (lines.length === 0) {
    throw invalidFile('no graph', fileName, 1, 1, 'a number of nodes and a number of edges', 'nothing')
  }
  const [nodes, count] = parsePair(lines[0], fileName, 1, MAX_NODES, Number.MAX_SAFE_INTEGER)
  if (lines.length - 1 !== count) {
    const line = Math.min(lines.length, count + 1) + 1
    throw invalidFile('not the number of edges of the first line', fileName, line, 1, `${count} edges`, String(lines.length - 1))
  }
  const known = new Set<number>()
  const edges = lines.slice(1).map((line, index): [number, number] => {
    const [a, b] = parsePair(line, fileName, index + 2, nodes - 1, nodes - 1)
    const key = Math.min(a, b) * nodes + Math.max(a, b)
    if (a === b || known.has(key)) {
      throw invalidFile(a === b ? 'an edge needs two nodes' : 'there is such an edge already', fileName, index + 2, 1, 'another edge', quoted(line.trim()))
    }
    known.add(key)
    return [a, b]
  })
  return { nodes, edges }
}

const PAIR = /^(\s*)(\d+)(\s+)(\d+)\s*$/

function parsePair (line: string, fileName: string, number: number, firstMost: number, secondMost: number): [number, number] {
  const match = PAIR.exec(line)
  if (match === null) {
    throw invalidFile('not a pair', fileName, number, firstWrongColumn(line), 'two whole numbers', quoted(line.trim()))
  }
  const [, indent, first, gap, second] = match
  if (!(Number(first) <= firstMost)) {
    throw invalidFile('a number too large', fileName, number, indent.length + 1, `at most ${firstMost}`, first)
  }
  if (!(Number(second) <= secondMost)) {
    throw invalidFile('a number too large', fileName, number, indent.length + first.length + gap.length + 1, `at most ${secondMost}`, second)
  }
  return [Number(first), Number(second)]
}

/** Behind what would begin a pair. */
function firstWrongColumn (line: string): number {
  const good = /^\s*(\d+(\s+(\d+\s*)?)?)?/.exec(line)
  return (good?.[0].length ?? 0) + 1
}
