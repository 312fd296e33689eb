import { monotonicNowMs } from './monotonic.ts'

/** What to do when a deadline is reached. */
export interface Due {
  due (): void
}

interface Entry {
  readonly atMs: number
  readonly sequence: number
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
  readonly #heap: Entry[] = []
  #sequence = 0
  #timer: NodeJS.Timeout | undefined
  /** When the Node timer will look again; what is due before that needs it moved. */
  #wakesAtMs = Infinity
  #immediate: NodeJS.Immediate | undefined

  /** Deadlines not reached yet. */
  get pending (): number {
    return this.#heap.length
  }

  /** Calls `target.due()` once at `atMs`, never before, and never before this call returns. Equal times keep their order. */
  schedule (atMs: number, target: Due): void {
    this.#push({ atMs, sequence: this.#sequence++, target })
    this.#arm()
  }

  /** Forgets all deadlines. */
  clear (): void {
    this.#heap.length = 0
    this.#arm()
  }

  readonly #turn = (): void => {
    this.#immediate = undefined
    this.#timer = undefined
    this.#wakesAtMs = Infinity
    const nowMs = monotonicNowMs()
    for (let first = this.#heap[0]; first !== undefined && first.atMs <= nowMs; first = this.#heap[0]) {
      this.#pop()
      first.target.due()
    }
    this.#arm()
  }

  #arm (): void {
    const first = this.#heap[0]
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

function before (a: Entry, b: Entry): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.sequence < b.sequence)
}
