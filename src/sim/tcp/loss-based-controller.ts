import type { AckSample, CongestionController, LossSample } from './congestion.ts'
import { initialWindowBytes } from './options.ts'
import type { TcpOptions } from './options.ts'
import { ProportionalRateReduction } from './proportional-rate-reduction.ts'

/**
 * What the controllers that react to losses have in common: slow start, the reduction by PRR during recovery, restarts
 * and undoing. How the window grows in congestion avoidance, and what remains of it after a loss, is each one's own.
 *
 * Windows are in segments: whole ones as in Linux, or with fractions.
 */
export abstract class LossBasedController implements CongestionController {
  readonly pacingBytesPerSecond = Infinity
  readonly measuresRate = false
  readonly lowersRate = false
  /** Segments. */
  protected cwnd: number
  protected ssthresh = Infinity
  protected readonly mssBytes: number
  readonly #wholeSegments: boolean
  readonly #reducesFlight: boolean
  readonly #initialWindow: number
  readonly #reduction: ProportionalRateReduction
  /** Delivered since the window last grew, in segments. */
  #credit = 0
  /** The window is being reduced, for losses or for a mark. */
  #recovering = false
  /** Before the latest reduction; 0 where there is nothing to go back to. */
  #priorCwnd = 0
  #priorSsthresh = 0

  constructor (options: Readonly<TcpOptions>) {
    this.mssBytes = options.mssBytes
    this.#wholeSegments = options.wholeSegments
    this.#reducesFlight = options.lossReduces === 'flight'
    this.#initialWindow = Math.max(1, Math.floor(initialWindowBytes(options) / options.mssBytes))
    this.#reduction = new ProportionalRateReduction(options.mssBytes)
    this.cwnd = this.#initialWindow
  }

  get cwndBytes (): number {
    return this.cwnd * this.mssBytes
  }

  get ssthreshBytes (): number {
    return this.ssthresh * this.mssBytes
  }

  onEstablished (_nowNs: number, _srttNs: number, synsLost: boolean): void {
    if (synsLost) {
      this.cwnd = 1
    }
  }

  onAck (sample: AckSample): void {
    if (sample.rttNs >= 0) {
      this.onRtt(sample)
    }
    if (this.#recovering) {
      if (sample.deliveredBytes > 0) {
        this.cwnd = this.#reduction.cwndBytes(sample) / this.mssBytes
      }
      return
    }
    if (sample.ackedBytes === 0 || !sample.windowLimited) {
      return
    }
    let segments = sample.deliveredBytes / this.mssBytes
    if (this.cwnd < this.ssthresh) {
      const before = this.cwnd
      this.#credit += this.slowStartGrowth(segments)
      this.cwnd = Math.min(this.ssthresh, before + Math.floor(this.#credit))
      segments = this.#credit - (this.cwnd - before)
      if (this.cwnd < this.ssthresh) {
        this.#credit = segments
        return
      }
      this.#credit = 0
    }
    this.#avoidCongestion(sample, segments)
  }

  onSent (bytes: number): void {
    if (this.#recovering) {
      this.#reduction.onSent(bytes)
    }
  }

  onLoss ({ flightBytes }: LossSample): void {
    if (!this.#recovering) {
      this.#beginReduction(flightBytes)
    }
  }

  /** As Linux does: the same as a loss (RFC 8511 would keep more of the window), and not to be undone. */
  onMark (first: boolean): void {
    if (first) {
      this.#beginReduction(this.cwndBytes)
    }
    this.#priorCwnd = 0
  }

  onRecovered (): void {
    if (this.#recovering) {
      this.cwnd = this.ssthresh
      this.#recovering = false
    }
  }

  onTimeout ({ flightBytes, pipeBytes }: LossSample, first: boolean): void {
    if (first && !this.#recovering) {
      this.#reduce(flightBytes)
    }
    // RFC 5681's loss window of 1 segment, beside what RACK says is still in the network.
    this.cwnd = Math.floor(pipeBytes / this.mssBytes) + 1
    this.#credit = 0
    this.#recovering = false
    this.onTimedOut()
  }

  onUndo (): void {
    if (this.#priorCwnd > 0) {
      this.cwnd = Math.max(this.cwnd, this.#priorCwnd)
      this.ssthresh = Math.max(this.ssthresh, this.#priorSsthresh)
      this.#priorCwnd = 0
    }
    this.#recovering = false
  }

  onRestart (_nowNs: number, _idleNs: number): void {}

  /** As Linux's tcp_cwnd_restart: the window is halved for each timeout of idle time, down to the restart window. */
  onIdle (idleNs: number, rtoNs: number): void {
    const restart = Math.min(this.#initialWindow, this.cwnd)
    this.#raiseThreshold()
    for (let leftNs = idleNs - rtoNs; leftNs > 0 && this.cwnd > restart; leftNs -= rtoNs) {
      this.cwnd = Math.floor(this.cwnd / 2)
    }
    this.cwnd = Math.max(this.cwnd, restart)
    this.#credit = 0
  }

  /** RFC 7661's concern, as Linux's tcp_cwnd_application_limited: half of what was not used is given up. */
  onUnderused (usedBytes: number): void {
    const used = Math.max(Math.ceil(usedBytes / this.mssBytes), this.#initialWindow)
    if (used < this.cwnd) {
      this.#raiseThreshold()
      this.cwnd = Math.floor((this.cwnd + used) / 2)
    }
  }

  /** The window after a loss: the threshold, in segments, of `cwnd` segments. */
  protected abstract threshold (cwnd: number): number
  /** In slow start: by how many segments the window grows for so many delivered. */
  protected slowStartGrowth (segments: number): number {
    return segments
  }

  /** So many delivered segments let the window grow by one, in congestion avoidance. */
  protected abstract segmentsToGrow (sample: AckSample, segments: number): number
  /** `segments` as the window counts them. */
  protected whole (segments: number): number {
    return this.#wholeSegments ? Math.floor(segments) : segments
  }

  /** Every measurement of the round-trip time, before the window grows. */
  protected onRtt (_sample: AckSample): void {}
  /** The retransmission timer expired. */
  protected onTimedOut (): void {}

  /** RFC 5681 (3), as RFC 3465 2.1 counts it: by what is delivered. */
  #avoidCongestion (sample: AckSample, segments: number): void {
    const needed = this.segmentsToGrow(sample, segments)
    if (!this.#wholeSegments) {
      this.cwnd += segments / needed
      return
    }
    // The count may have become less than what there is: one segment then, not a burst.
    if (this.#credit >= needed) {
      this.#credit = 0
      this.cwnd++
    }
    this.#credit += segments
    if (this.#credit >= needed) {
      const growth = Math.floor(this.#credit / needed)
      this.#credit -= growth * needed
      this.cwnd += growth
    }
  }

  #beginReduction (flightBytes: number): void {
    this.#reduce(flightBytes)
    this.#reduction.begin(this.#priorCwnd * this.mssBytes, this.ssthreshBytes)
    this.#recovering = true
  }

  /** Segments that limited transmit sent are in flight beyond the window and do not count. */
  #reduce (flightBytes: number): void {
    this.#priorCwnd = this.cwnd
    this.#priorSsthresh = this.#currentThreshold()
    const reduced = this.#reducesFlight ? Math.max(1, Math.min(this.cwnd, Math.ceil(flightBytes / this.mssBytes))) : this.cwnd
    this.ssthresh = this.threshold(reduced)
    this.#credit = 0
  }

  /** As Linux's tcp_current_ssthresh: where the window was of use, not much below it. */
  #currentThreshold (): number {
    return Math.max(this.ssthresh, Math.floor(0.75 * this.cwnd))
  }

  #raiseThreshold (): void {
    this.ssthresh = this.#currentThreshold()
  }
}
