import { Packets } from '../../src/sim/packets.ts'
import type { PacketId } from '../../src/sim/packets.ts'

/** What a queue is made with, and what it dropped, by the packets' numbers. */
export class QueueBench {
  readonly packets = new Packets()
  readonly dropped: number[] = []
  #made = 0

  packet (size = 1500, { connection = 0, ecn = 0 } = {}): PacketId {
    const packet = this.packets.allocate()
    this.packets.size[packet] = size
    this.packets.source[packet] = 0
    this.packets.destination[packet] = 1
    this.packets.connection[packet] = connection
    this.packets.sequence[packet] = this.#made++
    this.packets.ecn[packet] = ecn
    return packet
  }

  /** Of `drop` as a sink. */
  drop (packet: PacketId): void {
    this.dropped.push(this.packets.sequence[packet])
    this.packets.release(packet)
  }
}
