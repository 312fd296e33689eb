import type { Timer } from '../../core/clock.ts'
import type { BatchingEnvironment } from './environment.ts'
import type { Acknowledgement } from './wire/items.ts'

/** The batches that came on a stream, and what the far side knows of them. */
export class Receipts {
  readonly #environment: BatchingEnvironment
  /** Answers how many were taken in, which may be acknowledged. */
  readonly #taken: () => number
  /** Sends an acknowledgement alone. */
  readonly #send: () => void
  #received = 0
  /** When batches came, from the last that was taken in on: of more than are kept, the oldest are as old as the next. */
  readonly #receivedMs: number[] = []
  /** The last with items: one without asks for no acknowledgement. */
  #receivedItems = 0
  #acknowledged = 0
  #timer: Timer | undefined
  /** The time to send it alone has come. */
  #due = false

  constructor (environment: BatchingEnvironment, taken: () => number, send: () => void) {
    this.#environment = environment
    this.#taken = taken
    this.#send = send
  }

  /** The far side knows of all that asks for it. */
  get settled (): boolean {
    return this.#acknowledged >= this.#receivedItems
  }

  /** There is an acknowledgement that has waited long enough. */
  get due (): boolean {
    return this.#due && this.#owed
  }

  /** A batch is whole. Answers its number, from 1. */
  receive (hasItems: boolean): number {
    this.#receivedMs.push(this.#environment.clock.now())
    this.#received++
    const spare = Math.max(this.#receivedMs.length - MAXIMUM_TIMES, this.#taken() - this.#firstTimed)
    if (spare > 0) {
      this.#receivedMs.splice(0, spare)
    }
    if (hasItems) {
      this.#receivedItems = this.#received
    }
    return this.#received
  }

  /** What was taken in is acknowledged with the next batch, or alone after `delayMs`: 0 for the end of this burst. */
  acknowledgeWithin (delayMs: number): void {
    if (!this.#owed) {
      return
    }
    if (delayMs === 0) {
      this.#timer?.cancel()
      this.#timer = undefined
      queueMicrotask(this.#onDue)
    } else {
      this.#timer ??= this.#environment.deadlines.after(delayMs, this.#onDue)
    }
  }

  /** What the batch that is sent now acknowledges. */
  take (): Acknowledgement | undefined {
    const taken = this.#taken()
    if (taken === this.#acknowledged) {
      return undefined
    }
    this.#acknowledged = taken
    this.stop()
    const receivedMs = this.#receivedMs[Math.max(0, taken - this.#firstTimed)]
    return { batch: taken, heldUs: Math.round((this.#environment.clock.now() - receivedMs) * 1_000) }
  }

  stop (): void {
    this.#due = false
    this.#timer?.cancel()
    this.#timer = undefined
  }

  /** The batch that the first time kept is of. */
  get #firstTimed (): number {
    return this.#received - this.#receivedMs.length + 1
  }

  get #owed (): boolean {
    return this.#acknowledged < Math.min(this.#taken(), this.#receivedItems)
  }

  readonly #onDue = (): void => {
    this.#timer = undefined
    this.#due = true
    this.#send()
  }
}

/** Of batches that wait to be taken in: one that is read, and those behind a refusal that waits to be sent. */
const MAXIMUM_TIMES = 1_024
