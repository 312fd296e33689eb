import { systemClock } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import { randomStream } from '../core/random.ts'
import { nullRecorder } from '../core/recorder.ts'
import { DEFAULT_DEADLINE_MS, underDeadline } from './deadline.ts'
import { parseNetworkOptions } from './options.ts'
import { askOnNewStream, openingOn } from './plain-request.ts'
import { ConnectionPool } from './pool/pool.ts'
import { RequestStream } from './request-stream.ts'
import { AdaptiveTimeouts } from './timeouts/adaptive-timeouts.ts'
import type { Clock } from '../core/clock.ts'
import type { RandomStream } from '../core/random.ts'
import type { Recorder } from '../core/recorder.ts'
import type { OptimizedNetworkOptions } from './options.ts'
import type { PoolEvent, PoolMetrics } from './pool/events.ts'
import type { StreamLease } from './pool/lease.ts'
import type { AbortOptions, Connection, NetworkNode, PeerId } from './port.ts'
import type { TimeoutMetrics } from './timeouts/adaptive-timeouts.ts'
import type { TimeoutEvent } from './timeouts/events.ts'
import type { AttemptContext } from './timeouts/request.ts'

/** What a network works with; each can be another in a test. */
export interface OptimizedNetworkComponents {
  /** Default: real time. */
  readonly clock?: Clock
  /** For jitter and for choices among equals. Default: a stream seeded with the node's peer id, so that each node draws differently and always alike. */
  readonly random?: RandomStream
  readonly recorder?: Recorder<PoolEvent | TimeoutEvent>
}

/** What is known of one request. */
export interface RequestOptions extends AbortOptions {
  /** Connecting, all attempts and the reply together. Default 30 s. */
  readonly deadlineMs?: number
  /** True where the far side may get the request twice without harm. Only such are sent again after they may have arrived. Default false. */
  readonly idempotent?: boolean
  /** Payload bytes that the reply is expected to have: an attempt is given the time that they take. Default 0. */
  readonly expectedReplyBytes?: number
  /** How long the far side is known to work on such a request, in milliseconds: an attempt is given that time. Default 0. */
  readonly serverTimeMs?: number
}

/** Counts since the start, and those of the modules that are on. */
export interface NetworkMetrics {
  readonly requests: number
  readonly answered: number
  readonly failed: number
  readonly pool?: PoolMetrics
  readonly timeouts?: TimeoutMetrics
}

/** Requests over a node, by way of the modules that are on. The node stays usable beside it. */
export interface OptimizedNetwork extends AsyncDisposable {
  /** Undefined where it is switched off. */
  readonly pool: ConnectionPool | undefined
  readonly timeouts: AdaptiveTimeouts | undefined
  readonly metrics: NetworkMetrics
  /**
   * Sends one request and answers with its reply; each is one length-prefixed frame. The far side serves it with
   * `serveRequests`.
   *
   * A handler that ends its stream with its first answer is noticed, but by then one request may be under way on the kept
   * stream: it fails with ERR_STREAM_CLOSED unless it is idempotent, since nobody can tell whether it was read. Where that
   * must not be, name the protocol in `connectionPool.oneShotProtocols`.
   *
   * @throws ERR_FRAME_TOO_LARGE before anything is sent, ERR_DEADLINE, ERR_STOPPED, what `signal` was aborted with, or the error of the last attempt
   */
  request(peer: PeerId, protocol: string, payload: Uint8Array, options?: RequestOptions): Promise<Uint8Array>
  /** A connection to the peer: one that there is, or a new one. */
  connect(peer: PeerId, options?: AbortOptions): Promise<Connection>
  /** Rejects what runs with ERR_STOPPED, and resolves when nothing of it is left. The node itself is left running. */
  stop(): Promise<void>
}

/**
 * Puts the optimisation modules in front of a node: a libp2p node as it is, or one of the simulator.
 *
 * @throws ERR_INVALID_OPTION or ERR_UNKNOWN_OPTION
 */
export function createOptimizedNetwork (node: NetworkNode, options: OptimizedNetworkOptions = {}, components: OptimizedNetworkComponents = {}): OptimizedNetwork {
  return new ModularNetwork(node, options, components)
}

class ModularNetwork implements OptimizedNetwork {
  readonly pool: ConnectionPool | undefined
  readonly timeouts: AdaptiveTimeouts | undefined
  readonly #node: NetworkNode
  readonly #clock: Clock
  readonly #maximumFrameBytes: number
  readonly #attempts = new Set<Promise<unknown>>()
  /** Of the requests that adaptive timeouts do not see to. */
  readonly #untimed = new Set<AbortController>()
  #stopped = false
  readonly #counts = { requests: 0, answered: 0, failed: 0 }

  constructor (node: NetworkNode, options: OptimizedNetworkOptions, components: OptimizedNetworkComponents) {
    const { connectionPool, adaptiveTimeouts, maximumFrameBytes } = parseNetworkOptions(options)
    const host = node.peerId.toString()
    const { clock = systemClock, random = randomStream(host), recorder = nullRecorder } = components
    this.#node = node
    this.#clock = clock
    this.#maximumFrameBytes = maximumFrameBytes
    // First what cannot listen to the node yet, so that wrong options leave no listener behind.
    this.timeouts = adaptiveTimeouts && new AdaptiveTimeouts({ clock, random: random.fork('timeouts'), host, recorder }, adaptiveTimeouts)
    this.pool = connectionPool && new ConnectionPool({ node, clock, random: random.fork('pool'), recorder }, connectionPool)
  }

  get metrics (): NetworkMetrics {
    return {
      ...this.#counts,
      ...this.pool && { pool: this.pool.metrics },
      ...this.timeouts && { timeouts: this.timeouts.metrics }
    }
  }

  async request (peer: PeerId, protocol: string, payload: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    this.#assertRunning()
    this.#counts.requests++
    try {
      const reply = await this.#request(peer, protocol, payload, options)
      this.#counts.answered++
      return reply
    } catch (error) {
      this.#counts.failed++
      throw error
    }
  }

  async connect (peer: PeerId, options?: AbortOptions): Promise<Connection> {
    this.#assertRunning()
    return await (this.pool?.connect(peer, options) ?? this.#node.dial(peer, options))
  }

  async stop (): Promise<void> {
    this.#stopped = true
    this.timeouts?.stop()
    for (const controller of this.#untimed) {
      controller.abort(stoppedError())
    }
    await Promise.all([this.pool?.stop(), Promise.allSettled(this.#attempts)])
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.stop()
  }

  #assertRunning (): void {
    if (this.#stopped) {
      throw stoppedError()
    }
  }

  async #request (peer: PeerId, protocol: string, payload: Uint8Array, { signal, deadlineMs = DEFAULT_DEADLINE_MS, idempotent = false, expectedReplyBytes = 0, serverTimeMs = 0 }: RequestOptions): Promise<Uint8Array> {
    if (payload.byteLength > this.#maximumFrameBytes) {
      throw new TwinwireError('ERR_FRAME_TOO_LARGE', 'the request exceeds the limit', {
        expected: `at most ${this.#maximumFrameBytes} bytes`, found: String(payload.byteLength)
      })
    }
    if (this.timeouts !== undefined) {
      const request = { peer, operation: protocol, idempotent, deadlineMs, bytes: payload.byteLength, expectedReplyBytes, serverTimeMs, ...signal && { signal } }
      return await this.timeouts.run(request, context => this.#tracked(this.#attempt(peer, protocol, payload, context)))
    }
    // One attempt, that may take all of the deadline.
    const controller = new AbortController()
    const onAbort = (): void => controller.abort(signal?.reason)
    signal?.throwIfAborted()
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#untimed.add(controller)
    try {
      return await underDeadline(this.#clock, deadlineMs, controller.signal, deadline => {
        const context = {
          signal: deadline.signal,
          attempt: 1,
          connecting () {},
          opening () {},
          sent () {},
          progress () {},
          whenKept () {},
          get overdue () {
            return deadline.timedOut
          }
        }
        return this.#tracked(this.#attempt(peer, protocol, payload, context))
      })
    } finally {
      this.#untimed.delete(controller)
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async #attempt (peer: PeerId, protocol: string, payload: Uint8Array, context: SendContext): Promise<Uint8Array> {
    return this.pool === undefined
      ? await askOnNewStream(this.#node, peer, protocol, payload, context, this.#maximumFrameBytes)
      : await this.#askOnLease(this.pool, peer, protocol, payload, context)
  }

  /** One attempt on a stream of the pool, which learns how it went. */
  async #askOnLease (pool: ConnectionPool, peer: PeerId, protocol: string, payload: Uint8Array, context: SendContext): Promise<Uint8Array> {
    // Queueing for a lease is our own doing, and a dial has limits of its own: neither is held against the peer.
    context.connecting()
    const earlier = this.#node.getConnections(peer)
    const onOpening = (connection: Connection): void => openingOn(connection, earlier, context)
    const lease = await pool.acquire(peer, protocol, { signal: context.signal, onOpening })
    context.whenKept(() => lease.suspect())
    try {
      const stream = RequestStream.of(lease.stream, this.#maximumFrameBytes)
      if (!stream.usable) {
        throw new TwinwireError('ERR_STREAM_CLOSED', 'the kept stream has ended')
      }
      context.sent()
      const reply = await stream.request(payload, { signal: context.signal, onProgress: context.progress })
      lease.release()
      return reply
    } catch (error) {
      giveBack(lease, error instanceof Error ? error : new Error(String(error)), context)
      throw error
    }
  }

  /** What runs is waited for when the network stops. */
  async #tracked<T> (attempt: Promise<T>): Promise<T> {
    this.#attempts.add(attempt)
    try {
      return await attempt
    } finally {
      this.#attempts.delete(attempt)
    }
  }
}

type SendContext = Pick<AttemptContext, 'signal' | 'attempt' | 'overdue' | 'connecting' | 'opening' | 'sent' | 'progress' | 'whenKept'>

function giveBack (lease: StreamLease, error: Error, { signal, overdue }: SendContext): void {
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

function stoppedError (): TwinwireError {
  return new TwinwireError('ERR_STOPPED', 'the network was stopped')
}

/** Errors that any other connection to the peer would bring as well. */
function isOfTheProtocol (error: Error): boolean {
  return error instanceof TwinwireError && (error.code === 'ERR_FRAME_INVALID' || error.code === 'ERR_FRAME_TOO_LARGE')
}

/** The far side's handler ended the stream: on a connection that stays open, that is the application's answer. */
function endedByRemote (error: Error): boolean {
  return error.name === 'StreamResetError' || (error instanceof TwinwireError && error.code === 'ERR_STREAM_CLOSED')
}
