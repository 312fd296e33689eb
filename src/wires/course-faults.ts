import type { Fault, Scenario } from './scenario.ts'
import type { CourseMark } from './wire.ts'

/** A fault of the way between two hosts. */
type PathFault = Extract<Fault, { readonly from: string }>

/**
 * What befell the network of a run until its end, as marks: where a fault begins, and where it ends before the run does.
 * Faults that differ in their ends alone are told as one.
 */
export function faultMarks ({ faults }: Scenario, endMs: number): CourseMark[] {
  return together(faults.filter(({ atMs }) => atMs <= endMs)).flatMap(group => {
    const [fault] = group
    const text = textOf(group)
    const mark = { timeMs: fault.atMs, host: '', kind: 'fault' as const, text }
    if (fault.kind === 'rate' || fault.kind === 'reset') {
      return [mark]
    }
    const endsMs = fault.atMs + (fault.durationMs ?? Infinity)
    const begins = { ...mark, untilMs: Math.min(endMs, endsMs), text: `${text} begins` }
    return endsMs > endMs ? [begins] : [begins, { ...mark, timeMs: endsMs, text: `${text} ends` }]
  })
}

function together (faults: readonly Fault[]): Fault[][] {
  return [...Map.groupBy(faults, (fault, index) => JSON.stringify(hasEnds(fault) ? { ...fault, from: '', to: '' } : index)).values()]
}

function hasEnds (fault: Fault): fault is PathFault {
  return 'from' in fault
}

function textOf (group: readonly Fault[]): string {
  const [fault] = group
  switch (fault.kind) {
    case 'black-hole':
      return `black hole ${between(group)}${fault.scope === 'existing' ? ' for connections that are open' : ''}`
    case 'stall':
      return `stall ${between(group)}`
    case 'down':
      return `cut ${between(group)}`
    case 'rate':
      return `rate ${between(group)} becomes ${Number((fault.rateBitsPerSecond / 1e6).toPrecision(3))} Mbit/s`
    case 'reset':
      return `reset of all connections ${between(group)}`
    case 'freeze':
      return `freeze of ${fault.host}'s program`
    default:
      return `partition of ${named(fault.nodes)} from all others`
  }
}

/** `between client-1…6 and server-1…3 (18 paths)` where each of these is cut from each of those; otherwise the paths. */
function between (group: readonly Fault[]): string {
  const paths = group.filter(hasEnds)
  const [{ from, to, ...first }] = paths
  const directed = 'direction' in first && first.direction !== undefined
  if (paths.length === 1) {
    return directed ? `from ${from} to ${to}` : `between ${from} and ${to}`
  }
  const [froms, tos] = [[...new Set(paths.map(path => path.from))], [...new Set(paths.map(path => path.to))]]
  const ends = froms.length * tos.length === paths.length
    ? directed ? `from ${named(froms)} to ${named(tos)}` : `between ${named(froms)} and ${named(tos)}`
    : `on ${named(paths.map(path => `${path.from} ${directed ? '→' : '–'} ${path.to}`))}`
  return `${ends} (${paths.length} paths)`
}

const NAMED = 5

/** At most so many names, those that are numbered on told as one: `server, client-1…6`. */
function named (nodes: readonly string[]): string {
  const spans = inSpans(nodes)
  return spans.length > NAMED ? `${spans.slice(0, NAMED).join(', ')} and ${spans.length - NAMED} more` : spans.join(', ')
}

function inSpans (nodes: readonly string[]): string[] {
  const spans: Array<{ readonly stem: string, readonly first: string, last: string }> = []
  for (const node of nodes) {
    const [, stem = node, digits = ''] = /^(.*?)(\d+)$/.exec(node) ?? []
    const before = spans.at(-1)
    if (before !== undefined && digits !== '' && before.stem === stem && Number(digits) === Number(before.last) + 1) {
      before.last = digits
    } else {
      spans.push({ stem, first: digits, last: digits })
    }
  }
  return spans.map(({ stem, first, last }) => first === last ? `${stem}${first}` : `${stem}${first}…${last}`)
}
