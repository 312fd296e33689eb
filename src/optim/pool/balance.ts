import type { RandomStream } from '../../core/random.ts'

/**
 * The cost of using something, in milliseconds of response time: Peak EWMA, as in finagle's load balancer of that name.
 * A sample above the estimate replaces it at once; one below pulls it down with weight `1 - e^(-dt/tau)`, dt being the
 * time since the last sample. Bad news therefore counts at once, and good news must last. Without samples the cost
 * decays towards 0, so that what was slow is tried again.
 */
export class PeakEwma {
  readonly #decayMs: number
  #costMs = 0
  #stampMs = 0
  #sampled = false

  /** @param decayMs tau: after this long without samples 37% of the cost is left */
  constructor (decayMs: number) {
    this.#decayMs = decayMs
  }

  /** False until the first sample. */
  get sampled (): boolean {
    return this.#sampled
  }

  observe (nowMs: number, sampleMs: number): void {
    if (!this.#sampled || sampleMs > this.#costMs) {
      this.#costMs = sampleMs
    } else {
      const weight = this.#weight(nowMs)
      this.#costMs = this.#costMs * weight + sampleMs * (1 - weight)
    }
    this.#sampled = true
    this.#stampMs = nowMs
  }

  costMs (nowMs: number): number {
    return this.#costMs * this.#weight(nowMs)
  }

  /** The cost of one request more, `pending` being under way: `cost (pending + 1)`. */
  load (nowMs: number, pending: number): number {
    // Under way but never finished: nothing is known of it except that it has not answered.
    return !this.#sampled && pending > 0 ? UNKNOWN_COST_MS + pending : this.costMs(nowMs) * (pending + 1)
  }

  #weight (nowMs: number): number {
    return Math.exp(-Math.max(0, nowMs - this.#stampMs) / this.#decayMs)
  }
}

/** Dearer than any measured response time. */
const UNKNOWN_COST_MS = 1e9

/**
 * Power of two choices: the less loaded of two candidates drawn at random. Almost as even as asking all, and without
 * the herd that follows when all choose the one that looks best.
 */
export function pickOfTwo<T> (candidates: readonly T[], random: RandomStream, load: (candidate: T) => number): T | undefined {
  if (candidates.length < 2) {
    return candidates[0]
  }
  const i = random.integer(candidates.length)
  const j = (i + 1 + random.integer(candidates.length - 1)) % candidates.length
  return load(candidates[j]) < load(candidates[i]) ? candidates[j] : candidates[i]
}
