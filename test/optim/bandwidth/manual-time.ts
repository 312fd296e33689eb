import { BinaryHeap, isEarlier } from '../../../src/core/binary-heap.ts'
import { Deadlines } from '../../../src/optim/deadlines.ts'
import type { Timed } from '../../../src/core/binary-heap.ts'
import type { Clock, Timer } from '../../../src/core/clock.ts'

/** A clock that is moved by hand, for what waits for no promise: a schedule of it costs microseconds. */
export class ManualTime implements Clock {
  readonly deadlines = new Deadlines(this)
  readonly #timers = new BinaryHeap<Entry>(isEarlier)
  #nowMs = 0
  #sequence = 0

  now (): number {
    return this.#nowMs
  }

  setTimeout (callback: () => void, delayMs: number): Timer {
    const entry: Entry = { atMs: this.#nowMs + delayMs, sequence: this.#sequence++, callback }
    this.#timers.push(entry)
    return { cancel: () => { entry.callback = undefined } }
  }

  /** Fires what is due until then, in order. */
  runTo (untilMs: number): void {
    for (let { first } = this.#timers; first !== undefined && first.atMs <= untilMs; first = this.#timers.first) {
      this.#timers.pop()
      this.#nowMs = Math.max(this.#nowMs, first.atMs)
      first.callback?.()
    }
    this.#nowMs = Math.max(this.#nowMs, untilMs)
  }
}

interface Entry extends Timed {
  callback: (() => void) | undefined
}
