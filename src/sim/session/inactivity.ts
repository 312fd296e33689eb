import type { Clock, Timer } from '../../core/clock.ts'

/** Tells once when nothing happened for so long: what `socket.setTimeout` of Node does. */
export class Inactivity {
  readonly #clock: Clock
  readonly #limitMs: number
  readonly #onIdle: () => void
  #latestMs: number
  #timer: Timer

  constructor (clock: Clock, limitMs: number, onIdle: () => void) {
    this.#clock = clock
    this.#limitMs = limitMs
    this.#onIdle = onIdle
    this.#latestMs = clock.now()
    this.#timer = this.#arm(limitMs)
  }

  /** Something came or went. */
  touch (): void {
    this.#latestMs = this.#clock.now()
  }

  stop (): void {
    this.#timer.cancel()
  }

  #arm (delayMs: number): Timer {
    return this.#clock.setTimeout(() => {
      // Node's timers count whole milliseconds.
      const remainingMs = this.#latestMs + this.#limitMs - this.#clock.now()
      if (remainingMs > 0) {
        this.#timer = this.#arm(Math.ceil(remainingMs))
      } else {
        this.#onIdle()
      }
    }, delayMs)
  }
}
