import type { Fault, Scenario } from './scenario.ts'
import type { CourseMark } from './wire.ts'

/** What befell the network of a run until its end, as marks: where a fault begins, and where it ends before the run does. */
export function faultMarks ({ faults }: Scenario, endMs: number): CourseMark[] {
  return faults.filter(({ atMs }) => atMs <= endMs).flatMap(fault => {
    const text = textOf(fault)
    const mark = { timeMs: fault.atMs, host: '', kind: 'fault' as const, text }
    if (fault.kind === 'rate' || fault.kind === 'reset') {
      return [mark]
    }
    const endsMs = fault.atMs + (fault.durationMs ?? Infinity)
    const begins = { ...mark, untilMs: Math.min(endMs, endsMs), text: `${text} begins` }
    return endsMs > endMs ? [begins] : [begins, { ...mark, timeMs: endsMs, text: `${text} ends` }]
  })
}

function textOf (fault: Fault): string {
  switch (fault.kind) {
    case 'black-hole':
      return `black hole ${between(fault)}${fault.scope === 'existing' ? ' for connections that are open' : ''}`
    case 'stall':
      return `stall ${between(fault)}`
    case 'down':
      return `cut ${between(fault)}`
    case 'rate':
      return `rate ${between(fault)} becomes ${Number((fault.rateBitsPerSecond / 1e6).toPrecision(3))} Mbit/s`
    case 'reset':
      return `reset of all connections ${between(fault)}`
    case 'freeze':
      return `freeze of ${fault.host}'s program`
    default:
      return `partition of ${named(fault.nodes)} from all others`
  }
}

function between (fault: { readonly from: string, readonly to: string, readonly direction?: 'forward' | undefined }): string {
  return fault.direction === undefined ? `between ${fault.from} and ${fault.to}` : `from ${fault.from} to ${fault.to}`
}

const NAMED = 5

function named (nodes: readonly string[]): string {
  return nodes.length > NAMED ? `${nodes.slice(0, NAMED).join(', ')} and ${nodes.length - NAMED} more` : nodes.join(', ')
}
