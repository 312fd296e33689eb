import { TwinwireError } from '../core/errors.ts'
import type { RandomStream } from '../core/random.ts'
import type { Kernel } from '../sim/kernel.ts'
import { Fabric } from '../sim/session/fabric.ts'
import { SimMultiaddr } from '../sim/session/identity.ts'
import { SimNode } from '../sim/session/node.ts'
import { VirtualClock } from '../sim/virtual-clock.ts'
import { LISTENING_PORT, multiaddrOf } from './addresses.ts'
import { programClock } from './host-processing.ts'
import type { Place, ScenarioNetwork } from './scenario-network.ts'
import type { Population } from './virtual-run.ts'
import type { Peer } from './wire.ts'

interface Member {
  readonly node: SimNode
  readonly peer: Peer
}

/** Modelled libp2p peers at the places of a scenario's hosts. */
export class SimPeers implements Population {
  readonly #members: ReadonlyMap<string, Member>

  constructor (kernel: Kernel, network: ScenarioNetwork, random: RandomStream) {
    const fabric = new Fabric(kernel, new VirtualClock(kernel, 0, 'libp2p timer'), ({ ip, port }, from) => network.resolve(ip, port, from))
    this.#members = new Map(network.places.map(place => [place.name, createMember(place, fabric, random.fork(`node:${place.name}`))]))
  }

  node (name: string): SimNode {
    return this.#member(name).node
  }

  peer (name: string): Peer {
    return this.#member(name).peer
  }

  stop (): void {
    for (const { node } of this.#members.values()) {
      node.stop()
    }
  }

  #member (name: string): Member {
    const member = this.#members.get(name)
    if (member === undefined) {
      throw new TwinwireError('ERR_UNKNOWN_HOST', 'no such host', { expected: `one of ${[...this.#members.keys()].join(', ')}`, found: name })
    }
    return member
  }
}

function createMember ({ name, tcp, addresses, libp2p: options, processor }: Place, fabric: Fabric, random: RandomStream): Member {
  const endpoints = addresses.map(({ ip }) => new SimMultiaddr(multiaddrOf(ip)))
  const node = new SimNode(fabric, { name, tcp, addresses: endpoints, random, options, clock: programClock(fabric.clock, processor) })
  node.listen(LISTENING_PORT)
  return { node, peer: { name, id: node.peerId, addresses: endpoints.map(endpoint => endpoint.encapsulate(`/p2p/${node.peerId.toString()}`)) } }
}
