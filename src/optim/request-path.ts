import { sleep } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import { FrameStream } from './frame-stream.ts'
import { openingOn } from './plain-request.ts'
import { RequestStream } from './request-stream.ts'
import { reasonOf } from './timeouts/retry-decision.ts'
import { isUnsupportedProtocol } from './unsupported-protocol.ts'
import { watched } from './watched-attempt.ts'
import type { Clock } from '../core/clock.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { BandwidthManager, PermitEnd } from './bandwidth/bandwidth-manager.ts'
import type { MessageBatching } from './batching/message-batching.ts'
import type { AttemptObservation, LifeObservation } from './health/observations.ts'
import type { LeaseSource } from './node-leases.ts'
import type { StreamLease } from './pool/lease.ts'
import type { Connection, NetworkNode, PeerId, Stream } from './port.ts'
import type { AttemptContext } from './timeouts/request.ts'
import type { TrafficClass } from './traffic-class.ts'
import type { WatchedAttempt } from './watched-attempt.ts'

/** What is to be asked of a peer, or told it. */
export interface Errand {
  /** The same for all attempts at it, and unique among what is batched. */
  readonly id: number
  readonly peer: PeerId
  readonly protocol: string
  readonly payload: Uint8Array
  readonly class: TrafficClass
  /** Payload bytes that the reply is expected to have. */
  readonly expectedReplyBytes: number
  /** Never compressed, so that its size tells nothing of its content. */
  readonly sensitive: boolean
  /** What may be compressed together. */
  readonly compressionContext: string
}

export interface RequestPathComponents {
  readonly node: NetworkNode
  readonly clock: Clock
  readonly leases: LeaseSource
  readonly batching: MessageBatching | undefined
  readonly bandwidth: BandwidthManager | undefined
  readonly maximumFrameBytes: number
  /** Told of signs of life meanwhile, and how each attempt ended that says something of the peer. */
  readonly observe: (observation: AttemptObservation | LifeObservation) => void
}

/**
 * The way of one attempt: a permit, the pace of what comes in, then a batch where it fits into one and the far side takes
 * batches, else a stream of its own, framed as any peer expects it.
 */
export class RequestPath {
  readonly #components: RequestPathComponents

  constructor (components: RequestPathComponents) {
    this.#components = components
  }

  /** The reply. */
  async ask (errand: Errand, context: AttemptContext): Promise<Uint8Array> {
    const { peer, protocol, payload } = errand
    return await this.#permitted(errand, context, attempt => this.#batchedOr(errand, attempt,
      (batching, options) => batching.request(peer, protocol, payload, { ...options, attempt: context.attempt }),
      () => this.#onLease(errand, attempt, (stream, onProgress) => this.#askOn(stream, payload, attempt, onProgress))
    ))
  }

  /** Resolves when the far side has acknowledged it; where that takes no batches, when all of it was sent and the stream closed. */
  async tell (errand: Errand, context: AttemptContext): Promise<void> {
    const { peer, protocol, payload } = errand
    await this.#permitted(errand, context, attempt => this.#batchedOr(errand, attempt,
      (batching, options) => batching.send(peer, protocol, payload, options),
      () => this.#onLease(errand, attempt, stream => this.#tellOn(stream, payload, attempt))
    ))
  }

  async #permitted<T> (errand: Errand, context: AttemptContext, action: (attempt: WatchedAttempt) => Promise<T>): Promise<T> {
    const { clock, bandwidth } = this.#components
    const peer = errand.peer.toString()
    const attempt = watched(context, clock)
    // Queueing is our own doing, and not held against the peer.
    attempt.connecting()
    const limiter = bandwidth?.limiter
    const permit = limiter?.tryAcquire(peer) ?? await limiter?.acquire(peer, { class: errand.class, signal: context.signal })
    let end: PermitEnd['outcome'] = 'ignored'
    try {
      await this.#pace(errand, context.signal)
      const result = await action(attempt)
      end = 'answered'
      this.#observe(errand, attempt, 'answered', '')
      return result
    } catch (error) {
      const outcome = outcomeOf(error, context)
      if (outcome !== undefined) {
        end = outcome === 'answered' ? 'answered' : 'dropped'
        this.#observe(errand, attempt, outcome, reasonOf(error))
      }
      throw error
    } finally {
      permit?.release({ rttMs: attempt.elapsedMs, outcome: end })
    }
  }

  #observe (errand: Errand, attempt: WatchedAttempt, outcome: AttemptObservation['outcome'], reason: string): void {
    const { sentMs, connection } = attempt
    this.#components.observe({
      kind: 'attempt', peer: errand.peer.toString(), ...connection !== undefined && { connection }, outcome, sentMs, nowMs: this.#components.clock.now(), reason
    })
  }

  /** Large replies are asked for only as fast as they may come. */
  async #pace ({ class: trafficClass, expectedReplyBytes }: Errand, signal: AbortSignal): Promise<void> {
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
    if (batching === undefined || !fitsBatch(errand, batching) || batching.speaks(peer) === false || batching.speaks(peer, protocol) === false) {
      return await unbatched()
    }
    const { node } = this.#components
    const earlier = node.getConnections(peer)
    const { connecting, sent, progress, whenKept, signal } = attempt
    const hooks = { connecting, sent, progress, whenKept, opening: (connection: Connection) => openingOn(connection, earlier, attempt) }
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
    attempt.sent()
    return await requests.request(payload, { signal: attempt.signal, onProgress })
  }

  /** What the far side answers, if it does, is for nobody. */
  async #tellOn (stream: Stream, payload: Uint8Array, attempt: WatchedAttempt): Promise<void> {
    const frames = new FrameStream(stream, this.#components.maximumFrameBytes, { onFrame () {}, onEnd () {} })
    attempt.sent()
    await frames.write(payload, attempt.signal)
    await stream.close({ signal: attempt.signal })
  }
}

interface BatchOptions {
  readonly id: number
  readonly class: TrafficClass
  readonly sensitive: boolean
  readonly compressionContext: string
  readonly signal: AbortSignal
  readonly hooks: Pick<AttemptContext, 'connecting' | 'sent' | 'progress' | 'whenKept'> & { opening(connection: Connection): void }
}

function fitsBatch ({ payload, expectedReplyBytes }: Errand, { maximumPayloadBytes }: MessageBatching): boolean {
  return payload.byteLength <= maximumPayloadBytes && expectedReplyBytes <= maximumPayloadBytes
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

/** What an error says of the peer; undefined where it says nothing: the caller gave up, or our own queues are full. */
function outcomeOf (error: unknown, { signal, overdue }: AttemptContext): AttemptObservation['outcome'] | undefined {
  if (overdue) {
    return 'timeout'
  }
  if (signal.aborted) {
    return undefined
  }
  if (isUnsupportedProtocol(error) || hasCode(error, ANSWERS)) {
    return 'answered'
  }
  return hasCode(error, OUR_CODES) ? undefined : 'failed'
}

function hasCode (error: unknown, codes: ReadonlySet<ErrorCode>): boolean {
  return error instanceof TwinwireError && codes.has(error.code)
}

const OUR_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_FRAME_TOO_LARGE', 'ERR_INVALID_OPTION', 'ERR_INVALID_STATE', 'ERR_QUEUE_FULL', 'ERR_STOPPED', 'ERR_TOO_MANY_WAITERS'
])

/** The far side is there, and says no. */
const ANSWERS: ReadonlySet<ErrorCode> = new Set<ErrorCode>(['ERR_REMOTE_FAILED'])

/** Errors that any other connection to the peer would bring as well. */
function isOfTheProtocol (error: Error): boolean {
  return error instanceof TwinwireError && (error.code === 'ERR_FRAME_INVALID' || error.code === 'ERR_FRAME_TOO_LARGE')
}

/** The far side's handler ended the stream: on a connection that stays open, that is the application's answer. */
function endedByRemote (error: Error): boolean {
  return error.name === 'StreamResetError' || (error instanceof TwinwireError && error.code === 'ERR_STREAM_CLOSED')
}
