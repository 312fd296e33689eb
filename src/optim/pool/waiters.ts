import type { Connection } from '../port.ts'
import type { StreamLease } from './lease.ts'

/** Somebody who asked for a stream, or for a connection only. */
export interface Waiter {
  /** Undefined where a connection is all that is asked for. */
  readonly protocol: string | undefined
  /** Higher goes first. */
  readonly priority: number
  /** Order of arrival: first come, first served within a priority. */
  readonly sequence: number
  readonly sinceMs: number
  /** Streams that were tried in vain. */
  attempts: number
  /** True once resolved or rejected. */
  settled: boolean
  /** Told when a stream begins to be opened. */
  readonly onOpening: ((connection: Connection) => void) | undefined
  /** Ends the opening of a stream under way. */
  cancelOpening: ((reason: unknown) => void) | undefined
  succeed(result: StreamLease | Connection): void
  fail(error: unknown): void
}

/** Waiters of one peer by priority, then arrival. A waiter put back takes its old place. */
export class WaiterQueue {
  readonly #waiters: Waiter[] = []

  get size (): number {
    return this.#waiters.length
  }

  get first (): Waiter | undefined {
    return this.#waiters[0]
  }

  add (waiter: Waiter): void {
    let i = this.#waiters.length
    while (i > 0 && before(waiter, this.#waiters[i - 1])) {
      i--
    }
    this.#waiters.splice(i, 0, waiter)
  }

  /** False where it was not in the queue. */
  remove (waiter: Waiter): boolean {
    const i = this.#waiters.indexOf(waiter)
    if (i >= 0) {
      this.#waiters.splice(i, 1)
    }
    return i >= 0
  }

  /** In order. The waiter just seen may be removed meanwhile. */
  * [Symbol.iterator] (): IterableIterator<Waiter> {
    for (let i = 0; i < this.#waiters.length;) {
      const waiter = this.#waiters[i]
      yield waiter
      i += this.#waiters[i] === waiter ? 1 : 0
    }
  }
}

/** Whether `a` is to be served before `b`. */
export function before (a: Waiter, b: Waiter): boolean {
  return a.priority > b.priority || (a.priority === b.priority && a.sequence < b.sequence)
}
