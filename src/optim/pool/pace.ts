import type { RandomStream } from '../../core/random.ts'

/**
 * Spaces what may be done at once the first time, but not again and again: `base x 2^n` up to a ceiling, within 20%
 * either way, and back to nothing once it was left alone for twice the ceiling.
 */
export class Pace {
  readonly #random: RandomStream
  readonly #baseMs: number
  readonly #ceilingMs: number
  #count = 0
  #lastMs = -Infinity
  #notBeforeMs = -Infinity

  constructor (random: RandomStream, baseMs: number, ceilingMs: number) {
    this.#random = random
    this.#baseMs = baseMs
    this.#ceilingMs = ceilingMs
  }

  allows (nowMs: number): boolean {
    return nowMs >= this.#notBeforeMs
  }

  /** How long until it is allowed, in milliseconds. */
  remainingMs (nowMs: number): number {
    return Math.max(0, this.#notBeforeMs - nowMs)
  }

  /** To be called each time it was done. */
  advance (nowMs: number): void {
    this.#count = nowMs - this.#lastMs > 2 * this.#ceilingMs ? 0 : this.#count + 1
    this.#lastMs = nowMs
    const delayMs = Math.min(this.#baseMs * 2 ** this.#count, this.#ceilingMs)
    this.#notBeforeMs = nowMs + delayMs * this.#random.uniform(0.8, 1.2)
  }
}
