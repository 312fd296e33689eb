import type { Flow } from './flow-counters.ts'
import type { NodeLabels } from './nodes.ts'
import { DROP_REASONS } from './observer.ts'

const COUNTED = ['sent', 'duplicated', 'forwarded', 'received', 'inside', 'retransmitted', 'marked'] as const

/** Flows as CSV, a row each: who, then packets and bytes of everything that is counted. */
export function flowTable (flows: readonly Flow[], labels: NodeLabels): string {
  const names = [...COUNTED, ...DROP_REASONS.map(reason => `dropped_${reason}`)]
  const header = ['connection', 'from', 'to', ...names.flatMap(name => [`${name}_packets`, `${name}_bytes`])]
  const rows = flows.map(flow => {
    const counts = [...COUNTED.map(name => flow[name]), ...DROP_REASONS.map(reason => flow.dropped[reason])]
    return [flow.connection, labels.name(flow.from), labels.name(flow.to), ...counts.flatMap(({ packets, bytes }) => [packets, bytes])]
  })
  return [header, ...rows].map(row => `${row.join(',')}\n`).join('')
}
