import { NS_PER_MS } from '../core/units.ts'
import type { PacketNetwork } from '../sim/network.ts'
import type { NetworkObserver } from '../sim/observe/observer.ts'
import { FLAG_SYN } from '../sim/packets.ts'
import type { PacketId } from '../sim/packets.ts'

/** In place of the time when a packet was sent. */
const COPY = -1

/** What a path is, for telling waiting from the rest of a packet's time. */
export interface MeterOptions {
  /** Undefined where it varies. */
  readonly rateBitsPerSecond: number | undefined
  /** Undefined where it varies. */
  readonly delayNs: number | undefined
  /** The node that packets of the forward direction go to. */
  readonly server: number
}

/**
 * Meters the forward direction of a path: what a packet waited in the queue is its time from end to end without
 * serialisation and propagation.
 */
export class PathMeter implements NetworkObserver {
  /** SYNs sent in the forward direction, by connection number. */
  readonly synsSent = new Map<number, number>()

  readonly #network: PacketNetwork
  readonly #server: number
  readonly #delayNs: number
  readonly #nsPerByte: number
  /** When each packet now inside was sent, by its id. */
  #sentNs = new Float64Array(0)
  #waitedNs = 0
  #metered = 0

  constructor (network: PacketNetwork, { rateBitsPerSecond = NaN, delayNs = NaN, server }: MeterOptions) {
    this.#network = network
    this.#server = server
    this.#delayNs = delayNs
    this.#nsPerByte = 8e9 / rateBitsPerSecond
  }

  /**
   * Mean over the packets that arrived, copies by the network not counted; 0 where none did, NaN where rate or delay vary: it
   * is not known then what was waiting.
   */
  get meanQueueDelayMs (): number {
    return this.#metered === 0 ? 0 : this.#waitedNs / this.#metered / NS_PER_MS
  }

  onSend (packet: PacketId): void {
    const { kernel, packets } = this.#network
    if (packets.destination[packet] !== this.#server) {
      return
    }
    if (packet >= this.#sentNs.length) {
      this.#grow()
    }
    this.#sentNs[packet] = kernel.nowNs
    if ((packets.flags[packet] & FLAG_SYN) !== 0) {
      const connection = packets.connection[packet]
      this.synsSent.set(connection, (this.synsSent.get(connection) ?? 0) + 1)
    }
  }

  onDuplicate (_original: PacketId, copy: PacketId): void {
    if (copy >= this.#sentNs.length) {
      this.#grow()
    }
    this.#sentNs[copy] = COPY
  }

  onReceive (packet: PacketId): void {
    const { kernel, packets } = this.#network
    if (packets.destination[packet] === this.#server && this.#sentNs[packet] !== COPY) {
      this.#waitedNs += kernel.nowNs - this.#sentNs[packet] - this.#delayNs - packets.size[packet] * this.#nsPerByte
      this.#metered++
    }
  }

  #grow (): void {
    const grown = new Float64Array(this.#network.packets.size.length)
    grown.set(this.#sentNs)
    this.#sentNs = grown
  }
}
