import { FLAG_ECE, FLAG_FIN, FLAG_PSH } from '../packets.ts'
import type { PacketId, Packets } from '../packets.ts'
import { AckTiming } from './ack-timing.ts'
import { EcnReceiver } from './ecn-receiver.ts'
import type { TcpOptions } from './options.ts'
import { ReceiveWindow } from './receive-window.ts'
import { Reassembly } from './reassembly.ts'
import type { RttEstimator } from './rtt-estimator.ts'

const FIRST_SEQUENCE = 1

/**
 * The receiving half of a connection, without IO: puts segments in order, and decides what to acknowledge and what window to
 * offer; when to acknowledge is `AckTiming`'s.
 */
export class TcpReceiver {
  readonly acks: AckTiming
  /** Where both ends agreed on ECN. */
  ecn: EcnReceiver | undefined
  /** This end has sent its FIN, or will at once. */
  closing = false
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
  /** What came twice and is yet to be reported (RFC 2883); empty where start is not below end. */
  #duplicateStart = 0
  #duplicateEnd = 0

  /** @param rtt of the same connection's sender */
  constructor (options: Readonly<TcpOptions>, rtt: RttEstimator) {
    this.#options = options
    this.#window = new ReceiveWindow(options)
    this.acks = new AckTiming(options, rtt, this.#window.bytes)
    this.#windowEdge = FIRST_SEQUENCE + this.#window.bytes
  }

  /** The window that a SYN offers. */
  get initialWindowBytes (): number {
    return this.#window.bytes
  }

  /** What the peer was offered last, less what came since. */
  get offeredBytes (): number {
    return this.#windowEdge - this.#next
  }

  get nextSequence (): number {
    return this.#next
  }

  /** Whether SACK blocks wait to be reported. */
  get holes (): boolean {
    return this.#options.sack && (!this.#reassembly.empty || this.#duplicateStart < this.#duplicateEnd)
  }

  /** `timestamp` is that of the peer's SYN, to be echoed. */
  establish (nowNs: number, timestamp: number): void {
    this.#timestamp = timestamp
    this.#window.begin(nowNs)
  }

  /** What a packet must not lie beyond: the first byte that was not offered. */
  get windowEdge (): number {
    return this.#windowEdge
  }

  /** Agreed on in the handshake. */
  useEcn (): void {
    this.ecn = new EcnReceiver(this.acks)
  }

  /** Takes a segment's payload and FIN; returns the bytes that thereby are in order. */
  onSegment (nowNs: number, packets: Packets, id: PacketId): number {
    const { acks, ecn } = this
    const start = packets.sequence[id]
    const length = packets.length[id]
    const flags = packets.flags[id]
    const payloadEnd = start + length
    const fin = (flags & FLAG_FIN) !== 0
    const end = fin ? payloadEnd + 1 : payloadEnd
    if (start <= this.#lastAcknowledgement && packets.timestamp[id] > this.#timestamp) {
      // RFC 7323 4.3: of segments acknowledged together the earliest is echoed, so that the delay of the
      // acknowledgement is part of the round trip that the sender measures.
      this.#timestamp = packets.timestamp[id]
    }
    if (end === start) {
      // RFC 9293 3.10.7.4: before what was acknowledged, as a window probe is: answered. Else it bears nothing.
      acks.due ||= start < this.#lastAcknowledgement
      return 0
    }
    ecn?.onAnswer(packets, id)
    if (end <= this.#next || payloadEnd > this.#windowEdge) {
      // Sent again for nothing: the acknowledgement was lost, or is late.
      this.#noteDuplicate(start, Math.min(end, this.#next))
      acks.onDuplicate(this.#windowEdge - this.#next)
      return 0
    }
    if (fin) {
      this.#finSequence = payloadEnd
    }
    const ordered = start <= this.#next
    const windowBytes = this.#windowEdge - this.#next
    if (ordered && length > 0) {
      acks.onData(nowNs, length, (flags & FLAG_PSH) !== 0, windowBytes)
    } else {
      acks.onOutOfOrder()
    }
    ecn?.onMark(packets, id, windowBytes)
    if (this.#window.onSegment(nowNs, length, packets.timestampEcho[id])) {
      acks.onWindowGrown()
    }
    if (ordered) {
      const byteCount = this.#onInOrder(end)
      acks.decide(nowNs, this.#next - this.#lastAcknowledgement, this.#next, !this.#reassembly.empty, 0, this.#window.rttNs)
      return byteCount
    }
    const blocksBefore = this.#reassembly.blocksBefore(start, end)
    this.#onOutOfOrder(start, end)
    acks.decide(nowNs, this.#next - this.#lastAcknowledgement, this.#next, true, blocksBefore, this.#window.rttNs)
    return 0
  }

  /** The application took `byteCount` of what was delivered: the window may open. */
  read (nowNs: number, byteCount: number): void {
    if (byteCount > this.#unreadBytes) {
      throw new Error(`${byteCount} bytes read of ${this.#unreadBytes}`)
    }
    this.#unreadBytes -= byteCount
    this.#window.onRead(nowNs, byteCount)
    if (this.#unreadBytes === 0) {
      this.acks.onAllRead()
    }
    // As in Linux's tcp_cleanup_rbuf: the peer is told where that doubles its window, or opens it; else the next
    // acknowledgement says so.
    const windowBytes = this.#windowEdge - this.#next
    if (2 * windowBytes > this.#window.bytes) {
      return
    }
    const offeredBytes = this.#offeredEdge() - this.#next
    if (offeredBytes > windowBytes && offeredBytes >= 2 * windowBytes) {
      this.acks.due = true
    }
  }

  /** Writes acknowledgement, window and echo into a segment that is about to leave. */
  acknowledge (packets: Packets, id: PacketId): void {
    this.#windowEdge = this.#offeredEdge()
    packets.acknowledgement[id] = this.#next
    packets.window[id] = this.#windowEdge - this.#next
    packets.timestampEcho[id] = this.#timestamp
    if (this.ecn?.echoes === true) {
      packets.flags[id] |= FLAG_ECE
    }
    this.#lastAcknowledgement = this.#next
    this.acks.onAcknowledged()
  }

  /** Writes the SACK blocks into a segment without payload, where there is room for them. */
  report (packets: Packets, id: PacketId): void {
    if (this.#options.sack) {
      this.#reassembly.report(packets, id, this.#duplicateStart, this.#duplicateEnd)
      this.#duplicateEnd = this.#duplicateStart
    }
  }

  #noteDuplicate (start: number, end: number): void {
    if (this.#options.sack) {
      this.#duplicateStart = start
      this.#duplicateEnd = end
    }
  }

  #onOutOfOrder (start: number, end: number): void {
    if (this.#reassembly.covers(start, end)) {
      this.#noteDuplicate(start, end)
    }
    this.#reassembly.insert(start, end)
  }

  #onInOrder (end: number): number {
    const before = this.#next
    this.#next = end
    if (!this.#reassembly.empty) {
      this.#next = this.#reassembly.advance(end)
      // RFC 5681 4.2: at once, where it fills a gap.
      this.acks.due ||= this.#reassembly.empty
    }
    let byteCount = this.#next - before
    if (this.#next > this.#finSequence) {
      byteCount--
      this.finished = true
      this.acks.onFin(this.closing)
    }
    this.#unreadBytes += byteCount
    this.deliveredBytes += byteCount
    return byteCount
  }

  /** RFC 9293 3.8.6.2.2: the window's edge does not advance by less than a segment or half of the buffer. */
  #offeredEdge (): number {
    const { bytes } = this.#window
    const edge = this.#next + bytes - this.#unreadBytes
    return edge - this.#windowEdge >= Math.min(this.#options.mssBytes, bytes / 2) ? edge : Math.max(this.#windowEdge, this.#next)
  }
}
