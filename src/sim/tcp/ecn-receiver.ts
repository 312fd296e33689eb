import { ECN_CONGESTION, ECN_NOT_CAPABLE, FLAG_CWR } from '../packets.ts'
import type { PacketId, Packets } from '../packets.ts'
import type { AckTiming } from './ack-timing.ts'

/** The receiver's part of ECN (RFC 3168 6.1.3): a mark is echoed in every acknowledgement until the sender says it reacted. */
export class EcnReceiver {
  /** Acknowledgements bear ECE. */
  echoes = false
  readonly #acks: AckTiming
  #capableSeen = false

  constructor (acks: AckTiming) {
    this.#acks = acks
  }

  /** A segment with payload or FIN arrived, whatever it is worth: its CWR, ahead of its own mark. */
  onAnswer (packets: Packets, id: PacketId): void {
    if ((packets.flags[id] & FLAG_CWR) !== 0) {
      this.echoes = false
      // As in Linux: the sender's window may now be a single segment.
      this.#acks.due ||= packets.length[id] > 0
    }
  }

  /** The segment is a new one. Marks of others do not count: they may be forged (RFC 3168 6.1.5). */
  onMark (packets: Packets, id: PacketId, windowBytes: number): void {
    const field = packets.ecn[id]
    if (field === ECN_NOT_CAPABLE) {
      if (this.#capableSeen && packets.length[id] > 0) {
        // A copy, as in Linux: the sender waits for this acknowledgement.
        this.#acks.onMark(windowBytes)
      }
      return
    }
    this.#capableSeen = true
    if (field === ECN_CONGESTION && !this.echoes) {
      this.echoes = true
      this.#acks.onMark(windowBytes)
    }
  }
}
