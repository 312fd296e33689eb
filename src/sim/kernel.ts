import { TraceHash } from '../core/trace-hash.ts'
import { TwinwireError } from '../core/errors.ts'

/** A kind of event, from `Kernel.define`. */
export type Operation = number

/** A pending event, for `cancel`. Never reused for another event within a run. */
export type EventId = number

/**
 * The discrete-event kernel: orders events by (time, sequence of scheduling), and is the only thing that moves the clock.
 * Time is an integer count of nanoseconds.
 *
 * An event is an operation (an integer, defined once for each kind of event) and an integer argument, so that
 * scheduling one allocates nothing.
 */
export class Kernel {
  /** Virtual time. Read-only to all others. */
  nowNs = 0
  /** Events dispatched so far. */
  dispatched = 0

  readonly #operations: Array<(argument: number) => void> = []
  readonly #hash = new TraceHash()
  readonly #heap: Array<{ atNs: number, sequence: number, operation: Operation, argument: number }> = []
  readonly #cancelled = new Set<number>()
  #sequence = 0
  #woken = false

  /** Registers what to do for one kind of event. Define operations once a component class or instance, never an event. */
  define (handler: (argument: number) => void): Operation {
    return this.#operations.push(handler) - 1
  }

  /** Events scheduled and neither dispatched nor cancelled. */
  get pending (): number {
    return this.#heap.length - this.#cancelled.size
  }

  /** `atNs` is an integer, now or later; `argument` a 32-bit integer. */
  schedule (atNs: number, operation: Operation, argument: number): EventId {
    if (!(atNs >= this.nowNs)) {
      throw new Error(`event scheduled at ${atNs} ns, before now (${this.nowNs} ns)`)
    }
    const sequence = this.#sequence++
    this.#push({ atNs, sequence, operation, argument })
    return sequence
  }

  /** False where the event has been dispatched or cancelled already. */
  cancel (id: EventId): boolean {
    if (this.#cancelled.has(id) || !this.#heap.some(event => event.sequence === id)) {
      return false
    }
    this.#cancelled.add(id)
    return true
  }

  /**
   * To be called by whoever, inside an event, settles a promise or calls code that may await: `runAsync` then lets
   * promises run before the next event.
   */
  wake (): void {
    this.#woken = true
  }

  /** Dispatches events up to and including `untilNs`, then sets the clock to it (or leaves it at the last event's time where `untilNs` is infinite). */
  run (untilNs = Infinity): void {
    while (this.#step(untilNs)) { /* all is in the step */ }
    if (untilNs !== Infinity) {
      this.nowNs = untilNs
    }
  }

  /**
   * Like `run`, but lets promises run before the clock may advance whenever an event woke them, and stops as soon as
   * `finished` answers true (asked each time after promises ran).
   *
   * @throws ERR_DEADLOCK where no event is left and `finished` is still false
   */
  async runAsync (finished: () => boolean, untilNs = Infinity): Promise<void> {
    await promisesSettle()
    while (!finished()) {
      this.#woken = false
      let more = true
      while (more && !this.#woken) {
        more = this.#step(untilNs)
      }
      if (this.#woken) {
        await promisesSettle()
      } else if (untilNs !== Infinity) {
        this.nowNs = untilNs
        return
      } else if (!finished()) {
        throw new TwinwireError('ERR_DEADLOCK', `no event is left at ${this.nowNs / 1e6} ms, and something still waits`)
      }
    }
  }

  /** Hash over every event dispatched: time, operation and argument. */
  digest (): string {
    return this.#hash.digest()
  }

  #step (untilNs: number): boolean {
    for (;;) {
      const event = this.#heap[0]
      if (event === undefined || event.atNs > untilNs) {
        return false
      }
      this.#pop()
      if (this.#cancelled.delete(event.sequence)) {
        continue
      }
      this.nowNs = event.atNs
      this.dispatched++
      this.#hash.mixNumber(event.atNs)
      this.#hash.mixInteger(event.operation)
      this.#hash.mixInteger(event.argument)
      this.#operations[event.operation](event.argument)
      return true
    }
  }

  #push (event: { atNs: number, sequence: number, operation: number, argument: number }): void {
    const heap = this.#heap
    let i = heap.length
    heap.push(event)
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(event, heap[parent])) {
        break
      }
      heap[i] = heap[parent]
      i = parent
    }
    heap[i] = event
  }

  #pop (): void {
    const heap = this.#heap
    const last = heap.pop()
    if (last === undefined || heap.length === 0) {
      return
    }
    let i = 0
    for (;;) {
      let child = 2 * i + 1
      if (child >= heap.length) {
        break
      }
      if (child + 1 < heap.length && before(heap[child + 1], heap[child])) {
        child++
      }
      if (!before(heap[child], last)) {
        break
      }
      heap[i] = heap[child]
      i = child
    }
    heap[i] = last
  }
}

function before (a: { atNs: number, sequence: number }, b: { atNs: number, sequence: number }): boolean {
  return a.atNs < b.atNs || (a.atNs === b.atNs && a.sequence < b.sequence)
}

/** All promise jobs, and those that they start, run before the next turn of the event loop. */
async function promisesSettle (): Promise<void> {
  await new Promise<void>(resolve => setImmediate(resolve))
}
