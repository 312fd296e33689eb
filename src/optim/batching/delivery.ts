import { ANY_CONTEXT, Outgoing } from './outgoing-queue.ts'
import type { Connection } from '../port.ts'
import type { Budget } from './budget.ts'
import type { OutboundStream } from './outbound-stream.ts'
import type { Item } from './wire/items.ts'

/** How one message, or one attempt at a request, gets on. All optional; for whoever times it. */
export interface DeliveryHooks {
  /** It waits for a stream or for its turn: nothing of it has left. */
  connecting?(): void
  /** A stream is being opened for it on a connection. */
  opening?(connection: Connection): void
  /** It was handed to the transport, and may arrive from here on. */
  sent?(): void
  /** The far side has it. */
  arrived?(): void
  /** Part of its reply came, not all of it. */
  progress?(): void
  /** Given what to call when it is overdue, but goes on. */
  whenKept?(callback: () => void): void
}

export interface DeliveryQuestion {
  readonly id: number
  /** From 1; 0 of a message. */
  readonly attempt: number
  readonly protocol: string
  readonly payload: Uint8Array
  /** Undefined where it must not be compressed. */
  readonly compressionContext: string | undefined
  readonly signal: AbortSignal | undefined
  readonly hooks: DeliveryHooks
  /** Where room was set aside for it, until it leaves the queue. */
  readonly budget: Budget
}

export interface DeliveryOwner {
  /** It is being sent: answers on which stream. */
  onSent(delivery: Delivery): OutboundStream
  /** Nobody waits for it any more. */
  onAborted(delivery: Delivery, reason: unknown): void
}

/** A message until the far side has it, or one attempt at a request until it is answered. Settles once. */
export class Delivery extends Outgoing {
  readonly id: number
  readonly attempt: number
  readonly protocol: string
  readonly compressionContext: string | undefined
  readonly bytes: number
  readonly hooks: DeliveryHooks
  /** What it was sent on; undefined before. */
  stream: OutboundStream | undefined
  /** The far side has it. */
  taken = false
  /** The far side was told that nobody waits, or is about to be. */
  cancelled = false
  readonly #owner: DeliveryOwner
  readonly #budget: Budget
  readonly #signal: AbortSignal | undefined
  readonly #result = Promise.withResolvers<Uint8Array>()
  #payload: Uint8Array
  /** Of its reply, what came before the rest. */
  #parts: Uint8Array[] | undefined
  #partBytes = 0
  #settled = false

  constructor ({ id, attempt, protocol, payload, compressionContext, signal, hooks, budget }: DeliveryQuestion, owner: DeliveryOwner) {
    super()
    this.id = id
    this.attempt = attempt
    this.protocol = protocol
    this.compressionContext = compressionContext
    this.bytes = sizeOf(protocol, payload)
    this.hooks = hooks
    this.#owner = owner
    this.#budget = budget
    this.#signal = signal
    this.#payload = payload
    signal?.addEventListener('abort', this.#onAbort, { once: true })
  }

  /** Its reply; empty of a message. */
  get result (): Promise<Uint8Array> {
    return this.#result.promise
  }

  get isRequest (): boolean {
    return this.attempt > 0
  }

  get settled (): boolean {
    return this.#settled
  }

  item (): Item {
    const { id, attempt, protocol } = this
    return attempt === 0
      ? { kind: 'message', id, protocol, payload: this.#payload }
      : { kind: 'request', id, attempt, protocol, payload: this.#payload }
  }

  override onLeft (): void {
    this.#budget.give(this.bytes)
  }

  override onSent (): void {
    this.stream = this.#owner.onSent(this)
    // The encoder has it, and then the frame a copy.
    this.#payload = NOTHING
    this.hooks.sent?.()
  }

  override onUnsent (error: Error): void {
    this.fail(error)
  }

  override onTaken (): void {
    this.taken = true
    this.hooks.arrived?.()
    this.stream?.onTaken(this)
  }

  /** Bytes of its reply that came in parts. */
  get partBytes (): number {
    return this.#partBytes
  }

  /** The next bytes of its reply. */
  addPart (part: Uint8Array): void {
    this.#parts ??= []
    this.#parts.push(part)
    this.#partBytes += part.byteLength
  }

  /** Answers how many bytes that were. */
  dropParts (): number {
    const dropped = this.#partBytes
    this.#parts = undefined
    this.#partBytes = 0
    return dropped
  }

  succeed (rest: Uint8Array = NOTHING): void {
    if (this.#settle()) {
      this.#result.resolve(this.#parts === undefined ? rest : joined([...this.#parts, rest], this.#partBytes + rest.byteLength))
    }
  }

  fail (error: unknown): void {
    if (this.#settle()) {
      this.#result.reject(error)
    }
  }

  #settle (): boolean {
    if (this.#settled) {
      return false
    }
    this.#settled = true
    this.#signal?.removeEventListener('abort', this.#onAbort)
    return true
  }

  /** Fails, and tells the far side that nobody waits any more. */
  giveUp (reason: unknown): void {
    this.fail(reason)
    this.#owner.onAborted(this, reason)
  }

  readonly #onAbort = (): void => this.giveUp(this.#signal?.reason)
}

function joined (parts: readonly Uint8Array[], length: number): Uint8Array {
  const whole = new Uint8Array(length)
  let position = 0
  for (const part of parts) {
    whole.set(part, position)
    position += part.byteLength
  }
  return whole
}

/** What a message holds while it waits. */
export function sizeOf (protocol: string, payload: Uint8Array): number {
  return payload.byteLength + protocol.length + HEAD_BYTES
}

/** Tells the far side that nobody waits for the answer to an attempt. */
export class Cancel extends Outgoing {
  readonly compressionContext = ANY_CONTEXT
  readonly bytes = HEAD_BYTES
  readonly #delivery: Delivery
  readonly #carriedBy: () => OutboundStream | undefined

  constructor (delivery: Delivery, carriedBy: () => OutboundStream | undefined) {
    super()
    this.#delivery = delivery
    this.#carriedBy = carriedBy
  }

  /** On another stream, or once the answer has come, it would tell nobody anything. */
  override get wanted (): boolean {
    const { stream, id, attempt } = this.#delivery
    return stream !== undefined && stream === this.#carriedBy() && stream.has(id, attempt)
  }

  override onTaken (): void {
    this.#delivery.stream?.onCancelled(this.#delivery)
  }

  item (): Item {
    return { kind: 'cancel', id: this.#delivery.id, attempt: this.#delivery.attempt }
  }
}

/** An item's own fields take no more. */
const HEAD_BYTES = 24
const NOTHING = new Uint8Array()
