import { BinaryHeap, isEarlier } from '../../core/binary-heap.ts'
import { monotonicNowMs } from './monotonic.ts'
import { NearTimer } from './near-timer.ts'
import type { Timed } from '../../core/binary-heap.ts'

/** What to do when a deadline is reached. */
export interface Due {
  due (): void
}

interface Entry extends Timed {
  readonly target: Due
}

/** A thread is woken late by what the system takes for it, so the last stretch is waited for in turns of the loop. */
const SPIN_MS = 0.25

export interface DeadlineTimersOptions {
  /** How long the last stretch is at most, ms. A thread on an idle processor is late by up to half a millisecond. */
  readonly spinMs?: number
  /** ... and of the time since the deadline before, so that many deadlines leave the processor to others. Absent: always as long. */
  readonly spinShare?: number
}

/**
 * Timers on the monotonic clock that are late by some tens of microseconds, where Node's timers count whole milliseconds.
 * A thread sleeps until the earliest deadline is near; then turns of the event loop (sockets are served in each) wait for
 * the rest, which costs processor time: up to `spinMs` a deadline, which more would take from hosts on the same machine.
 */
export class DeadlineTimers {
  readonly #heap = new BinaryHeap<Entry>(isEarlier)
  readonly #near = new NearTimer(() => this.#turn())
  #sequence = 0
  /** The deadline that the thread waits for. */
  #nearMs = Infinity
  #immediate: NodeJS.Immediate | undefined
  readonly #mostSpinMs: number
  readonly #spinShare: number | undefined
  #spinMs: number
  /** When deadlines were reached last. */
  #reachedMs = -Infinity

  constructor ({ spinMs = SPIN_MS, spinShare }: DeadlineTimersOptions = {}) {
    this.#mostSpinMs = spinMs
    this.#spinMs = spinMs
    this.#spinShare = spinShare
  }

  /** Deadlines not reached yet. */
  get pending (): number {
    return this.#heap.size
  }

  /** Calls `target.due()` once at `atMs`, never before, and never before this call returns. Equal times keep their order. */
  schedule (atMs: number, target: Due): void {
    this.#heap.push({ atMs, sequence: this.#sequence++, target })
    this.#arm()
  }

  /** As `schedule`, and forgets all other deadlines. */
  scheduleAlone (atMs: number, target: Due): void {
    this.#heap.clear()
    this.schedule(atMs, target)
  }

  /** Resolves when the thread runs; until then deadlines cost a processor. */
  async started (): Promise<void> {
    await this.#near.started()
  }

  /** Forgets all deadlines. */
  clear (): void {
    this.#heap.clear()
    this.#arm()
  }

  /** Forgets all deadlines, and ends the thread. To be called once, last. */
  async stop (): Promise<void> {
    this.clear()
    await this.#near.stop()
  }

  readonly #turn = (): void => {
    this.#immediate = undefined
    this.#nearMs = Infinity
    const nowMs = monotonicNowMs()
    let { first } = this.#heap
    if (this.#spinShare !== undefined && first !== undefined && first.atMs <= nowMs) {
      this.#spinMs = Math.min(this.#mostSpinMs, this.#spinShare * (nowMs - this.#reachedMs))
      this.#reachedMs = nowMs
    }
    for (; first !== undefined && first.atMs <= nowMs; first = this.#heap.first) {
      this.#heap.pop()
      first.target.due()
    }
    this.#arm()
  }

  #arm (): void {
    const { first } = this.#heap
    if (first === undefined) {
      clearImmediate(this.#immediate)
      this.#immediate = undefined
      this.#nearMs = Infinity
      this.#near.set(Infinity)
      return
    }
    if (this.#immediate !== undefined || first.atMs >= this.#nearMs) {
      return
    }
    if (!this.#near.ready || first.atMs - monotonicNowMs() <= this.#spinMs) {
      this.#immediate = setImmediate(this.#turn)
    } else {
      this.#nearMs = first.atMs
      this.#near.set(first.atMs - this.#spinMs)
    }
  }
}
