import type { Clock, Timer } from '../../core/clock.ts'
import type { AttemptContext } from './request.ts'

export interface RunningAttemptOptions {
  readonly attemptId: number
  readonly number: number
  readonly clock: Clock
  /** The timeout as of now, so many times as long, and cut to the remaining deadline. */
  planTimeoutMs(factor: number): number
  /** The attempt's clock was started. */
  onSent(attempt: RunningAttempt): void
  /** Its clock was stopped: it ended, or went back to connecting. */
  onStopped(): void
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
  readonly context: AttemptContext
  /** Set when the clock was started. */
  sentAtMs = NaN
  timeoutMs: number
  overdue = false
  /** False while connecting or opening, before anything was sent. */
  mayHaveLeft = true
  readonly #options: RunningAttemptOptions
  readonly #controller = new AbortController()
  #timer: Timer | undefined
  #timed = false
  #over = false

  constructor (options: RunningAttemptOptions) {
    this.#options = options
    this.attemptId = options.attemptId
    this.number = options.number
    this.timeoutMs = options.planTimeoutMs(1)
    this.context = contextOf(this, this.#controller.signal)
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
    this.#startTimer(1)
    this.#options.onSent(this)
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
    this.#timer = this.#options.clock.setTimeout(() => {
      this.overdue = true
      this.#options.onOverdue(this)
    }, this.timeoutMs)
  }

  #stop (): void {
    this.#timer?.cancel()
    if (this.#timed) {
      this.#timed = false
      this.#options.onStopped()
    }
  }
}

function contextOf (attempt: RunningAttempt, signal: AbortSignal): AttemptContext {
  return {
    signal,
    attemptId: attempt.attemptId,
    attempt: attempt.number,
    get timeoutMs () {
      return attempt.timeoutMs
    },
    get overdue () {
      return attempt.overdue
    },
    connecting: () => attempt.connecting(),
    opening: () => attempt.opening(),
    sent: () => attempt.sent()
  }
}
