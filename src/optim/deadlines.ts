import { BinaryHeap, isEarlier } from '../core/binary-heap.ts'
import type { Timed } from '../core/binary-heap.ts'
import type { Clock, Timer } from '../core/clock.ts'

/**
 * Any number of deadlines on one timer of the clock. A pool of a thousand connections has thousands of them, most of
 * which are cancelled before they are due: a heap makes both cheap, and nothing is armed while there is none.
 */
export class Deadlines {
  readonly #clock: Clock
  readonly #heap = new BinaryHeap<Entry>(isEarlier)
  #sequence = 0
  #live = 0
  #timer: Timer | undefined
  #armedForMs = Infinity
  #running = false
  #lastMs = -Infinity
  /** By how much the clock went back in all. */
  #backMs = 0

  constructor (clock: Clock) {
    this.#clock = clock
  }

  /** Deadlines that are neither past nor cancelled. */
  get size (): number {
    return this.#live
  }

  /** Calls back once, `delayMs` (0 or more) from now; deadlines of one instant in the order they were set. */
  after (delayMs: number, callback: () => void): Timer {
    const entry: Entry = { atMs: this.#now() + delayMs, sequence: this.#sequence++, callback }
    this.#live++
    this.#heap.push(entry)
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
    for (const entry of this.#heap.values()) {
      entry.callback = undefined
    }
    this.#live = 0
    this.#tidy()
  }

  /** The clock's time; where that goes back, this goes on, or what was set before would be late by as much. */
  #now (): number {
    const nowMs = this.#clock.now() + this.#backMs
    if (nowMs < this.#lastMs) {
      return this.#goOnFrom(this.#lastMs)
    }
    this.#lastMs = nowMs
    return nowMs
  }

  #goOnFrom (nowMs: number): number {
    this.#backMs = nowMs - this.#clock.now()
    this.#lastMs = nowMs
    return nowMs
  }

  #onTimer (): void {
    this.#timer = undefined
    // Clocks round: what the timer was set for is due, even if it comes a little early. Much too early, the clock went back.
    const early = this.#armedForMs - this.#now() > TIMERS_ROUND_MS
    const nowMs = early ? this.#goOnFrom(this.#armedForMs) : Math.max(this.#now(), this.#armedForMs)
    this.#armedForMs = Infinity
    this.#running = true
    try {
      for (let { first } = this.#heap; first !== undefined && first.atMs <= nowMs; first = this.#heap.first) {
        this.#heap.pop()
        const { callback } = first
        if (callback !== undefined) {
          first.callback = undefined
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
    if (this.#running) {
      return
    }
    let { first } = this.#heap
    // Nobody is woken for what was cancelled.
    while (first !== undefined && first.callback === undefined) {
      this.#heap.pop()
      first = this.#heap.first
    }
    if (first === undefined || first.atMs >= this.#armedForMs) {
      return
    }
    this.#timer?.cancel()
    const nowMs = this.#now()
    this.#armedForMs = Math.min(first.atMs, nowMs + MAX_DELAY_MS)
    this.#timer = this.#clock.setTimeout(() => this.#onTimer(), Math.max(0, this.#armedForMs - nowMs))
  }

  /** Cancelled entries stay in the heap until they surface, are the majority, or nothing else is left. */
  #tidy (): void {
    if (this.#live === 0) {
      this.#heap.clear()
      this.#timer?.cancel()
      this.#timer = undefined
      this.#armedForMs = Infinity
    } else if (this.#heap.size > 64 && this.#live < this.#heap.size / 2) {
      const live = [...this.#heap.values()].filter(entry => entry.callback !== undefined)
      this.#heap.clear()
      for (const entry of live) {
        this.#heap.push(entry)
      }
    }
  }
}

/** By how much a timer may come early, or two of one instant apart. */
export const TIMERS_ROUND_MS = 5
/** Timers of JavaScript hold 31 bits; a later deadline is come to in steps. */
const MAX_DELAY_MS = 2 ** 30

interface Entry extends Timed {
  /** Undefined once cancelled. */
  callback: (() => void) | undefined
}
