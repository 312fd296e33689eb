import { randomStream } from '../../src/core/random.ts'
import { Kernel } from '../../src/sim/kernel.ts'
import type { LinkOptions } from '../../src/sim/link.ts'
import { PacketNetwork } from '../../src/sim/network.ts'
import type { NodeId } from '../../src/sim/network.ts'
import { Packets } from '../../src/sim/packets.ts'
import type { PacketId } from '../../src/sim/packets.ts'

export interface Delivery {
  readonly atNs: number
  /** The packet's number in the order of sending (its `sequence`). */
  readonly number: number
}

export function emptyNetwork (seed = 'test'): PacketNetwork {
  return new PacketNetwork(new Kernel(), new Packets(), randomStream(seed))
}

export function packetOf (network: PacketNetwork, from: NodeId, to: NodeId, size: number, number = 0, connection = 0): PacketId {
  const { packets } = network
  const packet = packets.allocate()
  packets.size[packet] = size
  packets.source[packet] = from
  packets.destination[packet] = to
  packets.connection[packet] = connection
  packets.sequence[packet] = number
  return packet
}

/** Keeps what arrives at a node. */
export function collect (network: PacketNetwork, node: NodeId): Delivery[] {
  const deliveries: Delivery[] = []
  network.setReceiver(node, {
    receive (packet) {
      deliveries.push({ atNs: network.kernel.nowNs, number: network.packets.sequence[packet] })
      network.packets.release(packet)
    }
  })
  return deliveries
}

/** Runs `action` at a time. */
export function at (network: PacketNetwork, atNs: number, action: () => void): void {
  network.kernel.schedule(atNs, network.kernel.define(action, 'event'), 0)
}

/** Two nodes and one link from the first to the second. */
export class OneLink {
  readonly network: PacketNetwork
  readonly deliveries: Delivery[]
  readonly link

  #sent = 0

  constructor (options: LinkOptions, seed?: string) {
    this.network = emptyNetwork(seed)
    const from = this.network.addNode()
    const to = this.network.addNode()
    this.link = this.network.link(this.network.addLink(from, to, options))
    this.deliveries = collect(this.network, to)
  }

  send (size: number, connection = 0): void {
    this.network.send(packetOf(this.network, 0, 1, size, this.#sent++, connection))
  }

  sendAt (atNs: number, ...sizes: number[]): void {
    at(this.network, atNs, () => sizes.forEach(size => this.send(size)))
  }

  run (untilNs?: number): void {
    this.network.kernel.run(untilNs)
    this.network.checkConservation()
  }

  get arrivalsNs (): number[] {
    return this.deliveries.map(({ atNs }) => atNs)
  }

  get numbers (): number[] {
    return this.deliveries.map(({ number }) => number)
  }
}
