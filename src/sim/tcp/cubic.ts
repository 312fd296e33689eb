import { cube } from '../../core/power.ts'
import { NS_PER_MS, NS_PER_S } from '../../core/units.ts'
import type { AckSample } from './congestion.ts'
import { HyStartPlusPlus } from './hystart-plus-plus.ts'
import { HyStart } from './hystart.ts'
import { LossBasedController } from './loss-based-controller.ts'
import type { TcpOptions } from './options.ts'
import type { SlowStartExit } from './slow-start-exit.ts'

/** RFC 9438 4.6: what remains of the window after a loss, 0.7 as Linux rounds it. */
const BETA = 717 / 1024
/** RFC 9438 4.2's C, 0.4 segments/s^3, as Linux rounds it. */
const C = 410 / 1024
/** RFC 9438 4.3: 3 (1 - beta) / (1 + beta) = 0.529 segments a round trip keep up with Reno; Linux has 8/15. */
const RENO_SEGMENTS_PER_WINDOW = 8 / 15
/** RFC 9438 4.7, fast convergence. */
const CONVERGENCE = (1 + BETA) / 2
/** Before the first loss: no slower than a segment for so many delivered. */
const MOST_SEGMENTS_BEFORE_LOSS = 20
/** RFC 9438 4.4 limits the growth to half of the window a round trip: a segment for two delivered. */
const LEAST_SEGMENTS = 2
/** A target below the window: as good as no growth. */
const PLATEAU_WINDOWS = 100
/** While the window stays as it is, the target is computed anew this often at most. Linux: HZ / 32. */
const UPDATE_NS = 28 * NS_PER_MS
/** Round trips measured in the first second after a reduction bear the queue that caused it. */
const IGNORED_RTT_NS = NS_PER_S

/**
 * CUBIC (RFC 9438): after a loss the window follows W(t) = C (t - K)^3 + Wmax, flat where the loss was, or Reno's line
 * where that is above. The constants are those of Linux.
 */
export class Cubic extends LossBasedController {
  readonly #exit: SlowStartExit | undefined
  /** The window at the last loss; 0 before the first. */
  #windowMax = 0
  /** Since when the window follows the present curve; -1 before the first acknowledgement after a loss. */
  #epochNs = -1
  /** RFC 9438's K, and the height of the plateau. */
  #plateauS = 0
  #plateau = 0
  /** Reno's window, were it to start where this epoch did, and what was delivered since it last grew. */
  #renoWindow = 0
  #renoCredit = 0
  #leastRttNs = 0
  /** The present answer, for which window, and since when. */
  #segmentsToGrow = 0
  #answerWindow = 0
  #answerNs = -Infinity

  constructor (options: Readonly<TcpOptions>) {
    super(options)
    this.#exit = slowStartExits[options.hystart](options)
  }

  override onEstablished (nowNs: number, srttNs: number, synsLost: boolean): void {
    super.onEstablished(nowNs, srttNs, synsLost)
    this.#exit?.begin(nowNs)
  }

  /** RFC 9438 4.6 and 4.7. */
  protected threshold (cwnd: number): number {
    this.#epochNs = -1
    this.#windowMax = cwnd < this.#windowMax ? this.whole(cwnd * CONVERGENCE) : cwnd
    return Math.max(this.whole(cwnd * BETA), 2)
  }

  protected override slowStartGrowth (segments: number): number {
    return this.#exit !== undefined && this.#inWatchedSlowStart(this.#exit) ? this.#exit.growth(segments) : segments
  }

  protected segmentsToGrow (sample: AckSample, segments: number): number {
    const { cwnd } = this
    const { nowNs } = sample
    this.#renoCredit += segments
    if (this.#answerWindow === cwnd && nowNs - this.#answerNs <= UPDATE_NS) {
      return this.#segmentsToGrow
    }
    this.#answerWindow = cwnd
    this.#answerNs = nowNs
    if (this.#epochNs < 0) {
      this.#beginEpoch(nowNs, segments)
    }
    this.#segmentsToGrow = Math.max(LEAST_SEGMENTS, Math.min(this.#cubicSegments(nowNs), this.#renoSegments()))
    return this.#segmentsToGrow
  }

  protected override onRtt (sample: AckSample): void {
    const { nowNs, rttNs } = sample
    if (this.#epochNs >= 0 && nowNs - this.#epochNs < IGNORED_RTT_NS) {
      return
    }
    if (this.#leastRttNs === 0 || rttNs < this.#leastRttNs) {
      this.#leastRttNs = rttNs
    }
    if (this.#exit !== undefined && this.#inWatchedSlowStart(this.#exit) && this.#exit.full(sample, this.cwnd, this.#leastRttNs)) {
      this.ssthresh = this.cwnd
    }
  }

  protected override onTimedOut (): void {
    this.#windowMax = 0
    this.#epochNs = -1
    this.#leastRttNs = 0
    this.#answerWindow = 0
    this.#exit?.reset()
  }

  /** RFC 9438 5.8: time in which nothing was sent is no time for the curve. */
  override onRestart (nowNs: number, idleNs: number): void {
    if (this.#epochNs >= 0) {
      this.#epochNs = Math.min(nowNs, this.#epochNs + idleNs)
    }
  }

  #inWatchedSlowStart (exit: SlowStartExit): boolean {
    return this.cwnd < this.ssthresh && (this.ssthresh === Infinity || !exit.firstOnly)
  }

  #beginEpoch (nowNs: number, segments: number): void {
    const { cwnd } = this
    this.#epochNs = nowNs
    this.#renoWindow = cwnd
    this.#renoCredit = segments
    this.#plateau = Math.max(cwnd, this.#windowMax)
    this.#plateauS = Math.cbrt((this.#plateau - cwnd) / C)
  }

  /** RFC 9438 4.4: what takes the window to W(t + RTT) within a round trip. */
  #cubicSegments (nowNs: number): number {
    const { cwnd } = this
    const aheadS = (nowNs - this.#epochNs + this.#leastRttNs) / NS_PER_S - this.#plateauS
    const rise = this.whole(C * cube(Math.abs(aheadS)))
    const target = aheadS < 0 ? this.#plateau - rise : this.#plateau + rise
    const segments = target > cwnd ? Math.min(PLATEAU_WINDOWS * cwnd, this.whole(cwnd / (target - cwnd))) : PLATEAU_WINDOWS * cwnd
    return this.#windowMax === 0 ? Math.min(segments, MOST_SEGMENTS_BEFORE_LOSS) : segments
  }

  /** RFC 9438 4.3, the Reno-friendly region. */
  #renoSegments (): number {
    const { cwnd } = this
    const needed = this.whole(cwnd / RENO_SEGMENTS_PER_WINDOW)
    if (needed > 0 && this.#renoCredit > needed) {
      const growth = Math.ceil(this.#renoCredit / needed) - 1
      this.#renoWindow += growth
      this.#renoCredit -= growth * needed
    }
    return this.#renoWindow > cwnd ? this.whole(cwnd / (this.#renoWindow - cwnd)) : Infinity
  }
}

const slowStartExits: Readonly<Record<TcpOptions['hystart'], (options: Readonly<TcpOptions>) => SlowStartExit | undefined>> = {
  classic: ({ pacing }) => new HyStart(pacing),
  'plus-plus': () => new HyStartPlusPlus(),
  off: () => undefined
}
