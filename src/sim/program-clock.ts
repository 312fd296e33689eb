import type { Clock, Timer } from '../core/clock.ts'
import type { Processor } from './tcp/processor.ts'

/** The clock of programs on a host whose processor can be frozen: what timers are for waits for the end of a freeze. */
export class ProgramClock implements Clock {
  readonly #clock: Clock
  readonly #processor: Processor

  constructor (clock: Clock, processor: Processor) {
    this.#clock = clock
    this.#processor = processor
  }

  now (): number {
    return this.#clock.now()
  }

  setTimeout (callback: () => void, delayMs: number): Timer {
    let cancelled = false
    const timer = this.#clock.setTimeout(() => this.#processor.processTimer(() => {
      // By what was done first when the freeze ended.
      if (!cancelled) {
        callback()
      }
    }), delayMs)
    return {
      cancel () {
        cancelled = true
        timer.cancel()
      }
    }
  }
}
