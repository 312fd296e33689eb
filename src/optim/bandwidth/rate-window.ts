/** Bytes over the last while, in constant memory and without a timer: ten slots, of which the oldest goes as a whole. */
export class RateWindow {
  readonly #slotMs: number
  /** No typed array, which would cost 200 bytes beside its numbers: there are six of these a peer. */
  readonly #slots = Array.from({ length: SLOTS }, () => 0)
  #sum = 0
  #current = 0
  #startedMs: number | undefined

  constructor (windowMs: number) {
    this.#slotMs = windowMs / SLOTS
  }

  add (nowMs: number, bytes: number): void {
    this.#advance(nowMs)
    this.#slots[this.#current % SLOTS] += bytes
    this.#sum += bytes
  }

  /** Over the present slot and the nine before it, or since the first byte where that is less (but a slot at least). */
  bitsPerSecond (nowMs: number): number {
    if (this.#startedMs === undefined) {
      return 0
    }
    this.#advance(nowMs)
    const elapsedMs = nowMs - this.#startedMs
    const coveredMs = Math.min(elapsedMs, (SLOTS - 1) * this.#slotMs + elapsedMs % this.#slotMs)
    return 8e3 * this.#sum / Math.max(coveredMs, this.#slotMs)
  }

  #advance (nowMs: number): void {
    this.#startedMs ??= nowMs
    const current = Math.floor((nowMs - this.#startedMs) / this.#slotMs)
    const steps = Math.min(current - this.#current, SLOTS)
    if (steps <= 0) {
      return
    }
    for (let step = 0; step < steps; step++) {
      this.#slots[(current - step) % SLOTS] = 0
    }
    this.#current = current
    this.#sum = this.#slots.reduce((sum, bytes) => sum + bytes, 0)
  }
}

const SLOTS = 10
