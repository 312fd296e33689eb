import type { PacketId } from './packets.ts'
import { NO_PACKET } from './queue.ts'

const FIRST_CAPACITY = 8

/** Packets in the order in which they came, with the instant of their coming. Typed columns: nothing is allocated a packet. */
export class PacketFifo {
  count = 0
  /** When the packet that `shift` gave last had come. */
  shiftedSinceNs = 0

  #packet = new Int32Array(0)
  #sinceNs = new Float64Array(0)
  #head = 0

  push (packet: PacketId, nowNs: number): void {
    if (this.count === this.#packet.length) {
      this.#grow()
    }
    const at = (this.#head + this.count++) & (this.#packet.length - 1)
    this.#packet[at] = packet
    this.#sinceNs[at] = nowNs
  }

  /** The oldest, or `NO_PACKET`. */
  shift (): PacketId {
    if (this.count === 0) {
      return NO_PACKET
    }
    const packet = this.#packet[this.#head]
    this.shiftedSinceNs = this.#sinceNs[this.#head]
    this.#head = (this.#head + 1) & (this.#packet.length - 1)
    this.count--
    return packet
  }

  #grow (): void {
    const before = this.#packet.length
    const capacity = before === 0 ? FIRST_CAPACITY : before * 2
    const packet = new Int32Array(capacity)
    const sinceNs = new Float64Array(capacity)
    for (let i = 0; i < before; i++) {
      const from = (this.#head + i) & (before - 1)
      packet[i] = this.#packet[from]
      sinceNs[i] = this.#sinceNs[from]
    }
    this.#packet = packet
    this.#sinceNs = sinceNs
    this.#head = 0
  }
}
