import { TwinwireError } from '../../core/errors.ts'
import { Lease } from './lease.ts'
import { isUnsupportedProtocol } from '../unsupported-protocol.ts'
import { StreamOpening } from './stream-opening.ts'
import type { Stream } from '../port.ts'
import type { SuspectReason } from './events.ts'
import type { LeaseOutcome, LeaseOwner } from './lease.ts'
import type { PooledConnection } from './pooled-connection.ts'
import type { PoolShared } from './shared.ts'
import type { Waiter } from './waiters.ts'

/** What leases, and the streams opened for them, teach. */
export interface LeaseGiverCallbacks {
  /** Something came back: a reply to a request, or to less. */
  readonly onAnswer: (pooled: PooledConnection, isReply: boolean) => void
  /** What began at `startedMs` was not answered in time. */
  readonly onTimeout: (pooled: PooledConnection, startedMs: number) => void
  /** Something failed at once; `changed` where that put the connection under suspicion. */
  readonly onFailure: (pooled: PooledConnection, changed: boolean, reason: SuspectReason) => void
  /** libp2p limits the connection to protocols that are not ours. */
  readonly onLimited: (pooled: PooledConnection) => void
  /** The waiter got no stream, and is to be served again. */
  readonly onReturn: (waiter: Waiter) => void
  /** Other waiters may be served now. */
  readonly onProgress: () => void
  /** A lease, or the opening of a stream, ended: the connection may be idle. */
  readonly onEnd: (pooled: PooledConnection) => void
}

/** Gives leases on the connections to one peer: on a kept stream, or on a new one. */
export class LeaseGiver implements LeaseOwner {
  /** Waiters whose stream is being opened: they are in no queue, but may come back. */
  opening = 0
  readonly #peer: string
  readonly #shared: PoolShared
  readonly #callbacks: LeaseGiverCallbacks

  constructor (peer: string, shared: PoolShared, callbacks: LeaseGiverCallbacks) {
    this.#peer = peer
    this.#shared = shared
    this.#callbacks = callbacks
  }

  /** Gives the waiter, which is in no queue any more, a lease on this connection, or the connection where that is all it wants. */
  give (waiter: Waiter, pooled: PooledConnection): void {
    pooled.usedMs = this.#shared.clock.now()
    if (waiter.protocol === undefined) {
      waiter.succeed(pooled.connection)
      return
    }
    const stream = pooled.takeIdleStream(waiter.protocol)
    if (stream === undefined) {
      this.#openStream(waiter, waiter.protocol, pooled)
    } else {
      this.#lease(waiter, waiter.protocol, pooled, stream, true)
    }
  }

  onLeaseAnswered (lease: Lease, elapsedMs: number): void {
    const { pooled } = lease
    const nowMs = this.#shared.clock.now()
    lease.heardMs = nowMs
    pooled.usedMs = nowMs
    pooled.cost.observe(nowMs, elapsedMs)
    pooled.onStreamAnswer(lease.stream, lease.protocol, nowMs)
    this.#callbacks.onAnswer(pooled, true)
  }

  onLeaseSuspect ({ pooled, heardMs }: Lease, elapsedMs: number | undefined): void {
    this.#callbacks.onTimeout(pooled, elapsedMs === undefined ? heardMs : this.#shared.clock.now() - elapsedMs)
  }

  onLeaseEnd (lease: Lease, outcome: LeaseOutcome, error: Error | undefined): void {
    const { pooled, protocol } = lease
    const nowMs = this.#shared.clock.now()
    pooled.leases.delete(lease)
    this.#shared.leases.delete(lease)
    pooled.usedMs = nowMs
    const heldMs = nowMs - lease.startedMs
    this.#shared.record({ type: 'pool:end', peer: this.#peer, connection: pooled.connection.id, reason: outcome, heldMs })
    // Of a lease that answered while it went on, how long it was held says nothing.
    const single = lease.answers === 0
    if (outcome === 'released') {
      if (single) {
        pooled.cost.observe(nowMs, heldMs)
        pooled.onStreamAnswer(lease.stream, protocol, nowMs)
        this.#callbacks.onAnswer(pooled, true)
      }
      pooled.keepStream(lease.stream, protocol, nowMs)
    } else if (error === undefined) {
      pooled.closeStream(lease.stream)
    } else {
      lease.stream.abort(error)
    }
    if (outcome === 'timeout') {
      if (single) {
        pooled.cost.observe(nowMs, heldMs)
      }
      this.#callbacks.onTimeout(pooled, lease.heardMs)
    } else if (outcome === 'error') {
      this.#callbacks.onFailure(pooled, pooled.health.onError(nowMs), 'error')
    }
    this.#callbacks.onProgress()
    this.#callbacks.onEnd(pooled)
  }

  #lease (waiter: Waiter, protocol: string, pooled: PooledConnection, stream: Stream, reused: boolean): void {
    const { clock, counters, leases } = this.#shared
    const nowMs = clock.now()
    const lease = new Lease(this, pooled, stream, protocol, reused, nowMs)
    pooled.leases.add(lease)
    leases.add(lease)
    if (reused) {
      counters.streamsReused++
    } else {
      counters.streamsOpened++
    }
    this.#shared.record({ type: 'pool:lease', peer: this.#peer, connection: pooled.connection.id, reason: reused ? 'reused' : 'opened', waitedMs: nowMs - waiter.sinceMs })
    waiter.succeed(lease)
  }

  #openStream (waiter: Waiter, protocol: string, pooled: PooledConnection): void {
    const { clock } = this.#shared
    pooled.opening++
    this.opening++
    waiter.onOpening?.(pooled.connection)
    const end = (): void => {
      waiter.cancelOpening = undefined
      pooled.opening--
    }
    // Only once the waiter is settled or back in the queue: this peer must not be forgotten in between.
    const finish = (): void => {
      this.opening--
      this.#callbacks.onEnd(pooled)
    }
    const opening = new StreamOpening(pooled.connection, protocol, this.#shared.settings.streamTimeoutMs, this.#shared, {
      onStream: (stream, tookMs) => {
        end()
        pooled.onStream(stream, protocol, clock.now(), tookMs)
        this.#lease(waiter, protocol, pooled, stream, false)
        this.#callbacks.onAnswer(pooled, false)
        this.#callbacks.onProgress()
        finish()
      },
      onRefusal: error => {
        end()
        this.#onStreamRefused(waiter, pooled, error)
        finish()
      },
      onTimeout: error => {
        end()
        this.#callbacks.onTimeout(pooled, opening.startedMs)
        this.#retry(waiter, error)
        finish()
      }
    })
    waiter.cancelOpening = reason => {
      end()
      opening.cancel(reason)
      // An attempt that timed out is evidence against the connection; a caller who changed its mind is not.
      if (isTimeout(reason) && pooled.isOverdue(clock.now(), opening.startedMs)) {
        this.#callbacks.onTimeout(pooled, opening.startedMs)
      }
      this.#callbacks.onProgress()
      finish()
    }
  }

  #onStreamRefused (waiter: Waiter, pooled: PooledConnection, error: unknown): void {
    const name = error instanceof Error ? error.name : ''
    if (isUnsupportedProtocol(error)) {
      // An answer, if not a welcome one.
      pooled.proven = true
      this.#callbacks.onAnswer(pooled, false)
      waiter.fail(new TwinwireError('ERR_UNSUPPORTED_PROTOCOL', `the peer does not speak ${waiter.protocol}`, { cause: error }))
      this.#callbacks.onProgress()
      return
    }
    if (name === 'LimitedConnectionError') {
      this.#callbacks.onLimited(pooled)
    } else if (name !== 'TooManyOutboundProtocolStreamsError' && pooled.usable) {
      // The zombie: open to all appearances, but every stream on it is reset.
      this.#callbacks.onFailure(pooled, pooled.health.onRefusal(this.#shared.clock.now()), 'stream-refused')
    }
    this.#retry(waiter, error)
  }

  /** A stream that was not opened carried no request: it is safe to try again. */
  #retry (waiter: Waiter, error: unknown): void {
    if (waiter.settled) {
      return
    }
    waiter.attempts++
    if (waiter.attempts < MAX_ATTEMPTS) {
      this.#callbacks.onReturn(waiter)
    } else {
      waiter.fail(isTimeout(error) ? error : new TwinwireError('ERR_CONNECTION_RESET', `no stream could be opened in ${MAX_ATTEMPTS} attempts`, { cause: error }))
    }
    this.#callbacks.onProgress()
  }
}

/** Times a stream is tried to be opened for one waiter. */
const MAX_ATTEMPTS = 3

function isTimeout (error: unknown): error is TwinwireError {
  return error instanceof TwinwireError && error.code === 'ERR_TIMEOUT'
}
