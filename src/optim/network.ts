import { systemClock } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import { randomStream } from '../core/random.ts'
import { nullRecorder } from '../core/recorder.ts'
import { DEFAULT_DEADLINE_MS, underDeadline } from './deadline.ts'
import { parseNetworkOptions } from './options.ts'
import { askOnNewStream } from './plain-request.ts'
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

export interface OptimizedNetworkComponents {
  /** Default: real time. */
  readonly clock?: Clock
  /** For jitter and for choices among equals. Default: a stream seeded with the node's peer id, so that each node draws differently and always alike. */
  readonly random?: RandomStream
  readonly recorder?: Recorder<PoolEvent | TimeoutEvent>
}

export interface RequestOptions extends AbortOptions {
  /** Connecting, all attempts and the reply together. Default 30 s. */
  readonly deadlineMs?: number
  /** True where the far side may get the request twice without harm. Only such are sent again after they may have arrived. Default false. */
  readonly idempotent?: boolean
}

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
   * @throws ERR_DEADLINE, ERR_STOPPED, what `signal` was aborted with, or the error of the last attempt
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
  readonly #attempts = new Set<Promise<unknown>>()
  /** Of the requests that adaptive timeouts do not see to. */
  readonly #untimed = new Set<AbortController>()
  #stopped = false
  readonly #counts = { requests: 0, answered: 0, failed: 0 }

  constructor (node: NetworkNode, options: OptimizedNetworkOptions, components: OptimizedNetworkComponents) {
    const { connectionPool, adaptiveTimeouts } = parseNetworkOptions(options)
    const host = node.peerId.toString()
    const { clock = systemClock, random = randomStream(host), recorder = nullRecorder } = components
    this.#node = node
    this.#clock = clock
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

  async #request (peer: PeerId, protocol: string, payload: Uint8Array, { signal, deadlineMs = DEFAULT_DEADLINE_MS, idempotent = false }: RequestOptions): Promise<Uint8Array> {
    if (this.timeouts !== undefined) {
      const request = { peer, operation: protocol, idempotent, deadlineMs, bytes: payload.byteLength, ...signal && { signal } }
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
      ? await askOnNewStream(this.#node, peer, protocol, payload, context)
      : await this.#askOnLease(this.pool, peer, protocol, payload, context)
  }

  /** One attempt on a stream of the pool, which learns how it went. */
  async #askOnLease (pool: ConnectionPool, peer: PeerId, protocol: string, payload: Uint8Array, context: SendContext): Promise<Uint8Array> {
    // Later attempts may need a connection in the place of one that does not answer: a dial, not a round trip.
    if (context.attempt === 1 && this.#node.getConnections(peer).some(({ status }) => status === 'open')) {
      context.opening()
    } else {
      context.connecting()
    }
    const lease = await pool.acquire(peer, protocol, { signal: context.signal })
    try {
      const stream = RequestStream.of(lease.stream)
      if (!stream.usable) {
        throw new TwinwireError('ERR_STREAM_CLOSED', 'the kept stream has ended')
      }
      context.sent()
      const reply = await stream.request(payload, { signal: context.signal })
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

type SendContext = Pick<AttemptContext, 'signal' | 'attempt' | 'overdue' | 'connecting' | 'opening' | 'sent'>

function giveBack (lease: StreamLease, error: Error, { signal, overdue }: SendContext): void {
  if (signal.aborted && !overdue) {
    // Nobody waits any more; that says nothing of the connection.
    lease.discard(error)
  } else if (overdue) {
    lease.fail('timeout', error)
  } else if (error instanceof TwinwireError && OF_THE_PROTOCOL.has(error.code)) {
    lease.discard(error)
  } else {
    lease.fail('error', error)
  }
}

function stoppedError (): TwinwireError {
  return new TwinwireError('ERR_STOPPED', 'the network was stopped')
}

/** Errors that any other connection to the peer would bring as well. */
const OF_THE_PROTOCOL: ReadonlySet<string> = new Set(['ERR_FRAME_INVALID', 'ERR_FRAME_TOO_LARGE'])
