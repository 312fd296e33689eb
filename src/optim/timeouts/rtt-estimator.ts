/** Weight of a new sample in the smoothed round-trip time, and in its variation (RFC 6298, section 2.3). */
const ALPHA = 1 / 8
const BETA = 1 / 4

/** Doublings after which a timeout has long met any ceiling; counting on would only overflow. */
const MAXIMUM_BACKOFF = 30

/**
 * The round-trip estimator of RFC 6298: smoothed time, mean deviation, and how often the timeout was doubled since an
 * answer last came. It measures what a request takes, the far side's own time included. What to wait for is a policy's.
 */
export class RttEstimator {
  #srttMs: number | undefined
  #rttVarMs: number | undefined
  #backoff = 0
  #raisedAtMs = -Infinity

  /** Undefined before the first sample. */
  get srttMs (): number | undefined {
    return this.#srttMs
  }

  /** Undefined before the first sample. */
  get rttVarMs (): number | undefined {
    return this.#rttVarMs
  }

  /** Times that the timeout has doubled since the last valid answer. */
  get backoff (): number {
    return this.#backoff
  }

  /** Takes one valid sample (Karn's rule is the caller's to apply) and ends the backing off. */
  sample (rttMs: number): void {
    if (this.#srttMs === undefined || this.#rttVarMs === undefined) {
      // (2.2) SRTT <- R, RTTVAR <- R/2
      this.#srttMs = rttMs
      this.#rttVarMs = rttMs / 2
    } else {
      // (2.3) RTTVAR is updated first, with SRTT before its own update.
      this.#rttVarMs = (1 - BETA) * this.#rttVarMs + BETA * Math.abs(this.#srttMs - rttMs)
      this.#srttMs = (1 - ALPHA) * this.#srttMs + ALPHA * rttMs
    }
    this.clearBackoff()
  }

  /** An answer that proves the peer well, but tells no round-trip time. */
  clearBackoff (): void {
    this.#backoff = 0
  }

  /**
   * An attempt that was sent at `sentAtMs` is overdue. (5.5) doubles the timeout, once for all that was under way
   * together: TCP has one timer a connection, here a hundred requests may run out in one instant.
   */
  raiseBackoff (sentAtMs: number, nowMs: number): void {
    if (sentAtMs >= this.#raisedAtMs && this.#backoff < MAXIMUM_BACKOFF) {
      this.#backoff++
      this.#raisedAtMs = nowMs
    }
  }
}

/**
 * The retransmission timeout of RFC 6298 (2.3), before floor, ceiling and backoff:
 * SRTT + max(G, K RTTVAR).
 */
export function retransmissionTimeoutMs (srttMs: number, rttVarMs: number, granularityMs: number, k = 4): number {
  return srttMs + Math.max(granularityMs, k * rttVarMs)
}
