import { Gcra, RESOLUTION_MS } from './gcra.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import type { Deadlines } from '../deadlines.ts'
import type { PausableStream } from '../downlink.ts'
import type { TrafficClass } from '../traffic-class.ts'

export interface InboundCallbacks {
  readonly onPaused: (stream: PausableStream, forMs: number) => void
  readonly onResumed: (stream: PausableStream, reason: 'rate' | 'stopped') => void
  readonly onSaturated: (saturated: boolean) => void
}

/**
 * Holds what comes in to a rate. What was asked for is paced before it is asked for. What comes beyond the rate all the
 * same makes streams wait: those of bulk at once, of normal and urgent when it has come to more, so that bulk goes first.
 *
 * The far side learns of a pause when the muxer's window is used up: until then what is under way arrives and is kept
 * unread.
 */
export class InboundShaper {
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #callbacks: InboundCallbacks
  /** Two accounts: what was asked for and comes must not count twice, and estimates must not pass for bytes. */
  readonly #asked: Gcra
  readonly #arrived: Gcra
  /** With those whose pause was worth telling. */
  readonly #paused = new Map<PausableStream, { readonly told: boolean }>()
  #timer: Timer | undefined
  #calmTimer: Timer | undefined
  #saturated = false
  #stopped = false

  constructor (clock: Clock, deadlines: Deadlines, rateBitsPerSecond: number, burstBytes: number, callbacks: InboundCallbacks) {
    this.#clock = clock
    this.#deadlines = deadlines
    this.#callbacks = callbacks
    this.#asked = new Gcra(rateBitsPerSecond, burstBytes)
    this.#arrived = new Gcra(rateBitsPerSecond, burstBytes)
  }

  get pausedStreams (): number {
    return this.#paused.size
  }

  get saturated (): boolean {
    return this.#saturated
  }

  /**
   * A reply of about so many bytes is to be asked for: answers how long to wait first, in milliseconds. Those asked for
   * later wait longer. More pressing classes wait less, by as much as they may exceed the rate.
   */
  expectReply (trafficClass: TrafficClass, bytes: number): number {
    if (this.#stopped) {
      return 0
    }
    const nowMs = this.#clock.now()
    const delayMs = Math.max(this.#asked.delayMs(nowMs), this.#arrived.delayMs(nowMs))
    this.#asked.take(nowMs, bytes)
    return Math.max(0, delayMs - PATIENCE_MS[trafficClass])
  }

  /** A reply that was to be asked for was not, or had so many bytes less. */
  refundReply (bytes: number): void {
    this.#asked.refund(bytes)
  }

  /** Bytes came on a stream. It may be paused before this returns. */
  received (stream: PausableStream, bytes: number): void {
    const nowMs = this.#clock.now()
    this.#arrived.take(nowMs, bytes)
    const forMs = this.#arrived.delayMs(nowMs) - PATIENCE_MS[stream.class]
    if (forMs <= RESOLUTION_MS || this.#stopped || this.#paused.has(stream)) {
      return
    }
    const told = forMs >= TOLD_MS
    this.#paused.set(stream, { told })
    stream.pause()
    if (told) {
      this.#callbacks.onPaused(stream, forMs)
    }
    this.#saturate(true)
    this.#arm(nowMs)
  }

  /** The stream is over: it is not resumed any more. */
  closed (stream: PausableStream): void {
    if (this.#paused.delete(stream)) {
      this.#arm(this.#clock.now())
    }
  }

  /** Resumes all that were paused; nothing is shaped any more, and no timer is left. */
  stop (): void {
    this.#stopped = true
    this.#timer?.cancel()
    this.#calmTimer?.cancel()
    for (const stream of this.#paused.keys()) {
      this.#resume(stream, 'stopped')
    }
    this.#saturate(false)
  }

  #arm (nowMs: number): void {
    this.#timer?.cancel()
    this.#timer = undefined
    let patienceMs = -1
    for (const stream of this.#paused.keys()) {
      patienceMs = Math.max(patienceMs, PATIENCE_MS[stream.class])
    }
    if (patienceMs >= 0) {
      this.#calmTimer?.cancel()
      this.#calmTimer = undefined
      this.#timer = this.#deadlines.after(Math.max(0, this.#arrived.delayMs(nowMs) - patienceMs), this.#onTimer)
    } else {
      this.#calmTimer ??= this.#deadlines.after(CALM_MS, () => {
        this.#calmTimer = undefined
        this.#saturate(false)
      })
    }
  }

  readonly #onTimer = (): void => {
    const nowMs = this.#clock.now()
    for (const stream of this.#paused.keys()) {
      // Asked anew for each: what a resumed stream has kept unread comes at once, and may keep the others waiting.
      if (this.#arrived.delayMs(nowMs) <= PATIENCE_MS[stream.class] + RESOLUTION_MS) {
        this.#resume(stream, 'rate')
      }
    }
    if (!this.#stopped) {
      this.#arm(nowMs)
    }
  }

  #resume (stream: PausableStream, reason: 'rate' | 'stopped'): void {
    const told = this.#paused.get(stream)?.told === true
    this.#paused.delete(stream)
    if (told) {
      this.#callbacks.onResumed(stream, reason)
    }
    stream.resume()
  }

  #saturate (saturated: boolean): void {
    if (this.#saturated !== saturated) {
      this.#saturated = saturated
      this.#callbacks.onSaturated(saturated)
    }
  }
}

/** By how much the rate must be exceeded, in milliseconds of it beyond the burst, before a class has to wait. */
const PATIENCE_MS: Readonly<Record<TrafficClass, number>> = { urgent: 200, normal: 50, bulk: 0 }
/** Shorter pauses are not recorded: at 400 Mbit/s there may be hundreds a second. */
const TOLD_MS = 100
/** After so long without a pause the direction is not saturated any more. */
const CALM_MS = 1000
