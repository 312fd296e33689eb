import type { Clock } from '../core/clock.ts'
import type { AttemptKind } from './timeouts/events.ts'
import type { AttemptContext } from './timeouts/request.ts'

/** An attempt, and what is to be known of it when it ends: passes everything on, and notes when it was sent. */
export class WatchedAttempt implements AttemptContext {
  readonly signal: AbortSignal
  readonly attemptId: number
  readonly attempt: number
  readonly kind: AttemptKind
  readonly connecting: () => void
  readonly opening: () => void
  readonly progress: () => void
  readonly shared: () => void
  readonly arrived: () => void
  readonly whenKept: (callback: () => void) => void
  /** The id of the connection that it was made on, where that is known. */
  connection: string | undefined
  /** Whether it is known that its stream served no other before. */
  onFreshStream = false
  readonly #context: AttemptContext
  readonly #clock: Clock
  readonly #startedMs: number
  #sentMs: number | undefined

  constructor (context: AttemptContext, clock: Clock) {
    this.signal = context.signal
    this.attemptId = context.attemptId
    this.attempt = context.attempt
    this.kind = context.kind
    this.connecting = context.connecting
    this.opening = context.opening
    this.progress = context.progress
    this.shared = context.shared
    this.arrived = context.arrived
    this.whenKept = context.whenKept
    this.#context = context
    this.#clock = clock
    this.#startedMs = clock.now()
  }

  get timeoutMs (): number {
    return this.#context.timeoutMs
  }

  get overdue (): boolean {
    return this.#context.overdue
  }

  get expired (): boolean {
    return this.#context.expired
  }

  /** Whether it was handed to the transport. */
  get wasSent (): boolean {
    return this.#sentMs !== undefined
  }

  /** When it was handed to the transport; before that, when it began. */
  get sentMs (): number {
    return this.#sentMs ?? this.#startedMs
  }

  /** Since then. */
  get elapsedMs (): number {
    return this.#clock.now() - this.sentMs
  }

  readonly sent = (): void => {
    this.#sentMs = this.#clock.now()
    this.#context.sent()
  }
}
