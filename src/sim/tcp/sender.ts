import { NS_PER_MS } from '../../core/units.ts'
import { FLAG_ECE, MAX_SACK_BLOCKS } from '../packets.ts'
import type { PacketId, Packets } from '../packets.ts'
import type { CongestionController } from './congestion.ts'
import { DeliveryRate } from './delivery-rate.ts'
import { EcnSender } from './ecn-sender.ts'
import { LossRecovery } from './loss-recovery.ts'
import type { SenderPhase } from './loss-recovery.ts'
import type { TcpOptions } from './options.ts'
import { Pacer } from './pacer.ts'
import { RttEstimator } from './rtt-estimator.ts'
import { INITIAL_CAPACITY, Scoreboard } from './scoreboard.ts'
import { timerExpiryNs } from './timer-clock.ts'

/** The first byte after the SYN. */
const FIRST_SEQUENCE = 1
/** Linux's TCP_TIMEOUT_MIN_US: what the tail loss probe and the reordering timer wait beyond their time. */
const LEAST_TIMEOUT_NS = 2 * NS_PER_MS
const NO_PROBE = -1

/**
 * What the one timer waits for. `timeout`: the retransmission timeout, or the next window probe. `probe`: the tail loss
 * probe. `reordering`: RACK's.
 */
type Timer = 'timeout' | 'probe' | 'reordering'

/**
 * The sending half of a connection, without IO: acknowledgements and the time go in, and whoever drives it asks `poll`
 * for the next segment and `deadlineNs` for when to call `onDeadline`.
 *
 * Slow start and congestion avoidance belong to the controller, what is lost to `LossRecovery`, bursts to `Pacer`. Here
 * are: what may leave (pipe, peer's window, limited transmit of RFC 3042 by way of the pipe), the retransmission timer
 * (RFC 6298), the tail loss probe (RFC 8985 7) and window probes (RFC 9293 3.8.6.1). Nagle's algorithm is off, as libp2p
 * sets it.
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
  segmentPush = false
  /** It has been sent before. */
  segmentCopy = false

  sentSegments = 0
  retransmittedSegments = 0
  timeouts = 0
  /** Bytes written and not yet sent for the first time. */
  unsentBytes = 0
  /** The greatest window that the peer offered so far; 0 before it has. */
  greatestPeerWindowBytes = 0
  /** Where both ends agreed on ECN. */
  ecn: EcnSender | undefined

  readonly #options: Readonly<TcpOptions>
  readonly #board: Scoreboard
  readonly #rate: DeliveryRate | undefined
  readonly #recovery: LossRecovery
  readonly #pacer: Pacer
  /** First byte not acknowledged, and the next to be sent. */
  #unacknowledged = FIRST_SEQUENCE
  #next = FIRST_SEQUENCE
  /** The first byte beyond the peer's window. It never moves back. */
  #windowEdge = FIRST_SEQUENCE
  #timer: Timer = 'timeout'
  /** When it was set and for how long, and the time after that: it expires then, or with ticks a little later. */
  #timerSetNs = 0
  #timerDelayNs = Infinity
  #timerNs = Infinity
  /** When the next burst may leave, where one waits for that. */
  #pacedNs = Infinity
  #lastSentNs = 0
  #timeoutsInRow = 0
  #probeDue = false
  #tailProbeDue = false
  /** The answer to a tail loss probe is told by this sequence number, and whether the probe was a copy. */
  #probeEnd = NO_PROBE
  #probeCopy = false
  #finWanted = false
  #finSent = false
  /** Linux's is_cwnd_limited and max_packets_out, over the round trip that ends at `#usageEnd`. */
  #windowLimited = false
  #mostOutstandingBytes = 0
  #usageEnd = FIRST_SEQUENCE
  /** Since when the window was not the limit, and how much of it was used since. */
  #underusedSinceNs = 0
  #usedBytes = 0
  readonly #sample = {
    nowNs: 0,
    ackedBytes: 0,
    deliveredBytes: 0,
    lostBytes: 0,
    pipeBytes: 0,
    priorPipeBytes: 0,
    acknowledgedSequence: 0,
    nextSequence: 0,
    rttNs: -1,
    srttNs: -1,
    minRttNs: -1,
    inRecovery: false,
    inLoss: false,
    pacedAheadNs: 0,
    windowLimited: false,
    rateBytes: 0,
    rateIntervalNs: -1,
    rateApplicationLimited: false,
    totalDeliveredBytes: 0,
    priorDeliveredBytes: 0
  }

  readonly #acked = { nowNs: 0, ackedBytes: 0, unacknowledged: 0, next: 0, echoNs: -1, duplicateBytes: 0, newDataReady: false }
  readonly #sending = {
    nowNs: 0, srttNs: 0, minRttNs: 0, outstandingBytes: 0, roomBytes: 0, peerRoomBytes: 0, unsentBytes: 0, headSentNs: Infinity, recovering: false
  }

  constructor (options: Readonly<TcpOptions>, congestion: CongestionController) {
    this.#options = options
    this.congestion = congestion
    this.rtt = new RttEstimator(options)
    this.#rate = congestion.measuresRate ? new DeliveryRate(INITIAL_CAPACITY) : undefined
    this.#board = new Scoreboard(this.#rate, options.wholeSegments ? options.mssBytes : 0)
    this.#recovery = new LossRecovery(options, this.#board, congestion, this.rtt)
    this.#pacer = new Pacer(options, congestion)
  }

  /** The handshake is over; `windowBytes` is what the peer offered in it. Before, only `write` and `finish` may be called. */
  establish (nowNs: number, windowBytes: number, synsLost: boolean): void {
    this.#windowEdge += windowBytes
    this.greatestPeerWindowBytes = windowBytes
    this.#lastSentNs = nowNs
    this.#underusedSinceNs = nowNs
    this.congestion.onEstablished(nowNs, this.rtt.srttNs, synsLost)
  }

  /** Agreed on in the handshake. */
  useEcn (): void {
    this.ecn = new EcnSender(this.congestion)
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

  get phase (): SenderPhase {
    return this.#recovery.phase
  }

  /** What is in flight. */
  get outstanding (): Pick<Scoreboard, 'segments' | 'sackedBytes' | 'lostBytes' | 'retransmittedBytes'> {
    return this.#board
  }

  /** How far the peer's window reaches beyond what it acknowledged. */
  get peerWindowBytes (): number {
    return this.#windowEdge - this.#unacknowledged
  }

  /** Bytes taken to be in the network. */
  get pipeBytes (): number {
    return this.#board.pipeBytes
  }

  /** What was sent last was new, and what leaves together has left. */
  get burstOver (): boolean {
    return !this.segmentCopy && !this.#pacer.inBurst
  }

  // What a send buffer asks of its load.

  get outstandingBytes (): number {
    return this.#board.outstandingBytes
  }

  get outstandingSegments (): number {
    return this.#board.segments
  }

  get cwndBytes (): number {
    return this.congestion.cwndBytes
  }

  get cwndFull (): boolean {
    return !this.#fitsWindow(this.#options.mssBytes)
  }

  get burstSegments (): number {
    return this.#pacer.burstSegments
  }

  /** Something is outstanding or waits to be sent, so that a timer watches over the peer. */
  get waiting (): boolean {
    return this.#board.segments > 0 || this.unsentBytes > 0
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
      this.greatestPeerWindowBytes = Math.max(this.greatestPeerWindowBytes, windowEdge - acknowledgement)
    }
    const duplicateBytes = this.#options.sack ? duplicateOf(packets, id) : 0
    if (board.segments === 0 && duplicateBytes === 0) {
      this.#onIdleAcknowledgement(windowMoved)
      return
    }
    const priorPipeBytes = board.countedPipeBytes
    board.beginAcknowledgement(nowNs, this.rtt.leastNs)
    let deliveredBytes = 0
    const echoNs = ackedBytes > 0 ? packets.timestampEcho[id] : -1
    if (ackedBytes > 0) {
      deliveredBytes = board.acknowledge(acknowledgement)
      this.#unacknowledged = acknowledgement
      this.#timeoutsInRow = 0
      this.rtt.endBackOff()
    }
    if (this.#options.sack) {
      if (packets.sackCount[id] > 0) {
        deliveredBytes += board.acknowledgeBlocks(packets, id)
      }
    } else if (ackedBytes === 0 && !windowMoved && packets.length[id] === 0 && this.#recovery.phase !== 'loss') {
      // RFC 5681 section 2: what makes an acknowledgement a duplicate.
      deliveredBytes += board.acknowledgeDuplicate()
    }
    if (deliveredBytes === 0 && ackedBytes === 0 && duplicateBytes === 0) {
      return
    }
    const rttNs = this.#measure(nowNs, echoNs)
    this.#settleTailProbe(nowNs, acknowledgement, duplicateBytes)
    const acked = this.#acked
    acked.nowNs = nowNs
    acked.ackedBytes = ackedBytes
    acked.unacknowledged = acknowledgement
    acked.next = this.#next
    acked.echoNs = echoNs
    acked.duplicateBytes = duplicateBytes
    acked.newDataReady = this.unsentBytes > 0 && this.#windowEdge > this.#next
    const lostBytes = this.#recovery.onAck(acked)
    this.ecn?.onAck((packets.flags[id] & FLAG_ECE) !== 0, this.#recovery.phase, acknowledgement, this.#next)
    this.#informController(nowNs, ackedBytes, deliveredBytes, lostBytes, priorPipeBytes, rttNs)
    // As in Linux also where something arrived that was sent before the oldest segment was sent again.
    this.#restartTimer(nowNs, ackedBytes > 0 || (rttNs >= 0 && board.segments > 0 && board.firstSentNs < board.sentNs(board.head)))
  }

  /** True where a segment is to leave now: it stands in `segmentSequence`, `segmentLength`, `segmentFin` and `segmentPush`. */
  poll (nowNs: number): boolean {
    if (this.#probeDue) {
      this.#probeDue = false
      // As in Linux: a byte already acknowledged, which makes the peer answer with its window.
      this.#emit(this.#unacknowledged - 1, 0, false, false)
      return true
    }
    if (this.#tailProbeDue) {
      this.#tailProbeDue = false
      return this.#pollTailProbe(nowNs)
    }
    if (this.#pacer.holds(nowNs)) {
      this.#waitForPace()
      return false
    }
    const sent = this.#pollLost(nowNs) ?? this.#pollNew(nowNs)
    if (!sent) {
      this.#pacer.endBurst()
    }
    return sent
  }

  /** To be called at `deadlineNs` or later; then `poll`. */
  onDeadline (nowNs: number): void {
    if (nowNs >= this.#pacedNs) {
      this.#pacedNs = Infinity
    }
    if (nowNs >= this.#timerNs) {
      // Only now, because most timers are set anew before.
      this.#timerNs = timerExpiryNs(this.#timerSetNs, this.#timerDelayNs, this.#options.timerTickNs)
      if (nowNs >= this.#timerNs) {
        this.#onTimer(nowNs)
      }
    }
    this.#updateDeadline()
  }

  /** Takes the round-trip times of what arrived; returns that for the controller. */
  #measure (nowNs: number, echoNs: number): number {
    const board = this.#board
    const usable = board.lastSentNs >= 0 && !board.copyDelivered
    if (echoNs >= 0) {
      this.rtt.sample(nowNs - echoNs)
    } else if (usable) {
      this.rtt.sample(nowNs - board.firstSentNs)
    }
    if (!usable) {
      return -1
    }
    const rttNs = nowNs - board.lastSentNs
    this.rtt.noteLeast(rttNs)
    return rttNs
  }

  #informController (nowNs: number, ackedBytes: number, deliveredBytes: number, lostBytes: number, priorPipeBytes: number, rttNs: number): void {
    const board = this.#board
    const sample = this.#sample
    const countedBytes = board.counted(deliveredBytes, board.deliveredSegments)
    sample.nowNs = nowNs
    sample.ackedBytes = ackedBytes
    sample.deliveredBytes = countedBytes
    sample.lostBytes = lostBytes === 0 ? 0 : board.counted(lostBytes, board.foundLostSegments)
    sample.pipeBytes = board.countedPipeBytes
    sample.priorPipeBytes = priorPipeBytes
    sample.acknowledgedSequence = this.#unacknowledged
    sample.nextSequence = this.#next
    sample.rttNs = rttNs
    sample.srttNs = this.rtt.srttNs
    sample.minRttNs = this.rtt.leastNs === Infinity ? -1 : this.rtt.leastNs
    sample.inRecovery = this.#recovery.phase === 'recovery'
    sample.inLoss = this.#recovery.phase === 'loss'
    sample.pacedAheadNs = Math.max(0, this.#pacer.nextNs - nowNs)
    sample.windowLimited = this.#limitedByWindow()
    const rate = this.#rate
    if (rate !== undefined) {
      rate.sample(nowNs, countedBytes, this.rtt.leastNs === Infinity ? 0 : this.rtt.leastNs)
      sample.rateBytes = rate.bytes
      sample.rateIntervalNs = rate.intervalNs
      sample.rateApplicationLimited = rate.applicationLimited
      sample.totalDeliveredBytes = rate.totalBytes
      sample.priorDeliveredBytes = rate.priorBytes
    }
    this.congestion.onAck(sample)
    if (this.congestion.lowersRate) {
      rate?.noteApplicationLimited(sample.pipeBytes)
    }
  }

  /** Nothing is in flight: this answers a probe, or is stray. Probing ends where the window opened. */
  #onIdleAcknowledgement (windowMoved: boolean): void {
    this.#timeoutsInRow = 0
    if (windowMoved) {
      this.rtt.endBackOff()
      this.#stopTimer()
    }
  }

  #onTimer (nowNs: number): void {
    const timer = this.#timer
    this.#timerNs = Infinity
    if (timer === 'reordering') {
      this.#recovery.onReorderingTimer(nowNs, this.#next)
      this.#startTimer(nowNs, 'timeout', this.#timeoutLeftNs(nowNs))
    } else if (timer === 'probe') {
      this.#tailProbeDue = true
      this.#startTimer(nowNs, 'timeout', this.#timeoutLeftNs(nowNs))
    } else if (this.#timeoutsInRow === this.#options.maximumTimeouts) {
      this.failed = true
    } else {
      if (this.#board.segments > 0) {
        this.#onTimeout(nowNs)
      } else {
        this.#probeDue = true
      }
      this.#timeoutsInRow++
      this.rtt.backOff()
      this.#startTimer(nowNs, 'timeout', this.rtt.rtoNs)
    }
  }

  #onTimeout (nowNs: number): void {
    this.timeouts++
    this.#probeEnd = NO_PROBE
    this.#recovery.onTimeout(nowNs, this.#next, this.#timeoutsInRow > 0)
  }

  /** After an acknowledgement (RFC 6298 5.2 and 5.3, RFC 8985 7.2). */
  #restartTimer (nowNs: number, advanced: boolean): void {
    const board = this.#board
    if (board.segments === 0) {
      this.#stopTimer()
      return
    }
    if (this.#options.sack && this.#options.lossDetection === 'rack' && board.reorderingDeadlineNs !== Infinity) {
      this.#startTimer(nowNs, 'reordering', board.reorderingDeadlineNs - nowNs + LEAST_TIMEOUT_NS)
    } else if (advanced) {
      if (!this.#startProbeTimer(nowNs, this.rtt.rtoNs)) {
        this.#startTimer(nowNs, 'timeout', this.rtt.rtoNs)
      }
    } else if (this.#timer === 'reordering' && this.#timerNs !== Infinity) {
      this.#startTimer(nowNs, 'timeout', this.#timeoutLeftNs(nowNs))
    }
  }

  /** RFC 8985 7.2; false where no probe is to be sent. */
  #startProbeTimer (nowNs: number, timeoutNs: number): boolean {
    const { sack, tailLossProbe, minimumRtoNs } = this.#options
    const { srttNs } = this.rtt
    if (!sack || !tailLossProbe || this.#recovery.phase !== 'open' || this.#board.sackedBytes > 0 || this.#probeEnd !== NO_PROBE || srttNs < 0) {
      return false
    }
    const allowanceNs = this.#board.segments === 1 ? minimumRtoNs : LEAST_TIMEOUT_NS
    this.#startTimer(nowNs, 'probe', Math.min(2 * srttNs + allowanceNs, timeoutNs))
    return true
  }

  /** Of the timeout that counts from when the oldest segment was sent. */
  #timeoutLeftNs (nowNs: number): number {
    const board = this.#board
    return board.segments === 0 ? Infinity : Math.max(1, board.sentNs(board.head) + this.rtt.rtoNs - nowNs)
  }

  #startTimer (nowNs: number, timer: Timer, delayNs: number): void {
    this.#timer = timer
    this.#timerSetNs = nowNs
    this.#timerDelayNs = delayNs
    this.#timerNs = Math.ceil(nowNs + delayNs)
    this.#updateDeadline()
  }

  #stopTimer (): void {
    this.#timer = 'timeout'
    this.#timerNs = Infinity
    this.#updateDeadline()
  }

  #updateDeadline (): void {
    this.deadlineNs = Math.min(this.#timerNs, this.#pacedNs)
  }

  #waitForPace (): void {
    if (this.#board.nextLost() >= 0 || this.unsentBytes > 0 || (this.#finWanted && !this.#finSent)) {
      this.#pacedNs = Math.ceil(this.#pacer.nextNs)
      this.#updateDeadline()
    }
  }

  /** RFC 8985 7.3: new data where there is some, whatever the window says, or else the last segment again. */
  #pollTailProbe (nowNs: number): boolean {
    const board = this.#board
    if (board.segments === 0) {
      return false
    }
    const length = Math.min(this.#options.mssBytes, this.unsentBytes)
    this.#probeCopy = !(length > 0 && length <= this.#windowEdge - this.#next)
    if (this.#probeCopy) {
      this.#sendCopy(nowNs, board.last)
    } else {
      this.#sendNew(nowNs, length)
    }
    this.#probeEnd = this.#next
    this.#startTimer(nowNs, 'timeout', this.#timeoutLeftNs(nowNs))
    return true
  }

  /** RFC 8985 7.4. The peer tells where the probe came twice (RFC 2883). */
  #settleTailProbe (nowNs: number, acknowledgement: number, duplicateBytes: number): void {
    if (this.#probeEnd === NO_PROBE || acknowledgement < this.#probeEnd) {
      return
    }
    if (!this.#probeCopy || duplicateBytes > 0) {
      this.#probeEnd = NO_PROBE
    } else if (acknowledgement > this.#probeEnd) {
      // What was sent after the probe is acknowledged, and nobody saw the probe twice: it made up for a loss.
      this.#probeEnd = NO_PROBE
      if (this.#recovery.phase === 'open') {
        this.#recovery.onProbedLoss(nowNs)
      }
    }
  }

  /** What is lost goes before what is new; undefined where nothing is. */
  #pollLost (nowNs: number): boolean | undefined {
    const board = this.#board
    const segment = this.#recovery.newDataOnly ? -1 : board.nextLost()
    if (segment < 0) {
      return undefined
    }
    if (!this.#fitsWindow(board.length(segment))) {
      return false
    }
    this.#sendCopy(nowNs, segment)
    if (segment === board.head && this.#timer !== 'reordering') {
      // As in Linux: the timer waits for this copy, not for the one that was lost.
      this.#startTimer(nowNs, 'timeout', this.rtt.rtoNs)
    }
    return true
  }

  #pollNew (nowNs: number): boolean {
    if (this.unsentBytes === 0 && !(this.#finWanted && !this.#finSent)) {
      this.#noteUsage(nowNs, false)
      if (this.#rate !== undefined && this.#board.countedPipeBytes < this.congestion.cwndBytes) {
        this.#rate.noteApplicationLimited(this.#board.countedPipeBytes)
      }
      return false
    }
    const wantedBytes = Math.min(this.#options.mssBytes, this.unsentBytes)
    const length = Math.min(wantedBytes, this.#windowEdge - this.#next)
    if (length < wantedBytes && (length <= 0 || this.#board.segments > 0)) {
      // RFC 9293 3.8.6.2.1: no short segment only because the window is short, while an acknowledgement may open it.
      this.#noteUsage(nowNs, false)
      this.#probeLater(nowNs)
      return false
    }
    this.#restartAfterIdle(nowNs)
    if (!this.#fitsWindow(length)) {
      this.#noteUsage(nowNs, true)
      return false
    }
    if (!this.#pacer.inBurst && this.#defers(nowNs)) {
      this.#noteUsage(nowNs, this.#sending.roomBytes < this.#sending.peerRoomBytes)
      return false
    }
    this.#sendNew(nowNs, length)
    return true
  }

  #sendNew (nowNs: number, length: number): void {
    const board = this.#board
    const fin = this.#finWanted && !this.#finSent && length === this.unsentBytes
    const sequence = this.#next
    const idle = board.segments === 0
    this.unsentBytes -= length
    this.#next += fin ? length + 1 : length
    this.#finSent ||= fin
    board.add(sequence, length, fin, nowNs)
    if (!this.#startProbeTimer(nowNs, idle ? this.rtt.rtoNs : this.#timeoutLeftNs(nowNs)) && (idle || this.#timerNs === Infinity)) {
      this.#startTimer(nowNs, 'timeout', this.rtt.rtoNs)
    }
    this.#onSent(nowNs, length, false)
    this.#emit(sequence, length, fin, length > 0 && (this.unsentBytes === 0 || this.#pacer.pushes))
  }

  #sendCopy (nowNs: number, segment: number): void {
    const board = this.#board
    const length = board.length(segment)
    board.markRetransmitted(segment, nowNs)
    this.#recovery.onCopy(nowNs, length)
    this.retransmittedSegments++
    this.#onSent(nowNs, length, true)
    this.#emit(board.start(segment), length, board.fin(segment), false)
    this.segmentCopy = true
  }

  #onSent (nowNs: number, length: number, copy: boolean): void {
    this.congestion.onSent(this.#board.counted(length, 1))
    this.#pacer.onSent(nowNs, length, copy)
    this.#lastSentNs = nowNs
  }

  #fitsWindow (length: number): boolean {
    const pipeBytes = this.#board.countedPipeBytes
    // One segment may always be in flight, or nothing would ever come back.
    return pipeBytes === 0 || pipeBytes + this.#board.counted(length, 1) <= this.congestion.cwndBytes
  }

  #defers (nowNs: number): boolean {
    const board = this.#board
    const sending = this.#sending
    sending.nowNs = nowNs
    sending.srttNs = this.rtt.srttNs
    sending.minRttNs = this.rtt.leastNs
    sending.outstandingBytes = board.countedFlightBytes
    sending.roomBytes = this.congestion.cwndBytes - board.countedPipeBytes
    sending.peerRoomBytes = this.#windowEdge - this.#next
    sending.unsentBytes = this.unsentBytes
    sending.headSentNs = board.segments === 0 ? Infinity : board.sentNs(board.head)
    sending.recovering = this.#recovery.phase !== 'open'
    return this.#pacer.defers(sending)
  }

  #probeLater (nowNs: number): void {
    if (this.#board.segments === 0 && this.#timerNs === Infinity) {
      this.#startTimer(nowNs, 'timeout', this.rtt.rtoNs)
    }
  }

  #restartAfterIdle (nowNs: number): void {
    if (this.#board.segments > 0 || nowNs === this.#lastSentNs) {
      return
    }
    const idleNs = nowNs - this.#lastSentNs
    const rtoNs = this.rtt.rtoNs
    if (this.#options.slowStartAfterIdle && idleNs > rtoNs) {
      this.congestion.onIdle(idleNs, rtoNs)
      // As in Linux's tcp_cwnd_restart: the pause is not held against the window a second time.
      this.#usedBytes = 0
      this.#underusedSinceNs = nowNs
    }
    this.congestion.onRestart(nowNs, idleNs)
    this.#lastSentNs = nowNs
  }

  #emit (sequence: number, length: number, fin: boolean, push: boolean): void {
    this.segmentSequence = sequence
    this.segmentLength = length
    this.segmentFin = fin
    this.segmentPush = push
    this.segmentCopy = false
    this.sentSegments++
  }

  /** Linux's tcp_cwnd_validate: remembers over a round trip whether the window was the limit. */
  #noteUsage (nowNs: number, windowLimited: boolean): void {
    const outstandingBytes = this.#board.countedFlightBytes
    if (windowLimited || this.#unacknowledged >= this.#usageEnd || (!this.#windowLimited && outstandingBytes > this.#mostOutstandingBytes)) {
      this.#windowLimited = windowLimited
      this.#mostOutstandingBytes = outstandingBytes
      this.#usageEnd = this.#next
    }
    if (this.#limitedByWindow()) {
      this.#usedBytes = 0
      this.#underusedSinceNs = nowNs
    } else {
      this.#usedBytes = Math.max(this.#usedBytes, outstandingBytes)
      if (this.#options.slowStartAfterIdle && nowNs - this.#underusedSinceNs >= this.rtt.rtoNs) {
        this.congestion.onUnderused(this.#usedBytes)
        this.#usedBytes = 0
        this.#underusedSinceNs = nowNs
      }
    }
  }

  /** RFC 7661's concern; as in Linux slow start also goes on while at least half of the window was used. */
  #limitedByWindow (): boolean {
    if (this.#windowLimited || this.#mostOutstandingBytes === 0) {
      return this.#windowLimited
    }
    const { cwndBytes, ssthreshBytes } = this.congestion
    return cwndBytes < ssthreshBytes && cwndBytes < 2 * this.#mostOutstandingBytes
  }
}

/** The bytes that the first SACK block says came twice (RFC 2883 section 4); 0 where it says no such thing. */
function duplicateOf (packets: Packets, id: PacketId): number {
  if (packets.sackCount[id] === 0) {
    return 0
  }
  const base = id * 2 * MAX_SACK_BLOCKS
  const blocks = packets.sackBlocks
  const start = blocks[base]
  const end = blocks[base + 1]
  const inside = packets.sackCount[id] > 1 && start >= blocks[base + 2] && end <= blocks[base + 3]
  return end <= packets.acknowledgement[id] || inside ? end - start : 0
}
