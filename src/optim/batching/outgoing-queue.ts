import type { Item } from './wire/items.ts'

/** The compression context of an item that tells nothing to whoever sees how long a batch became: it goes with any other. */
export const ANY_CONTEXT = ''

/** Something that waits to be sent, or was sent. It is told what becomes of it, each at most once. */
export abstract class Outgoing {
  /** What it holds in memory, and about what it takes on the wire. */
  abstract readonly bytes: number
  /** Items that may be compressed together; undefined of what must not be compressed. */
  abstract readonly compressionContext: string | undefined
  /** Of the queue that it is in. */
  previous: Outgoing | undefined
  next: Outgoing | undefined
  queue: OutgoingQueue | undefined
  /** When it was queued, and how many were before it. */
  queuedMs = 0
  sequence = 0

  /** False once there is no sense in sending it any more. */
  get wanted (): boolean {
    return true
  }

  /** What goes on the wire. */
  abstract item (): Item
  /** It left the queue, for whatever reason. */
  onLeft (): void {}
  /** It is in a batch that is handed to the transport at this moment. */
  onSent (): void {}
  /** It could not be sent, and left the queue. */
  onUnsent (_error: Error): void {}
  /** The far side has it. Not there on what is of no more use once it was sent. */
  onTaken? (): void
}

/** What waits, first in, first out, and from which anything can be taken: linked, so that an abort costs no search. */
export class OutgoingQueue {
  #first: Outgoing | undefined
  #last: Outgoing | undefined
  #length = 0
  #bytes = 0
  #sequence = 0

  get first (): Outgoing | undefined {
    return this.#first
  }

  get length (): number {
    return this.#length
  }

  get bytes (): number {
    return this.#bytes
  }

  /** Of the last that was queued; 0 before the first. */
  get sequence (): number {
    return this.#sequence
  }

  push (entry: Outgoing, nowMs: number): void {
    entry.queue = this
    entry.queuedMs = nowMs
    entry.sequence = ++this.#sequence
    entry.previous = this.#last
    if (this.#last === undefined) {
      this.#first = entry
    } else {
      this.#last.next = entry
    }
    this.#last = entry
    this.#length++
    this.#bytes += entry.bytes
  }

  /** Puts it before the first, whose age it takes over. */
  pushFirst (entry: Outgoing, nowMs: number): void {
    const first = this.#first
    if (first === undefined) {
      this.push(entry, nowMs)
      return
    }
    entry.queue = this
    entry.queuedMs = first.queuedMs
    entry.sequence = first.sequence
    entry.next = first
    first.previous = entry
    this.#first = entry
    this.#length++
    this.#bytes += entry.bytes
  }

  /** From the first to the last; what is removed meanwhile does not disturb it. */
  * [Symbol.iterator] (): Generator<Outgoing, void> {
    for (let entry = this.#first; entry !== undefined;) {
      const { next } = entry
      yield entry
      entry = next
    }
  }

  /** Takes out an entry that is in it. */
  remove (entry: Outgoing): void {
    if (entry.queue !== this) {
      throw new Error('not in this queue')
    }
    if (entry.previous === undefined) {
      this.#first = entry.next
    } else {
      entry.previous.next = entry.next
    }
    if (entry.next === undefined) {
      this.#last = entry.previous
    } else {
      entry.next.previous = entry.previous
    }
    entry.queue = entry.previous = entry.next = undefined
    this.#length--
    this.#bytes -= entry.bytes
    entry.onLeft()
  }
}
