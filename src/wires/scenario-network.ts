import { show, TwinwireError } from '../core/errors.ts'
import type { RandomStream } from '../core/random.ts'
import { msToNs } from '../core/units.ts'
import { beginPartition, scheduleFaults } from '../sim/fault-schedule.ts'
import type { FaultSchedule, ScheduledFault } from '../sim/fault-schedule.ts'
import type { Kernel } from '../sim/kernel.ts'
import type { Link } from '../sim/link.ts'
import type { NodeId } from '../sim/network.ts'
import { PacketNetwork } from '../sim/network.ts'
import { NUMBERED } from '../sim/observe/nodes.ts'
import type { NodeLabels } from '../sim/observe/nodes.ts'
import { Packets } from '../sim/packets.ts'
import type { SessionOptions } from '../sim/session/options.ts'
import type { Endpoint } from '../sim/session/fabric.ts'
import { TcpHost } from '../sim/tcp/host.ts'
import type { Processor } from '../sim/tcp/processor.ts'
import { ipOf } from './addresses.ts'
import { processorOf } from './host-processing.ts'
import { sessionOptions } from './libp2p-options.ts'
import type { AddressDescription, Fault, HostDescription, Scenario } from './scenario.ts'
import { hostTcpOptions } from './scenario.ts'
import { layOutScenario } from './sim-layout.ts'
import { SimTraffic } from './sim-traffic.ts'

/** A port of a host at which nobody listens. */
const REFUSED_PORT = 1

/** Where a host of the scenario stands in the network. */
export interface Place {
  readonly name: string
  readonly networkNode: NodeId
  readonly tcp: TcpHost
  /** In the scenario's order. */
  readonly addresses: readonly PlaceAddress[]
  /** What its programs compute with; absent: in no time, and without a freeze. */
  readonly processor: Processor | undefined
  readonly libp2p: SessionOptions
}

export interface PlaceAddress extends AddressDescription {
  /** `10.0.0.1` */
  readonly ip: string
}

/** A scenario in the simulator: its nodes and links, TCP at each of its hosts, and what befalls them. */
export class ScenarioNetwork {
  readonly #kernel: Kernel
  readonly #scenario: Scenario
  readonly #network: PacketNetwork
  readonly #nowhere: NodeId
  /** By the names that faults and traffic have: those of hosts, and of a topology's other nodes. */
  readonly #nodes: ReadonlyMap<string, NodeId>
  readonly #traffic: SimTraffic
  #faults: FaultSchedule | undefined
  readonly #places = new Map<string, Place>()
  readonly #owners = new Map<string, { readonly place: Place, readonly address: PlaceAddress }>()
  readonly #names = new Map<NodeId, string>()

  /** @throws ERR_INVALID_OPTION for what can be known only now: a fault on a link that the topology has not */
  constructor (kernel: Kernel, random: RandomStream, scenario: Scenario) {
    this.#kernel = kernel
    this.#scenario = scenario
    this.#network = new PacketNetwork(kernel, new Packets(), random)
    // No link leads to it: what is sent there is never answered.
    this.#nowhere = this.#network.addNode({ forwards: false })
    this.#nodes = layOutScenario(this.#network, scenario, random.fork('topology'))
    scenario.hosts.forEach((host, index) => this.#addPlace(host, index))
    this.#traffic = new SimTraffic(this.#network, scenario.crossTraffic, random.fork('cross-traffic'), {
      node: name => this.#nodeOf(name, 'scenario.crossTraffic'),
      tcp: new Map([...this.#places.values()].map(({ networkNode, tcp }) => [networkNode, tcp]))
    })
    scenario.faults.forEach((_, index) => this.#linksOf(index))
  }

  /** What carries the hosts' packets. */
  get packetNetwork (): PacketNetwork {
    return this.#network
  }

  /** The hosts, in the scenario's order. */
  get places (): readonly Place[] {
    return [...this.#places.values()]
  }

  /** Hosts by their names and first addresses. Dead addresses lead elsewhere: to `nowhere`, or to another port of the host. */
  get labels (): NodeLabels {
    const names = new Map([...this.#nodes].map(([name, node]) => [node, name]))
    const addresses = new Map([...this.#places.values()].map(({ networkNode }, index) => [networkNode, (10 << 24) + (index << 8) + 1]))
    return {
      name: node => names.get(node) ?? (node === this.#nowhere ? 'nowhere' : NUMBERED.name(node)),
      // Behind all addresses of hosts.
      address: node => addresses.get(node) ?? 0x0aff_0000 + node
    }
  }

  /** Where packets go that are sent from `from` to an address; undefined where nobody has it. */
  resolve (ip: string, port: number, from: NodeId): Endpoint | undefined {
    const owner = this.#owners.get(ip)
    if (owner === undefined) {
      return undefined
    }
    const { place: { networkNode }, address: { state, reachableFrom } } = owner
    if (state === 'black-hole' || reachableFrom?.includes(this.#names.get(from) ?? '') === false) {
      return { node: this.#nowhere, port }
    }
    return { node: networkNode, port: state === 'refused' ? REFUSED_PORT : port }
  }

  /** Lets the scenario's faults and cross traffic happen, counted from the run's time zero. */
  begin (zeroNs: number): void {
    this.#traffic.begin(zeroNs)
    this.#faults = scheduleFaults(this.#network, this.#scenario.faults.flatMap((fault, index) => this.#scheduled(fault, this.#linksOf(index), zeroNs)))
  }

  /** Ends all that goes on: cross traffic, faults to come, and every connection. Packets on their way still arrive. */
  stop (): void {
    this.#traffic.stop()
    this.#faults?.stop()
  }

  /**
   * @throws ERR_CONSERVATION
   */
  checkConservation (): void {
    this.#network.checkConservation()
  }

  #addPlace (host: HostDescription, index: number): void {
    const { name } = host
    const networkNode = this.#nodeOf(name, 'scenario.hosts')
    const addresses = host.addresses.map((address, k) => ({ ...address, ip: ipOf(index, k) }))
    const freezes = this.#scenario.faults.some(fault => fault.kind === 'freeze' && fault.host === name)
    const processor = processorOf(this.#kernel, host.processing, freezes)
    const place = { name, networkNode, tcp: new TcpHost(this.#network, networkNode, hostTcpOptions(host), processor), addresses, processor, libp2p: sessionOptions(host.libp2p) }
    this.#places.set(name, place)
    this.#names.set(networkNode, name)
    for (const address of addresses) {
      this.#owners.set(address.ip, { place, address })
    }
  }

  #scheduled (fault: Fault, links: readonly Link[], zeroNs: number): ScheduledFault[] {
    const atNs = zeroNs + msToNs(fault.atMs)
    const lasting = 'durationMs' in fault && fault.durationMs !== undefined ? { durationNs: zeroNs + msToNs(fault.atMs + fault.durationMs) - atNs } : {}
    const network = this.#network
    switch (fault.kind) {
      case 'black-hole':
        return fault.scope === 'all'
          ? links.map(({ id }) => ({ atNs, link: id, fault: { kind: 'black-hole' }, ...lasting }))
          : links.map(link => ({ atNs, begin: () => link.beginFault({ kind: 'black-hole', connectionsUpTo: network.newestConnection }), ...lasting }))
      case 'stall':
      case 'down':
        return links.map(({ id }) => ({ atNs, link: id, fault: { kind: fault.kind }, ...lasting }))
      case 'rate':
        return links.map(({ id }) => ({ atNs, link: id, rateBitsPerSecond: fault.rateBitsPerSecond }))
      case 'partition': {
        const nodes = fault.nodes.map(name => this.#nodeOf(name, 'scenario.faults'))
        return [{ atNs, begin: () => beginPartition(network, nodes), ...lasting }]
      }
      case 'freeze': {
        const { processor } = this.#place(fault.host)
        return [{ atNs, begin: () => { processor?.freeze(msToNs(fault.durationMs)); return undefined } }]
      }
      default: {
        const [from, to] = [this.#place(fault.from), this.#place(fault.to)]
        return [{ atNs, begin: () => this.#reset(from, to) }]
      }
    }
  }

  #reset (a: Place, b: Place): undefined {
    this.#kernel.wake()
    a.tcp.resetConnectionsTo(b.networkNode)
    b.tcp.resetConnectionsTo(a.networkNode)
  }

  /**
   * The links that the fault of this index befalls.
   *
   * @throws ERR_INVALID_OPTION
   */
  #linksOf (index: number): Link[] {
    const fault = this.#scenario.faults[index]
    if (fault.kind === 'reset' || fault.kind === 'partition' || fault.kind === 'freeze') {
      return []
    }
    const path = `scenario.faults[${index}]`
    const [a, b] = [this.#nodeOf(fault.from, path), this.#nodeOf(fault.to, path)]
    const links = [this.#network.linkBetween(a, b), ...fault.direction === undefined ? [this.#network.linkBetween(b, a)] : []]
    return links.map(link => {
      if (link === undefined) {
        throw new TwinwireError('ERR_INVALID_OPTION', 'no link joins these nodes', { path, expected: 'neighbours in the topology', found: `${fault.from} and ${fault.to}` })
      }
      return link
    })
  }

  #nodeOf (name: string, path: string): NodeId {
    const node = this.#nodes.get(name)
    if (node === undefined) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'no host is at this place', { path, expected: 'a place that a host has taken', found: show(name) })
    }
    return node
  }

  #place (name: string): Place {
    const place = this.#places.get(name)
    if (place === undefined) {
      throw new Error(`the scenario was checked, and yet there is no host ${name}`)
    }
    return place
  }
}
