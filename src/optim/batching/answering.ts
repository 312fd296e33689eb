import { Answer, HEAD_BYTES, Part } from './answer.ts'
import { AttemptMap } from './attempt-map.ts'
import { BatchFlow } from './batch-flow.ts'
import { Budget } from './budget.ts'
import { ANY_CONTEXT } from './outgoing-queue.ts'
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
  readonly #unanswered = new AttemptMap<Answer | undefined>()
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
    return this.#unanswered.has(id, attempt)
  }

  /** An attempt at a request is begun. */
  begin ({ id, attempt }: Answered): void {
    this.#unanswered.set(id, attempt, undefined)
  }

  /** Nobody waits for the answer any more. */
  cancel (id: number, attempt: number): void {
    const answer = this.#unanswered.get(id, attempt)
    if (answer !== undefined) {
      answer.cancelled = true
    }
    this.#unanswered.delete(id, attempt)
  }

  reply (answered: Answered, trafficClass: TrafficClass, protocol: string, payload: Uint8Array, sensitive: boolean): void {
    if (this.#ended) {
      return
    }
    // A large one goes in parts, so that it fits into batches and those of other classes are not held up by it for long.
    const lastBytes = payload.byteLength > MAXIMUM_ITEM_BYTES ? payload.byteLength % PART_BYTES : payload.byteLength
    const parts = (payload.byteLength - lastBytes) / PART_BYTES
    if (payload.byteLength > this.#environment.settings.maximumReplyPayloadBytes) {
      this.refuse(answered, trafficClass, protocol, 'too-large', `${payload.byteLength} bytes`)
    } else if (this.#takeRoom(parts, lastBytes)) {
      const answer = new Answer(answered, payload.subarray(parts * PART_BYTES), sensitive ? undefined : protocol, this.#budget, this.#onLeft)
      const flow = this.#flowOf(trafficClass)
      for (let i = 0; i < parts; i++) {
        flow.enqueue(new Part(answer, payload.subarray(i * PART_BYTES, (i + 1) * PART_BYTES), this.#budget))
      }
      this.#send(trafficClass, answer)
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

  onSending (): void {}

  admits (): boolean {
    return true
  }

  /** For so many parts and the end behind them, or for nothing. */
  #takeRoom (parts: number, lastBytes: number): boolean {
    let taken = 0
    while (taken < parts && this.#budget.take(HEAD_BYTES + PART_BYTES)) {
      taken++
    }
    if (taken === parts && this.#budget.take(HEAD_BYTES + lastBytes)) {
      return true
    }
    for (; taken > 0; taken--) {
      this.#budget.give(HEAD_BYTES + PART_BYTES)
    }
    return false
  }

  #flowOf (trafficClass: TrafficClass): BatchFlow {
    let flow = this.#flows.get(trafficClass)
    if (flow === undefined) {
      flow = new BatchFlow(this.#stream.peer, trafficClass, this.#environment, this)
      this.#flows.set(trafficClass, flow)
      flow.attach(this.#stream)
    }
    return flow
  }

  #send (trafficClass: TrafficClass, answer: Answer): void {
    this.#flowOf(trafficClass).enqueue(answer)
    const { id, attempt } = answer.answered
    if (attempt > 0) {
      this.#unanswered.set(id, attempt, answer)
    }
  }

  readonly #onLeft = ({ answered: { id, attempt, batch }, isRefusal, cancelled }: Answer): void => {
    this.#refusals -= isRefusal ? 1 : 0
    if (attempt === 0) {
      this.#refusing.splice(this.#refusing.indexOf(batch), 1)
    } else if (!cancelled) {
      this.#unanswered.delete(id, attempt)
    }
    if (!this.#ended) {
      this.#onGone()
    }
  }
}

/** As much as a payload of the initiator's: each side takes so much from the other in one item. */
const MAXIMUM_ITEM_BYTES = 64 * 1024
/** A millisecond at 131 Mbit/s: what is granted to a flow is not exceeded by much. */
const PART_BYTES = 16 * 1024
