import type { PacketId, Packets } from '../packets.ts'
import type { CongestionController } from './congestion.ts'
import type { TcpOptions } from './options.ts'
import { RttEstimator } from './rtt-estimator.ts'
import { Scoreboard } from './scoreboard.ts'

/** The first byte after the SYN. */
const FIRST_SEQUENCE = 1

/** `recovery` is fast recovery; `loss` is what follows a retransmission timeout. */
type SenderPhase = 'open' | 'recovery' | 'loss'

/**
 * The sending half of a connection, without IO: acknowledgements and the time go in, and whoever drives it asks `poll`
 * for the next segment and `deadlineNs` for when to call `onDeadline`.
 *
 * Slow start and congestion avoidance belong to the controller. Here are: what is lost (RFC 6675, or RFC 6582 without
 * SACK), what may leave (pipe, peer's window, limited transmit of RFC 3042 by way of the pipe), the retransmission timer
 * (RFC 6298) and window probes (RFC 9293 3.8.6.1). Nagle's algorithm is off, as libp2p sets it.
 */
export class TcpSender {
  readonly rtt: RttEstimator
  readonly congestion: CongestionController
  /** When to call `onDeadline` at the latest; infinite where nothing is waited for. */
  deadlineNs = Infinity
  /** Too many timeouts in a row: the peer is taken for gone. */
  failed = false

  /** The segment that `poll` last answered true for. */
  segmentSequence = 0
  segmentLength = 0
  segmentFin = false

  sentSegments = 0
  retransmittedSegments = 0
  timeouts = 0
  /** Bytes written and not yet sent for the first time. */
  unsentBytes = 0

  readonly #options: Readonly<TcpOptions>
  readonly #board = new Scoreboard()
  #phase: SenderPhase = 'open'
  /** First byte not acknowledged, and the next to be sent. */
  #unacknowledged = FIRST_SEQUENCE
  #next = FIRST_SEQUENCE
  /** What was outstanding at the last reduction ends here (RFC 6675's RecoveryPoint, RFC 6582's recover). */
  #recoveryPoint = 0
  /** The first byte beyond the peer's window. It never moves back. */
  #windowEdge = FIRST_SEQUENCE
  #lastSentNs = 0
  #timeoutsInRow = 0
  #probeDue = false
  #finWanted = false
  #finSent = false
  /** Linux's is_cwnd_limited and max_packets_out, over the round trip that ends at `#usageEnd`. */
  #windowLimited = false
  #mostOutstandingBytes = 0
  #usageEnd = FIRST_SEQUENCE
  readonly #sample = { nowNs: 0, ackedBytes: 0, deliveredBytes: 0, pipeBytes: 0, rttNs: -1, inRecovery: false, windowLimited: false }

  constructor (options: Readonly<TcpOptions>, congestion: CongestionController) {
    this.#options = options
    this.congestion = congestion
    this.rtt = new RttEstimator(options)
  }

  /** The handshake is over; `windowBytes` is what the peer offered in it. Before, only `write` and `finish` may be called. */
  establish (nowNs: number, windowBytes: number): void {
    this.#windowEdge += windowBytes
    this.#lastSentNs = nowNs
  }

  /** Where the next new byte goes, and the sequence number of a segment without payload. */
  get nextSequence (): number {
    return this.#next
  }

  /** Bytes written and not acknowledged. */
  get queuedBytes (): number {
    return this.unsentBytes + this.#board.outstandingBytes - (this.#finSent && !this.finished ? 1 : 0)
  }

  get acknowledgedBytes (): number {
    return this.#unacknowledged - FIRST_SEQUENCE - (this.finished ? 1 : 0)
  }

  /** Bytes taken to be in the network. */
  get pipeBytes (): number {
    return this.#board.pipeBytes
  }

  /** The FIN, and so everything before it, is acknowledged. */
  get finished (): boolean {
    return this.#finSent && this.#unacknowledged === this.#next
  }

  write (byteCount: number): void {
    this.unsentBytes += byteCount
  }

  /** A FIN follows what was written. */
  finish (): void {
    this.#finWanted = true
  }

  /** Takes the acknowledgement, window, SACK blocks and echoed timestamp of any segment with ACK. */
  onAcknowledgement (nowNs: number, packets: Packets, id: PacketId): void {
    const acknowledgement = packets.acknowledgement[id]
    if (acknowledgement > this.#next || acknowledgement < this.#unacknowledged) {
      return
    }
    const board = this.#board
    const ackedBytes = acknowledgement - this.#unacknowledged
    const windowEdge = acknowledgement + packets.window[id]
    const windowMoved = windowEdge > this.#windowEdge
    if (windowMoved) {
      this.#windowEdge = windowEdge
    }
    if (board.segments === 0) {
      this.#onIdleAcknowledgement(windowMoved)
      return
    }
    let deliveredBytes = 0
    let rttNs = -1
    if (ackedBytes > 0) {
      deliveredBytes = board.acknowledge(acknowledgement)
      this.#unacknowledged = acknowledgement
      const echoNs = packets.timestampEcho[id]
      if (echoNs >= 0) {
        rttNs = nowNs - echoNs
        this.rtt.sample(rttNs)
      }
      this.#timeoutsInRow = 0
      this.rtt.endBackOff()
    }
    if (this.#options.sack) {
      if (packets.sackCount[id] > 0) {
        deliveredBytes += board.acknowledgeBlocks(packets, id)
      }
    } else if (ackedBytes === 0 && !windowMoved && packets.length[id] === 0 && this.#phase !== 'loss') {
      // RFC 5681 section 2: what makes an acknowledgement a duplicate.
      deliveredBytes += board.acknowledgeDuplicate()
    }
    if (deliveredBytes === 0 && ackedBytes === 0) {
      return
    }
    this.#updatePhase(nowNs, ackedBytes)

    const sample = this.#sample
    sample.nowNs = nowNs
    sample.ackedBytes = ackedBytes
    sample.deliveredBytes = deliveredBytes
    sample.pipeBytes = board.pipeBytes
    sample.rttNs = rttNs
    sample.inRecovery = this.#phase === 'recovery'
    sample.windowLimited = this.#limitedByWindow()
    this.congestion.onAck(sample)

    if (ackedBytes > 0) {
      // RFC 6298 5.2 and 5.3.
      this.deadlineNs = board.segments > 0 ? nowNs + this.rtt.rtoNs : Infinity
    }
  }

  /** True where a segment is to leave now: it stands in `segmentSequence`, `segmentLength` and `segmentFin`. */
  poll (nowNs: number): boolean {
    if (this.#probeDue) {
      this.#probeDue = false
      // As in Linux: a byte already acknowledged, which makes the peer answer with its window.
      this.#emit(this.#unacknowledged - 1, 0, false)
      return true
    }
    return this.#pollLost(nowNs) ?? this.#pollNew(nowNs)
  }

  /** To be called at `deadlineNs` or later; then `poll`. */
  onDeadline (nowNs: number): void {
    if (nowNs < this.deadlineNs) {
      return
    }
    if (this.#timeoutsInRow === this.#options.maximumTimeouts) {
      this.failed = true
      this.deadlineNs = Infinity
      return
    }
    if (this.#board.segments > 0) {
      this.#onTimeout(nowNs)
    } else {
      this.#probeDue = true
    }
    this.#timeoutsInRow++
    this.rtt.backOff()
    this.deadlineNs = nowNs + this.rtt.rtoNs
  }

  /** Nothing is in flight: this answers a probe, or is stray. Probing ends where the window opened. */
  #onIdleAcknowledgement (windowMoved: boolean): void {
    this.#timeoutsInRow = 0
    if (windowMoved) {
      this.rtt.endBackOff()
      this.deadlineNs = Infinity
    }
  }

  #updatePhase (nowNs: number, ackedBytes: number): void {
    const board = this.#board
    const recovered = this.#pastRecoveryPoint()
    if (this.#phase !== 'open' && recovered) {
      if (this.#phase === 'recovery') {
        this.congestion.onRecovered()
      }
      this.#phase = 'open'
      board.forgetDuplicates()
    }
    if (this.#phase === 'recovery' && !this.#options.sack && ackedBytes > 0) {
      board.markHeadLost()
    }
    if (this.#options.sack || recovered) {
      board.markLosses()
    }
    if (this.#phase === 'open' && recovered && board.lostBytes > 0) {
      this.#phase = 'recovery'
      this.#recoveryPoint = this.#next
      this.congestion.onLoss({ nowNs, flightBytes: board.outstandingBytes })
    }
  }

  /** Without SACK one byte more is asked for, lest old duplicates start another recovery (RFC 6582 section 4.1). */
  #pastRecoveryPoint (): boolean {
    return this.#options.sack || this.#board.segments === 0
      ? this.#unacknowledged >= this.#recoveryPoint
      : this.#unacknowledged > this.#recoveryPoint
  }

  #onTimeout (nowNs: number): void {
    // RFC 5681 (4): a segment that times out again does not halve the threshold again.
    if (this.#timeoutsInRow === 0) {
      this.congestion.onTimeout({ nowNs, flightBytes: this.#board.outstandingBytes })
    }
    this.timeouts++
    this.#phase = 'loss'
    this.#recoveryPoint = this.#next
    this.#board.markAllLost()
  }

  /** What is lost goes before what is new; undefined where nothing is. */
  #pollLost (nowNs: number): boolean | undefined {
    const board = this.#board
    const segment = board.nextLost()
    if (segment < 0) {
      return undefined
    }
    const length = board.length(segment)
    if (!this.#fitsWindow(length)) {
      return false
    }
    if (segment === board.head) {
      // As in Linux: the timer waits for this copy, not for the one that was lost.
      this.deadlineNs = nowNs + this.rtt.rtoNs
    }
    board.markRetransmitted(segment)
    this.congestion.onSent(length)
    this.retransmittedSegments++
    this.#lastSentNs = nowNs
    this.#emit(board.start(segment), length, board.fin(segment))
    return true
  }

  #pollNew (nowNs: number): boolean {
    const finLeft = this.#finWanted && !this.#finSent
    if (this.unsentBytes === 0 && !finLeft) {
      this.#noteUsage(false)
      return false
    }
    const wantedBytes = Math.min(this.#options.mssBytes, this.unsentBytes)
    const length = Math.min(wantedBytes, this.#windowEdge - this.#next)
    if (length < wantedBytes && (length <= 0 || this.#board.segments > 0)) {
      // RFC 9293 3.8.6.2.1: no short segment only because the window is short, while an acknowledgement may open it.
      this.#noteUsage(false)
      this.#probeLater(nowNs)
      return false
    }
    this.#restartAfterIdle(nowNs)
    if (!this.#fitsWindow(length)) {
      this.#noteUsage(true)
      return false
    }
    const fin = finLeft && length === this.unsentBytes
    const sequence = this.#next
    this.unsentBytes -= length
    this.#next += fin ? length + 1 : length
    this.#finSent ||= fin
    if (this.#board.segments === 0) {
      this.deadlineNs = nowNs + this.rtt.rtoNs
    }
    this.#board.add(sequence, length, fin)
    this.congestion.onSent(length)
    this.#lastSentNs = nowNs
    this.#emit(sequence, length, fin)
    return true
  }

  #fitsWindow (length: number): boolean {
    const pipeBytes = this.#board.pipeBytes
    // One segment may always be in flight, or nothing would ever come back.
    return pipeBytes === 0 || pipeBytes + length <= this.congestion.cwndBytes
  }

  #probeLater (nowNs: number): void {
    if (this.#board.segments === 0 && this.deadlineNs === Infinity) {
      this.deadlineNs = nowNs + this.rtt.rtoNs
    }
  }

  #restartAfterIdle (nowNs: number): void {
    if (!this.#options.slowStartAfterIdle || this.#board.segments > 0) {
      return
    }
    const idleNs = nowNs - this.#lastSentNs
    const rtoNs = this.rtt.rtoNs
    if (idleNs > rtoNs) {
      this.congestion.onIdle(idleNs, rtoNs)
      this.#lastSentNs = nowNs
    }
  }

  #emit (sequence: number, length: number, fin: boolean): void {
    this.segmentSequence = sequence
    this.segmentLength = length
    this.segmentFin = fin
    this.sentSegments++
  }

  /** Linux's tcp_cwnd_validate: remembers over a round trip whether the window was the limit. */
  #noteUsage (windowLimited: boolean): void {
    const outstandingBytes = this.#board.outstandingBytes
    if (windowLimited || this.#unacknowledged >= this.#usageEnd || (!this.#windowLimited && outstandingBytes > this.#mostOutstandingBytes)) {
      this.#windowLimited = windowLimited
      this.#mostOutstandingBytes = outstandingBytes
      this.#usageEnd = this.#next
    }
  }

  /** RFC 7661's concern; as in Linux slow start also goes on while at least half of the window was used. */
  #limitedByWindow (): boolean {
    const { cwndBytes, ssthreshBytes } = this.congestion
    return this.#windowLimited || (cwndBytes < ssthreshBytes && cwndBytes < 2 * this.#mostOutstandingBytes)
  }
}
