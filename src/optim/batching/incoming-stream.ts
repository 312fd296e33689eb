import { TwinwireError } from '../../core/errors.ts'
import { Answer, HEAD_BYTES, Part } from './answer.ts'
import { lingerMsOf } from './batch-policy.ts'
import { BatchFlow } from './batch-flow.ts'
import { BatchStream } from './batch-stream.ts'
import { Budget } from './budget.ts'
import { ANY_CONTEXT } from './outgoing-queue.ts'
import { keyOf, violation } from './protocol.ts'
import { RunningHandler } from './running-handler.ts'
import type { Connection, Stream } from '../port.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { Answered, Refusal } from './answer.ts'
import type { FlowOwner } from './batch-flow.ts'
import type { EndReason } from './batch-stream.ts'
import type { BatchingEnvironment } from './environment.ts'
import type { BatchHandler } from './running-handler.ts'
import type { Batch, Item, RefusalCode } from './wire/items.ts'

export interface Registered {
  readonly handler: BatchHandler
  /** Its replies must not be compressed. */
  readonly sensitive: boolean
}

/** What incoming streams have in common. */
export interface ResponderShared {
  readonly environment: BatchingEnvironment
  /** Handlers at work, and what they were given. */
  readonly running: Budget
  /** Replies that wait. */
  readonly replies: Budget
  /** True once nothing new is taken. */
  readonly stopping: boolean
  handlerOf(protocol: string): Registered | undefined
  /** Too many handlers are at work: the stream goes on as soon as that has changed. */
  onBlocked(stream: IncomingStream): void
  /** A handler has ended. */
  onRoom(): void
  onEnd(stream: IncomingStream): void
}

/**
 * The answering end of a stream. Items go to their handlers in order; each attempt at a request is answered once, with a
 * reply or a refusal. What cannot be begun yet waits, and nothing more is read meanwhile.
 */
export class IncomingStream implements FlowOwner {
  readonly #shared: ResponderShared
  readonly #connection: Connection
  readonly #batches: BatchStream
  /** By class of the request. */
  readonly #flows = new Map<TrafficClass, BatchFlow>()
  readonly #waiting: Waiting[] = []
  #received = 0
  /** Attempts that were begun and not answered, with the answer where that waits to be sent. */
  readonly #unanswered = new Map<string, Answer | undefined>()
  /** Requests being worked on, by id. */
  readonly #requests = new Map<number, RunningHandler>()
  /** Of all handlers at work, messages' too. */
  readonly #handlers = new Set<RunningHandler>()
  readonly #replies: Budget
  /** Refusals that wait to be sent. */
  #refusals = 0
  /** The batches of messages among them: they are acknowledged with these at the earliest. */
  readonly #refusing: number[] = []
  #pumping = false
  #remoteClosed = false
  #ended = false

  constructor (stream: Stream, connection: Connection, shared: ResponderShared) {
    this.#shared = shared
    this.#connection = connection
    this.#replies = new Budget(Infinity, shared.environment.settings.maximumReplyBytes, shared.replies)
    const taken = (): number => this.#taken
    this.#batches = new BatchStream(stream, connection, 'responder', shared.environment, {
      get taken () { return taken() },
      onBatch: (batch, number) => this.#onBatch(batch, number),
      onArrival () {},
      onProgress () {},
      onRoom: () => this.#onRoom(),
      onRemoteCloseWrite: () => {
        this.#remoteClosed = true
        this.closeIfIdle()
      },
      onChange: () => this.closeIfIdle(),
      onEnd: (error, reason) => this.#onEnd(error, reason)
    })
    shared.environment.record({ type: 'batching:stream', peer: this.#batches.peer, connection: connection.id, reason: 'incoming' })
    this.#batches.sendSettings()
  }

  /** Goes on with what waits, as far as it can. */
  pump (): void {
    // A handler that is called here may cause more to be read.
    if (this.#pumping || this.#ended) {
      return
    }
    this.#pumping = true
    do {
      while (this.#waiting.length > 0 && !this.#clogged && this.#begin(this.#waiting[0])) {
        this.#waiting.shift()
      }
      if (this.#waiting.length > 0 || this.#clogged) {
        this.#batches.pause()
        break
      }
      this.#batches.resume()
    } while (this.#waiting.length > 0)
    this.#pumping = false
    this.#batches.acknowledgeWithin(this.#acknowledgeWithinMs)
  }

  /** Ends the stream where its other end has, or nothing new is taken, as soon as nothing is left to do. */
  closeIfIdle (): void {
    if ((this.#remoteClosed || this.#shared.stopping) && !this.#ended && this.#idle) {
      this.#batches.close()
    }
  }

  abort (error: Error, reason: EndReason): void {
    this.#batches.abort(error, reason)
  }

  onWanted (): void {}

  admits (): boolean {
    return true
  }

  /** Refusals, and then acknowledgements, go out in the order in which messages came in. */
  get #taken (): number {
    const taken = this.#waiting.length === 0 ? this.#received : this.#waiting[0].batch - 1
    return this.#refusing.reduce((least, batch) => Math.min(least, batch - 1), taken)
  }

  /** So much waits to be sent that nothing more is begun. */
  get #clogged (): boolean {
    const { maximumReplyBytes, maximumRequests } = this.#shared.environment.settings
    return this.#replies.bytes > maximumReplyBytes / 2 || this.#refusals >= maximumRequests
  }

  get #idle (): boolean {
    return this.#waiting.length === 0 && this.#handlers.size === 0 && this.#unanswered.size === 0 && this.#refusals === 0 &&
      (this.#remoteClosed || this.#batches.quiet)
  }

  /** With a reply to come soon, that takes it along. */
  get #acknowledgeWithinMs (): number {
    return this.#requests.size === 0 ? 0 : lingerMsOf('normal', this.#batches.srttMs, this.#shared.environment.settings.maximumLingerMs)
  }

  #onBatch ({ class: trafficClass, items }: Batch, batch: number): void {
    this.#received = batch
    const receivedMs = this.#shared.environment.clock.now()
    for (const item of items) {
      if (item.kind === 'cancel') {
        this.#cancel(item.id, item.attempt)
      } else if (item.kind === 'message' || item.kind === 'request') {
        this.#waiting.push({ item, trafficClass, id: item.id, attempt: item.kind === 'request' ? item.attempt : 0, batch, receivedMs })
      }
    }
    this.pump()
  }

  /** False where it has to wait. */
  #begin (waiting: Waiting): boolean {
    const { item, trafficClass, id, attempt } = waiting
    if (item.kind === 'request' && this.#unanswered.has(keyOf(id, attempt))) {
      this.#batches.violate(violation('a request came twice before it was answered'))
      return true
    }
    const running = item.kind === 'request' ? this.#requests.get(item.id) : undefined
    const registered = this.#shared.handlerOf(item.protocol)
    if (item.kind === 'request' && this.#unanswered.size >= this.#shared.environment.settings.maximumRequests) {
      this.#refuse(waiting, 'overloaded', trafficClass, item.protocol, 'more than this side said it takes')
    } else if (running !== undefined) {
      this.#join(running, waiting)
    } else if (registered === undefined) {
      this.#refuse(waiting, 'unsupported-protocol', trafficClass, item.protocol)
    } else if (this.#shared.stopping) {
      this.#refuse(waiting, 'overloaded', trafficClass, item.protocol, 'about to stop')
    } else if (this.#shared.running.take(item.payload.byteLength)) {
      this.#call(registered, waiting)
    } else if (this.#shared.running.messages === 0) {
      this.#refuse(waiting, 'too-large', trafficClass, item.protocol)
    } else {
      this.#shared.onBlocked(this)
      return false
    }
    return true
  }

  /** A retry of what is being worked on gets the same answer. */
  #join (running: RunningHandler, { item, ...answered }: Waiting): void {
    if (running.protocol !== item.protocol) {
      this.#batches.violate(violation('a request was tried again with another protocol'))
      return
    }
    this.#shared.environment.counters.joined++
    this.#unanswered.set(keyOf(answered.id, answered.attempt), undefined)
    running.attempts.push(answered)
  }

  #call (registered: Registered, waiting: Waiting): void {
    const { item: { kind, protocol, payload, id }, trafficClass } = waiting
    if (kind === 'request') {
      this.#unanswered.set(keyOf(id, waiting.attempt), undefined)
    }
    const running = new RunningHandler(this.#connection.remotePeer, protocol, kind, trafficClass, waiting)
    let result
    try {
      result = registered.handler(payload, running)
    } catch (error) {
      this.#shared.running.give(payload.byteLength)
      this.#onFailed(running, error)
      return
    }
    if (!(result instanceof Promise)) {
      this.#shared.running.give(payload.byteLength)
      this.#onReplied(running, registered, result)
      return
    }
    this.#handlers.add(running)
    if (kind === 'request') {
      this.#requests.set(id, running)
    }
    const onOver = (): void => {
      this.#handlers.delete(running)
      if (this.#requests.get(id) === running) {
        this.#requests.delete(id)
      }
      this.#shared.running.give(payload.byteLength)
    }
    void result.then(reply => {
      onOver()
      this.#onReplied(running, registered, reply)
    }, (error: unknown) => {
      onOver()
      if (kind === 'message') {
        this.#recordFailure(protocol, error)
      } else {
        this.#onFailed(running, error)
      }
    }).finally(() => {
      this.#shared.onRoom()
      this.pump()
      this.closeIfIdle()
    })
  }

  #onReplied ({ kind, protocol, attempts, trafficClass }: RunningHandler, { sensitive }: Registered, reply: Uint8Array | void): void {
    if (kind === 'message') {
      return
    }
    const payload = reply ?? NOTHING
    const context = sensitive ? undefined : protocol
    for (const attempt of attempts) {
      if (payload.byteLength > this.#shared.environment.settings.maximumReplyPayloadBytes) {
        this.#refuse(attempt, 'too-large', trafficClass, protocol, `${payload.byteLength} bytes`)
      } else if (!this.#ended && !this.#reply(attempt, payload, context, trafficClass)) {
        this.#refuse(attempt, 'overloaded', trafficClass, protocol, 'too many replies wait')
      }
    }
  }

  /** False where there is no room for it. A large one goes in parts, so that it fits into batches and others are not held up by it for long. */
  #reply (attempt: Answered, payload: Uint8Array, context: string | undefined, trafficClass: TrafficClass): boolean {
    const lastBytes = payload.byteLength > MAXIMUM_ITEM_BYTES ? payload.byteLength % PART_BYTES : payload.byteLength
    const parts = (payload.byteLength - lastBytes) / PART_BYTES
    if (!this.#takeRoom(parts, lastBytes)) {
      return false
    }
    const answer = new Answer(attempt, payload.subarray(parts * PART_BYTES), context, this.#replies, this.#onAnswered)
    const flow = this.#flowOf(trafficClass)
    for (let i = 0; i < parts; i++) {
      flow.enqueue(new Part(answer, payload.subarray(i * PART_BYTES, (i + 1) * PART_BYTES), this.#replies))
    }
    this.#answer(trafficClass, answer)
    return true
  }

  /** For so many parts and the end behind them, or for nothing. */
  #takeRoom (parts: number, lastBytes: number): boolean {
    let taken = 0
    while (taken < parts && this.#replies.take(HEAD_BYTES + PART_BYTES)) {
      taken++
    }
    if (taken === parts && this.#replies.take(HEAD_BYTES + lastBytes)) {
      return true
    }
    for (; taken > 0; taken--) {
      this.#replies.give(HEAD_BYTES + PART_BYTES)
    }
    return false
  }

  /** What a handler throws may be of no concern to the far side, so it is not told more. */
  #onFailed ({ protocol, attempts, trafficClass }: RunningHandler, error: unknown): void {
    this.#recordFailure(protocol, error)
    for (const attempt of attempts) {
      this.#refuse(attempt, 'failed', trafficClass, protocol)
    }
  }

  #recordFailure (protocol: string, error: unknown): void {
    this.#shared.environment.record({ type: 'batching:handler-failed', peer: this.#batches.peer, protocol, reason: error instanceof Error ? error.message : String(error) })
  }

  #refuse (answered: Answered, code: RefusalCode, trafficClass: TrafficClass, protocol: string, text = ''): void {
    const { counters } = this.#shared.environment
    counters.refusals++
    this.#shared.environment.record({ type: 'batching:refused', peer: this.#batches.peer, protocol, by: 'local', reason: code })
    this.#refusals++
    if (answered.attempt === 0) {
      this.#refusing.push(answered.batch)
    }
    const refusal: Refusal = { code, text }
    this.#answer(trafficClass, new Answer(answered, refusal, ANY_CONTEXT, undefined, this.#onAnswered))
  }

  #answer (trafficClass: TrafficClass, answer: Answer): void {
    if (this.#ended) {
      return
    }
    this.#flowOf(trafficClass).enqueue(answer)
    const { id, attempt } = answer.answered
    if (attempt > 0) {
      this.#unanswered.set(keyOf(id, attempt), answer)
    }
  }

  #flowOf (trafficClass: TrafficClass): BatchFlow {
    let flow = this.#flows.get(trafficClass)
    if (flow === undefined) {
      flow = new BatchFlow(this.#batches.peer, trafficClass, this.#shared.environment, this)
      this.#flows.set(trafficClass, flow)
      flow.attach(this.#batches)
    }
    return flow
  }

  readonly #onAnswered = ({ answered: { id, attempt, batch }, isRefusal, cancelled }: Answer): void => {
    this.#refusals -= isRefusal ? 1 : 0
    if (attempt === 0) {
      this.#refusing.splice(this.#refusing.indexOf(batch), 1)
    } else if (!cancelled) {
      this.#unanswered.delete(keyOf(id, attempt))
    }
    if (!this.#ended && (this.#waiting.length > 0 || this.#batches.paused)) {
      queueMicrotask(() => this.pump())
    }
  }

  /** What nobody waits for is not answered any more; the last attempt ends the work. */
  #cancel (id: number, attempt: number): void {
    const i = this.#waiting.findIndex(waiting => waiting.id === id && waiting.attempt === attempt)
    if (i >= 0) {
      this.#waiting.splice(i, 1)
      return
    }
    const answer = this.#unanswered.get(keyOf(id, attempt))
    if (answer !== undefined) {
      answer.cancelled = true
    }
    this.#unanswered.delete(keyOf(id, attempt))
    const running = this.#requests.get(id)
    if (running !== undefined) {
      running.attempts = running.attempts.filter(answered => answered.attempt !== attempt)
      if (running.attempts.length === 0) {
        this.#requests.delete(id)
        running.abort(new TwinwireError('ERR_ABORTED', 'nobody waits for the reply any more'))
      }
    }
  }

  #onRoom (): void {
    for (const flow of this.#flows.values()) {
      flow.onRoom()
    }
  }

  #onEnd (error: Error, reason: EndReason): void {
    this.#ended = true
    this.#shared.environment.record({ type: 'batching:end', peer: this.#batches.peer, connection: this.#connection.id, reason })
    for (const running of this.#handlers) {
      running.abort(error)
    }
    for (const flow of this.#flows.values()) {
      flow.end(error)
    }
    this.#waiting.length = 0
    this.#unanswered.clear()
    this.#shared.onEnd(this)
  }
}

/** A message or request that came, until it is begun. */
interface Waiting extends Answered {
  readonly item: Item & { readonly kind: 'message' | 'request' }
  readonly trafficClass: TrafficClass
}

/** As much as a payload of the initiator's: each side takes so much from the other in one item. */
const MAXIMUM_ITEM_BYTES = 64 * 1024
/** A millisecond at 131 Mbit/s: what is granted to a flow is not exceeded by much. */
const PART_BYTES = 16 * 1024
const NOTHING = new Uint8Array()
