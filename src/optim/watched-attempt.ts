import type { Clock } from '../core/clock.ts'
import type { AttemptContext } from './timeouts/request.ts'

/** An attempt, and what is to be known of it when it ends: passes everything on, and notes when it was sent. */
export class WatchedAttempt implements AttemptContext {
  readonly signal: AbortSignal
  readonly attemptId: number
  readonly attempt: number
  readonly connecting: () => void
  readonly opening: () => void
  readonly progress: () => void
  readonly whenKept: (callback: () => void) => void
  /** The id of the connection that it was made on, where that is known. */
  connection: string | undefined
  readonly #context: AttemptContext
  readonly #clock: Clock
  #sentMs: number

  constructor (context: AttemptContext, clock: Clock) {
    this.signal = context.signal
    this.attemptId = context.attemptId
    this.attempt = context.attempt
    this.connecting = context.connecting
    this.opening = context.opening
    this.progress = context.progress
    this.whenKept = context.whenKept
    this.#context = context
    this.#clock = clock
    this.#sentMs = clock.now()
  }

  get timeoutMs (): number {
    return this.#context.timeoutMs
  }

  get overdue (): boolean {
    return this.#context.overdue
  }

  /** When it was handed to the transport; before that, when it began. */
  get sentMs (): number {
    return this.#sentMs
  }

  /** Since then. */
  get elapsedMs (): number {
    return this.#clock.now() - this.#sentMs
  }

  readonly sent = (): void => {
    this.#sentMs = this.#clock.now()
    this.#context.sent()
  }
}
