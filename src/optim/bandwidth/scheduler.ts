import { UnshapedUplink } from '../uplink.ts'
import { Gcra } from './gcra.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import type { Deadlines } from '../deadlines.ts'
import type { Flow } from '../uplink.ts'
import type { Discipline } from './discipline.ts'

export interface SchedulerSettings {
  readonly rateBitsPerSecond: number
  readonly burstBytes: number
  /** Granted at a time. */
  readonly quantumBytes: number
  readonly discipline: Discipline
}

export interface SchedulerCallbacks {
  readonly onSent: (flow: Flow, bytes: number) => void
  /** Flows have to wait for the rate, or none has to any more. May be called with what it was called with before. */
  readonly onWaiting: (waiting: boolean) => void
}

/** Paces a discipline: lets the flow whose turn it is transmit, one grant at a time, as fast as the rate allows. */
export class Scheduler {
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #settings: SchedulerSettings
  readonly #discipline: Discipline
  readonly #callbacks: SchedulerCallbacks
  readonly #pace: Gcra
  #timer: Timer | undefined
  #dispatching = false
  /** Whether the timer is for the rate, which nobody who comes changes. */
  #pacing = false
  /** Set once stopped. */
  #unshaped: UnshapedUplink | undefined

  constructor (clock: Clock, deadlines: Deadlines, settings: SchedulerSettings, callbacks: SchedulerCallbacks) {
    this.#clock = clock
    this.#deadlines = deadlines
    this.#settings = settings
    this.#discipline = settings.discipline
    this.#callbacks = callbacks
    this.#pace = new Gcra(settings.rateBitsPerSecond, settings.burstBytes)
  }

  ready (flow: Flow): void {
    if (this.#unshaped !== undefined) {
      this.#unshaped.ready(flow)
      return
    }
    this.#discipline.add(flow)
    if (!this.#pacing) {
      this.#dispatch()
    }
  }

  remove (flow: Flow): void {
    if (this.#unshaped !== undefined) {
      return
    }
    this.#discipline.remove(flow)
    this.#dispatch()
  }

  /** Bytes that were charged were not sent after all. */
  refund (bytes: number): void {
    this.#pace.refund(bytes)
    this.#dispatch()
  }

  rateBitsPerSecond (flow: Flow): number {
    const { rateBitsPerSecond } = this.#settings
    return rateBitsPerSecond === Infinity ? Infinity : rateBitsPerSecond * this.#discipline.share(flow)
  }

  get waitingFlows (): number {
    let count = 0
    for (const _ of this.#discipline.flows()) {
      count++
    }
    return count
  }

  get waitingBytes (): number {
    let bytes = 0
    for (const { backlogBytes } of this.#discipline.flows()) {
      bytes += backlogBytes
    }
    return bytes
  }

  /** What waits is sent at once, and so is what comes: nothing is lost, and no timer is left. */
  stop (): void {
    this.#disarm()
    this.#unshaped ??= new UnshapedUplink()
    this.#flush(this.#unshaped)
  }

  #dispatch (): void {
    if (this.#dispatching || this.#unshaped !== undefined) {
      return
    }
    this.#dispatching = true
    this.#disarm()
    try {
      while (this.#unshaped === undefined && this.#turn(this.#clock.now())) {
        // Until nobody may send.
      }
    } finally {
      this.#dispatching = false
      if (this.#unshaped !== undefined) {
        this.#flush(this.#unshaped)
      }
    }
  }

  #disarm (): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#pacing = false
  }

  #flush (unshaped: UnshapedUplink): void {
    // Stopped from within `transmit`: the flow whose turn it is must come to its end first.
    if (!this.#dispatching) {
      for (const flow of Array.from(this.#discipline.flows())) {
        this.#discipline.remove(flow)
        unshaped.ready(flow)
      }
    }
  }

  /** One grant; false where nobody may send now, with a timer for when somebody may. */
  #turn (nowMs: number): boolean {
    const flow = this.#discipline.next(nowMs)
    const delayMs = flow === undefined ? this.#discipline.delayMs(nowMs) : this.#pace.delayMs(nowMs)
    if (flow === undefined || delayMs > 0) {
      if (delayMs < Infinity) {
        this.#timer = this.#deadlines.after(delayMs, this.#onTimer)
        this.#pacing = flow !== undefined
      }
      this.#callbacks.onWaiting(delayMs < Infinity)
      return false
    }
    const bytes = flow.transmit(this.#settings.quantumBytes)
    if (bytes > 0) {
      this.#pace.take(nowMs, bytes)
      this.#callbacks.onSent(flow, bytes)
    }
    this.#discipline.sent(flow, bytes, bytes > 0 && flow.backlogBytes > 0, nowMs)
    return true
  }

  readonly #onTimer = (): void => {
    this.#dispatch()
  }
}
