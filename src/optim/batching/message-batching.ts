import { TwinwireError } from '../../core/errors.ts'
import { nullRecorder } from '../../core/recorder.ts'
import { AttemptMap } from './attempt-map.ts'
import { sizeOf } from './delivery.ts'
import { parseBatchingOptions } from './options.ts'
import { Outboxes } from './outboxes.ts'
import { stoppedError } from './protocol.ts'
import { BatchResponder } from './responder.ts'
import { SpokenProtocols } from './spoken.ts'
import { unshapedDownlink } from '../downlink.ts'
import { isUnsupportedProtocol } from '../unsupported-protocol.ts'
import type { Clock } from '../../core/clock.ts'
import type { Recorder } from '../../core/recorder.ts'
import type { Deadlines } from '../deadlines.ts'
import type { Downlink } from '../downlink.ts'
import type { NetworkNode, NodeEvents, PeerId } from '../port.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { Uplink } from '../uplink.ts'
import type { Budget } from './budget.ts'
import type { AcquireLease, Channel } from './channel.ts'
import type { DeliveryHooks } from './delivery.ts'
import type { BatchingEnvironment, BatchingObservation } from './environment.ts'
import type { BatchingEvent, BatchingMetrics } from './events.ts'
import type { MessageBatchingOptions } from './options.ts'
import type { BatchHandlerOptions } from './responder.ts'
import type { BatchHandler } from './running-handler.ts'

/** What batching works with. */
export interface MessageBatchingComponents {
  readonly node: NetworkNode
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly uplink: Uplink
  /** Default: what comes is not held up. */
  readonly downlink?: Downlink
  /** Has streams of `BATCH_PROTOCOL`: from the pool, or plain ones. */
  readonly acquire: AcquireLease
  /** The `host` of recorded events. */
  readonly host: string
  readonly recorder?: Recorder<BatchingEvent>
  /** Told of round trips without the far side's work, of what the path carried, and of signs of life. */
  readonly observe?: (observation: BatchingObservation) => void
}

/** How one message is to be sent. */
export interface BatchedOptions {
  /** Default normal. */
  readonly class?: TrafficClass
  /** Ends the waiting. What was not sent yet is not sent any more; of a request that was, the far side is told. */
  readonly signal?: AbortSignal
  /** A secret: its batch is not compressed, for its length would tell of it. Default false. */
  readonly sensitive?: boolean
  /** What may be compressed together: data of one origin. Default the protocol. */
  readonly compressionContext?: string
  readonly hooks?: DeliveryHooks
}

/** How one attempt at a request is to be made. */
export interface BatchedRequestOptions extends BatchedOptions {
  /** From `nextId`, where the request may be tried again: then with the same id, and `attempt` one higher each time. */
  readonly id?: number
  /** Default 1; of no meaning without an id. */
  readonly attempt?: number
}

/**
 * Sends messages and requests to peers in batches, several at a time, and serves those that come in batches.
 *
 * - A batch is formed when the uplink lets it go, of what waits then; on an idle link at once, otherwise when it is full,
 *   when what is under way has arrived, or after a linger of at most an eighth of the round trip.
 * - Within one class of one peer what was queued first goes first. Classes never share a batch.
 * - Full queues refuse with ERR_QUEUE_FULL, and nothing is dropped in silence.
 * - A batch is compressed only where it has neither secrets nor data of different origins in it.
 */
export class MessageBatching {
  readonly #node: NetworkNode
  readonly #environment: BatchingEnvironment
  readonly #outboxes: Outboxes
  readonly #responder: BatchResponder
  readonly #spoken: SpokenProtocols
  /** Attempts under way of requests that the caller gave an id. */
  readonly #attempts = new AttemptMap<undefined>()
  readonly #drained = Promise.withResolvers<void>()
  #nextId = 1
  #stopping: Promise<void> | undefined

  /**
   * @throws ERR_INVALID_OPTION or ERR_UNKNOWN_OPTION, with a path below `messageBatching`
   */
  constructor ({ node, clock, deadlines, uplink, downlink = unshapedDownlink, acquire, host, recorder = nullRecorder, observe = () => {} }: MessageBatchingComponents, options: MessageBatchingOptions = {}) {
    const settings = parseBatchingOptions(options)
    this.#node = node
    this.#environment = {
      clock,
      deadlines,
      uplink,
      downlink,
      settings,
      outbound: new Set(),
      counters: {
        messages: 0, requests: 0, succeeded: 0, failed: 0, batchesSent: 0, itemsSent: 0, plainBytesSent: 0, wireBytesSent: 0, acknowledgementsSent: 0, batchesReceived: 0, lateReplies: 0, refusals: 0, joined: 0, violations: 0, stalls: 0
      },
      record: event => recorder.record({ ...event, timeMs: clock.now(), host }),
      observe
    }
    this.#outboxes = new Outboxes(node, this.#environment, acquire, {
      onAcquired: (peer, error) => this.#onAcquired(peer, error),
      onIdle: () => this.#onIdle()
    })
    this.#spoken = new SpokenProtocols(clock, settings.unsupportedForMs)
    this.#responder = new BatchResponder(node, this.#environment, () => this.#onIdle())
    node.addEventListener('connection:open', this.#onConnectionOpen)
    node.addEventListener('peer:disconnect', this.#onPeerDisconnect)
  }

  /** The largest payload that fits into a batch. */
  get maximumPayloadBytes (): number {
    return this.#environment.settings.maximumPayloadBytes
  }

  /** The state of now. */
  get metrics (): BatchingMetrics {
    return { ...this.#outboxes.levels, ...this.#responder.levels, ...this.#environment.counters }
  }

  /** For a request that may be tried again. */
  nextId (): number {
    return this.#nextId++
  }

  /**
   * Resolves when the far side has the message, which is before its handler has dealt with it. The message must not be
   * changed before that.
   *
   * @throws ERR_QUEUE_FULL, ERR_FRAME_TOO_LARGE or ERR_STOPPED at once, ERR_UNSUPPORTED_PROTOCOL where the peer takes no
   * batches or none of this protocol, ERR_OVERLOADED or ERR_REMOTE_FAILED where it refuses the message, ERR_STREAM_CLOSED
   * where the message may have arrived but nobody can tell, what `signal` was aborted with, or why no stream could be had
   */
  async send (peer: PeerId, protocol: string, message: Uint8Array, options: BatchedOptions = {}): Promise<void> {
    this.#environment.counters.messages++
    await this.#deliver(peer, protocol, message, this.#nextId++, 0, options)
  }

  /**
   * Answers with the reply, which is a view of the batch that it came in: whoever keeps it for long copies it. The
   * payload must not be changed before that.
   *
   * @throws as `send` does, ERR_INVALID_STATE where this attempt is under way already, and ERR_FRAME_TOO_LARGE where the reply is larger than `maximumReplyPayloadBytes`
   */
  async request (peer: PeerId, protocol: string, payload: Uint8Array, options: BatchedRequestOptions = {}): Promise<Uint8Array> {
    this.#environment.counters.requests++
    const { id, attempt = 1 } = options
    if (id === undefined) {
      return await this.#deliver(peer, protocol, payload, this.#nextId++, 1, options)
    }
    if (attempt < 1 || this.#attempts.has(id, attempt)) {
      throw new TwinwireError('ERR_INVALID_STATE', 'the attempt is under way, or none', { path: 'attempt', expected: 'from 1, and one higher each time', found: String(attempt) })
    }
    this.#attempts.set(id, attempt, undefined)
    try {
      return await this.#deliver(peer, protocol, payload, id, attempt, options)
    } finally {
      this.#attempts.delete(id, attempt)
    }
  }

  /** What waits for this peer, or for all, goes as soon as the uplink lets it. Resolves when nothing of it waits any more. */
  async flush (peer?: PeerId): Promise<void> {
    await Promise.all(this.#outboxes.channels(peer?.toString()).map(async channel => await channel.flush()))
  }

  /**
   * Serves what comes in batches for this protocol. Its plain streams are served by whoever registers for them.
   *
   * @throws ERR_STOPPED, ERR_INVALID_STATE where the protocol has a handler already, and what the node throws where the
   * batch protocol has one
   */
  async handle (protocol: string, handler: BatchHandler, options: BatchHandlerOptions = {}): Promise<void> {
    this.#assertRunning()
    await this.#responder.handle(protocol, handler, options)
  }

  /** Serves it no more. Does nothing where it is not served. */
  unhandle (protocol: string): void {
    this.#responder.unhandle(protocol)
  }

  /**
   * Whether the peer takes batches, with a protocol: such of this protocol. False is remembered for a while, or until it
   * connects anew; undefined where it has to be found out.
   */
  speaks (peer: PeerId, protocol?: string): boolean | undefined {
    return this.#spoken.speaks(peer.toString(), protocol)
  }

  /**
   * Serves nothing new: what comes is refused as overloaded, and streams of peers close as soon as what was begun on them
   * is answered. Sending goes on. The beginning of `stop`, for whoever wants it earlier. Resolves when the node hands over
   * no stream any more. Never rejects.
   */
  stopServing (): Promise<void> {
    return this.#responder.drain()
  }

  /**
   * Refuses what is new with ERR_STOPPED, waits until what there is has been dealt with, but no longer than `deadlineMs`,
   * and rejects the rest with ERR_STOPPED. Nothing is left then. Never rejects.
   */
  stop (deadlineMs: number): Promise<void> {
    this.#stopping ??= this.#stop(deadlineMs)
    return this.#stopping
  }

  async #stop (deadlineMs: number): Promise<void> {
    const timer = this.#environment.deadlines.after(deadlineMs, this.#drained.resolve)
    // Lets `stopping` be true before anything reacts to what follows.
    await Promise.resolve()
    const unhandled = this.stopServing()
    void this.flush()
    this.#onIdle()
    await this.#drained.promise
    timer.cancel()
    const error = stoppedError()
    this.#outboxes.stop(error)
    // What a pool keeps is the pool's.
    for (const { batches } of this.#environment.outbound) {
      batches.detach(error)
    }
    this.#responder.stop(error)
    this.#node.removeEventListener('connection:open', this.#onConnectionOpen)
    this.#node.removeEventListener('peer:disconnect', this.#onPeerDisconnect)
    await unhandled
  }

  async #deliver (peer: PeerId, protocol: string, payload: Uint8Array, id: number, attempt: number, options: BatchedOptions): Promise<Uint8Array> {
    const { counters } = this.#environment
    try {
      const { class: trafficClass = 'normal', signal, sensitive = false, compressionContext = protocol, hooks = {} } = options
      this.#assertRunning()
      signal?.throwIfAborted()
      const { channel, budget } = this.#accept(peer, protocol, payload, trafficClass)
      const context = sensitive ? undefined : compressionContext
      const delivery = channel.send({ id, attempt, protocol, payload, compressionContext: context, signal, hooks, budget })
      const reply = await delivery.result
      counters.succeeded++
      return reply
    } catch (error) {
      counters.failed++
      this.#onFailure(peer.toString(), protocol, error)
      throw error
    }
  }

  /** Sets room aside for it. */
  #accept (peer: PeerId, protocol: string, payload: Uint8Array, trafficClass: TrafficClass): { readonly channel: Channel, readonly budget: Budget } {
    const { maximumPayloadBytes } = this.#environment.settings
    if (payload.byteLength > maximumPayloadBytes) {
      throw new TwinwireError('ERR_FRAME_TOO_LARGE', 'the payload is too large for a batch', {
        expected: `at most ${maximumPayloadBytes} bytes`, found: String(payload.byteLength)
      })
    }
    const { channel, budget } = this.#outboxes.obtain(peer, trafficClass)
    if (!budget.take(sizeOf(protocol, payload))) {
      this.#outboxes.forgetIfGone(peer.toString())
      this.#environment.record({ type: 'batching:refused', peer: peer.toString(), protocol, by: 'queue', reason: 'queue-full' })
      throw new TwinwireError('ERR_QUEUE_FULL', 'too much waits to be sent')
    }
    return { channel, budget }
  }

  #onAcquired (peer: string, error: unknown): void {
    if (error === undefined) {
      this.#spoken.onSpoken(peer)
    } else if (isUnsupportedProtocol(error)) {
      this.#spoken.onUnsupported(peer)
      this.#environment.record({ type: 'batching:fallback', peer, protocol: '', reason: 'unsupported-protocol' })
    }
  }

  #onFailure (peer: string, protocol: string, error: unknown): void {
    // Where the peer itself takes batches, it is this protocol that it does not take.
    if (isUnsupportedProtocol(error) && this.#spoken.speaks(peer, protocol) === true) {
      this.#spoken.onUnsupported(peer, protocol)
      this.#environment.record({ type: 'batching:fallback', peer, protocol, reason: 'unsupported-protocol' })
    }
  }

  #assertRunning (): void {
    if (this.#stopping !== undefined) {
      throw stoppedError()
    }
  }

  #onIdle (): void {
    if (this.#stopping !== undefined && this.#responder.idle && this.#outboxes.idle) {
      this.#drained.resolve()
    }
  }

  readonly #onConnectionOpen = ({ detail: { remotePeer } }: NodeEvents['connection:open']): void => {
    this.#spoken.forget(remotePeer.toString())
  }

  readonly #onPeerDisconnect = ({ detail }: NodeEvents['peer:disconnect']): void => {
    this.#outboxes.forgetIfGone(detail.toString())
  }
}
