import { BinaryHeap, isEarlier } from '../../core/binary-heap.ts'
import { monotonicNowMs } from './monotonic.ts'
import type { Timed } from '../../core/binary-heap.ts'

/** What to do when a deadline is reached. */
export interface Due {
  due (): void
}

interface Entry extends Timed {
  readonly target: Due
}

/** Node's timers count whole milliseconds and may be one late, so the last stretch is waited for in turns of the loop. */
const SPIN_MS = 1.2

/**
 * Timers on the monotonic clock that are late by some tens of microseconds rather than by a millisecond. One Node timer
 * waits for the earliest deadline until it is near; then turns of the event loop (sockets are served in each) wait for
 * the rest, which costs processor time: up to `SPIN_MS` a deadline.
 */
export class DeadlineTimers {
  readonly #heap = new BinaryHeap<Entry>(isEarlier)
  #sequence = 0
  #timer: NodeJS.Timeout | undefined
  /** When the Node timer will look again; what is due before that needs it moved. */
  #wakesAtMs = Infinity
  #immediate: NodeJS.Immediate | undefined

  /** Deadlines not reached yet. */
  get pending (): number {
    return this.#heap.size
  }

  /** Calls `target.due()` once at `atMs`, never before, and never before this call returns. Equal times keep their order. */
  schedule (atMs: number, target: Due): void {
    this.#heap.push({ atMs, sequence: this.#sequence++, target })
    this.#arm()
  }

  /** Forgets all deadlines. */
  clear (): void {
    this.#heap.clear()
    this.#arm()
  }

  readonly #turn = (): void => {
    this.#immediate = undefined
    this.#timer = undefined
    this.#wakesAtMs = Infinity
    const nowMs = monotonicNowMs()
    for (let { first } = this.#heap; first !== undefined && first.atMs <= nowMs; first = this.#heap.first) {
      this.#heap.pop()
      first.target.due()
    }
    this.#arm()
  }

  #arm (): void {
    const { first } = this.#heap
    if (first === undefined) {
      clearTimeout(this.#timer)
      clearImmediate(this.#immediate)
      this.#timer = undefined
      this.#immediate = undefined
      this.#wakesAtMs = Infinity
      return
    }
    if (this.#immediate !== undefined || first.atMs >= this.#wakesAtMs) {
      return
    }
    clearTimeout(this.#timer)
    this.#timer = undefined
    const waitMs = Math.floor(first.atMs - monotonicNowMs() - SPIN_MS)
    if (waitMs < 1) {
      this.#wakesAtMs = Infinity
      this.#immediate = setImmediate(this.#turn)
    } else {
      this.#wakesAtMs = first.atMs
      // A Node timer holds at most 2^31 - 1 ms; one that looks too early waits again.
      this.#timer = setTimeout(this.#turn, Math.min(waitMs, 2 ** 31 - 1))
    }
  }
}
