import type { PacketId, Packets } from './packets.ts'
import { PacketFifo } from './queue-fifo.ts'
import { NO_PACKET } from './queue.ts'
import type { QueueDiscipline, QueueLimit, QueueSink } from './queue.ts'

/** First in, first out; what does not fit any more is dropped. An idle link takes a packet whatever the limit. */
export class DropTailQueue implements QueueDiscipline {
  readonly marked = 0
  bytes = 0

  readonly #limitBytes: number
  readonly #limitPackets: number
  readonly #packets: Packets
  readonly #sink: QueueSink
  readonly #fifo = new PacketFifo()

  constructor (limit: QueueLimit | undefined, packets: Packets, sink: QueueSink) {
    this.#limitBytes = limit !== undefined && 'limitBytes' in limit ? limit.limitBytes : Infinity
    this.#limitPackets = limit !== undefined && 'limitPackets' in limit ? limit.limitPackets : Infinity
    this.#packets = packets
    this.#sink = sink
  }

  get packets (): number {
    return this.#fifo.count
  }

  enqueue (packet: PacketId, nowNs: number, busy: boolean): void {
    const size = this.#packets.size[packet]
    if (busy && (this.bytes + size > this.#limitBytes || this.#fifo.count >= this.#limitPackets)) {
      this.#sink.drop(packet)
      return
    }
    this.bytes += size
    this.#fifo.push(packet, nowNs)
  }

  dequeue (): PacketId {
    const packet = this.#fifo.shift()
    if (packet !== NO_PACKET) {
      this.bytes -= this.#packets.size[packet]
    }
    return packet
  }

  flush (): void {
    for (let packet = this.dequeue(); packet !== NO_PACKET; packet = this.dequeue()) {
      this.#sink.drop(packet)
    }
  }
}
