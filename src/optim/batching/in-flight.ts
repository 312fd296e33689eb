import type { Outgoing } from './outgoing-queue.ts'

/** A batch that was handed to the transport. */
export interface SentBatch {
  /** Whose it is; undefined of settings, and of an acknowledgement alone. */
  readonly sender: BatchSender | undefined
  readonly wireBytes: number
  readonly sentMs: number
  /** Those that want to know that they arrived. */
  readonly entries: readonly Outgoing[]
  /** What had arrived of the stream when this was sent, in bytes, and when the last of that had. */
  readonly deliveredBytes: number
  readonly deliveredMs: number
}

/** Who sent a batch is told when it has arrived. */
export interface BatchSender {
  onAcknowledged(arrival: Arrival): void
}

/** What one acknowledgement says of one sender's batches. */
export interface Arrival {
  readonly nowMs: number
  readonly batches: number
  readonly wireBytes: number
  /** Without the time that the far side held the acknowledgement. */
  readonly rttMs: number
  readonly rateBitsPerSecond: number
  /** The time that `rateBitsPerSecond` is over. */
  readonly overMs: number
}

/** The batches of one direction of a stream that were sent and not acknowledged, and the rate at which they arrive. */
export class InFlight {
  #batches: SentBatch[] = []
  /** Of them, such that have items: acknowledgements alone are not acknowledged by themselves. */
  #owed = 0
  #acknowledged = 0
  #bytes = 0
  #deliveredBytes = 0
  #deliveredMs = 0

  /** Batches whose acknowledgement is due. */
  get owed (): number {
    return this.#owed
  }

  /** Of all batches that were not acknowledged. */
  get bytes (): number {
    return this.#bytes
  }

  send (sender: BatchSender | undefined, wireBytes: number, entries: readonly Outgoing[], nowMs: number): void {
    if (this.#owed === 0) {
      // The time before was not spent on sending.
      this.#deliveredMs = nowMs
    }
    this.#owed += sender === undefined ? 0 : 1
    this.#bytes += wireBytes
    this.#batches.push({ sender, wireBytes, sentMs: nowMs, entries, deliveredBytes: this.#deliveredBytes, deliveredMs: this.#deliveredMs })
  }

  /** The batches that arrived with this, the last one last; undefined where `batch` cannot be. */
  acknowledge (batch: number, nowMs: number): SentBatch[] | undefined {
    if (batch < this.#acknowledged || batch > this.#acknowledged + this.#batches.length) {
      return undefined
    }
    const arrived = this.#batches.splice(0, batch - this.#acknowledged)
    this.#acknowledged = batch
    for (const { sender, wireBytes } of arrived) {
      this.#bytes -= wireBytes
      this.#deliveredBytes += wireBytes
      this.#owed -= sender === undefined ? 0 : 1
    }
    if (arrived.length > 0) {
      this.#deliveredMs = nowMs
    }
    return arrived
  }

  /** What arrived since the last one of `arrived` was sent, over the time that it took (BBR, section 4.1.1). */
  rateOf ({ deliveredBytes, deliveredMs }: SentBatch): { readonly rateBitsPerSecond: number, readonly overMs: number } {
    const overMs = this.#deliveredMs - deliveredMs
    return { rateBitsPerSecond: (this.#deliveredBytes - deliveredBytes) * 8_000 / overMs, overMs }
  }

  clear (): void {
    this.#batches = []
    this.#bytes = 0
    this.#owed = 0
  }
}
