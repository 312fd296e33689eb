import type { RandomStream } from '../core/random.ts'
import { msToNs } from '../core/units.ts'
import { scheduleFaults } from '../sim/fault-schedule.ts'
import type { FaultSchedule, ScheduledFault } from '../sim/fault-schedule.ts'
import type { Kernel } from '../sim/kernel.ts'
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
import { ScenarioLinks } from './scenario-links.ts'
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
  readonly #links: ScenarioLinks
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
    this.#links = new ScenarioLinks(this.#network, scenario, random)
    scenario.hosts.forEach((host, index) => this.#addPlace(host, index))
    this.#traffic = new SimTraffic(this.#network, scenario.crossTraffic, random.fork('cross-traffic'), {
      node: name => this.#links.nodeOf(name, 'scenario.crossTraffic'),
      tcp: new Map([...this.#places.values()].map(({ networkNode, tcp }) => [networkNode, tcp]))
    })
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
    const names = new Map([...this.#links.nodes].map(([name, node]) => [node, name]))
    const addresses = new Map([...this.#places.values()].map(({ networkNode }, index) => [networkNode, (10 << 24) + (index << 8) + 1]))
    return {
      name: node => names.get(node) ?? (node === this.#links.nowhere ? 'nowhere' : NUMBERED.name(node)),
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
      return { node: this.#links.nowhere, port }
    }
    return { node: networkNode, port: state === 'refused' ? REFUSED_PORT : port }
  }

  /** Lets the scenario's faults and cross traffic happen, counted from the run's time zero. */
  begin (zeroNs: number): void {
    this.#traffic.begin(zeroNs)
    this.#faults = scheduleFaults(this.#network, this.#scenario.faults.flatMap((fault, index) => this.#scheduled(fault, index, zeroNs)))
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
    const networkNode = this.#links.nodeOf(name, 'scenario.hosts')
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

  #scheduled (fault: Fault, index: number, zeroNs: number): ScheduledFault[] {
    const atNs = zeroNs + msToNs(fault.atMs)
    switch (fault.kind) {
      case 'freeze': {
        const { processor } = this.#place(fault.host)
        return [{ atNs, begin: () => { processor?.freeze(msToNs(fault.durationMs)); return undefined } }]
      }
      case 'reset': {
        const [from, to] = [this.#place(fault.from), this.#place(fault.to)]
        return [{ atNs, begin: () => this.#reset(from, to) }]
      }
      default:
        return this.#links.scheduled(fault, index, zeroNs)
    }
  }

  #reset (a: Place, b: Place): undefined {
    this.#kernel.wake()
    a.tcp.resetConnectionsTo(b.networkNode)
    b.tcp.resetConnectionsTo(a.networkNode)
  }

  #place (name: string): Place {
    const place = this.#places.get(name)
    if (place === undefined) {
      throw new Error(`the scenario was checked, and yet there is no host ${name}`)
    }
    return place
  }
}
