import { MAXIMUM_STEP_MS } from '../../core/clock.ts'
import { monotonicNowMs } from './monotonic.ts'
import type { Clock, Timer } from '../../core/clock.ts'

/**
 * Real time since the run's time zero; it stands at 0 until then, so that it never goes back. Its timers are late by up to
 * two milliseconds, as Node's are, but never early: an answer must not come before its request was due.
 */
export class HostClock implements Clock {
  readonly #handles = new Set<NodeJS.Timeout>()
  #zeroMs = Infinity

  now (): number {
    return Math.max(0, monotonicNowMs() - this.#zeroMs)
  }

  setTimeout (callback: () => void, delayMs: number): Timer {
    const dueMs = monotonicNowMs() + Math.max(0, delayMs)
    let handle: NodeJS.Timeout
    const wait = (leftMs: number): void => {
      handle = setTimeout(() => {
        this.#handles.delete(handle)
        // Node's timers may be early by more than a millisecond, and hold 31 bits.
        const stillMs = dueMs - monotonicNowMs()
        if (stillMs > 0) {
          wait(stillMs)
        } else {
          callback()
        }
      }, Math.min(leftMs, MAXIMUM_STEP_MS))
      this.#handles.add(handle)
    }
    wait(Math.max(0, delayMs))
    return {
      cancel: () => {
        this.#handles.delete(handle)
        clearTimeout(handle)
      }
    }
  }

  /** `zeroMs` is on the monotonic clock, and may be a little ahead. */
  start (zeroMs: number): void {
    this.#zeroMs = zeroMs
  }

  /** Cancels every timer: the next run in this process must not meet this one's. */
  stop (): void {
    for (const handle of this.#handles) {
      clearTimeout(handle)
    }
    this.#handles.clear()
  }
}
