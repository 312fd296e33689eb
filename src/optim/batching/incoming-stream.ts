import { TwinwireError } from '../../core/errors.ts'
import { Answering } from './answering.ts'
import { lingerMsOf } from './batch-policy.ts'
import { AttemptMap } from './attempt-map.ts'
import { BatchStream } from './batch-stream.ts'
import { violation } from './protocol.ts'
import { RunningHandler } from './running-handler.ts'
import type { Connection, Stream } from '../port.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { Answered } from './answer.ts'
import type { EndReason } from './batch-stream.ts'
import type { Budget } from './budget.ts'
import type { BatchingEnvironment } from './environment.ts'
import type { BatchHandler } from './running-handler.ts'
import type { RunningShare, RunningShares } from './running-shares.ts'
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
  readonly running: RunningShares
  /** Replies that wait. */
  readonly replies: Budget
  /** True once nothing new is taken. */
  readonly stopping: boolean
  handlerOf(protocol: string): Registered | undefined
  /** Too many handlers are at work: the stream gets a turn when that has changed. */
  onBlocked(stream: IncomingStream): void
  /** A handler has ended. */
  onRoom(): void
  onEnd(stream: IncomingStream): void
}

/**
 * The answering end of a stream. Items go to their handlers in order; each attempt at a request is answered once, with a
 * reply or a refusal. What cannot be begun yet waits, and nothing more is read meanwhile.
 */
export class IncomingStream {
  readonly #shared: ResponderShared
  readonly #connection: Connection
  readonly #batches: BatchStream
  readonly #answering: Answering
  readonly #waiting: Waiting[] = []
  #received = 0
  /** Requests being worked on, by id. */
  readonly #requests = new Map<number, RunningHandler>()
  /** Of all handlers at work, messages' too. */
  readonly #handlers = new Set<RunningHandler>()
  /** Of what all handlers may have, the peer's. */
  readonly #share: RunningShare
  /** Handlers that may be called before others have had a turn. */
  #allowance = Infinity
  #pumping = false
  #remoteClosed = false
  #ended = false

  constructor (stream: Stream, connection: Connection, shared: ResponderShared) {
    this.#shared = shared
    this.#connection = connection
    this.#share = shared.running.join(connection.remotePeer.toString())
    const taken = (): number => this.#taken
    this.#batches = new BatchStream(stream, connection, 'responder', shared.environment, {
      get taken () { return taken() },
      onBatch: (batch, number) => this.#onBatch(batch, number),
      onArrival () {},
      onProgress () {},
      onRoom: () => this.#answering.onRoom(),
      onRemoteCloseWrite: () => {
        this.#remoteClosed = true
        this.closeIfIdle()
      },
      onChange: () => this.closeIfIdle(),
      onEnd: (error, reason) => this.#onEnd(error, reason)
    })
    this.#answering = new Answering(this.#batches, shared.environment, shared.replies, () => this.#onAnswered())
    shared.environment.record({ type: 'batching:stream', peer: this.#batches.peer, connection: connection.id, reason: 'incoming' })
    this.#batches.sendSettings()
  }

  get peer (): string {
    return this.#share.peer
  }

  /** Goes on with what waits, up to one handler. Answers whether that was called. */
  takeTurn (): boolean {
    this.#allowance = 1
    this.pump()
    const took = this.#allowance === 0
    this.#allowance = Infinity
    return took
  }

  /** Goes on with what waits, as far as it can. */
  pump (): void {
    if (this.#pumping) {
      return
    }
    this.#pumping = true
    while (this.#waiting.length > 0 && (this.#waiting[0].cancelled || (!this.#answering.clogged && this.#begin(this.#waiting[0])))) {
      this.#waiting.shift()
    }
    this.#pumping = false
    if (this.#waiting.length > 0 || this.#answering.clogged) {
      this.#batches.pause()
    } else {
      // What is read now comes back here.
      this.#batches.resume()
    }
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

  /** Refusals, and then acknowledgements, go out in the order in which messages came in. */
  get #taken (): number {
    const begun = this.#waiting.length === 0 ? this.#received : this.#waiting[0].batch - 1
    return Math.min(begun, this.#answering.firstRefusing - 1)
  }

  get #idle (): boolean {
    return this.#waiting.length === 0 && this.#handlers.size === 0 && this.#answering.idle && (this.#remoteClosed || this.#batches.quiet)
  }

  /** With a reply to come soon, that takes it along. */
  get #acknowledgeWithinMs (): number {
    return this.#requests.size === 0 ? 0 : lingerMsOf('normal', this.#batches.srttMs, this.#shared.environment.settings.maximumLingerMs)
  }

  #onBatch ({ class: trafficClass, items }: Batch, batch: number): void {
    this.#received = batch
    const held: HeldBatch = { bytes: 0, running: 0 }
    // By key, once something is cancelled: a batch may cancel thousands of thousands.
    let byKey: AttemptMap<Waiting> | undefined
    for (const item of items) {
      if (item.kind === 'cancel') {
        byKey ??= byKeyOf(this.#waiting)
        this.#cancel(item.id, item.attempt, byKey)
      } else if (item.kind === 'message' || item.kind === 'request') {
        held.bytes = item.payload.buffer.byteLength
        const waiting = { item, trafficClass, held, id: item.id, attempt: item.kind === 'request' ? item.attempt : 0, batch, cancelled: false }
        this.#waiting.push(waiting)
        byKey?.set(waiting.id, waiting.attempt, waiting)
      }
    }
    this.pump()
  }

  /** False where it has to wait. */
  #begin (waiting: Waiting): boolean {
    const { item: { kind, protocol }, trafficClass, held, id } = waiting
    const isRequest = kind === 'request'
    if (isRequest && this.#answering.has(waiting)) {
      this.#batches.violate(violation('a request came twice before it was answered'))
      return true
    }
    const running = isRequest ? this.#requests.get(id) : undefined
    const registered = this.#shared.handlerOf(protocol)
    const refuse = (code: RefusalCode, text?: string): void => this.#answering.refuse(waiting, trafficClass, protocol, code, text)
    if (isRequest && this.#answering.full) {
      refuse('overloaded', 'more than this side said it takes')
    } else if (running !== undefined) {
      this.#join(running, waiting)
    } else if (registered === undefined) {
      refuse('unsupported-protocol')
    } else if (this.#shared.stopping) {
      refuse('overloaded', 'about to stop')
    } else if (this.#allowance > 0 && this.#take(held)) {
      this.#allowance--
      this.#call(registered, waiting)
    } else {
      this.#shared.onBlocked(this)
      return false
    }
    return true
  }

  /** The first handler of a batch takes room for all of it, which any one of its payloads keeps; the last gives it back. */
  #take (held: HeldBatch): boolean {
    const taken = this.#shared.running.take(this.#share, held.running === 0 ? held.bytes : 0)
    held.running += taken ? 1 : 0
    return taken
  }

  #give (held: HeldBatch): void {
    held.running--
    this.#shared.running.give(this.#share, held.running === 0 ? held.bytes : 0)
  }

  /** A retry of what is being worked on gets the same answer. */
  #join (running: RunningHandler, waiting: Waiting): void {
    if (running.protocol !== waiting.item.protocol) {
      this.#batches.violate(violation('a request was tried again with another protocol'))
      return
    }
    this.#shared.environment.counters.joined++
    this.#answering.begin(waiting)
    running.attempts.push(answeredOf(waiting))
  }

  #call (registered: Registered, waiting: Waiting): void {
    const { item: { kind, protocol, payload, id }, trafficClass, held } = waiting
    if (kind === 'request') {
      this.#answering.begin(waiting)
    }
    const running = new RunningHandler(this.#connection.remotePeer, protocol, kind, trafficClass, answeredOf(waiting))
    let result
    try {
      result = registered.handler(payload, running)
    } catch (error) {
      this.#give(held)
      this.#onFailed(running, error)
      return
    }
    if (!(result instanceof Promise)) {
      this.#give(held)
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
      this.#give(held)
    }
    // Room is given on in the same turn, or whoever comes in between would have it.
    const onRoom = (): void => {
      this.#shared.onRoom()
      this.pump()
      this.closeIfIdle()
    }
    void result.then(reply => {
      onOver()
      this.#onReplied(running, registered, reply)
      onRoom()
    }, (error: unknown) => {
      onOver()
      if (kind === 'message') {
        this.#recordFailure(protocol, error)
      } else {
        this.#onFailed(running, error)
      }
      onRoom()
    })
  }

  #onReplied (running: RunningHandler, { sensitive }: Registered, reply: unknown): void {
    const { kind, protocol, attempts, trafficClass } = running
    if (kind === 'message') {
      return
    }
    // Not everybody has the compiler look at their handlers.
    if (!(reply instanceof Uint8Array || reply === undefined || reply === null)) {
      this.#onFailed(running, new TwinwireError('ERR_INVALID_STATE', 'the handler answered what is not bytes', { expected: 'a Uint8Array, or nothing', found: Object.prototype.toString.call(reply).slice(8, -1) }))
      return
    }
    for (const attempt of attempts) {
      this.#answering.reply(attempt, trafficClass, protocol, reply ?? NOTHING, sensitive)
    }
  }

  /** What a handler throws may be of no concern to the far side, so it is not told more. */
  #onFailed ({ protocol, attempts, trafficClass }: RunningHandler, error: unknown): void {
    this.#recordFailure(protocol, error)
    for (const attempt of attempts) {
      this.#answering.refuse(attempt, trafficClass, protocol, 'failed')
    }
  }

  #recordFailure (protocol: string, error: unknown): void {
    this.#shared.environment.record({ type: 'batching:handler-failed', peer: this.#batches.peer, protocol, reason: error instanceof Error ? error.message : String(error) })
  }

  /** What could not be begun may have room now. */
  #onAnswered (): void {
    if (this.#waiting.length > 0 || this.#batches.paused) {
      queueMicrotask(() => this.pump())
    }
  }

  /** What nobody waits for is not answered any more; the last attempt ends the work. */
  #cancel (id: number, attempt: number, byKey: AttemptMap<Waiting>): void {
    const waiting = byKey.get(id, attempt)
    if (waiting !== undefined) {
      byKey.delete(id, attempt)
      waiting.cancelled = true
      return
    }
    this.#answering.cancel(id, attempt)
    const running = this.#requests.get(id)
    if (running !== undefined) {
      running.attempts = running.attempts.filter(answered => answered.attempt !== attempt)
      if (running.attempts.length === 0) {
        this.#requests.delete(id)
        running.abort(() => new TwinwireError('ERR_ABORTED', 'nobody waits for the reply any more'))
      }
    }
  }

  #onEnd (error: Error, reason: EndReason): void {
    this.#ended = true
    this.#shared.environment.record({ type: 'batching:end', peer: this.#batches.peer, connection: this.#connection.id, reason })
    for (const running of this.#handlers) {
      running.abort(() => error)
    }
    this.#answering.end(error)
    this.#waiting.length = 0
    this.#shared.running.leave(this.#share)
    this.#shared.onEnd(this)
  }
}

/** A message or request that came, until it is begun. */
interface Waiting extends Answered {
  readonly item: Item & { readonly kind: 'message' | 'request' }
  readonly trafficClass: TrafficClass
  readonly held: HeldBatch
  /** Nobody waits for it any more. */
  cancelled: boolean
}

/** What a batch holds in memory while any handler of it is at work. */
interface HeldBatch {
  bytes: number
  running: number
}

const NOTHING = new Uint8Array()

function byKeyOf (all: readonly Waiting[]): AttemptMap<Waiting> {
  const byKey = new AttemptMap<Waiting>()
  for (const waiting of all) {
    byKey.set(waiting.id, waiting.attempt, waiting)
  }
  return byKey
}

/** Without what came, which need not be kept until it is answered. */
function answeredOf ({ id, attempt, batch }: Waiting): Answered {
  return { id, attempt, batch }
}
