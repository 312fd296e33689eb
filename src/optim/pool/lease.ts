import type { Connection, Stream } from '../port.ts'
import type { PooledConnection } from './pooled-connection.ts'

/**
 * A stream for one request, or for as many as its holder has. It must be given back exactly once, by whichever of the
 * four comes first; what follows does nothing. `using lease = await pool.acquire(...)` gives it back in every case.
 */
export interface StreamLease extends Disposable {
  readonly stream: Stream
  readonly connection: Connection
  /** Whether the stream served another lease before. */
  readonly reusedStream: boolean
  /** Another connection takes this one's place: who holds the lease for long should give it back, and acquire anew. */
  readonly retired: boolean
  /**
   * Something was answered on it, `elapsedMs` after it was asked for; the lease goes on. For whoever carries many requests
   * on one: each answer counts like a release, and the release, when it comes, not at all.
   */
  answered(elapsedMs: number): void
  /**
   * The request was fully answered: the stream may serve another. Listeners must have been removed and the stream must
   * not be paused; one with unread data or that was closed is not kept.
   */
  release(): void
  /** The stream is of no further use: aborted with `error`, or closed gracefully where there is none. */
  discard(error?: Error): void
  /** Discards, and says that the connection is to blame: `timeout` where no answer came (it may be wedged). */
  fail(kind: 'timeout' | 'error', error: Error): void
  /**
   * The answer is overdue, but is still waited for: says so, and keeps the lease. It was asked for `elapsedMs` ago, by
   * default when the lease was given out or answered last.
   */
  suspect(elapsedMs?: number): void
  /** Aborts the stream unless the lease was given back before. */
  [Symbol.dispose](): void
}

export type LeaseOutcome = 'released' | 'discarded' | 'timeout' | 'error' | 'stopped'

/** Told of what becomes of a lease; of its end once. */
export interface LeaseOwner {
  onLeaseAnswered(lease: Lease, elapsedMs: number): void
  onLeaseSuspect(lease: Lease, elapsedMs: number | undefined): void
  onLeaseEnd(lease: Lease, outcome: LeaseOutcome, error: Error | undefined): void
}

/** The pool's side of a lease. */
export class Lease implements StreamLease {
  readonly stream: Stream
  readonly pooled: PooledConnection
  readonly protocol: string
  readonly reusedStream: boolean
  readonly startedMs: number
  /** When it was given out, or answered last. */
  heardMs: number
  /** Answers that came while it went on. */
  answers = 0
  readonly #owner: LeaseOwner
  #ended = false

  constructor (owner: LeaseOwner, pooled: PooledConnection, stream: Stream, protocol: string, reusedStream: boolean, startedMs: number) {
    this.#owner = owner
    this.pooled = pooled
    this.stream = stream
    this.protocol = protocol
    this.reusedStream = reusedStream
    this.startedMs = startedMs
    this.heardMs = startedMs
  }

  get connection (): Connection {
    return this.pooled.connection
  }

  get retired (): boolean {
    return this.pooled.retired !== undefined
  }

  answered (elapsedMs: number): void {
    if (!this.#ended) {
      this.answers++
      this.#owner.onLeaseAnswered(this, elapsedMs)
    }
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

  suspect (elapsedMs?: number): void {
    if (!this.#ended) {
      this.#owner.onLeaseSuspect(this, elapsedMs)
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
      this.#owner.onLeaseEnd(this, outcome, error)
    }
  }
}
