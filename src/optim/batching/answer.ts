import { Outgoing } from './outgoing-queue.ts'
import type { Budget } from './budget.ts'
import type { Item, RefusalCode } from './wire/items.ts'

/** What is answered: an attempt at a request, or (attempt 0) a message that is refused. */
export interface Answered {
  readonly id: number
  readonly attempt: number
  /** The number of the batch that it came in. */
  readonly batch: number
}

/** A reply, or a refusal, that waits to be sent. */
export class Answer extends Outgoing {
  readonly answered: Answered
  readonly compressionContext: string | undefined
  readonly bytes: number
  /** Nobody waits for it any more. */
  cancelled = false
  readonly #content: Uint8Array | Refusal
  readonly #budget: Budget | undefined
  readonly #onGone: (answer: Answer) => void

  /** @param budget where room was set aside for it, until it leaves the queue */
  constructor (answered: Answered, content: Uint8Array | Refusal, compressionContext: string | undefined, budget: Budget | undefined, onGone: (answer: Answer) => void) {
    super()
    this.answered = answered
    this.compressionContext = compressionContext
    this.bytes = bytesOf(content)
    this.#content = content
    this.#budget = budget
    this.#onGone = onGone
  }

  get isRefusal (): boolean {
    return !(this.#content instanceof Uint8Array)
  }

  override get wanted (): boolean {
    return !this.cancelled
  }

  item (): Item {
    const { id, attempt } = this.answered
    const content = this.#content
    return content instanceof Uint8Array
      ? { kind: 'reply', id, attempt, payload: content }
      : { kind: 'refusal', id, attempt, ...content }
  }

  override onLeft (): void {
    this.#budget?.give(this.bytes)
    this.#onGone(this)
  }
}

/** The next bytes of a reply that is too large for one item. */
export class Part extends Outgoing {
  readonly compressionContext: string | undefined
  readonly bytes: number
  readonly #answer: Answer
  readonly #payload: Uint8Array
  readonly #budget: Budget

  /** @param answer the end of the reply */
  constructor (answer: Answer, payload: Uint8Array, budget: Budget) {
    super()
    this.compressionContext = answer.compressionContext
    this.bytes = bytesOf(payload)
    this.#answer = answer
    this.#payload = payload
    this.#budget = budget
  }

  override get wanted (): boolean {
    return this.#answer.wanted
  }

  item (): Item {
    const { id, attempt } = this.#answer.answered
    return { kind: 'part', id, attempt, payload: this.#payload }
  }

  override onLeft (): void {
    this.#budget.give(this.bytes)
  }
}

export interface Refusal {
  readonly code: RefusalCode
  readonly text: string
}

/** What an answer holds while it waits. */
export function bytesOf (content: Uint8Array | Refusal): number {
  return HEAD_BYTES + (content instanceof Uint8Array ? content.byteLength : content.text.length)
}

/** An item's own fields take about this much. */
export const HEAD_BYTES = 24
