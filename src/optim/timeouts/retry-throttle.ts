import type { RetryBudget } from './retry-budget.ts'

/** How much a `RetryThrottle` bears. */
export interface RetryThrottleLimits {
  /** The most tokens, and those that it begins with. */
  readonly tokens: number
  /** Tokens that an answer gives back. */
  readonly ratio: number
}

/**
 * gRPC's retry throttling (proposal A6): a failure takes a token, an answer gives a part of one back, and further attempts
 * are granted while more than half are left. When all fails, retries end after `tokens / 2` failures, whatever the load;
 * they begin again once answers outnumber failures by `1 / ratio`. Hedges, which no failure precedes, are bounded by
 * their percentile only.
 */
export class RetryThrottle implements RetryBudget {
  readonly #limits: RetryThrottleLimits
  #tokens: number

  constructor (limits: RetryThrottleLimits) {
    this.#limits = limits
    this.#tokens = limits.tokens
  }

  deposit (): void {}

  ended (answered: boolean): void {
    this.#tokens = answered
      ? Math.min(this.#limits.tokens, this.#tokens + this.#limits.ratio)
      : Math.max(0, this.#tokens - 1)
  }

  tryWithdraw (): boolean {
    return this.#tokens > this.#limits.tokens / 2
  }
}
