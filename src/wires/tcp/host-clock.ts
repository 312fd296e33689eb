import { monotonicNowMs } from './monotonic.ts'
import type { Clock, Timer } from '../../core/clock.ts'

/** Real time since the run's time zero; it stands at 0 until then, so that it never goes back. */
export class HostClock implements Clock {
  readonly #handles = new Set<NodeJS.Timeout>()
  #zeroMs = Infinity

  now (): number {
    return Math.max(0, monotonicNowMs() - this.#zeroMs)
  }

  setTimeout (callback: () => void, delayMs: number): Timer {
    const handle = setTimeout(() => {
      this.#handles.delete(handle)
      callback()
    }, Math.max(0, delayMs))
    this.#handles.add(handle)
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
