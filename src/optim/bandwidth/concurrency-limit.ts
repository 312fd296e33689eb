/** Says how many requests may be under way at one peer: a pure policy, which the `ConcurrencyLimiter` enforces. */
export interface ConcurrencyLimit {
  /** Whole, 1 or more. */
  readonly limit: number
  /** A request ended. What the caller gave up is not told. */
  onSample(sample: ConcurrencySample): void
}

/** One request that ended. */
export interface ConcurrencySample {
  readonly rttMs: number
  /** Requests under way when this one ended, itself included. */
  readonly inFlight: number
  /** Refused or timed out: the peer has too much. */
  readonly dropped: boolean
}

/** Where a limit begins: Netflix's default. */
export const INITIAL_LIMIT = 20

/** Always the same. */
export class FixedLimit implements ConcurrencyLimit {
  readonly limit: number

  constructor (limit: number) {
    this.limit = limit
  }

  /** Learns nothing. */
  onSample (): void {}
}
