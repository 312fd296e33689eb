import { NS_PER_MS } from '../core/units.ts'
import type { Kernel } from '../sim/kernel.ts'
import type { PacketNetwork } from '../sim/network.ts'
import { FLAG_SYN } from '../sim/packets.ts'
import type { PacketId, Packets } from '../sim/packets.ts'
import type { SegmentNetwork } from '../sim/tcp/events.ts'

/** What a path is, for telling waiting from the rest of a packet's time. */
export interface MeterOptions {
  readonly rateBitsPerSecond: number
  readonly delayNs: number
  /** The node that packets of the forward direction go to. */
  readonly server: number
}

/**
 * A network seen by the hosts at its ends, with a meter on the forward direction: what a packet waited in the queue is its
 * time from end to end without serialisation and propagation.
 */
export class MeteredNetwork implements SegmentNetwork {
  readonly kernel: Kernel
  readonly packets: Packets
  /** SYNs sent in the forward direction, by connection number. */
  readonly synsSent = new Map<number, number>()

  readonly #network: PacketNetwork
  readonly #options: MeterOptions
  /** When each packet now inside was sent, by its id. */
  #sentNs = new Float64Array(0)
  #waitedNs = 0
  #metered = 0

  constructor (network: PacketNetwork, options: MeterOptions) {
    this.kernel = network.kernel
    this.packets = network.packets
    this.#network = network
    this.#options = options
  }

  /** Mean over the packets that arrived; 0 where none did. */
  get meanQueueDelayMs (): number {
    return this.#metered === 0 ? 0 : this.#waitedNs / this.#metered / NS_PER_MS
  }

  openConnection (): number {
    return this.#network.openConnection()
  }

  send (id: PacketId): void {
    const { packets } = this
    if (packets.destination[id] === this.#options.server) {
      if (id >= this.#sentNs.length) {
        this.#grow()
      }
      this.#sentNs[id] = this.kernel.nowNs
      if ((packets.flags[id] & FLAG_SYN) !== 0) {
        const connection = packets.connection[id]
        this.synsSent.set(connection, (this.synsSent.get(connection) ?? 0) + 1)
      }
    }
    this.#network.send(id)
  }

  setReceiver (node: number, receiver: { receive(id: PacketId): void }): void {
    this.#network.setReceiver(node, node === this.#options.server ? this.#meterBefore(receiver) : receiver)
  }

  #meterBefore (receiver: { receive(id: PacketId): void }): { receive(id: PacketId): void } {
    const { rateBitsPerSecond, delayNs } = this.#options
    const nsPerByte = 8e9 / rateBitsPerSecond
    return {
      receive: id => {
        this.#waitedNs += this.kernel.nowNs - this.#sentNs[id] - delayNs - this.packets.size[id] * nsPerByte
        this.#metered++
        receiver.receive(id)
      }
    }
  }

  #grow (): void {
    const grown = new Float64Array(this.packets.size.length)
    grown.set(this.#sentNs)
    this.#sentNs = grown
  }
}
