import { TwinwireError } from '../../core/errors.ts'
import { AttemptMap } from './attempt-map.ts'
import { BatchStream } from './batch-stream.ts'
import { lostError, violation } from './protocol.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { Connection, Stream } from '../port.ts'
import type { EndReason } from './batch-stream.ts'
import type { Delivery } from './delivery.ts'
import type { BatchingEnvironment } from './environment.ts'
import type { Batch, Item, RefusalCode } from './wire/items.ts'

/** A stream that is ours for a while: the part of a pool's lease that batching needs. Given back once. */
export interface BatchLease {
  readonly stream: Stream
  readonly connection: Connection
  /** Another connection takes the place of this one. */
  readonly retired: boolean
  /** Something was answered after so long; the lease goes on. */
  answered(elapsedMs: number): void
  /** The stream may be kept, open, for the next. */
  release(): void
  /** The stream is of no more use; nothing is said of the connection. */
  discard(error: Error): void
  /** Discards, and says that the connection is to blame. */
  fail(kind: 'timeout' | 'error', error: Error): void
  /** An answer is overdue, and is still waited for. */
  suspect(): void
}

export interface LeaseHolder {
  /** Nothing is under way, and the far side knows of all that came. */
  onIdle(stream: OutboundStream): void
  onRoom(stream: OutboundStream): void
  /** Something arrived: the stream works. */
  onArrival(stream: OutboundStream): void
  /** Something is overdue that the far side does not have yet, and is still waited for. */
  onOverdue(stream: OutboundStream): void
  /** The stream has ended, and the lease was given back. */
  onEnd(stream: OutboundStream, error: Error, reason: EndReason): void
}

const attached = new WeakMap<Stream, OutboundStream>()

/**
 * The asking end of a stream: what is under way on it, and what it has been asked. It lives as long as the stream,
 * through any number of leases, so that a late reply is known for what it is, and names that were sent stay known.
 */
export class OutboundStream {
  readonly batches: BatchStream
  readonly #environment: BatchingEnvironment
  readonly #peer: string
  #lease: { readonly lease: BatchLease, readonly holder: LeaseHolder } | undefined
  #taken = 0
  /** Messages until they have arrived, requests until they are answered, whether or not somebody waits. */
  readonly #deliveries = new AttemptMap<Delivery>()
  #requests = 0
  /** Of all replies that came in part. */
  #partBytes = 0
  /** Of both, such that somebody waits for; and of requests, such that nobody does. */
  #awaited = 0
  #abandoned = 0

  private constructor (stream: Stream, connection: Connection, environment: BatchingEnvironment) {
    this.#environment = environment
    this.#peer = connection.remotePeer.toString()
    const taken = (): number => this.#taken
    this.batches = new BatchStream(stream, connection, 'initiator', environment, {
      get taken () { return taken() },
      onBatch: (batch, number) => this.#onBatch(batch, number),
      onArrival: rttMs => {
        this.#lease?.lease.answered(rttMs)
        this.#lease?.holder.onArrival(this)
      },
      onProgress: () => this.#onProgress(),
      onRoom: () => this.#lease?.holder.onRoom(this),
      onRemoteCloseWrite: () => this.#onRemoteCloseWrite(),
      onChange: () => this.#onChange(),
      onEnd: (error, reason) => this.#onEnd(error, reason)
    })
  }

  /** The one of this stream. */
  static of (stream: Stream, connection: Connection, environment: BatchingEnvironment): OutboundStream {
    let outbound = attached.get(stream)
    if (outbound === undefined) {
      outbound = new OutboundStream(stream, connection, environment)
      attached.set(stream, outbound)
      environment.outbound.add(outbound)
    }
    return outbound
  }

  /** Nothing is under way that somebody waits for, and nothing is left to say. */
  get idle (): boolean {
    return this.#awaited === 0 && this.batches.quiet
  }

  /** Another connection takes the place of this one's. */
  get retired (): boolean {
    return this.#lease?.lease.retired === true
  }

  /** Whether one request more may be sent. */
  get takesRequests (): boolean {
    return this.#requests < this.#requestLimit
  }

  get #requestLimit (): number {
    return Math.min(this.#environment.settings.maximumRequests, this.batches.maximumRequests)
  }

  /** Works for this holder from now on. */
  lease (lease: BatchLease, holder: LeaseHolder): void {
    this.#lease = { lease, holder }
  }

  /** Gives the stream back for the next. */
  release (): void {
    const lease = this.#lease?.lease
    this.#lease = undefined
    lease?.release()
  }

  suspect (): void {
    this.#lease?.lease.suspect()
  }

  /** It is in the batch that is sent at this moment. */
  add (delivery: Delivery): void {
    this.#deliveries.set(delivery.id, delivery.attempt, delivery)
    this.#awaited++
    if (delivery.isRequest) {
      this.#requests++
    }
    delivery.hooks.whenKept?.(() => {
      if (!delivery.taken) {
        this.#lease?.holder.onOverdue(this)
      }
    })
  }

  has (id: number, attempt: number): boolean {
    return this.#deliveries.has(id, attempt)
  }

  /** Nobody waits for it any more; its answer will be dropped. */
  abandon (delivery: Delivery): void {
    this.#awaited--
    this.#partBytes -= delivery.dropParts()
    this.#abandoned += delivery.isRequest ? 1 : 0
    this.#onChange()
  }

  /** Whether requests that nobody waits for fill the better part of the room that there is for requests. */
  get crowded (): boolean {
    return 2 * this.#abandoned > this.#requestLimit
  }

  /** Those attempts at a request that nobody waits for, and that the far side is to be told to leave. */
  cancel (id: number, lastAttempt: number): Delivery[] {
    const cancelled: Delivery[] = []
    for (let attempt = 1; attempt <= lastAttempt; attempt++) {
      const delivery = this.#deliveries.get(id, attempt)
      if (delivery?.settled === true && !delivery.cancelled) {
        delivery.cancelled = true
        cancelled.push(delivery)
      }
    }
    return cancelled
  }

  /** The far side has been told, and what it had sent before has come: there will be no answer any more. */
  onCancelled (delivery: Delivery): void {
    this.#forget(delivery)
  }

  onTaken (delivery: Delivery): void {
    if (!delivery.isRequest && this.#forget(delivery)) {
      this.#settle(delivery, undefined)
    }
  }

  #onBatch ({ items }: Batch, number: number): void {
    this.#taken = number
    for (const item of items) {
      if (item.kind === 'part') {
        this.#onPart(item)
      } else if (item.kind === 'reply' || item.kind === 'refusal') {
        this.#onAnswer(item)
      }
    }
    // The next request may take it along, where there is one soon.
    this.batches.acknowledgeWithin(Math.min(this.#environment.settings.maximumLingerMs, (this.batches.srttMs ?? 0) / 8))
  }

  #onPart (item: Item & { readonly kind: 'part' }): void {
    const delivery = this.#answeredBy(item)
    if (delivery.settled) {
      return
    }
    const bytes = item.payload.byteLength
    if (this.#fits(delivery, bytes) && this.#partBytes + bytes <= this.#maximumPartBytes) {
      this.#partBytes += bytes
      delivery.addPart(item.payload)
      delivery.hooks.progress?.()
    } else {
      delivery.giveUp(tooLargeError(this.#environment.settings.maximumReplyPayloadBytes))
    }
  }

  #onAnswer (item: Item & { readonly kind: 'reply' | 'refusal' }): void {
    const delivery = this.#answeredBy(item)
    this.#forget(delivery)
    if (delivery.settled) {
      this.#environment.counters.lateReplies++
    } else if (item.kind === 'reply') {
      const error = this.#fits(delivery, item.payload.byteLength) ? undefined : tooLargeError(this.#environment.settings.maximumReplyPayloadBytes)
      this.#settle(delivery, error, item.payload)
    } else {
      this.#environment.record({ type: 'batching:refused', peer: this.#peer, protocol: delivery.protocol, by: 'remote', reason: item.code })
      this.#settle(delivery, refusalError(item.code, item.text))
    }
  }

  #answeredBy ({ id, attempt }: { readonly id: number, readonly attempt: number }): Delivery {
    const delivery = this.#deliveries.get(id, attempt)
    if (delivery === undefined) {
      throw violation('an answer came to what was not asked, or was answered before')
    }
    return delivery
  }

  /** Of replies that came in part: whatever is taken at all may come by itself. */
  get #maximumPartBytes (): number {
    return Math.max(LEAST_PART_BYTES, 2 * this.#environment.settings.maximumReplyPayloadBytes)
  }

  #fits (delivery: Delivery, bytes: number): boolean {
    return delivery.partBytes + bytes <= this.#environment.settings.maximumReplyPayloadBytes
  }

  /** False where it was forgotten before. */
  #forget (delivery: Delivery): boolean {
    if (!this.#deliveries.delete(delivery.id, delivery.attempt)) {
      return false
    }
    this.#partBytes -= delivery.partBytes
    if (delivery.isRequest) {
      this.#requests--
      this.#abandoned -= delivery.settled ? 1 : 0
    }
    return true
  }

  #settle (delivery: Delivery, error: Error | undefined, payload?: Uint8Array): void {
    if (delivery.settled) {
      return
    }
    this.#awaited--
    if (error === undefined) {
      delivery.succeed(payload)
    } else {
      delivery.fail(error)
    }
  }

  /** Of which of several requests a piece is part of the reply, nobody can tell. */
  #onProgress (): void {
    if (this.#requests === 1) {
      for (const delivery of this.#deliveries.values()) {
        if (delivery.isRequest && !delivery.settled) {
          delivery.hooks.progress?.()
        }
      }
    }
  }

  #onChange (): void {
    const holder = this.#lease?.holder
    if (this.takesRequests) {
      holder?.onRoom(this)
    }
    if (this.idle) {
      holder?.onIdle(this)
    }
  }

  /** Nothing can be acknowledged any more. One that is kept, its owner closes. */
  #onRemoteCloseWrite (): void {
    const error = new TwinwireError('ERR_STREAM_CLOSED', 'the far side closed the stream')
    if (this.#lease === undefined) {
      this.batches.detach(error)
    } else {
      this.batches.abort(error, 'closed')
    }
  }

  #onEnd (error: Error, reason: EndReason): void {
    const lost = reason === 'stopped' ? error : lostError(error)
    for (const delivery of this.#deliveries.values()) {
      this.#settle(delivery, lost)
    }
    this.#deliveries.clear()
    this.#environment.outbound.delete(this)
    const current = this.#lease
    this.#lease = undefined
    if (current === undefined) {
      return
    }
    const { lease, holder } = current
    if (reason === 'stalled') {
      lease.fail('timeout', error)
    } else if (reason === 'closed' && lease.connection.status !== 'open') {
      lease.fail('error', error)
    } else {
      // On a connection that is open, it is the far side's batching that has ended.
      lease.discard(error)
    }
    holder.onEnd(this, error, reason)
  }
}

/** Of replies that may come in part, on one stream: four of 4 MiB. */
const LEAST_PART_BYTES = 16 * 1024 * 1024

function tooLargeError (limitBytes: number): TwinwireError {
  return new TwinwireError('ERR_FRAME_TOO_LARGE', 'the reply exceeds the limit', { expected: `at most ${limitBytes} bytes` })
}

const REFUSALS: Readonly<Record<RefusalCode, { readonly code: ErrorCode, readonly message: string }>> = {
  'unsupported-protocol': { code: 'ERR_UNSUPPORTED_PROTOCOL', message: 'the far side has no handler for the protocol' },
  failed: { code: 'ERR_REMOTE_FAILED', message: 'the far side could not answer' },
  overloaded: { code: 'ERR_OVERLOADED', message: 'the far side has too much to do' },
  'too-large': { code: 'ERR_FRAME_TOO_LARGE', message: 'the reply is too large for a batch' }
}

function refusalError (refusal: RefusalCode, text: string): TwinwireError {
  const { code, message } = REFUSALS[refusal]
  return new TwinwireError(code, message, text === '' ? {} : { found: text })
}
