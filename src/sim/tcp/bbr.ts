import { NS_PER_MS, NS_PER_S } from '../../core/units.ts'
import { AckAggregation } from './ack-aggregation.ts'
import type { AckSample, CongestionController, LossSample } from './congestion.ts'
import { initialWindowBytes } from './options.ts'
import type { SenderPhase } from './loss-recovery.ts'
import type { TcpOptions } from './options.ts'
import { burstSegments } from './pacer.ts'
import { PolicerDetector } from './policer-detector.ts'
import { WindowedMaximum } from './windowed-maximum.ts'

/** 2 / ln 2 lets the rate double each round; its inverse drains the queue that this made. In Linux's 256ths. */
const HIGH_GAIN = 739 / 256
const DRAIN_GAIN = 88 / 256
const CWND_GAIN = 2
const CYCLE = [1.25, 0.75, 1, 1, 1, 1, 1, 1]
/** Paced this much slower, so that no queue builds up from rounding. */
const PACING_MARGIN = 0.01
const BANDWIDTH_ROUNDS = 10
const MIN_RTT_WINDOW_NS = 10 * NS_PER_S
const PROBE_RTT_NS = 200 * NS_PER_MS
const LEAST_SEGMENTS = 4
/** The pipe is full once the bandwidth did not grow by a quarter in three rounds. */
const FULL_GROWTH = 1.25
const FULL_ROUNDS = 3
/** Bursts that may stand at the sender, in its network card, and at the receiver. */
const BURSTS_UNDER_WAY = 3
/** With a millisecond for a round trip not measured yet. */
const ASSUMED_RTT_NS = NS_PER_MS

type Mode = 'startup' | 'drain' | 'probe-bandwidth' | 'probe-rtt'

/**
 * BBR version 1 (draft-cardwell-iccrg-bbr-congestion-control-00, with what Linux added: the aggregation of
 * acknowledgements and the detection of policers): the window and the pacing rate follow from the largest delivery rate of
 * the last 10 rounds and the least round trip of the last 10 s, and not from losses.
 */
export class Bbr implements CongestionController {
  cwndBytes: number
  ssthreshBytes = Infinity
  pacingBytesPerSecond: number
  readonly measuresRate = true

  readonly #mssBytes: number
  readonly #initialWindowBytes: number
  /** In which phase the gain cycle begins is left to chance, lest flows probe together; here to the connection's number. */
  readonly #firstPhase: number
  readonly #bandwidth = new WindowedMaximum(BANDWIDTH_ROUNDS)
  readonly #aggregation: AckAggregation
  readonly #policer = new PolicerDetector()
  #mode: Mode = 'startup'
  #pacingGain = HIGH_GAIN
  #cwndGain = HIGH_GAIN

  /** Rounds, counted by what is delivered. */
  #rounds = 0
  #roundStart = false
  #nextRoundDelivered = 0
  #minRttNs = Infinity
  #minRttAtNs = 0
  #fullBandwidth = 0
  #fullRounds = 0
  #full = false
  #phase = 0
  #phaseStartNs = 0
  /** PROBE_RTT lasts until then; -1 before the pipe has shrunk. */
  #probeRttEndNs = -1
  #probeRttRound = false
  #idleRestart = false
  /** The window before recovery or PROBE_RTT. */
  #priorCwndBytes = 0
  /** The sender's phase when something was last delivered: a recovery that follows another at once is no new one. */
  #priorPhase: SenderPhase = 'open'
  /** The first round of recovery: what is delivered goes out again, and no more. */
  #conserving = false
  #pacedYet = false

  constructor (options: Readonly<TcpOptions>, connection: number) {
    this.#mssBytes = options.mssBytes
    this.#aggregation = new AckAggregation(options.mssBytes)
    this.#initialWindowBytes = initialWindowBytes(options)
    this.#firstPhase = (connection * 5) % (CYCLE.length - 1)
    this.cwndBytes = this.#initialWindowBytes
    this.pacingBytesPerSecond = HIGH_GAIN * this.cwndBytes * NS_PER_S / ASSUMED_RTT_NS
  }

  get lowersRate (): boolean {
    return this.#mode === 'probe-rtt'
  }

  onEstablished (nowNs: number, srttNs: number, synsLost: boolean): void {
    if (synsLost) {
      this.cwndBytes = this.#mssBytes
    }
    // The round trip of the handshake's small packets is one that full segments do not reach again.
    this.#minRttNs = srttNs > 0 ? srttNs : Infinity
    this.#minRttAtNs = nowNs
    this.#aggregation.restart(nowNs)
    this.#startPacing(srttNs)
  }

  onAck (sample: AckSample): void {
    this.#updateBandwidth(sample)
    if (sample.deliveredBytes > 0 && sample.rateIntervalNs > 0) {
      this.#aggregation.update(sample.nowNs, sample.deliveredBytes, this.#rate, this.cwndBytes, this.#roundStart)
    }
    this.#updatePhase(sample)
    this.#updateFull(sample)
    this.#updateDrain(sample)
    this.#updateMinRtt(sample)
    this.#updateGains()
    this.#updatePacing(sample)
    this.#updateWindow(sample)
  }

  onSent (_bytes: number): void {}

  onLoss (_sample: LossSample): void {
    this.#saveWindow()
  }

  onRecovered (): void {}

  /** Version 1 takes no notice of marks. */
  onMark (_first: boolean): void {}

  onTimeout ({ pipeBytes }: LossSample, first: boolean): void {
    if (first) {
      this.#saveWindow()
    }
    this.#fullBandwidth = 0
    this.#roundStart = true
    this.#priorPhase = 'loss'
    this.cwndBytes = pipeBytes + this.#mssBytes
  }

  onUndo (): void {
    this.#fullBandwidth = 0
    this.#fullRounds = 0
    this.#policer.reset()
  }

  onRestart (_nowNs: number, _idleNs: number): void {
    this.#idleRestart = true
    if (this.#mode === 'probe-bandwidth') {
      this.pacingBytesPerSecond = this.#paced(1)
    }
  }

  onIdle (_idleNs: number, _rtoNs: number): void {}

  onUnderused (_usedBytes: number): void {}

  get #rate (): number {
    return this.#policer.rate > 0 ? this.#policer.rate : this.#bandwidth.value
  }

  #paced (gain: number): number {
    return gain * this.#rate * (1 - PACING_MARGIN)
  }

  #startPacing (srttNs: number): void {
    this.#pacedYet = srttNs > 0
    const rttNs = this.#pacedYet ? srttNs : ASSUMED_RTT_NS
    this.pacingBytesPerSecond = HIGH_GAIN * this.cwndBytes * NS_PER_S / rttNs * (1 - PACING_MARGIN)
  }

  #updateBandwidth (sample: AckSample): void {
    this.#roundStart = false
    if (sample.rateIntervalNs <= 0) {
      return
    }
    if (sample.priorDeliveredBytes >= this.#nextRoundDelivered) {
      this.#nextRoundDelivered = sample.totalDeliveredBytes
      this.#rounds++
      this.#roundStart = true
      this.#conserving = false
    }
    const probing = this.#mode === 'probe-bandwidth' && this.#roundStart
    const countsRound = this.#policer.rate > 0 ? probing : this.#roundStart
    if (this.#policer.update(sample.nowNs, countsRound, sample.totalDeliveredBytes, sample.lostBytes, sample.rateApplicationLimited)) {
      this.#beginProbing(sample.nowNs)
    }
    const bandwidth = sample.rateBytes * NS_PER_S / sample.rateIntervalNs
    if (!sample.rateApplicationLimited || bandwidth >= this.#bandwidth.value) {
      this.#bandwidth.add(this.#rounds, bandwidth)
    }
  }

  #updatePhase (sample: AckSample): void {
    if (this.#mode === 'probe-bandwidth' && this.#phaseOver(sample)) {
      this.#phase = (this.#phase + 1) % CYCLE.length
      this.#phaseStartNs = sample.nowNs
    }
  }

  #phaseOver (sample: AckSample): boolean {
    const lastedRtt = sample.nowNs - this.#phaseStartNs > this.#minRttNs
    const gain = this.#pacingGain
    if (gain === 1) {
      return lastedRtt
    }
    const inNetworkBytes = this.#inNetwork(sample, sample.priorPipeBytes)
    // A rise lasts until it has filled the path, or failed to; a fall only until the queue is gone.
    return gain > 1
      ? lastedRtt && (sample.lostBytes > 0 || inNetworkBytes >= this.#target(this.#bandwidth.value, gain, 0))
      : lastedRtt || inNetworkBytes <= this.#target(this.#bandwidth.value, 1, 0)
  }

  #updateFull (sample: AckSample): void {
    if (this.#full || !this.#roundStart || sample.rateApplicationLimited) {
      return
    }
    if (this.#bandwidth.value >= this.#fullBandwidth * FULL_GROWTH) {
      this.#fullBandwidth = this.#bandwidth.value
      this.#fullRounds = 0
    } else {
      this.#full = ++this.#fullRounds >= FULL_ROUNDS
    }
  }

  #updateDrain (sample: AckSample): void {
    if (this.#mode === 'startup' && this.#full) {
      this.#mode = 'drain'
      this.ssthreshBytes = this.#target(this.#bandwidth.value, 1, 0)
    }
    if (this.#mode === 'drain' && this.#inNetwork(sample, sample.pipeBytes) <= this.#target(this.#bandwidth.value, 1, 0)) {
      this.#beginProbing(sample.nowNs)
    }
  }

  #updateMinRtt (sample: AckSample): void {
    const { nowNs, rttNs } = sample
    const expired = nowNs > this.#minRttAtNs + MIN_RTT_WINDOW_NS
    // The draft also takes an equal one for new. Without the noise of real clocks that would put off PROBE_RTT for ever.
    if (rttNs >= 0 && (rttNs < this.#minRttNs || expired)) {
      this.#minRttNs = rttNs
      this.#minRttAtNs = nowNs
    }
    if (expired && !this.#idleRestart && this.#mode !== 'probe-rtt') {
      this.#saveWindow()
      this.#mode = 'probe-rtt'
      this.#probeRttEndNs = -1
    }
    if (this.#mode === 'probe-rtt') {
      this.#probeRtt(sample)
    }
    if (sample.deliveredBytes > 0) {
      this.#idleRestart = false
    }
  }

  #probeRtt ({ nowNs, pipeBytes, totalDeliveredBytes }: AckSample): void {
    if (this.#probeRttEndNs < 0) {
      if (pipeBytes <= LEAST_SEGMENTS * this.#mssBytes) {
        this.#probeRttEndNs = nowNs + PROBE_RTT_NS
        this.#probeRttRound = false
        this.#nextRoundDelivered = totalDeliveredBytes
      }
      return
    }
    this.#probeRttRound ||= this.#roundStart
    if (this.#probeRttRound && nowNs > this.#probeRttEndNs) {
      this.#minRttAtNs = nowNs
      this.cwndBytes = Math.max(this.cwndBytes, this.#priorCwndBytes)
      if (this.#full) {
        this.#beginProbing(nowNs)
      } else {
        this.#mode = 'startup'
      }
    }
  }

  #beginProbing (nowNs: number): void {
    this.#mode = 'probe-bandwidth'
    // Any phase but that of 0.75, which is of use only after that of 1.25.
    this.#phase = (CYCLE.length - this.#firstPhase) % CYCLE.length
    this.#phaseStartNs = nowNs
  }

  #updateGains (): void {
    switch (this.#mode) {
      case 'startup':
        this.#pacingGain = HIGH_GAIN
        this.#cwndGain = HIGH_GAIN
        break
      case 'drain':
        this.#pacingGain = DRAIN_GAIN
        this.#cwndGain = HIGH_GAIN
        break
      case 'probe-bandwidth':
        this.#pacingGain = this.#policer.rate > 0 ? 1 : CYCLE[this.#phase]
        this.#cwndGain = CWND_GAIN
        break
      case 'probe-rtt':
        this.#pacingGain = 1
        this.#cwndGain = 1
    }
  }

  #updatePacing (sample: AckSample): void {
    if (!this.#pacedYet && sample.srttNs > 0) {
      this.#startPacing(sample.srttNs)
    }
    const rate = this.#paced(this.#pacingGain)
    if (this.#full || rate > this.pacingBytesPerSecond) {
      this.pacingBytesPerSecond = rate
    }
  }

  #updateWindow (sample: AckSample): void {
    const { deliveredBytes, pipeBytes } = sample
    if (deliveredBytes > 0) {
      let cwndBytes = this.#recoveredWindow(sample)
      if (!this.#conserving) {
        const targetBytes = this.#target(this.#rate, this.#cwndGain, this.#full ? this.#aggregation.extraBytes(this.#rate) : 0)
        if (this.#full) {
          cwndBytes = Math.min(cwndBytes + deliveredBytes, targetBytes)
        } else if (cwndBytes < targetBytes || sample.totalDeliveredBytes < this.#initialWindowBytes) {
          cwndBytes += deliveredBytes
        }
        cwndBytes = Math.max(cwndBytes, LEAST_SEGMENTS * this.#mssBytes)
      } else {
        cwndBytes = Math.max(cwndBytes, pipeBytes + deliveredBytes)
      }
      this.cwndBytes = cwndBytes
    }
    if (this.#mode === 'probe-rtt') {
      this.cwndBytes = Math.min(this.cwndBytes, LEAST_SEGMENTS * this.#mssBytes)
    }
  }

  /** The window, what was lost taken off; restored at the end of recovery. */
  #recoveredWindow ({ deliveredBytes, lostBytes, pipeBytes, inRecovery, inLoss, totalDeliveredBytes }: AckSample): number {
    let cwndBytes = Math.max(this.cwndBytes - lostBytes, this.#mssBytes)
    const phase = phaseOf(inRecovery, inLoss)
    if (phase === 'recovery' && this.#priorPhase !== 'recovery') {
      this.#conserving = true
      this.#nextRoundDelivered = totalDeliveredBytes
      cwndBytes = pipeBytes + deliveredBytes
    } else if (phase === 'open' && this.#priorPhase !== 'open') {
      this.#conserving = false
      cwndBytes = Math.max(cwndBytes, this.#priorCwndBytes)
    }
    this.#priorPhase = phase
    return cwndBytes
  }

  #saveWindow (): void {
    const cut = this.#priorPhase !== 'open' || this.#mode === 'probe-rtt'
    this.#priorCwndBytes = cut ? Math.max(this.#priorCwndBytes, this.cwndBytes) : this.cwndBytes
  }

  /** `gain` times the product of bandwidth and least round trip, and what bursts need on top, in whole segments. */
  #target (rate: number, gain: number, extraBytes: number): number {
    if (this.#minRttNs === Infinity) {
      return this.#initialWindowBytes
    }
    const productSegments = Math.ceil(gain * rate * this.#minRttNs / NS_PER_S / this.#mssBytes)
    const burst = burstSegments(this.pacingBytesPerSecond, this.#mssBytes)
    let segments = productSegments + Math.floor(extraBytes / this.#mssBytes) + BURSTS_UNDER_WAY * burst
    // Even, so that delayed acknowledgements hold back as little as may be.
    segments += segments % 2
    if (this.#mode === 'probe-bandwidth' && this.#phase === 0) {
      segments += 2
    }
    return segments * this.#mssBytes
  }

  /** Bytes of `pipeBytes` that will be in the network when the pacer lets the next burst go. */
  #inNetwork ({ pacedAheadNs }: AckSample, pipeBytes: number): number {
    const burstBytes = this.#pacingGain > 1 ? burstSegments(this.pacingBytesPerSecond, this.#mssBytes) * this.#mssBytes : 0
    return Math.max(0, pipeBytes + burstBytes - this.#rate * pacedAheadNs / NS_PER_S)
  }
}

function phaseOf (inRecovery: boolean, inLoss: boolean): SenderPhase {
  return inRecovery ? 'recovery' : inLoss ? 'loss' : 'open'
}
