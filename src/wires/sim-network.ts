import { TwinwireError } from '../core/errors.ts'
import type { RandomStream } from '../core/random.ts'
import { msToNs } from '../core/units.ts'
import type { Kernel } from '../sim/kernel.ts'
import type { LinkFault } from '../sim/faults.ts'
import type { Link, LinkOptions } from '../sim/link.ts'
import type { LossOptions } from '../sim/loss.ts'
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
import type { Fault, HostDescription, PathDirection, Scenario } from './scenario.ts'
import { pairKey } from './scenario.ts'
import type { Peer } from './wire.ts'

const LISTENING_PORT = 4001
/** A port of a host at which nobody listens. */
const REFUSED_PORT = 1

interface Member {
  readonly networkNode: NodeId
  /** The first of its addresses, as a number. */
  readonly address: number
  readonly node: SimNode
  readonly peer: Peer
}

/** A scenario's hosts and paths in the simulator: a network node a host, two links a path. */
export class SimNetwork {
  readonly #kernel: Kernel
  readonly #scenario: Scenario
  readonly #network: PacketNetwork
  readonly #nowhere: NodeId
  readonly #members = new Map<string, Member>()
  readonly #endpoints = new Map<string, Endpoint>()

  constructor (kernel: Kernel, random: RandomStream, scenario: Scenario) {
    this.#kernel = kernel
    this.#scenario = scenario
    this.#network = new PacketNetwork(kernel, new Packets(), random)
    const fabric = new Fabric(kernel, new VirtualClock(kernel), endpoint => this.#endpoints.get(endpoint))
    // No link leads to it: what is sent there is never answered.
    this.#nowhere = this.#network.addNode({ forwards: false })
    scenario.hosts.forEach((host, index) => this.#addHost(host, index, fabric, random.fork(`node:${host.name}`)))
    for (const { from, to, forward, backward } of scenario.paths) {
      const [a, b] = [this.#member(from).networkNode, this.#member(to).networkNode]
      this.#network.addLink(a, b, linkOptions(forward))
      this.#network.addLink(b, a, linkOptions(backward ?? forward))
    }
  }

  /** What carries the hosts' packets. */
  get packetNetwork (): PacketNetwork {
    return this.#network
  }

  /** Hosts by their names and first addresses. Dead addresses lead elsewhere: to `nowhere`, or to another port of the host. */
  get labels (): NodeLabels {
    const hosts = new Map([...this.#members].map(([name, { networkNode, address }]) => [networkNode, { name, address }]))
    return {
      name: node => hosts.get(node)?.name ?? (node === this.#nowhere ? 'nowhere' : NUMBERED.name(node)),
      // Behind all addresses of hosts.
      address: node => hosts.get(node)?.address ?? 0x0aff_0000 + node
    }
  }

  node (name: string): SimNode {
    return this.#member(name).node
  }

  peer (name: string): Peer {
    return this.#member(name).peer
  }

  /** Lets the scenario's faults happen, counted from the run's time zero. */
  scheduleFaults (zeroNs: number): void {
    const actions: Array<() => void> = []
    const act = this.#kernel.define(index => actions[index]())
    const at = (atMs: number, action: () => void): void => {
      this.#kernel.schedule(zeroNs + msToNs(atMs), act, actions.push(action) - 1)
    }
    for (const fault of this.#scenario.faults) {
      at(fault.atMs, () => {
        const ends = this.#begin(fault)
        if ('durationMs' in fault && fault.durationMs !== undefined) {
          at(fault.atMs + fault.durationMs, () => ends.forEach(end => end()))
        }
      })
    }
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

  #addHost ({ name, addresses }: HostDescription, index: number, fabric: Fabric, random: RandomStream): void {
    const networkNode = this.#network.addNode({ forwards: false })
    const prefix = `/ip4/10.${index >> 8}.${index & 255}`
    const endpoints = addresses.map((_, k) => `${prefix}.${k + 1}/tcp/${LISTENING_PORT}`)
    addresses.forEach(({ state }, k) => {
      this.#endpoints.set(endpoints[k], state === 'black-hole' ? { node: this.#nowhere, port: LISTENING_PORT } : { node: networkNode, port: state === 'refused' ? REFUSED_PORT : LISTENING_PORT })
    })
    const node = new SimNode(fabric, { name, tcp: new TcpHost(this.#network, networkNode), address: new SimMultiaddr(endpoints[0]), random })
    node.listen(LISTENING_PORT)
    const peer = { name, id: node.peerId, addresses: endpoints.map(endpoint => new SimMultiaddr(`${endpoint}/p2p/${node.peerId.toString()}`)) }
    this.#members.set(name, { networkNode, address: (10 << 24) + (index << 8) + 1, node, peer })
  }

  /** Answers how to end it. */
  #begin (fault: Fault): Array<() => void> {
    const links = this.#linksOf(fault)
    const onLinks = (linkFault: LinkFault): Array<() => void> => links.map(link => {
      const active = link.beginFault(linkFault)
      return () => active.end()
    })
    switch (fault.kind) {
      case 'black-hole':
        return onLinks({ kind: 'black-hole', ...fault.scope === 'existing' && { connectionsUpTo: this.#network.newestConnection } })
      case 'stall':
        return onLinks({ kind: 'stall' })
      case 'rate':
        links.forEach(link => link.setRate(fault.rateBitsPerSecond))
        break
      case 'reset':
        this.#reset(this.#member(fault.from), this.#member(fault.to))
        break
    }
    return []
  }

  #reset (a: Member, b: Member): void {
    this.#kernel.wake()
    a.node.resetConnectionsTo(b.networkNode)
    b.node.resetConnectionsTo(a.networkNode)
  }

  #linksOf ({ from, to }: { from: string, to: string }): Link[] {
    const [a, b] = [this.#member(from).networkNode, this.#member(to).networkNode]
    const links = [this.#network.linkBetween(a, b), this.#network.linkBetween(b, a)]
    return links.map(link => {
      if (link === undefined) {
        throw new Error(`the scenario was checked, and yet no path joins ${pairKey(from, to)}`)
      }
      return link
    })
  }

  #member (name: string): Member {
    const member = this.#members.get(name)
    if (member === undefined) {
      throw new TwinwireError('ERR_UNKNOWN_HOST', 'no such host', { expected: `one of ${[...this.#members.keys()].join(', ')}`, found: name })
    }
    return member
  }
}

function linkOptions ({ rateBitsPerSecond, delayMs, jitterMs, loss, queue }: PathDirection): LinkOptions {
  return {
    ...(rateBitsPerSecond === undefined ? {} : { rateBitsPerSecond }),
    delayNs: msToNs(delayMs),
    ...(jitterMs === 0 ? {} : { jitter: { distribution: 'uniform', boundNs: msToNs(jitterMs) } }),
    ...(loss === undefined ? {} : { loss: loss satisfies LossOptions }),
    ...(queue === undefined ? {} : { queue })
  }
}
