import { FLAG_FIN, FLAG_PSH } from '../packets.ts'
import type { PacketId, Packets } from '../packets.ts'
import type { TcpOptions } from './options.ts'
import { ReceiveWindow } from './receive-window.ts'
import { Reassembly } from './reassembly.ts'
import { SackCompression } from './sack-compression.ts'
import { timerExpiryNs } from './timer-clock.ts'

const FIRST_SEQUENCE = 1

/**
 * The receiving half of a connection, without IO: puts segments in order, and decides when to acknowledge (RFC 5681 4.2:
 * at once out of order, else every second full segment or after a delay) and what window to offer.
 */
export class TcpReceiver {
  /** An acknowledgement should leave at once. */
  ackDue = false
  /** An acknowledgement leaves at this time at the latest. */
  deadlineNs = Infinity
  /** Everything up to and with the peer's FIN has arrived. */
  finished = false
  /** In-order bytes so far. */
  deliveredBytes = 0

  readonly #options: Readonly<TcpOptions>
  readonly #reassembly = new Reassembly()
  #next = FIRST_SEQUENCE
  #finSequence = Infinity
  /** Delivered and not yet read by the application. */
  #unreadBytes = 0
  /** RFC 7323's TS.Recent: what to echo. */
  #timestamp = -1
  #lastAcknowledgement = FIRST_SEQUENCE
  #windowEdge: number
  readonly #window: ReceiveWindow
  readonly #compression: SackCompression
  #quickAcks = 0
  /** The application answers what it gets: its answers bear acknowledgements, which so may wait (Linux's pingpong). */
  #interactive = false
  #lastSegmentNs = -Infinity
  /** An acknowledgement is due once the application has read all. */
  #pushed = false
  /** What came twice and is yet to be reported (RFC 2883); empty where start is not below end. */
  #duplicateStart = 0
  #duplicateEnd = 0

  constructor (options: Readonly<TcpOptions>) {
    this.#options = options
    this.#window = new ReceiveWindow(options)
    this.#compression = new SackCompression(options)
    this.#windowEdge = FIRST_SEQUENCE + this.#window.bytes
  }

  /** The window that a SYN offers. */
  get initialWindowBytes (): number {
    return this.#window.bytes
  }

  get nextSequence (): number {
    return this.#next
  }

  /** Whether SACK blocks wait to be reported. */
  get holes (): boolean {
    return !this.#reassembly.empty || this.#duplicateStart < this.#duplicateEnd
  }

  /** `timestamp` is that of the peer's SYN, to be echoed. */
  establish (nowNs: number, timestamp: number): void {
    this.#timestamp = timestamp
    this.#window.begin(nowNs)
  }

  /** Takes a segment's payload and FIN; returns the bytes that thereby are in order. */
  onSegment (nowNs: number, packets: Packets, id: PacketId): number {
    const start = packets.sequence[id]
    const payloadEnd = start + packets.length[id]
    const fin = (packets.flags[id] & FLAG_FIN) !== 0
    const end = fin ? payloadEnd + 1 : payloadEnd
    if (start <= this.#lastAcknowledgement && packets.timestamp[id] > this.#timestamp) {
      // RFC 7323 4.3: of segments acknowledged together the earliest is echoed, so that the delay of the
      // acknowledgement is part of the round trip that the sender measures.
      this.#timestamp = packets.timestamp[id]
    }
    if (end === start) {
      // RFC 9293 3.10.7.4: before what was acknowledged, as a window probe is: answered. Else it bears nothing.
      this.ackDue ||= start < this.#lastAcknowledgement
      return 0
    }
    if (end <= this.#next || payloadEnd > this.#windowEdge) {
      // Sent again for nothing: the acknowledgement was lost, or is late.
      this.#noteDuplicate(start, Math.min(end, this.#next))
      this.#quickAcks = this.#options.quickAcks
      this.#interactive = false
      this.ackDue = true
      return 0
    }
    if (this.#lastSegmentNs < 0) {
      this.#quickAcks = this.#options.quickAcks
    }
    if (this.#window.onSegment(nowNs, packets.length[id], packets.timestampEcho[id])) {
      // As in Linux: while the window grows, each segment is acknowledged, at the start without using up the count.
      this.#quickAcks |= 1
    }
    if (fin) {
      this.#finSequence = payloadEnd
    }
    this.#lastSegmentNs = nowNs
    if (start > this.#next) {
      if (this.#reassembly.covers(start, end)) {
        this.#noteDuplicate(start, end)
      }
      this.#onOutOfOrder(nowNs, this.#reassembly.blocksBefore(start, end))
      this.#reassembly.insert(start, end)
      return 0
    }
    this.#pushed ||= this.#options.acknowledgePushes && (packets.flags[id] & FLAG_PSH) !== 0
    return this.#onInOrder(nowNs, end)
  }

  /** The application took `byteCount` of what was delivered: the window may open. */
  read (nowNs: number, byteCount: number): void {
    if (byteCount > this.#unreadBytes) {
      throw new Error(`${byteCount} bytes read of ${this.#unreadBytes}`)
    }
    this.#unreadBytes -= byteCount
    this.#window.onRead(nowNs, byteCount)
    if (this.#unreadBytes === 0 && this.#pushed && this.#next > this.#lastAcknowledgement && !this.#interactive) {
      this.ackDue = true
    }
    // As in Linux's tcp_cleanup_rbuf: the peer is told where that doubles its window, or opens it; else the next
    // acknowledgement says so.
    const windowBytes = this.#windowEdge - this.#next
    if (2 * windowBytes > this.#window.bytes) {
      return
    }
    const offeredBytes = this.#offeredEdge() - this.#next
    if (offeredBytes > windowBytes && offeredBytes >= 2 * windowBytes) {
      this.ackDue = true
    }
  }

  /** Writes acknowledgement, window and echo into a segment that is about to leave. */
  acknowledge (packets: Packets, id: PacketId): void {
    this.#windowEdge = this.#offeredEdge()
    packets.acknowledgement[id] = this.#next
    packets.window[id] = this.#windowEdge - this.#next
    packets.timestampEcho[id] = this.#timestamp
    this.#lastAcknowledgement = this.#next
    this.ackDue = false
    this.#pushed = false
    this.deadlineNs = Infinity
    this.#compression.onSent()
    if (this.#quickAcks > 0) {
      this.#quickAcks--
    }
  }

  /** Writes the SACK blocks into a segment without payload, where there is room for them. */
  report (packets: Packets, id: PacketId): void {
    if (this.#options.sack) {
      this.#reassembly.report(packets, id, this.#duplicateStart, this.#duplicateEnd)
      this.#duplicateEnd = this.#duplicateStart
    }
  }

  /** Data is sent the other way. */
  onReply (nowNs: number): void {
    this.#interactive ||= nowNs - this.#lastSegmentNs < this.#options.delayedAckNs
  }

  get #inQuickMode (): boolean {
    return this.#quickAcks > 0 && !this.#interactive
  }

  #noteDuplicate (start: number, end: number): void {
    if (this.#options.undo) {
      this.#duplicateStart = start
      this.#duplicateEnd = end
    }
  }

  /** RFC 5681 4.2: at once. Linux lets some wait for others. */
  #onOutOfOrder (nowNs: number, blocksBefore: number): void {
    const delayNs = this.#inQuickMode ? 0 : this.#compression.delayNs(this.#next, blocksBefore, this.#window.rttNs)
    if (delayNs === 0) {
      this.ackDue = true
    } else {
      this.deadlineNs = Math.min(this.deadlineNs, nowNs + delayNs)
    }
  }

  #onInOrder (nowNs: number, end: number): number {
    const before = this.#next
    this.#next = end
    if (!this.#reassembly.empty) {
      // RFC 5681 4.2: at once, where it fills a gap, or part of one.
      this.#next = this.#reassembly.advance(end)
      this.ackDue = true
    }
    let byteCount = this.#next - before
    if (this.#next > this.#finSequence) {
      byteCount--
      this.finished = true
      this.ackDue = true
    }
    this.#unreadBytes += byteCount
    this.deliveredBytes += byteCount
    if (this.#inQuickMode || this.#next - this.#lastAcknowledgement > this.#options.mssBytes) {
      this.ackDue = true
    } else if (this.deadlineNs === Infinity) {
      this.deadlineNs = timerExpiryNs(nowNs, this.#options.delayedAckNs, this.#options.timerTickNs)
    }
    return byteCount
  }

  /** RFC 9293 3.8.6.2.2: the window's edge does not advance by less than a segment or half of the buffer. */
  #offeredEdge (): number {
    const { bytes } = this.#window
    const edge = this.#next + bytes - this.#unreadBytes
    return edge - this.#windowEdge >= Math.min(this.#options.mssBytes, bytes / 2) ? edge : Math.max(this.#windowEdge, this.#next)
  }
}
