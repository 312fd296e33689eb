import type { Connection, Stream } from '../port.ts'

/**
 * A stream for one request. It must be given back exactly once, by whichever of the four comes first; what follows does
 * nothing. `using lease = await pool.acquire(...)` gives it back in every case.
 */
export interface StreamLease extends Disposable {
  readonly stream: Stream
  readonly connection: Connection
  /** Whether the stream served another lease before. */
  readonly reusedStream: boolean
  /**
   * The request was fully answered: the stream may serve another. Listeners must have been removed and the stream must
   * not be paused; one with unread data or that was closed is not kept.
   */
  release(): void
  /** The stream is of no further use: aborted with `error`, or closed gracefully where there is none. */
  discard(error?: Error): void
  /** Discards, and says that the connection is to blame: `timeout` where no answer came (it may be wedged). */
  fail(kind: 'timeout' | 'error', error: Error): void
  /** The answer is overdue, but is still waited for: says so, and keeps the lease. */
  suspect(): void
  /** Aborts the stream unless the lease was given back before. */
  [Symbol.dispose](): void
}

export type LeaseOutcome = 'released' | 'discarded' | 'timeout' | 'error' | 'stopped'

/** The pool's side of a lease: told of the end, once. */
export class Lease implements StreamLease {
  readonly stream: Stream
  readonly connection: Connection
  readonly reusedStream: boolean
  readonly startedMs: number
  readonly #onSuspect: () => void
  readonly #onEnd: (lease: Lease, outcome: LeaseOutcome, error: Error | undefined) => void
  #ended = false

  constructor (stream: Stream, connection: Connection, reusedStream: boolean, startedMs: number, onSuspect: () => void, onEnd: (lease: Lease, outcome: LeaseOutcome, error: Error | undefined) => void) {
    this.stream = stream
    this.connection = connection
    this.reusedStream = reusedStream
    this.startedMs = startedMs
    this.#onSuspect = onSuspect
    this.#onEnd = onEnd
  }

  release (): void {
    this.end('released')
  }

  discard (error?: Error): void {
    this.end('discarded', error)
  }

  fail (kind: 'timeout' | 'error', error: Error): void {
    this.end(kind, error)
  }

  suspect (): void {
    if (!this.#ended) {
      this.#onSuspect()
    }
  }

  [Symbol.dispose] (): void {
    // An error object costs a stack trace: made only where it is used.
    if (!this.#ended) {
      this.end('discarded', new Error('the lease was disposed of before it was released'))
    }
  }

  end (outcome: LeaseOutcome, error?: Error): void {
    if (!this.#ended) {
      this.#ended = true
      this.#onEnd(this, outcome, error)
    }
  }
}
