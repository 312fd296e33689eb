import type { TcpOptions } from './options.ts'
import type { RttEstimator } from './rtt-estimator.ts'
import { SackCompression } from './sack-compression.ts'
import { timerExpiryNs } from './timer-clock.ts'

/** What a peer's full segment is taken for before one has come: TCP_MSS_DEFAULT, and the least: TCP_MIN_MSS. */
const ASSUMED_SEGMENT_BYTES = 536
const LEAST_SEGMENT_BYTES = 88
/** Of a segment with timestamps, without the IP header: 20 + 12 B. What follows is compared with and without. */
const TCP_HEADER_BYTES = 32
const BARE_TCP_HEADER_BYTES = 20
/** At least so many quick acknowledgements where the window is smaller than four segments. */
const LEAST_QUICK_ACKS = 2
/** Quick acknowledgements after a congestion mark, so that the sender hears of it at once. */
const MARK_QUICK_ACKS = 2

/**
 * When a receiver acknowledges, without IO. RFC 5681 4.2: at once what is out of order or fills a hole, else every second
 * full segment, or after a delay. With adaptive delays as Linux does it: at the start and after pauses one by one; in an
 * exchange of questions and answers (Linux's pingpong) with the answer; the delay follows the time between segments; what is
 * a full segment is learnt from those that come.
 */
export class AckTiming {
  /** An acknowledgement should leave at once. */
  due = false
  /** `onDeadline` is to be called then. */
  deadlineNs = Infinity

  readonly #options: Readonly<TcpOptions>
  readonly #rtt: RttEstimator
  readonly #adaptive: boolean
  readonly #acknowledgesPushes: boolean
  /** What no delay exceeds. */
  readonly #mostDelayNs: number
  /** Something arrived that was not acknowledged yet. */
  #scheduled = false
  #quickAcks = 0
  /** The application answers what it gets: its answers bear acknowledgements, which so may wait. */
  #interactive = false
  /** How long the next acknowledgement waits (Linux's ato). */
  #delayNs: number
  #lastDataNs = -Infinity
  /** When the delayed one was to leave, and when the timer's ticks let it. */
  #delayedNs = Infinity
  #delayedTimerNs = Infinity
  readonly #compression: SackCompression
  /** A full segment of the peer, as far as is known, and the length of the latest short one. */
  #segmentBytes: number
  #shortBytes = 0
  /** Segments that end a write (Linux's ICSK_ACK_PUSHED and PUSHED2): none, one, or several. */
  #pushes = 0

  constructor (options: Readonly<TcpOptions>, rtt: RttEstimator, windowBytes: number) {
    this.#options = options
    this.#rtt = rtt
    this.#adaptive = options.delayedAcks === 'adaptive'
    this.#acknowledgesPushes = options.acknowledgePushes
    this.#mostDelayNs = Math.min(options.maximumDelayedAckNs, Math.max(options.minimumRtoNs - options.timerTickNs, options.timerTickNs))
    this.#delayNs = options.delayedAckNs
    this.#compression = new SackCompression(options)
    this.#segmentBytes = this.#adaptive
      ? Math.max(LEAST_SEGMENT_BYTES, Math.min(ASSUMED_SEGMENT_BYTES, options.mssBytes, Math.floor(windowBytes / 2)))
      : options.mssBytes
  }

  /** Payload arrived in order, or fills a hole; `decide` follows. */
  onData (nowNs: number, length: number, push: boolean, windowBytes: number): void {
    this.#scheduled = true
    this.#measure(length, push)
    if (this.#lastDataNs < 0) {
      this.#raiseQuickAcks(this.#options.quickAcks, windowBytes)
    } else if (this.#adaptive) {
      this.#adapt(nowNs - this.#lastDataNs, windowBytes)
    }
    this.#lastDataNs = nowNs
  }

  /** Payload arrived beyond a hole; `decide` follows. */
  onOutOfOrder (): void {
    this.#scheduled = true
  }

  /** What had arrived before arrived again: the peer waits for an acknowledgement. */
  onDuplicate (windowBytes: number): void {
    this.#scheduled = true
    this.#hurry(this.#options.quickAcks, windowBytes)
    this.due = true
  }

  /** `answered`: this end is done too, so that nothing will bear the acknowledgement. */
  onFin (answered: boolean): void {
    this.#scheduled = true
    if (answered || !this.#adaptive) {
      this.due = true
    } else {
      // As in Linux: the application is expected to close as well.
      this.#interactive = true
    }
  }

  /** The window offered grew: as in Linux each segment is acknowledged, at the start without using up the count. */
  onWindowGrown (): void {
    this.#quickAcks |= 1
  }

  /** The first mark since the peer answered one, or a copy where ECN is in use: the next two are acknowledged at once. */
  onMark (windowBytes: number): void {
    this.#hurry(Math.min(MARK_QUICK_ACKS, this.#options.quickAcks), windowBytes)
  }

  /**
   * After a segment was taken in. `unacknowledgedBytes` are in order, up to `acknowledgement`; where there are `holes`,
   * `blocksBefore` are the SACK blocks that would be reported before the segment's own. `rttNs` is the receiver's.
   */
  decide (nowNs: number, unacknowledgedBytes: number, acknowledgement: number, holes: boolean, blocksBefore: number, rttNs: number): void {
    if (unacknowledgedBytes > this.#segmentBytes || (this.#quickAcks > 0 && !this.#interactive)) {
      this.due = true
    } else if (holes) {
      this.#compress(nowNs, this.#compression.delayNs(acknowledgement, blocksBefore, Math.min(rttNs, this.#rtt.srttNs)))
    } else if (this.#scheduled) {
      this.#wait(nowNs)
    }
  }

  /** The application has read all that had arrived. */
  onAllRead (): void {
    if (this.#scheduled && (this.#pushes > 1 || (this.#pushes === 1 && !this.#interactive))) {
      this.due = true
    }
  }

  /** Data is sent the other way. */
  onReply (nowNs: number): void {
    this.#interactive ||= nowNs - this.#lastDataNs < this.#delayNs
  }

  /** To be called at `deadlineNs` or later. */
  onDeadline (nowNs: number): void {
    this.due = true
    if (!this.#adaptive || nowNs < this.#delayedTimerNs) {
      return
    }
    // No answer came in time: wait longer for the next, or no longer count on answers.
    if (this.#interactive) {
      this.#interactive = false
      this.#delayNs = this.#options.delayedAckNs
    } else {
      this.#delayNs = Math.min(2 * this.#delayNs, this.#rtt.rtoNs)
    }
  }

  /** An acknowledgement left, by itself or with data. */
  onAcknowledged (): void {
    if (this.#quickAcks > 0 && this.#scheduled && --this.#quickAcks === 0) {
      this.#delayNs = this.#options.delayedAckNs
    }
    this.due = false
    this.deadlineNs = Infinity
    this.#scheduled = false
    this.#delayedNs = Infinity
    this.#delayedTimerNs = Infinity
    this.#pushes = 0
    this.#compression.onSent()
  }

  #hurry (quickAcks: number, windowBytes: number): void {
    this.#raiseQuickAcks(quickAcks, windowBytes)
    this.#interactive = false
    this.#delayNs = this.#options.delayedAckNs
  }

  /** As many as half of the window has segments, so that a sender in slow start is not held up. */
  #raiseQuickAcks (most: number, windowBytes: number): void {
    const wanted = Math.floor(windowBytes / (2 * this.#segmentBytes))
    this.#quickAcks = Math.max(this.#quickAcks, Math.min(most, wanted === 0 ? LEAST_QUICK_ACKS : wanted))
  }

  /** Linux's tcp_event_data_recv. */
  #adapt (gapNs: number, windowBytes: number): void {
    const { delayedAckNs, quickAcks } = this.#options
    if (gapNs <= delayedAckNs / 2) {
      this.#delayNs = (this.#delayNs + delayedAckNs) / 2
    } else if (gapNs < this.#delayNs) {
      this.#delayNs = Math.min(this.#delayNs / 2 + gapNs, this.#rtt.rtoNs)
    } else if (gapNs > this.#rtt.rtoNs) {
      // The sender's window may have become small again.
      this.#raiseQuickAcks(quickAcks, windowBytes)
    }
  }

  /** Linux's tcp_measure_rcv_mss. */
  #measure (length: number, push: boolean): void {
    if (length === this.#segmentBytes || !this.#adaptive) {
      this.#notePush(push)
      return
    }
    if (length > this.#segmentBytes) {
      this.#segmentBytes = Math.min(length, this.#options.mssBytes)
      this.#notePush(push)
      return
    }
    const sizeBytes = length + TCP_HEADER_BYTES
    const leastBytes = push ? ASSUMED_SEGMENT_BYTES : LEAST_SEGMENT_BYTES
    if (sizeBytes >= leastBytes + BARE_TCP_HEADER_BYTES) {
      const before = this.#shortBytes
      this.#shortBytes = length
      if (length === before) {
        // Two alike: that is how large this peer's segments are.
        this.#segmentBytes = length
        return
      }
    }
    // Short, so the end of a write even without PSH.
    this.#notePush(true)
  }

  #notePush (push: boolean): void {
    if (push && this.#acknowledgesPushes) {
      this.#pushes++
    }
  }

  /** Linux's tcp_send_delayed_ack. */
  #wait (nowNs: number): void {
    const delayNs = this.#boundedDelayNs()
    if (this.#delayedNs !== Infinity) {
      if (this.#adaptive && this.#delayedNs <= nowNs + delayNs / 4) {
        this.due = true
        return
      }
      if (nowNs + delayNs >= this.#delayedNs) {
        return
      }
    }
    this.#delayedNs = nowNs + delayNs
    this.#delayedTimerNs = timerExpiryNs(nowNs, delayNs, this.#options.timerTickNs)
    this.deadlineNs = this.#delayedTimerNs
  }

  /** RFC 5681 4.2: at once. Linux lets some wait for others, by a timer of its own. */
  #compress (nowNs: number, delayNs: number): void {
    if (delayNs === 0) {
      this.due = true
    } else {
      this.deadlineNs = Math.min(this.deadlineNs, nowNs + delayNs)
    }
  }

  #boundedDelayNs (): number {
    const { delayedAckNs } = this.#options
    if (!this.#adaptive) {
      return delayedAckNs
    }
    const { srttNs } = this.#rtt
    const bounded = this.#delayNs > delayedAckNs && srttNs >= 0 ? Math.min(this.#delayNs, Math.max(srttNs, delayedAckNs)) : this.#delayNs
    return Math.min(bounded, this.#mostDelayNs)
  }
}
