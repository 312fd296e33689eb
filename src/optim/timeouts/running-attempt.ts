import type { Clock, Timer } from '../../core/clock.ts'
import type { Deadlines } from '../deadlines.ts'
import type { AttemptKind } from './events.ts'
import type { AttemptContext } from './request.ts'

export interface RunningAttemptOptions {
  readonly attemptId: number
  readonly number: number
  readonly kind: AttemptKind
  readonly clock: Clock
  readonly deadlines: Deadlines
  /** What timers and a busy event loop may add. */
  readonly granularityMs: number
  /** The timeout as of now, so many times as long, and cut to the remaining deadline. */
  planTimeoutMs(factor: number): number
  /** The same without the deadline, and without what was doubled for attempts overdue before. */
  usualTimeoutMs(): number
  /** The attempt's clock was started. */
  onSent(attempt: RunningAttempt): void
  /** Its clock was stopped: it ended, or went back to connecting. */
  onStopped(): void
  /** Part of its answer came. */
  onProgress(attempt: RunningAttempt): void
  /** It has outlasted its timeout, as a request or while opening a stream for one. */
  onOverdue(attempt: RunningAttempt): void
}

/**
 * What opening a stream takes is not measured: it is given so many times what its request would be given. It must be
 * beyond doubt, since the connection is blamed for it.
 */
const OPENING_FACTOR = 4

/** One attempt's clock and signal. What its end means is the request's to say. */
export class RunningAttempt {
  readonly attemptId: number
  readonly number: number
  readonly kind: AttemptKind
  readonly context: AttemptContext
  /** Set when the clock was started. */
  sentAtMs = NaN
  timeoutMs: number
  overdue = false
  expired = false
  /** When the first part of an answer came that was not all of it. */
  firstByteAtMs: number | undefined
  /** False while connecting or opening, before anything was sent. */
  mayHaveLeft = true
  /** Its answer may be that to an earlier attempt. */
  shared = false
  /** The far side has said that it has the request. */
  arrived = false
  readonly #options: RunningAttemptOptions
  readonly #controller = new AbortController()
  #timer: Timer | undefined
  /** Since when its silence counts. */
  #silentSinceMs = 0
  #whenKept: () => void = () => {}
  #timed = false
  #over = false

  constructor (options: RunningAttemptOptions) {
    this.#options = options
    this.attemptId = options.attemptId
    this.number = options.number
    this.kind = options.kind
    this.timeoutMs = options.planTimeoutMs(1)
    this.context = new RunningContext(this, this.#controller.signal)
  }

  /** True while the request is under way. */
  get timed (): boolean {
    return this.#timed
  }

  /** Since it was sent. */
  get elapsedMs (): number {
    return this.#options.clock.now() - this.sentAtMs
  }

  /** The attempt has been called; unless it said that it connects first, it was sent. */
  begun (): void {
    if (this.mayHaveLeft && !this.#timed) {
      this.sent()
    }
  }

  connecting (): void {
    this.#stop()
    this.mayHaveLeft = false
  }

  opening (): void {
    this.connecting()
    this.#startTimer(OPENING_FACTOR)
  }

  sent (): void {
    if (this.#over) {
      return
    }
    this.#stop()
    this.mayHaveLeft = true
    this.#timed = true
    this.sentAtMs = this.#options.clock.now()
    this.firstByteAtMs = undefined
    this.#startTimer(1)
    this.#options.onSent(this)
  }

  progress (): void {
    if (this.#over || !this.#timed) {
      return
    }
    const nowMs = this.#options.clock.now()
    this.firstByteAtMs ??= nowMs
    this.#silentSinceMs = nowMs
    this.#options.onProgress(this)
  }

  /** The request's deadline has passed. It was overdue if it has waited for as long as is usual, or one before it was: what our own queues held until just now was not. */
  expire (anotherWasOverdue: boolean): void {
    this.expired = true
    this.overdue ||= this.#timed && (anotherWasOverdue || this.#options.clock.now() - this.#silentSinceMs >= this.#options.usualTimeoutMs())
  }

  whenKept (callback: () => void): void {
    this.#whenKept = callback
  }

  /** It is overdue, and goes on all the same. */
  kept (): void {
    this.#whenKept()
  }

  /** Stops the clock for good. */
  end (): void {
    this.#over = true
    this.#stop()
  }

  abort (reason: unknown): void {
    this.#controller.abort(reason)
  }

  #startTimer (factor: number): void {
    if (this.#over) {
      return
    }
    this.overdue = false
    this.timeoutMs = this.#options.planTimeoutMs(factor)
    this.#silentSinceMs = this.#options.clock.now()
    this.#waitUntil(this.#silentSinceMs + this.timeoutMs)
  }

  #waitUntil (dueMs: number): void {
    const { clock, deadlines } = this.#options
    this.#timer = deadlines.after(Math.max(0, dueMs - clock.now()), () => this.#onTimer(dueMs))
  }

  #onTimer (dueMs: number): void {
    const { clock, granularityMs } = this.#options
    const endMs = this.#silentSinceMs + this.timeoutMs
    const nowMs = clock.now()
    if (endMs > dueMs) {
      // Something came meanwhile; one timer is moved along rather than set anew for each piece.
      this.#waitUntil(endMs)
    } else if (endMs === dueMs && nowMs - dueMs > granularityMs) {
      // The event loop stood still, and timers run before what was received is read: an answer may lie there.
      this.#waitUntil(nowMs + granularityMs)
    } else {
      this.overdue = true
      this.#options.onOverdue(this)
    }
  }

  #stop (): void {
    this.#timer?.cancel()
    if (this.#timed) {
      this.#timed = false
      this.#options.onStopped()
    }
  }
}

/** What the attempt is given: its functions may be called without it. A class, since an object with getters of its own is dear to make. */
class RunningContext implements AttemptContext {
  readonly signal: AbortSignal
  readonly attemptId: number
  readonly attempt: number
  readonly kind: AttemptKind
  readonly #running: RunningAttempt

  constructor (running: RunningAttempt, signal: AbortSignal) {
    this.signal = signal
    this.attemptId = running.attemptId
    this.attempt = running.number
    this.kind = running.kind
    this.#running = running
  }

  get timeoutMs (): number {
    return this.#running.timeoutMs
  }

  get overdue (): boolean {
    return this.#running.overdue
  }

  get expired (): boolean {
    return this.#running.expired
  }

  readonly connecting = (): void => this.#running.connecting()
  readonly opening = (): void => this.#running.opening()
  readonly sent = (): void => this.#running.sent()
  readonly progress = (): void => this.#running.progress()
  readonly shared = (): void => {
    this.#running.shared = true
  }
  readonly arrived = (): void => {
    this.#running.arrived = true
  }
  readonly whenKept = (callback: () => void): void => this.#running.whenKept(callback)
}
