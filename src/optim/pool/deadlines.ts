import type { Clock, Timer } from '../../core/clock.ts'

/**
 * Any number of deadlines on one timer of the clock. A pool of a thousand connections has thousands of them, most of
 * which are cancelled before they are due: a heap makes both cheap, and nothing is armed while there is none.
 */
export class Deadlines {
  readonly #clock: Clock
  #heap: Entry[] = []
  #sequence = 0
  #live = 0
  #timer: Timer | undefined
  #armedForMs = Infinity
  #running = false

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /** Deadlines that are neither past nor cancelled. */
  get size (): number {
    return this.#live
  }

  /** Calls back once, `delayMs` (0 or more) from now; deadlines of one instant in the order they were set. */
  after (delayMs: number, callback: () => void): Timer {
    const entry: Entry = { atMs: this.#clock.now() + delayMs, sequence: this.#sequence++, callback }
    this.#live++
    this.#push(entry)
    this.#arm()
    return {
      cancel: () => {
        if (entry.callback !== undefined) {
          entry.callback = undefined
          this.#live--
          this.#tidy()
        }
      }
    }
  }

  /** Cancels all. */
  clear (): void {
    for (const entry of this.#heap) {
      entry.callback = undefined
    }
    this.#live = 0
    this.#tidy()
  }

  #onTimer (): void {
    this.#timer = undefined
    // Clocks round: what the timer was set for is due, even if it comes a little early.
    const nowMs = Math.max(this.#clock.now(), this.#armedForMs)
    this.#armedForMs = Infinity
    this.#running = true
    try {
      while (this.#heap.length > 0 && this.#heap[0].atMs <= nowMs) {
        const entry = this.#pop()
        const { callback } = entry
        if (callback !== undefined) {
          entry.callback = undefined
          this.#live--
          callback()
        }
      }
    } finally {
      this.#running = false
      this.#tidy()
      this.#arm()
    }
  }

  #arm (): void {
    if (this.#running || this.#heap.length === 0 || this.#heap[0].atMs >= this.#armedForMs) {
      return
    }
    this.#timer?.cancel()
    const nowMs = this.#clock.now()
    this.#armedForMs = Math.min(this.#heap[0].atMs, nowMs + MAX_DELAY_MS)
    this.#timer = this.#clock.setTimeout(() => this.#onTimer(), Math.max(0, this.#armedForMs - nowMs))
  }

  /** Cancelled entries stay in the heap until they surface, are the majority, or nothing else is left. */
  #tidy (): void {
    if (this.#live === 0) {
      this.#heap = []
      this.#timer?.cancel()
      this.#timer = undefined
      this.#armedForMs = Infinity
    } else if (this.#heap.length > 64 && this.#live < this.#heap.length / 2) {
      const live = this.#heap.filter(entry => entry.callback !== undefined)
      this.#heap = []
      for (const entry of live) {
        this.#push(entry)
      }
    }
  }

  #push (entry: Entry): void {
    const heap = this.#heap
    let i = heap.length
    heap.push(entry)
    while (i > 0) {
      const parent = (i - 1) >> 1
      if (!before(entry, heap[parent])) {
        break
      }
      heap[i] = heap[parent]
      i = parent
    }
    heap[i] = entry
  }

  #pop (): Entry {
    const heap = this.#heap
    const top = heap[0]
    const last = heap.pop()
    if (last === undefined || heap.length === 0) {
      return top
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
    return top
  }
}

/** Timers of JavaScript hold 31 bits; a later deadline is come to in steps. */
const MAX_DELAY_MS = 2 ** 30

interface Entry {
  readonly atMs: number
  readonly sequence: number
  /** Undefined once cancelled. */
  callback: (() => void) | undefined
}

function before (a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence)
}
