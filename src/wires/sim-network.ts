import { show, TwinwireError } from '../core/errors.ts'
import type { RandomStream } from '../core/random.ts'
import { msToNs } from '../core/units.ts'
import { beginPartition, scheduleFaults } from '../sim/fault-schedule.ts'
import type { ScheduledFault } from '../sim/fault-schedule.ts'
import type { Kernel } from '../sim/kernel.ts'
import type { Link } from '../sim/link.ts'
import type { NodeId } from '../sim/network.ts'
import { PacketNetwork } from '../sim/network.ts'
import { NUMBERED } from '../sim/observe/nodes.ts'
import type { NodeLabels } from '../sim/observe/nodes.ts'
import { Packets } from '../sim/packets.ts'
import type { Endpoint } from '../sim/session/fabric.ts'
import { Fabric } from '../sim/session/fabric.ts'
import { SimMultiaddr } from '../sim/session/identity.ts'
import { SimNode } from '../sim/session/node.ts'
import { TcpHost } from '../sim/tcp/host.ts'
import { VirtualClock } from '../sim/virtual-clock.ts'
import type { Fault, HostDescription, Scenario } from './scenario.ts'
import { hostTcpOptions } from './scenario.ts'
import { layOutScenario } from './sim-layout.ts'
import { SimTraffic } from './sim-traffic.ts'
import type { Peer } from './wire.ts'

const LISTENING_PORT = 4001
/** A port of a host at which nobody listens. */
const REFUSED_PORT = 1

interface Member {
  readonly networkNode: NodeId
  /** The first of its addresses, as a number. */
  readonly address: number
  readonly tcp: TcpHost
  readonly node: SimNode
  readonly peer: Peer
}

/** A scenario in the simulator: its nodes and links, the hosts at them, and what befalls them. */
export class SimNetwork {
  readonly #kernel: Kernel
  readonly #scenario: Scenario
  readonly #network: PacketNetwork
  readonly #nowhere: NodeId
  /** By the names that faults and traffic have: those of hosts, and of a topology's other nodes. */
  readonly #nodes: ReadonlyMap<string, NodeId>
  readonly #traffic: SimTraffic
  readonly #members = new Map<string, Member>()
  readonly #endpoints = new Map<string, Endpoint>()

  /** @throws ERR_INVALID_OPTION for what can be known only now: a fault on a link that the topology has not */
  constructor (kernel: Kernel, random: RandomStream, scenario: Scenario) {
    this.#kernel = kernel
    this.#scenario = scenario
    this.#network = new PacketNetwork(kernel, new Packets(), random)
    const fabric = new Fabric(kernel, new VirtualClock(kernel), endpoint => this.#endpoints.get(endpoint))
    // No link leads to it: what is sent there is never answered.
    this.#nowhere = this.#network.addNode({ forwards: false })
    this.#nodes = layOutScenario(this.#network, scenario, random.fork('topology'))
    scenario.hosts.forEach((host, index) => this.#addHost(host, index, fabric, random.fork(`node:${host.name}`)))
    this.#traffic = new SimTraffic(this.#network, scenario.crossTraffic, random.fork('cross-traffic'), {
      node: name => this.#nodeOf(name, 'scenario.crossTraffic'),
      tcp: new Map([...this.#members.values()].map(({ networkNode, tcp }) => [networkNode, tcp]))
    })
    scenario.faults.forEach((_, index) => this.#linksOf(index))
  }

  /** What carries the hosts' packets. */
  get packetNetwork (): PacketNetwork {
    return this.#network
  }

  /** Hosts by their names and first addresses. Dead addresses lead elsewhere: to `nowhere`, or to another port of the host. */
  get labels (): NodeLabels {
    const names = new Map([...this.#nodes].map(([name, node]) => [node, name]))
    const addresses = new Map([...this.#members.values()].map(({ networkNode, address }) => [networkNode, address]))
    return {
      name: node => names.get(node) ?? (node === this.#nowhere ? 'nowhere' : NUMBERED.name(node)),
      // Behind all addresses of hosts.
      address: node => addresses.get(node) ?? 0x0aff_0000 + node
    }
  }

  node (name: string): SimNode {
    return this.#member(name).node
  }

  peer (name: string): Peer {
    return this.#member(name).peer
  }

  /** Lets the scenario's faults and cross traffic happen, counted from the run's time zero. */
  begin (zeroNs: number): void {
    this.#traffic.begin(zeroNs)
    scheduleFaults(this.#network, this.#scenario.faults.flatMap((fault, index) => this.#scheduled(fault, this.#linksOf(index), zeroNs)))
  }

  /**
   * @throws ERR_CONSERVATION
   */
  checkConservation (): void {
    this.#network.checkConservation()
  }

  stop (): void {
    for (const { node } of this.#members.values()) {
      node.stop()
    }
  }

  #addHost (host: HostDescription, index: number, fabric: Fabric, random: RandomStream): void {
    const { name, addresses } = host
    const networkNode = this.#nodeOf(name, 'scenario.hosts')
    const prefix = `/ip4/10.${index >> 8}.${index & 255}`
    const endpoints = addresses.map((_, k) => `${prefix}.${k + 1}/tcp/${LISTENING_PORT}`)
    addresses.forEach(({ state }, k) => {
      this.#endpoints.set(endpoints[k], state === 'black-hole' ? { node: this.#nowhere, port: LISTENING_PORT } : { node: networkNode, port: state === 'refused' ? REFUSED_PORT : LISTENING_PORT })
    })
    const [first, ...others] = endpoints.map(endpoint => new SimMultiaddr(endpoint))
    const tcp = new TcpHost(this.#network, networkNode, hostTcpOptions(host))
    const node = new SimNode(fabric, { name, tcp, addresses: [first, ...others], random })
    node.listen(LISTENING_PORT)
    const peer = { name, id: node.peerId, addresses: endpoints.map(endpoint => new SimMultiaddr(`${endpoint}/p2p/${node.peerId.toString()}`)) }
    this.#members.set(name, { networkNode, address: (10 << 24) + (index << 8) + 1, tcp, node, peer })
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
      default: {
        const [from, to] = [this.#member(fault.from), this.#member(fault.to)]
        return [{ atNs, begin: () => this.#reset(from, to) }]
      }
    }
  }

  #reset (a: Member, b: Member): undefined {
    this.#kernel.wake()
    a.node.resetConnectionsTo(b.networkNode)
    b.node.resetConnectionsTo(a.networkNode)
  }

  /**
   * The links that the fault of this index befalls.
   *
   * @throws ERR_INVALID_OPTION
   */
  #linksOf (index: number): Link[] {
    const fault = this.#scenario.faults[index]
    if (fault.kind === 'reset' || fault.kind === 'partition') {
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

  #member (name: string): Member {
    const member = this.#members.get(name)
    if (member === undefined) {
      throw new TwinwireError('ERR_UNKNOWN_HOST', 'no such host', { expected: `one of ${[...this.#members.keys()].join(', ')}`, found: name })
    }
    return member
  }
}
