import type { NodeId, PacketNetwork } from '../sim/network.ts'
import type { TrafficCount } from './wire.ts'

type Tally = { -readonly [Name in keyof TrafficCount]: number }

/** Counts the traffic of those hosts of a simulated network that ask for theirs. While nobody does, packets cost nothing more. */
export class SimTrafficCounts {
  readonly #network: PacketNetwork
  readonly #tallies = new Map<NodeId, Tally>()

  constructor (network: PacketNetwork) {
    this.#network = network
  }

  /** Since it was first asked of this node. */
  of (node: NodeId): TrafficCount {
    return { ...this.#tallies.get(node) ?? this.#begin(node) }
  }

  #begin (node: NodeId): Tally {
    if (this.#tallies.size === 0) {
      this.#observe()
    }
    const tally: Tally = { sentPackets: 0, sentBytes: 0, receivedPackets: 0, receivedBytes: 0 }
    this.#tallies.set(node, tally)
    return tally
  }

  #observe (): void {
    const { packets, observers } = this.#network
    observers.add({
      onSend: packet => {
        const tally = this.#tallies.get(packets.source[packet])
        if (tally !== undefined) {
          tally.sentPackets++
          tally.sentBytes += packets.size[packet]
        }
      },
      onReceive: packet => {
        const tally = this.#tallies.get(packets.destination[packet])
        if (tally !== undefined) {
          tally.receivedPackets++
          tally.receivedBytes += packets.size[packet]
        }
      }
    })
  }
}
