/**
 * The least or greatest of the samples of the last while, in constant memory: one extreme for each of some slots of time,
 * as LEDBAT's base-delay history has one for each minute (RFC 6817, section 2.4.2). The oldest slot goes as a whole, so
 * that a sample counts for between `slots - 1` and `slots` slots.
 */
export class WindowedExtreme {
  readonly #slotMs: number
  readonly #kind: 'least' | 'greatest'
  readonly #slots: Float64Array
  #current = 0
  #startedMs: number | undefined

  constructor (kind: 'least' | 'greatest', slotMs: number, slots: number) {
    this.#kind = kind
    this.#slotMs = slotMs
    this.#slots = new Float64Array(slots).fill(this.#none)
  }

  /** Infinity (of `least`) or 0 (of `greatest`) where there is no sample. */
  value (nowMs: number): number {
    this.#advance(nowMs)
    return this.#slots.reduce((extreme, sample) => this.#of(extreme, sample), this.#none)
  }

  add (nowMs: number, sample: number): void {
    this.#advance(nowMs)
    const slot = this.#current % this.#slots.length
    this.#slots[slot] = this.#of(this.#slots[slot], sample)
  }

  get #none (): number {
    return this.#kind === 'least' ? Infinity : 0
  }

  #of (a: number, b: number): number {
    return this.#kind === 'least' ? Math.min(a, b) : Math.max(a, b)
  }

  #advance (nowMs: number): void {
    this.#startedMs ??= nowMs
    const current = Math.floor((nowMs - this.#startedMs) / this.#slotMs)
    const steps = Math.min(current - this.#current, this.#slots.length)
    for (let step = 0; step < steps; step++) {
      this.#slots[(current - step) % this.#slots.length] = this.#none
    }
    this.#current = Math.max(this.#current, current)
  }
}
