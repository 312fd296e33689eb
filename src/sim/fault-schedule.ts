import { TwinwireError } from '../core/errors.ts'
import type { ActiveFault, LinkFault } from './faults.ts'
import type { EventId } from './kernel.ts'
import type { LinkId, NodeId, PacketNetwork } from './network.ts'

/** Something that befalls the network at an instant of the run. */
export type ScheduledFault =
  /** Absent duration: until the end. */
  | { readonly atNs: number, readonly link: LinkId, readonly fault: LinkFault, readonly durationNs?: number }
  | { readonly atNs: number, readonly link: LinkId, readonly rateBitsPerSecond: number }
  /** What befalls more than a link, or depends on what there is by then. */
  | { readonly atNs: number, readonly begin: () => ActiveFault | undefined, readonly durationNs?: number }

export interface FaultSchedule {
  /** Nothing begins or ends any more. */
  stop(): void
}

/**
 * Schedules faults and changes of rate. Those of one instant begin in the order in which they stand.
 *
 * @throws ERR_INVALID_OPTION for an instant that is past or no whole number, a link that there is not, or a bad rate
 */
export function scheduleFaults (network: PacketNetwork, faults: readonly ScheduledFault[]): FaultSchedule {
  const { kernel } = network
  faults.forEach((entry, index) => {
    checkTime(entry.atNs, kernel.nowNs, `faults[${index}].atNs`)
    if ('link' in entry) {
      network.link(entry.link)
    }
    if ('rateBitsPerSecond' in entry) {
      if (!(entry.rateBitsPerSecond > 0)) {
        throw new TwinwireError('ERR_INVALID_OPTION', 'not a rate', { path: `faults[${index}].rateBitsPerSecond`, expected: 'a number above 0', found: String(entry.rateBitsPerSecond) })
      }
    } else if (entry.durationNs !== undefined) {
      checkTime(entry.durationNs, 0, `faults[${index}].durationNs`)
    }
  })
  const active = new Map<number, { readonly fault: ActiveFault, readonly event: EventId }>()
  const end = kernel.define(index => {
    active.get(index)?.fault.end()
    active.delete(index)
  }, 'fault ends')
  const begin = kernel.define(index => {
    const entry = faults[index]
    if ('rateBitsPerSecond' in entry) {
      network.link(entry.link).setRate(entry.rateBitsPerSecond)
      return
    }
    const fault = 'begin' in entry ? entry.begin() : network.link(entry.link).beginFault(entry.fault)
    if (fault !== undefined && entry.durationNs !== undefined) {
      active.set(index, { fault, event: kernel.schedule(kernel.nowNs + entry.durationNs, end, index) })
    }
  }, 'fault begins')
  const beginnings = faults.map(({ atNs }, index) => kernel.schedule(atNs, begin, index))
  return {
    stop () {
      beginnings.forEach(event => kernel.cancel(event))
      active.forEach(({ event }) => kernel.cancel(event))
    }
  }
}

/** Cuts the nodes off from all others: every link between the two parts, in both directions, drops what enters it. */
export function beginPartition (network: PacketNetwork, nodes: Iterable<NodeId>): ActiveFault {
  const part = new Set(nodes)
  const cut = network.links.filter(({ from, to }) => part.has(from) !== part.has(to))
  const active = cut.map(link => link.beginFault({ kind: 'black-hole' }))
  return {
    end () {
      active.forEach(fault => fault.end())
    }
  }
}

function checkTime (timeNs: number, earliestNs: number, path: string): void {
  if (!Number.isSafeInteger(timeNs) || timeNs < earliestNs) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not a time', { path, expected: `a whole number of nanoseconds, ${earliestNs} or more`, found: String(timeNs) })
  }
}
