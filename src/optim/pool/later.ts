import type { Clock, Timer } from '../../core/clock.ts'
import type { Deadlines } from '../deadlines.ts'

/** One call that is to come some time: of several wishes the earliest counts. */
export class Later {
  readonly #clock: Clock
  readonly #deadlines: Deadlines
  readonly #callback: () => void
  #armed: { readonly atMs: number, readonly timer: Timer } | undefined

  constructor (clock: Clock, deadlines: Deadlines, callback: () => void) {
    this.#clock = clock
    this.#deadlines = deadlines
    this.#callback = callback
  }

  /** Calls back `delayMs` from now, or before. */
  within (delayMs: number): void {
    // Not at this very instant: a clock that rounds could otherwise stand still over it.
    const waitMs = Math.max(1, delayMs)
    const atMs = this.#clock.now() + waitMs
    if (this.#armed !== undefined && this.#armed.atMs <= atMs) {
      return
    }
    this.cancel()
    const timer = this.#deadlines.after(waitMs, () => {
      this.#armed = undefined
      this.#callback()
    })
    this.#armed = { atMs, timer }
  }

  cancel (): void {
    this.#armed?.timer.cancel()
    this.#armed = undefined
  }
}
