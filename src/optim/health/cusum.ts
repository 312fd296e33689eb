/**
 * A one-sided cumulative sum (Page, Biometrika 1954): S <- max(0, S + evidence). Evidence that is negative on average
 * keeps it near zero; once it is positive on average, S climbs, and the last time it was zero is the usual estimate of
 * when the change began.
 */
export class Cusum {
  #value = 0
  #zeroMs: number | undefined

  get value (): number {
    return this.#value
  }

  /** When S was last zero, or the first evidence came. */
  get zeroMs (): number | undefined {
    return this.#zeroMs
  }

  /** Answers the new S. */
  add (evidence: number, nowMs: number): number {
    this.#value = Math.max(0, this.#value + evidence)
    if (this.#value === 0) {
      this.#zeroMs = nowMs
    }
    this.#zeroMs ??= nowMs
    return this.#value
  }

  /** Back to zero, as of now. */
  reset (nowMs: number): void {
    this.#value = 0
    this.#zeroMs = nowMs
  }
}

/** A condition begins or ends. */
export interface Change {
  readonly phase: 'entered' | 'left'
  /** From when the change began, by the estimate, until it was found. */
  readonly detectionDelayMs: number
}

/**
 * A condition that is entered when evidence for it has summed up to a threshold, and left when as much has summed up
 * against it: between the two lies the hysteresis.
 */
export class ChangeDetector {
  readonly #threshold: number
  readonly #sum = new Cusum()
  #active = false
  #sinceMs = 0

  constructor (threshold: number) {
    this.#threshold = threshold
  }

  get active (): boolean {
    return this.#active
  }

  /** When the present condition began, by the estimate. */
  get sinceMs (): number {
    return this.#sinceMs
  }

  /** Takes evidence for the condition (negative: against it). Answers where that changed something. */
  add (evidence: number, nowMs: number): Change | undefined {
    if (this.#sum.add(this.#active ? -evidence : evidence, nowMs) < this.#threshold) {
      return undefined
    }
    this.#sinceMs = this.#sum.zeroMs ?? nowMs
    this.#active = !this.#active
    this.#sum.reset(nowMs)
    return { phase: this.#active ? 'entered' : 'left', detectionDelayMs: nowMs - this.#sinceMs }
  }
}
