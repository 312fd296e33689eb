import type { Clock, Timer } from '../../core/clock.ts'

// @chainsafe/libp2p-yamux 8, config.ts.
const INTERVAL_MS = 30_000

/** yamux's pings: the first at once, each next one 30 s after the answer to the last. They measure the round trip, too. */
export class YamuxKeepAlive {
  /** Of the latest answer, in whole milliseconds; -1 before the first. */
  rttMs = -1

  readonly #clock: Clock
  readonly #ping: (id: number) => void
  #nextId = 0
  #active: { readonly id: number, readonly startMs: number } | undefined
  #timer: Timer | undefined
  #stopped = false

  constructor (clock: Clock, ping: (id: number) => void) {
    this.#clock = clock
    this.#ping = ping
  }

  start (): void {
    queueMicrotask(() => this.#begin())
  }

  stop (): void {
    this.#stopped = true
    this.#timer?.cancel()
  }

  onAnswer (id: number): void {
    if (this.#active?.id !== id) {
      return
    }
    const rttMs = this.#nowMs - this.#active.startMs
    this.#active = undefined
    // In the real one a promise: frames that came with the answer still meet the old round trip.
    queueMicrotask(() => {
      this.rttMs = rttMs
      if (!this.#stopped) {
        this.#timer = this.#clock.setTimeout(() => this.#begin(), INTERVAL_MS)
      }
    })
  }

  #begin (): void {
    if (!this.#stopped) {
      this.#active = { id: this.#nextId++, startMs: this.#nowMs }
      this.#ping(this.#active.id)
    }
  }

  /** The real one reads Date.now(): whole milliseconds. */
  get #nowMs (): number {
    return Math.floor(this.#clock.now())
  }
}
