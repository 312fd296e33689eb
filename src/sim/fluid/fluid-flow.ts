import type { RandomStream } from '../../core/random.ts'
import type { EventId } from '../kernel.ts'
import type { TcpOptions } from '../tcp/options.ts'
import type { FlowPath } from './flow-path.ts'
import { BETA, relaxedWindow } from './window-law.ts'

export interface FlowHandler {
  /** Connect has returned. */
  onConnected? (): void
  /** The last byte has arrived. */
  onEnd? (): void
  /** No attempt to connect was answered. */
  onFailed? (): void
}

/** How near a window is to that of the long run when it is taken for that. */
const RELAXED = 0.05

interface FlowDescription {
  readonly number: number
  readonly congestion: TcpOptions['congestion']
  readonly path: FlowPath
  readonly bytes: number
  /** Payload of a full segment. */
  readonly segmentBytes: number
  readonly handler: FlowHandler
}

/**
 * One transfer. It connects; sends a window a round trip in slow start, each twice the one before, and waits in between;
 * and sends without pause once a window lasts a round trip or something was lost.
 */
export class FluidFlow {
  readonly number: number
  readonly congestion: TcpOptions['congestion']
  readonly path: FlowPath
  readonly bytes: number
  readonly handler: FlowHandler
  state: 'connecting' | 'sending' | 'waiting' | 'arriving' | 'ended' | 'failed' = 'connecting'
  inSlowStart = true
  /** After a loss in slow start, until the window is about what losses leave of it in the long run. */
  isRelaxing = false
  /** When connect returned; -1 before. */
  connectedNs = -1
  /** Of `bytes`, those that the narrowest link has served. To be read through the network, which brings it up to date. */
  servedBytes = 0
  /** What the links carry for it now. */
  rateBitsPerSecond = 0
  /** Sending goes on without a decision up to here, and is there at `milestoneNs`. */
  targetBytes = 0
  milestoneNs = Infinity
  /** When what was served last arrives, once `state` is `arriving` the last byte. */
  arrivalNs = 0
  /** Ends the present round. */
  roundEvent: EventId = -1
  readonly #segmentBytes: number
  #windowBytes: number
  /** What waited on the way when the present train of packets set out. */
  #queueNs = 0
  /** Segments before the first one that is lost. */
  readonly #segmentsToLoss: number
  /** What was left of the window after the first loss. */
  #lossWindowBytes = 0
  /** When a lost segment's copy arrives, at the earliest. */
  #repairedNs = 0

  constructor ({ number, congestion, path, bytes, segmentBytes, handler }: FlowDescription, random: RandomStream) {
    this.number = number
    this.congestion = congestion
    this.path = path
    this.bytes = bytes
    this.handler = handler
    this.#segmentBytes = segmentBytes
    this.#windowBytes = path.initialWindowBytes
    this.#segmentsToLoss = congestion === 'bbr' ? Infinity : segmentsToLoss(path.forward.loss.episodes, random)
  }

  /** Bits a second that the flow can use now, whatever the links have. */
  get cap (): number {
    if (this.inSlowStart) {
      return this.path.startRate(this.#windowBytes)
    }
    return this.isRelaxing ? this.path.capOf(this.#windowBytes / this.#segmentBytes) : this.path.cap
  }

  /** The next window sets out. Answers when its first acknowledgement is due, and the round is over. */
  beginRound (nowNs: number, queueNs: number): number {
    if (this.servedBytes > 0) {
      this.#windowBytes *= 2
    }
    this.state = 'sending'
    // It has no rate before links are shared anew.
    this.milestoneNs = Infinity
    this.#queueNs = queueNs
    this.targetBytes = Math.min(this.bytes, this.servedBytes + this.#windowBytes, this.#lossBytes)
    return nowNs + this.path.rttNs + queueNs
  }

  /** The round is over and its window still on its way: acknowledgements come without a pause from now on. */
  endSlowStart (): void {
    this.inSlowStart = false
    this.targetBytes = this.bytes
  }

  /** A round trip has passed since the window was found. */
  relax (): void {
    if (this.congestion === 'bbr') {
      return
    }
    const { path: { lossWindow, forward } } = this
    const window = relaxedWindow(this.congestion, {
      start: this.#lossWindowBytes / this.#segmentBytes,
      mean: lossWindow,
      loss: forward.loss.episodes,
      segments: (this.servedBytes - this.#lossBytes) / this.#segmentBytes
    })
    this.#windowBytes = window * this.#segmentBytes
    this.isRelaxing = Math.abs(window / lossWindow - 1) > RELAXED
  }

  /** `targetBytes` have been served: that was all, or the flow waits for the next round, or sends on without rounds. */
  reachTarget (nowNs: number): void {
    this.servedBytes = this.targetBytes
    this.arrivalNs = nowNs + this.path.deliveryNs + this.#queueNs
    const lost = this.inSlowStart && this.servedBytes >= this.#lossBytes
    if (lost) {
      // A hole is seen when later segments are acknowledged, a lost tail when nothing comes for two round trips (RFC 8985 7.2).
      const isTail = this.bytes - this.servedBytes <= this.#segmentBytes
      this.#repairedNs = this.arrivalNs + this.path.rttNs * (isTail ? 2 : 1)
    }
    if (this.servedBytes >= this.bytes) {
      this.state = 'arriving'
      // The last segment or the one before it is lost, and its copy arrives a round trip after the original would have.
      const overshot = this.#lossBytes >= this.bytes && this.path.endsInOvershoot(this.bytes)
      const repairNs = overshot ? this.path.rttNs : 0
      this.arrivalNs = Math.max(this.arrivalNs + repairNs, this.#repairedNs)
    } else if (lost) {
      this.endSlowStart()
      this.#beginRelaxing()
    } else if (2 * this.#windowBytes > this.path.mostWindowBytes) {
      this.endSlowStart()
    } else {
      this.state = 'waiting'
    }
  }

  /** The loss is seen when all before it has been acknowledged, each segment of which has let the window grow by one. */
  #beginRelaxing (): void {
    const { initialWindowBytes, mostBottleneckBytes, mostWindowBytes } = this.path
    if (this.congestion !== 'bbr') {
      this.#lossWindowBytes = BETA[this.congestion] * Math.min(this.servedBytes + initialWindowBytes, mostBottleneckBytes, mostWindowBytes)
      this.#windowBytes = this.#lossWindowBytes
      this.isRelaxing = true
    }
  }

  get #lossBytes (): number {
    return this.#segmentsToLoss * this.#segmentBytes
  }
}

/** Geometric: each segment begins an episode of loss with this probability. */
function segmentsToLoss (episodes: number, random: RandomStream): number {
  return episodes === 0 ? Infinity : Math.floor(Math.log(1 - random.next()) / Math.log(1 - episodes))
}
