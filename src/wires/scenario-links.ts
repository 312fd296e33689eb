import { show, TwinwireError } from '../core/errors.ts'
import type { RandomStream } from '../core/random.ts'
import { msToNs } from '../core/units.ts'
import { beginPartition } from '../sim/fault-schedule.ts'
import type { ScheduledFault } from '../sim/fault-schedule.ts'
import type { Link } from '../sim/link.ts'
import type { NodeId, PacketNetwork } from '../sim/network.ts'
import type { Fault, Scenario } from './scenario.ts'
import { layOutScenario } from './sim-layout.ts'

/** What befalls links; the others befall hosts. */
type LinkFaultOfScenario = Extract<Fault, { readonly kind: 'black-hole' | 'stall' | 'down' | 'rate' | 'partition' }>

/** All of a scenario that lies below TCP: nodes and links, and what befalls these. */
export class ScenarioLinks {
  /** No link leads to it: what is sent there is never answered. */
  readonly nowhere: NodeId
  readonly #network: PacketNetwork
  readonly #faults: readonly Fault[]
  /** By the names that faults and traffic have: those of hosts, and of a topology's other nodes. */
  readonly #nodes: ReadonlyMap<string, NodeId>

  /** @throws ERR_INVALID_OPTION for what can be known only now: a fault on a link that the topology has not */
  constructor (network: PacketNetwork, scenario: Scenario, random: RandomStream) {
    this.#network = network
    this.#faults = scenario.faults
    this.nowhere = network.addNode({ forwards: false })
    this.#nodes = layOutScenario(network, scenario, random.fork('topology'))
    scenario.faults.forEach((_, index) => this.#linksOf(index))
  }

  get nodes (): ReadonlyMap<string, NodeId> {
    return this.#nodes
  }

  /** @throws ERR_INVALID_OPTION where nobody has taken this place of the topology */
  nodeOf (name: string, path: string): NodeId {
    const node = this.#nodes.get(name)
    if (node === undefined) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'no host is at this place', { path, expected: 'a place that a host has taken', found: show(name) })
    }
    return node
  }

  /** For the schedule: the fault of this index, in a run whose time zero is `zeroNs`. */
  scheduled (fault: LinkFaultOfScenario, index: number, zeroNs: number): ScheduledFault[] {
    const atNs = zeroNs + msToNs(fault.atMs)
    const lasting = 'durationMs' in fault && fault.durationMs !== undefined ? { durationNs: zeroNs + msToNs(fault.atMs + fault.durationMs) - atNs } : {}
    const network = this.#network
    const links = this.#linksOf(index)
    switch (fault.kind) {
      case 'black-hole':
        return fault.scope === 'all'
          ? links.map(({ id }) => ({ atNs, link: id, fault: { kind: 'black-hole' }, ...lasting }))
          : links.map(link => ({ atNs, begin: () => link.beginFault({ kind: 'black-hole', connectionsUpTo: network.newestConnection }), ...lasting }))
      case 'rate':
        return links.map(({ id }) => ({ atNs, link: id, rateBitsPerSecond: fault.rateBitsPerSecond }))
      case 'partition': {
        const nodes = fault.nodes.map(name => this.nodeOf(name, 'scenario.faults'))
        return [{ atNs, begin: () => beginPartition(network, nodes), ...lasting }]
      }
      default:
        return links.map(({ id }) => ({ atNs, link: id, fault: { kind: fault.kind }, ...lasting }))
    }
  }

  /**
   * The links that the fault of this index befalls.
   *
   * @throws ERR_INVALID_OPTION
   */
  #linksOf (index: number): Link[] {
    const fault = this.#faults[index]
    if (fault.kind === 'reset' || fault.kind === 'partition' || fault.kind === 'freeze') {
      return []
    }
    const path = `scenario.faults[${index}]`
    const [a, b] = [this.nodeOf(fault.from, path), this.nodeOf(fault.to, path)]
    const links = [this.#network.linkBetween(a, b), ...fault.direction === undefined ? [this.#network.linkBetween(b, a)] : []]
    return links.map(link => {
      if (link === undefined) {
        throw new TwinwireError('ERR_INVALID_OPTION', 'no link joins these nodes', { path, expected: 'neighbours in the topology', found: `${fault.from} and ${fault.to}` })
      }
      return link
    })
  }
}
