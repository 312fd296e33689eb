import type { CongestionController } from './congestion.ts'
import type { TcpOptions } from './options.ts'
import { ReorderingWindow } from './reordering-window.ts'
import type { RttEstimator } from './rtt-estimator.ts'
import type { Scoreboard } from './scoreboard.ts'

/** `recovery` is fast recovery; `loss` is what follows a retransmission timeout. */
export type SenderPhase = 'open' | 'recovery' | 'loss'

/** So many segments arrived beyond a hole that RACK need not give it time (RFC 8985 6.2 step 4). */
const DUPLICATE_THRESHOLD = 3
const NO_UNDO = -1

/** What the sender knows of the acknowledgement that it hands on. */
export interface AckedState {
  readonly nowNs: number
  readonly ackedBytes: number
  /** First byte not acknowledged, and the next new one. */
  readonly unacknowledged: number
  readonly next: number
  /** The timestamp echoed; -1 where there is none. */
  readonly echoNs: number
  /** Bytes that the peer says have come twice. */
  readonly duplicateBytes: number
  /** New data could be sent: there is some, and the peer's window has room. */
  readonly newDataReady: boolean
}

/**
 * When a sender is in recovery, what is lost, and whether a reduction was for nothing: RFC 8985 (RACK) or 6675 with SACK,
 * RFC 6582 without, RFC 5682 (F-RTO), and undoing as Linux does it.
 */
export class LossRecovery {
  phase: SenderPhase = 'open'
  /** What was outstanding at the last reduction ends here (RFC 6675's RecoveryPoint, RFC 6582's recover). */
  recoveryPoint = 0
  /** F-RTO waits with copies until new data tell whether the timeout was spurious. */
  newDataOnly = false

  readonly #options: Readonly<TcpOptions>
  readonly #board: Scoreboard
  readonly #congestion: CongestionController
  readonly #rtt: RttEstimator
  /** F-RTO still doubts the timeout. */
  #doubted = false
  /** Bytes sent again since the reduction, of which no duplicate was reported; `NO_UNDO` where it stays. */
  #undoBytes = NO_UNDO
  #firstCopyNs = -1
  readonly #reordering = new ReorderingWindow()
  /** Segments sent again so far, and segments that the peer says have come twice. */
  #copies = 0
  #duplicates = 0

  constructor (options: Readonly<TcpOptions>, board: Scoreboard, congestion: CongestionController, rtt: RttEstimator) {
    this.#options = options
    this.#board = board
    this.#congestion = congestion
    this.#rtt = rtt
  }

  /** Takes what arrived; returns the bytes newly taken for lost. */
  onAck (state: AckedState): number {
    const board = this.#board
    const recovered = this.#pastRecoveryPoint(state.unacknowledged)
    const duplicate = state.duplicateBytes > 0 && this.#ofCopies(state.duplicateBytes)
    if (duplicate) {
      this.#reordering.onDuplicate(state.unacknowledged, state.next)
      if (this.#undoBytes > 0) {
        this.#undoBytes = Math.max(0, this.#undoBytes - state.duplicateBytes)
      }
    }
    if (duplicate && this.#allDuplicates()) {
      this.#undo(this.phase === 'loss')
    } else if (this.#early(state)) {
      board.reorderingSeen ||= !recovered
      if (this.phase === 'recovery' && !recovered && board.retransmittedBytes > 0) {
        // The hole was filled by what was late, but copies are under way: as in Linux nothing more is taken for lost for now,
        // nor watched for by the reordering timer.
        board.reorderingDeadlineNs = Infinity
        return 0
      }
      this.#undo(!recovered)
    } else if (this.phase === 'loss' && this.#doubted) {
      this.#followDoubt(state, recovered)
    }
    if (this.phase !== 'open' && recovered) {
      if (this.phase === 'recovery') {
        this.#congestion.onRecovered()
      }
      this.phase = 'open'
      this.newDataOnly = false
      this.#reordering.onRecovered()
      board.forgetDuplicates()
    }
    if (this.phase === 'recovery' && !this.#options.sack && state.ackedBytes > 0) {
      board.markHeadLost()
    }
    const lostBytes = this.#findLosses(state.nowNs, recovered)
    // What is lost may have been sent again already: found during the recovery before, it makes the next one all the same.
    if (this.phase === 'open' && (this.#options.sack || recovered) && board.lostBytes > 0) {
      this.#begin(state.nowNs, state.next)
    }
    return lostBytes
  }

  /** RACK's reordering timer: some segments' time may be over. True where something is lost. */
  onReorderingTimer (nowNs: number, next: number): boolean {
    const lostBytes = this.#board.markOverdue(nowNs, this.#reorderingNs())
    if (lostBytes > 0 && this.phase === 'open') {
      this.#begin(nowNs, next)
    }
    return lostBytes > 0
  }

  /** `repeated`: nothing was acknowledged since the timeout before. */
  onTimeout (nowNs: number, next: number, repeated: boolean): void {
    const board = this.#board
    const { sack, forwardRtoRecovery, lossDetection } = this.#options
    const rack = sack && lossDetection === 'rack' && board.newestRttNs >= 0
    const flightBytes = board.countedFlightBytes
    const newLoss = this.phase === 'open'
    if (newLoss) {
      this.#watchForUndo()
    }
    board.markAllLost(rack ? nowNs - board.newestRttNs : Infinity)
    // RFC 5681 (4): a segment that times out again does not halve the threshold again.
    this.#congestion.onTimeout({ nowNs, flightBytes, pipeBytes: board.countedPipeBytes }, newLoss || (this.phase === 'loss' && !repeated))
    this.#doubted = sack && forwardRtoRecovery && (newLoss || repeated)
    this.phase = 'loss'
    this.recoveryPoint = next
    board.originalsUpTo = next
    this.newDataOnly = false
  }

  /** A copy left. */
  onCopy (nowNs: number, bytes: number): void {
    this.#copies++
    if (this.#undoBytes !== NO_UNDO) {
      this.#undoBytes += bytes
      if (this.#firstCopyNs < 0) {
        this.#firstCopyNs = nowNs
      }
    }
  }

  /** A tail loss probe's answer showed a loss that the probe repaired (RFC 8985 7.4.2): the window is reduced at once. */
  onProbedLoss (nowNs: number): void {
    const { countedFlightBytes: flightBytes, countedPipeBytes: pipeBytes } = this.#board
    this.#undoBytes = NO_UNDO
    this.#congestion.onLoss({ nowNs, flightBytes, pipeBytes })
    this.#congestion.onRecovered()
  }

  #begin (nowNs: number, next: number): void {
    const { countedFlightBytes: flightBytes, countedPipeBytes: pipeBytes } = this.#board
    this.phase = 'recovery'
    this.recoveryPoint = next
    this.#board.originalsUpTo = next
    this.#watchForUndo()
    this.#congestion.onLoss({ nowNs, flightBytes, pipeBytes })
  }

  #watchForUndo (): void {
    // Copies of the recovery before may still be under way: they answer for the clock, and may yet be told as duplicates.
    const { retransmittedBytes } = this.#board
    this.#undoBytes = this.#options.undo ? retransmittedBytes : NO_UNDO
    if (retransmittedBytes === 0) {
      this.#firstCopyNs = -1
    }
  }

  #findLosses (nowNs: number, recovered: boolean): number {
    const board = this.#board
    const { sack, lossDetection } = this.#options
    if (sack && lossDetection === 'rack') {
      return board.markOverdue(nowNs, this.#reorderingNs())
    }
    const before = board.lostBytes
    if (sack || recovered) {
      board.markLosses()
    }
    return board.lostBytes - before
  }

  /** RFC 8985 6.2 step 4. */
  #reorderingNs (): number {
    const board = this.#board
    if (!board.reorderingSeen && (this.phase !== 'open' || board.sackedSegments >= DUPLICATE_THRESHOLD)) {
      return 0
    }
    return this.#reordering.ns(this.#rtt.leastNs, this.#rtt.srttNs)
  }

  /** Without SACK one byte more is asked for, lest old duplicates start another recovery (RFC 6582 section 4.1). */
  #pastRecoveryPoint (unacknowledged: number): boolean {
    return this.#options.sack || this.#board.segments === 0
      ? unacknowledged >= this.recoveryPoint
      : unacknowledged > this.recoveryPoint
  }

  /** Nothing had been lost: every copy came twice. */
  #allDuplicates (): boolean {
    return this.#firstCopyNs >= 0 && this.#undoBytes === 0
  }

  /** As in Linux (tcp_dsack_seen): where more came twice than was ever sent again, the network duplicates, which tells nothing. */
  #ofCopies (duplicateBytes: number): boolean {
    this.#duplicates += Math.ceil(duplicateBytes / this.#options.mssBytes)
    return this.#duplicates <= this.#copies
  }

  /** The acknowledgement answers what was sent before the first copy. */
  #early ({ ackedBytes, echoNs }: AckedState): boolean {
    return this.#undoBytes !== NO_UNDO && this.phase !== 'open' && ackedBytes > 0 && echoNs >= 0 && echoNs < this.#firstCopyNs
  }

  /** RFC 5682 3.1, as Linux does it. */
  #followDoubt ({ ackedBytes, next, newDataReady }: AckedState, recovered: boolean): void {
    if (this.#board.originalDelivered) {
      // Step 3b: what was never sent again arrived after the timeout.
      this.#undo(true)
    } else if (next > this.recoveryPoint) {
      // Step 3a: something beyond a hole arrived, and the hole is still there.
      if (ackedBytes === 0 || this.#board.sackedSegments > 0) {
        this.#settleDoubt()
      }
    } else if (ackedBytes > 0 && !recovered) {
      this.recoveryPoint = next
      if (newDataReady) {
        this.newDataOnly = true
      } else {
        this.#settleDoubt()
      }
    }
  }

  #settleDoubt (): void {
    this.#doubted = false
    this.newDataOnly = false
  }

  /** `forgiving`: what was taken for lost is so no longer. */
  #undo (forgiving: boolean): void {
    if (forgiving) {
      this.#board.unmarkLosses()
    }
    this.#congestion.onUndo()
    this.phase = 'open'
    this.#undoBytes = NO_UNDO
    this.#settleDoubt()
  }
}
