import { markCongestion } from './packets.ts'
import type { PacketId, Packets } from './packets.ts'
import { PacketFifo } from './queue-fifo.ts'
import { NO_PACKET } from './queue.ts'
import type { CoDelOptions, QueueDiscipline, QueueSink } from './queue.ts'

/** What CoDel controls: a queue, first in, first out. */
export interface CoDelSource {
  /** Since when the packet that `take` gave last had waited. */
  readonly takenSinceNs: number
  /** What still waits. */
  readonly backlogBytes: number
  /** The oldest, or `NO_PACKET`. */
  take(): PacketId
  drop(packet: PacketId): void
  /** Marks instead of dropping; false where that is not possible. */
  mark(packet: PacketId): boolean
}

/** A backlog of at most one full packet is no standing queue, however slow the link (RFC 8289 section 5.6; IP bytes). */
const MAXIMUM_PACKET_BYTES = 1500

/** The state machine of RFC 8289 section 5, for one queue. */
export class CoDelControl {
  /** Drops since the drop state was entered. */
  count = 0

  readonly #targetNs: number
  readonly #intervalNs: number
  #lastCount = 0
  #dropping = false
  #dropNextNs = 0
  /** When the delay will have stood above the target for an interval; 0 while it does not. */
  #firstAboveNs = 0

  constructor (targetNs = 5e6, intervalNs = 100e6) {
    this.#targetNs = targetNs
    this.#intervalNs = intervalNs
  }

  /** The next packet that may be sent, or `NO_PACKET`; drops what must go on the way. */
  dequeue (source: CoDelSource, nowNs: number): PacketId {
    let packet = source.take()
    let tooLate = this.#standsTooLong(packet, source, nowNs)
    if (this.#dropping) {
      if (!tooLate) {
        this.#dropping = false
      }
      while (this.#dropping && nowNs >= this.#dropNextNs) {
        this.count++
        if (source.mark(packet)) {
          this.#dropNextNs = this.#after(this.#dropNextNs)
          break
        }
        source.drop(packet)
        packet = source.take()
        tooLate = this.#standsTooLong(packet, source, nowNs)
        if (tooLate) {
          this.#dropNextNs = this.#after(this.#dropNextNs)
        } else {
          this.#dropping = false
        }
      }
    } else if (tooLate) {
      if (!source.mark(packet)) {
        source.drop(packet)
        packet = source.take()
        this.#standsTooLong(packet, source, nowNs)
      }
      this.#dropping = true
      // Soon after the last drop state, start from the rate that had controlled the queue then.
      const delta = this.count - this.#lastCount
      this.count = delta > 1 && nowNs - this.#dropNextNs < 16 * this.#intervalNs ? delta : 1
      this.#dropNextNs = this.#after(nowNs)
      this.#lastCount = this.count
    }
    return packet
  }

  #after (timeNs: number): number {
    return timeNs + this.#intervalNs / Math.sqrt(this.count)
  }

  #standsTooLong (packet: PacketId, source: CoDelSource, nowNs: number): boolean {
    if (packet === NO_PACKET || nowNs - source.takenSinceNs < this.#targetNs || source.backlogBytes <= MAXIMUM_PACKET_BYTES) {
      this.#firstAboveNs = 0
      return false
    }
    if (this.#firstAboveNs === 0) {
      this.#firstAboveNs = nowNs + this.#intervalNs
      return false
    }
    return nowNs >= this.#firstAboveNs
  }
}

/** One queue under CoDel. */
export class CoDelQueue implements QueueDiscipline, CoDelSource {
  marked = 0
  bytes = 0

  readonly #limitPackets: number
  readonly #ecn: boolean
  readonly #packets: Packets
  readonly #sink: QueueSink
  readonly #fifo = new PacketFifo()
  readonly #control: CoDelControl

  constructor ({ targetNs, intervalNs, limitPackets = 1000, ecn = false }: CoDelOptions, packets: Packets, sink: QueueSink) {
    this.#limitPackets = limitPackets
    this.#ecn = ecn
    this.#packets = packets
    this.#sink = sink
    this.#control = new CoDelControl(targetNs, intervalNs)
  }

  get packets (): number {
    return this.#fifo.count
  }

  get takenSinceNs (): number {
    return this.#fifo.shiftedSinceNs
  }

  get backlogBytes (): number {
    return this.bytes
  }

  enqueue (packet: PacketId, nowNs: number, busy: boolean): void {
    if (busy && this.#fifo.count >= this.#limitPackets) {
      this.#sink.drop(packet)
      return
    }
    this.bytes += this.#packets.size[packet]
    this.#fifo.push(packet, nowNs)
  }

  dequeue (nowNs: number): PacketId {
    return this.#control.dequeue(this, nowNs)
  }

  take (): PacketId {
    const packet = this.#fifo.shift()
    if (packet !== NO_PACKET) {
      this.bytes -= this.#packets.size[packet]
    }
    return packet
  }

  drop (packet: PacketId): void {
    this.#sink.drop(packet)
  }

  mark (packet: PacketId): boolean {
    if (!this.#ecn || !markCongestion(this.#packets, packet)) {
      return false
    }
    this.marked++
    return true
  }

  flush (): void {
    for (let packet = this.take(); packet !== NO_PACKET; packet = this.take()) {
      this.#sink.drop(packet)
    }
  }
}
