import { sleep } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import { outcomeOf } from './attempt-outcome.ts'
import { FrameStream } from './frame-stream.ts'
import { openingOn } from './plain-request.ts'
import { RequestStream } from './request-stream.ts'
import { reasonOf } from './timeouts/retry-decision.ts'
import { isUnsupportedProtocol } from './unsupported-protocol.ts'
import { WatchedAttempt } from './watched-attempt.ts'
import type { Clock } from '../core/clock.ts'
import type { BandwidthManager, Permit } from './bandwidth/bandwidth-manager.ts'
import type { MessageBatching } from './batching/message-batching.ts'
import type { AttemptObservation, LifeObservation } from './health/observations.ts'
import type { Errand } from './errand.ts'
import type { LeaseSource } from './node-leases.ts'
import type { StreamLease } from './pool/lease.ts'
import type { Connection, NetworkNode, Stream } from './port.ts'
import type { AttemptContext } from './timeouts/request.ts'
import type { TrafficClass } from './traffic-class.ts'

export interface RequestPathComponents {
  readonly node: NetworkNode
  readonly clock: Clock
  readonly leases: LeaseSource
  readonly batching: MessageBatching | undefined
  readonly bandwidth: BandwidthManager | undefined
  readonly maximumFrameBytes: number
  /** Told of signs of life meanwhile, and how each attempt ended that says something of the peer. */
  readonly observe: (observation: AttemptObservation | LifeObservation) => void
  /** Told what requests on streams of their own took, the far side's work included. */
  readonly onRoundTrip: (rttMs: number) => void
}

/**
 * The way of one attempt: the pace of what comes in, a permit, then a batch where it fits into one and the far side takes
 * batches, else a stream of its own, framed as any peer expects it.
 */
export class RequestPath {
  readonly #components: RequestPathComponents

  constructor (components: RequestPathComponents) {
    this.#components = components
  }

  /** The reply. */
  async ask (errand: Errand, context: AttemptContext): Promise<Uint8Array> {
    const { peer, protocol, payload, expectedReplyBytes } = errand
    const { bandwidth } = this.#components
    return await this.#watched(errand, context, async attempt => {
      await this.#pace(errand, attempt)
      let missingBytes = expectedReplyBytes
      try {
        const reply = await this.#permitted(errand, attempt, () => this.#batchedOr(errand, attempt,
          (batching, options) => batching.request(peer, protocol, payload, { ...options, attempt: attempt.attempt }),
          () => this.#onLease(errand, attempt, (stream, onProgress) => this.#askOn(stream, payload, attempt, onProgress))
        ))
        missingBytes -= reply.byteLength
        return reply
      } finally {
        if (missingBytes > 0) {
          bandwidth?.refundReply(missingBytes)
        }
      }
    })
  }

  /**
   * Resolves when the far side has acknowledged it; where that takes no batches, when all of it was sent and the stream
   * closed. Takes no permit: what is under way of messages is bounded by the window of their batches.
   */
  async tell (errand: Errand, context: AttemptContext): Promise<void> {
    const { peer, protocol, payload } = errand
    await this.#watched(errand, context, attempt => this.#batchedOr(errand, attempt,
      (batching, options) => batching.send(peer, protocol, payload, options),
      () => this.#onLease(errand, attempt, stream => this.#tellOn(stream, payload, attempt))
    ))
  }

  /** Tells the health monitor how it ended. */
  async #watched<T> (errand: Errand, context: AttemptContext, action: (attempt: WatchedAttempt) => Promise<T>): Promise<T> {
    const attempt = new WatchedAttempt(context, this.#components.clock)
    // Queueing is our own doing, and not held against the peer.
    attempt.connecting()
    try {
      const result = await action(attempt)
      this.#observe(errand, attempt, 'answered', '')
      return result
    } catch (error) {
      const outcome = outcomeOf(error, attempt)
      if (outcome !== undefined) {
        this.#observe(errand, attempt, outcome, reasonOf(error))
      }
      throw error
    }
  }

  /** With one of the permits that there are for requests to this peer. */
  async #permitted<T> ({ peer, class: trafficClass }: Errand, attempt: WatchedAttempt, action: () => Promise<T>): Promise<T> {
    const { bandwidth } = this.#components
    if (bandwidth?.limiter === undefined) {
      return await action()
    }
    const key = peer.toString()
    const permit = bandwidth.limiter.tryAcquire(key) ?? await bandwidth.limiter.acquire(key, { class: trafficClass, signal: attempt.signal })
    try {
      const result = await action()
      permit.release({ rttMs: attempt.elapsedMs, outcome: 'answered' })
      return result
    } catch (error) {
      permit.release({ rttMs: attempt.elapsedMs, outcome: endOf(error, attempt) })
      throw error
    }
  }

  #observe (errand: Errand, attempt: WatchedAttempt, outcome: AttemptObservation['outcome'], reason: string): void {
    const { sentMs, connection } = attempt
    this.#components.observe({
      kind: 'attempt', peer: errand.peer.toString(), ...connection !== undefined && { connection }, outcome, sentMs, nowMs: this.#components.clock.now(), reason
    })
  }

  /** Large replies are asked for only as fast as they may come. */
  async #pace ({ class: trafficClass, expectedReplyBytes }: Errand, { signal }: WatchedAttempt): Promise<void> {
    const { bandwidth, clock } = this.#components
    if (bandwidth === undefined || expectedReplyBytes === 0) {
      return
    }
    const waitMs = bandwidth.expectReply(trafficClass, expectedReplyBytes)
    if (waitMs > 0) {
      try {
        await sleep(clock, waitMs, signal)
      } catch (error) {
        bandwidth.refundReply(expectedReplyBytes)
        throw error
      }
    }
  }

  async #batchedOr<T> (errand: Errand, attempt: WatchedAttempt, batched: (batching: MessageBatching, options: BatchOptions) => Promise<T>, unbatched: () => Promise<T>): Promise<T> {
    const { batching } = this.#components
    const { id, peer, protocol, class: trafficClass, sensitive, compressionContext } = errand
    // In a batch, a hedge would go the same way as the attempt beside it, and be joined to it there.
    if (batching === undefined || attempt.kind === 'hedge' || !fitsBatch(errand, batching) || batching.speaks(peer) === false || batching.speaks(peer, protocol) === false) {
      return await unbatched()
    }
    const { node } = this.#components
    const earlier = node.getConnections(peer)
    const { connecting, sent, arrived, progress, whenKept, signal } = attempt
    const hooks = { connecting, sent, arrived, progress, whenKept, opening: (connection: Connection) => openingOn(connection, earlier, attempt) }
    // The far side joins a retry to the work that it is at.
    attempt.shared()
    try {
      return await batched(batching, { id, class: trafficClass, sensitive, compressionContext, signal, hooks })
    } catch (error) {
      // Nothing was taken in: it may as well have a stream of its own.
      if (isUnsupportedProtocol(error) && !attempt.signal.aborted) {
        return await unbatched()
      }
      throw error
    }
  }

  /** On a leased stream, and the pool learns how it went. */
  async #onLease<T> ({ peer, protocol, class: trafficClass }: Errand, attempt: WatchedAttempt, action: (stream: Stream, onProgress: () => void) => Promise<T>): Promise<T> {
    const { node, leases, bandwidth } = this.#components
    // A dial has limits of its own.
    attempt.connecting()
    const earlier = node.getConnections(peer)
    const onOpening = (connection: Connection): void => openingOn(connection, earlier, attempt)
    const lease = await leases.acquire(peer, protocol, { signal: attempt.signal, onOpening })
    const connection = attempt.connection = lease.connection.id
    attempt.onFreshStream = !lease.reusedStream
    attempt.whenKept(() => lease.suspect())
    const onLife = (): void => this.#components.observe({ kind: 'life', peer: peer.toString(), connection, nowMs: this.#components.clock.now() })
    // The muxer has room again because the far side has read something: a sign of life where nothing else comes for long.
    lease.stream.addEventListener('drain', onLife)
    try {
      const stream = bandwidth?.shape(lease.stream, peer.toString(), trafficClass) ?? lease.stream
      const result = await action(stream, () => {
        onLife()
        attempt.progress()
      })
      lease.stream.removeEventListener('drain', onLife)
      lease.release()
      return result
    } catch (error) {
      lease.stream.removeEventListener('drain', onLife)
      giveBack(lease, error instanceof Error ? error : new Error(String(error)), attempt)
      throw error
    }
  }

  async #askOn (stream: Stream, payload: Uint8Array, attempt: WatchedAttempt, onProgress: () => void): Promise<Uint8Array> {
    const requests = RequestStream.of(stream, this.#components.maximumFrameBytes)
    if (!requests.usable) {
      throw new TwinwireError('ERR_STREAM_CLOSED', 'the kept stream has ended')
    }
    const startedMs = this.#components.clock.now()
    const reply = await requests.request(payload, { signal: attempt.signal, onProgress, ...this.#sending(stream, attempt) })
    this.#components.onRoundTrip(this.#components.clock.now() - (attempt.wasSent ? attempt.sentMs : startedMs))
    return reply
  }

  /**
   * When the attempt counts as sent: before it is written, since any of it may arrive; but where it waits for its turn
   * first, only once all of it was handed to the transport. Until then the far side has no whole request to act on.
   */
  #sending (stream: Stream, attempt: WatchedAttempt): { readonly onWritten?: () => void } {
    const { bandwidth } = this.#components
    if (bandwidth === undefined) {
      attempt.sent()
      return {}
    }
    attempt.connecting()
    const onSent = (): void => {
      try {
        attempt.sent()
      } catch (error) {
        // A timeout policy of the user's threw, in the middle of somebody's transmission: its own request fails.
        stream.abort(error instanceof Error ? error : new Error(String(error)))
      }
    }
    return { onWritten: () => bandwidth.whenSent(stream, onSent) }
  }

  /** What the far side answers, if it does, is for nobody. */
  async #tellOn (stream: Stream, payload: Uint8Array, attempt: WatchedAttempt): Promise<void> {
    const frames = new FrameStream(stream, this.#components.maximumFrameBytes, { onFrame () {}, onEnd () {} })
    const { onWritten } = this.#sending(stream, attempt)
    await frames.write(payload, attempt.signal)
    onWritten?.()
    await stream.close({ signal: attempt.signal })
  }
}

interface BatchOptions {
  readonly id: number
  readonly class: TrafficClass
  readonly sensitive: boolean
  readonly compressionContext: string
  readonly signal: AbortSignal
  readonly hooks: Pick<AttemptContext, 'connecting' | 'sent' | 'arrived' | 'progress' | 'whenKept'> & { opening(connection: Connection): void }
}

function fitsBatch ({ payload, expectedReplyBytes }: Errand, { maximumPayloadBytes }: MessageBatching): boolean {
  return payload.byteLength <= maximumPayloadBytes && expectedReplyBytes <= maximumPayloadBytes
}

/** What the end of an attempt says of how much the peer can have under way. */
function endOf (error: unknown, attempt: WatchedAttempt): Parameters<Permit['release']>[0]['outcome'] {
  const outcome = attempt.wasSent ? outcomeOf(error, attempt) : undefined
  return outcome === undefined ? 'ignored' : outcome === 'answered' ? 'answered' : 'dropped'
}

function giveBack (lease: StreamLease, error: Error, { signal, overdue }: WatchedAttempt): void {
  if (signal.aborted && !overdue) {
    // Nobody waits any more; that says nothing of the connection.
    lease.discard(error)
  } else if (overdue) {
    lease.fail('timeout', error)
  } else if (isOfTheProtocol(error) || (lease.connection.status === 'open' && endedByRemote(error))) {
    lease.discard(error)
  } else {
    lease.fail('error', error)
  }
}

/** Errors that any other connection to the peer would bring as well. */
function isOfTheProtocol (error: Error): boolean {
  return error instanceof TwinwireError && (error.code === 'ERR_FRAME_INVALID' || error.code === 'ERR_FRAME_TOO_LARGE')
}

/** The far side's handler ended the stream: on a connection that stays open, that is the application's answer. */
function endedByRemote (error: Error): boolean {
  return error.name === 'StreamResetError' || (error instanceof TwinwireError && error.code === 'ERR_STREAM_CLOSED')
}
