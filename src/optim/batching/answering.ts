import { Answer, bytesOf } from './answer.ts'
import { BatchFlow } from './batch-flow.ts'
import { Budget } from './budget.ts'
import { ANY_CONTEXT } from './outgoing-queue.ts'
import { keyOf } from './protocol.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { Answered } from './answer.ts'
import type { FlowOwner } from './batch-flow.ts'
import type { BatchStream } from './batch-stream.ts'
import type { BatchingEnvironment } from './environment.ts'
import type { RefusalCode } from './wire/items.ts'

/**
 * What goes back on an incoming stream: for each attempt at a request one answer, in a flow of the request's class, and
 * the refusals of messages. It keeps count of what has been begun and not answered.
 */
export class Answering implements FlowOwner {
  readonly #stream: BatchStream
  readonly #environment: BatchingEnvironment
  /** An answer was sent, or is not wanted any more. */
  readonly #onGone: () => void
  readonly #flows = new Map<TrafficClass, BatchFlow>()
  readonly #budget: Budget
  /** Attempts that were begun and not answered, with the answer where that waits to be sent. */
  readonly #unanswered = new Map<string, Answer | undefined>()
  /** Refusals that wait to be sent. */
  #refusals = 0
  /** The batches of messages among them. */
  readonly #refusing: number[] = []
  #ended = false

  /** @param budget of the replies of all streams */
  constructor (stream: BatchStream, environment: BatchingEnvironment, budget: Budget, onGone: () => void) {
    this.#stream = stream
    this.#environment = environment
    this.#onGone = onGone
    this.#budget = new Budget(Infinity, environment.settings.maximumReplyBytes, budget)
  }

  /** So much waits to be sent that nothing more should be begun. */
  get clogged (): boolean {
    const { maximumReplyBytes, maximumRequests } = this.#environment.settings
    return this.#budget.bytes > maximumReplyBytes / 2 || this.#refusals >= maximumRequests
  }

  /** As many requests are unanswered as this side said it takes. */
  get full (): boolean {
    return this.#unanswered.size >= this.#environment.settings.maximumRequests
  }

  /** Nothing is to be answered. */
  get idle (): boolean {
    return this.#unanswered.size === 0 && this.#refusals === 0
  }

  /** The first batch with a message whose refusal waits: it must not be acknowledged before; Infinity without one. */
  get firstRefusing (): number {
    return this.#refusing.reduce((least, batch) => Math.min(least, batch), Infinity)
  }

  has ({ id, attempt }: Answered): boolean {
    return this.#unanswered.has(keyOf(id, attempt))
  }

  /** An attempt at a request is begun. */
  begin ({ id, attempt }: Answered): void {
    this.#unanswered.set(keyOf(id, attempt), undefined)
  }

  /** Nobody waits for the answer any more. */
  cancel (id: number, attempt: number): void {
    const key = keyOf(id, attempt)
    const answer = this.#unanswered.get(key)
    if (answer !== undefined) {
      answer.cancelled = true
    }
    this.#unanswered.delete(key)
  }

  reply (answered: Answered, trafficClass: TrafficClass, protocol: string, payload: Uint8Array, sensitive: boolean): void {
    if (this.#ended) {
      return
    }
    if (payload.byteLength > MAXIMUM_REPLY_BYTES) {
      this.refuse(answered, trafficClass, protocol, 'too-large', `${payload.byteLength} bytes`)
    } else if (this.#budget.take(bytesOf(payload))) {
      this.#send(trafficClass, new Answer(answered, payload, sensitive ? undefined : protocol, this.#budget, this.#onLeft))
    } else {
      this.refuse(answered, trafficClass, protocol, 'overloaded', 'too many replies wait')
    }
  }

  refuse (answered: Answered, trafficClass: TrafficClass, protocol: string, code: RefusalCode, text = ''): void {
    if (this.#ended) {
      return
    }
    this.#environment.counters.refusals++
    this.#environment.record({ type: 'batching:refused', peer: this.#stream.peer, protocol, by: 'local', reason: code })
    this.#refusals++
    if (answered.attempt === 0) {
      this.#refusing.push(answered.batch)
    }
    this.#send(trafficClass, new Answer(answered, { code, text }, ANY_CONTEXT, undefined, this.#onLeft))
  }

  onRoom (): void {
    for (const flow of this.#flows.values()) {
      flow.onRoom()
    }
  }

  end (error: Error): void {
    this.#ended = true
    for (const flow of this.#flows.values()) {
      flow.end(error)
    }
    this.#unanswered.clear()
  }

  onWanted (): void {}

  admits (): boolean {
    return true
  }

  #send (trafficClass: TrafficClass, answer: Answer): void {
    let flow = this.#flows.get(trafficClass)
    if (flow === undefined) {
      flow = new BatchFlow(this.#stream.peer, trafficClass, this.#environment, this)
      this.#flows.set(trafficClass, flow)
      flow.attach(this.#stream)
    }
    flow.enqueue(answer)
    const { id, attempt } = answer.answered
    if (attempt > 0) {
      this.#unanswered.set(keyOf(id, attempt), answer)
    }
  }

  readonly #onLeft = ({ answered: { id, attempt, batch }, isRefusal, cancelled }: Answer): void => {
    this.#refusals -= isRefusal ? 1 : 0
    if (attempt === 0) {
      this.#refusing.splice(this.#refusing.indexOf(batch), 1)
    } else if (!cancelled) {
      this.#unanswered.delete(keyOf(id, attempt))
    }
    if (!this.#ended) {
      this.#onGone()
    }
  }
}

/** As much as a payload of the initiator's: each side takes so much from the other. */
const MAXIMUM_REPLY_BYTES = 64 * 1024
