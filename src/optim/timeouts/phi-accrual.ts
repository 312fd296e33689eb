/** When a silence is suspicious. */
export interface PhiAccrualOptions {
  /** Suspicion at which a peer counts as suspect: 8 is wrong once in 10^8 silences. */
  readonly threshold: number
  /** Deviation is never taken to be less, so that a steady peer is not suspected for one late answer. */
  readonly minimumDeviationMs: number
  /** Silence that is forgiven beside what is usual: a garbage collection, a short loss of the link. */
  readonly acceptablePauseMs: number
}

/** Silences remembered, and the one assumed of a peer that has not spoken yet (Akka's first-heartbeat estimate). */
const WINDOW = 100
const FIRST_ESTIMATE_MS = 1000

/**
 * The phi accrual failure detector (Hayashibara et al., SRDS 2004; Akka's parameters): suspicion as a number that grows
 * with a silence, by how unusual it is among the silences before. phi = -log10 P(a silence longer than this).
 *
 * Fed by any sign of life, not by heartbeats: only silence while something is awaited counts, so whoever owns it says
 * when waiting begins.
 */
export class PhiAccrual {
  readonly #threshold: number
  readonly #minimumDeviationMs: number
  readonly #acceptablePauseMs: number
  /** As long as it must be, for most peers are heard of a few times. */
  readonly #silencesMs: number[] = [FIRST_ESTIMATE_MS * 0.75, FIRST_ESTIMATE_MS * 1.25]
  #next = 2
  #sinceMs: number | undefined

  constructor ({ threshold, minimumDeviationMs, acceptablePauseMs }: PhiAccrualOptions) {
    this.#threshold = threshold
    this.#minimumDeviationMs = minimumDeviationMs
    this.#acceptablePauseMs = acceptablePauseMs
  }

  /** Something is awaited from now on: silence counts. */
  awaitFrom (nowMs: number): void {
    this.#sinceMs ??= nowMs
  }

  /** Nothing is awaited any more: silence is no sign of anything. */
  rest (): void {
    this.#sinceMs = undefined
  }

  /** Anything at all came from the peer. */
  signOfLife (nowMs: number): void {
    if (this.#sinceMs === undefined) {
      return
    }
    this.#silencesMs[this.#next] = nowMs - this.#sinceMs
    this.#next = (this.#next + 1) % WINDOW
    this.#sinceMs = nowMs
  }

  /** Suspicion now, 0 where nothing is awaited; Infinity where the silence is longer than numbers tell apart. */
  phi (nowMs: number): number {
    if (this.#sinceMs === undefined) {
      return 0
    }
    const { meanMs, deviationMs } = this.#distribution()
    return phiOf(nowMs - this.#sinceMs, meanMs + this.#acceptablePauseMs, Math.max(deviationMs, this.#minimumDeviationMs))
  }

  isSuspect (nowMs: number): boolean {
    return this.phi(nowMs) >= this.#threshold
  }

  #distribution (): { meanMs: number, deviationMs: number } {
    const count = this.#silencesMs.length
    const meanMs = this.#silencesMs.reduce((sum, silenceMs) => sum + silenceMs, 0) / count
    const variance = this.#silencesMs.reduce((sum, silenceMs) => sum + (silenceMs - meanMs) * (silenceMs - meanMs), 0) / count
    return { meanMs, deviationMs: Math.sqrt(variance) }
  }
}

/** How unusual a silence is among such of this mean and deviation: -log10 P(a longer one); Infinity where numbers end. */
export function phiOf (silenceMs: number, meanMs: number, deviationMs: number): number {
  const y = (silenceMs - meanMs) / deviationMs
  // Akka's logistic approximation of the normal distribution; above the mean in the form that does not cancel.
  const e = Math.exp(-y * (1.5976 + 0.070566 * y * y))
  return y > 0 ? -Math.log10(e / (1 + e)) : -Math.log10(1 - 1 / (1 + e))
}
