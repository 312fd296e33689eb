/** What one peer did between two sweeps. */
export interface PeerOutcomes {
  readonly peer: string
  readonly attempts: number
  readonly answered: number
}

export interface OutlierOptions {
  /** Attempts that a peer must have had since the last sweep to be compared. */
  readonly minimumRequests: number
  /** Peers with so many attempts that there must be for a comparison. */
  readonly minimumPeers: number
  /** How many standard deviations below the mean an outlier is. */
  readonly deviations: number
}

/**
 * The deviation is never taken to be less. Envoy has no such floor: there, among peers that answer everything, one that
 * failed once in 20 is an outlier.
 */
const LEAST_DEVIATION = 0.05

/**
 * The peers whose success rate is below `mean - deviations x sigma` of all that had enough attempts, the worst first
 * (Envoy's success-rate outlier detection; sigma is the population's).
 */
export function successRateOutliers (peers: readonly PeerOutcomes[], { minimumRequests, minimumPeers, deviations }: OutlierOptions): string[] {
  const compared = peers.filter(({ attempts }) => attempts >= minimumRequests && attempts > 0)
  if (compared.length < minimumPeers) {
    return []
  }
  const rates = compared.map(({ answered, attempts }) => answered / attempts)
  const mean = rates.reduce((sum, rate) => sum + rate, 0) / rates.length
  const variance = rates.reduce((sum, rate) => sum + (rate - mean) * (rate - mean), 0) / rates.length
  const threshold = mean - deviations * Math.max(Math.sqrt(variance), LEAST_DEVIATION)
  return compared
    .map(({ peer }, index) => ({ peer, rate: rates[index] }))
    .filter(({ rate }) => rate < threshold)
    .sort((a, b) => a.rate - b.rate)
    .map(({ peer }) => peer)
}

export interface FailureAccrualOptions {
  /** Failures in a row that eject. */
  readonly failuresInRow: number
  /** The smoothed share of answered attempts below which a failure ejects, ... */
  readonly leastSuccessShare: number
  /** ... over about this time, ... */
  readonly smoothingMs: number
  /** ... where it rests on so many attempts, older ones counting less. */
  readonly smoothedAttempts: number
}

/** Why a single peer's failures suffice. */
export type AccrualReason = 'failures-in-row' | 'success-share'

/**
 * Failure accrual of one peer (finagle), which needs no other peers and little traffic. Unlike there, attempts and
 * answers decay alike, so that those of one instant count as well.
 *
 * What was under way together fails together, and is one piece of evidence: an attempt that was sent before the last
 * failure counted counts as none. It may end a row of failures by being answered, though.
 *
 * An overdue attempt is a suspicion, and no failure yet: it continues a row of failures until anything comes from the peer
 * (as in SWIM, where a suspected member refutes by any message), and is in no share. Whether its request was answered in
 * the end is told by another attempt, or by the deadline.
 */
export class FailureAccrual {
  #answered = 0
  #attempts = 0
  #asOfMs = 0
  #failuresInRow = 0
  #failedMs = -Infinity
  /** Overdue attempts in a row since whose sending nothing came from the peer. */
  #suspicions = 0
  #overdueMs = -Infinity
  #excusedMs = -Infinity
  #usedMs = -Infinity
  /** Since the last sweep. */
  #sweepAttempts = 0
  #sweepAnswered = 0

  /** Takes the end of an attempt. Answers whether it was evidence. */
  add (answered: boolean, sentMs: number, nowMs: number, { smoothingMs }: FailureAccrualOptions): boolean {
    this.#usedMs = nowMs
    if (answered) {
      this.#failuresInRow = 0
      this.refute()
    }
    if (sentMs < this.#failedMs) {
      return false
    }
    const kept = Math.exp((this.#asOfMs - nowMs) / smoothingMs)
    this.#asOfMs = nowMs
    this.#attempts = this.#attempts * kept + 1
    this.#answered = this.#answered * kept + (answered ? 1 : 0)
    this.#sweepAttempts++
    this.#sweepAnswered += answered ? 1 : 0
    if (!answered) {
      this.#failuresInRow++
      this.#failedMs = nowMs
    }
    return true
  }

  /** Takes an attempt that was given up as overdue; `silent` where nothing came from the peer since it was sent. Answers whether it was evidence. */
  overdue (silent: boolean, sentMs: number, nowMs: number): boolean {
    this.#usedMs = nowMs
    if (sentMs < this.#overdueMs) {
      return false
    }
    this.#overdueMs = nowMs
    this.#suspicions += silent ? 1 : 0
    return true
  }

  /** Takes an attempt that went unanswered while the fault may have been this node's: the peer seems to fail, and is not blamed. Answers whether that is news. */
  excused (sentMs: number, nowMs: number): boolean {
    this.#usedMs = nowMs
    const isNews = sentMs >= this.#excusedMs
    this.#excusedMs = nowMs
    return isNews
  }

  /** Anything came from the peer: it was not silent for good. */
  refute (): void {
    this.#suspicions = 0
    this.#excusedMs = -Infinity
  }

  /** The share of answered attempts, smoothed until now, as a sum of each. */
  smoothed (nowMs: number, smoothingMs: number): { readonly answered: number, readonly attempts: number } {
    const kept = Math.exp((this.#asOfMs - nowMs) / smoothingMs)
    return { answered: this.#answered * kept, attempts: this.#attempts * kept }
  }

  /** Why the peer should be ejected, to be asked after a failure. */
  verdict ({ failuresInRow, leastSuccessShare, smoothedAttempts }: FailureAccrualOptions): AccrualReason | undefined {
    if (this.#failuresInRow + this.#suspicions >= failuresInRow) {
      return 'failures-in-row'
    }
    return this.#attempts >= smoothedAttempts && this.#answered < leastSuccessShare * this.#attempts ? 'success-share' : undefined
  }

  /** Whether an attempt ended in the last `withinMs`. */
  inUse (nowMs: number, withinMs: number): boolean {
    return nowMs - this.#usedMs < withinMs
  }

  /** Whether the last that was heard in the last `withinMs` is a failure, or a suspicion, excused or not. */
  failing (nowMs: number, withinMs: number): boolean {
    const failedMs = this.#failuresInRow > 0 ? this.#failedMs : -Infinity
    const suspectedMs = this.#suspicions > 0 ? this.#overdueMs : -Infinity
    return nowMs - Math.max(failedMs, suspectedMs, this.#excusedMs) < withinMs
  }

  /** What happened since the last sweep, which is this one. */
  sweep (peer: string): PeerOutcomes {
    const outcomes = { peer, attempts: this.#sweepAttempts, answered: this.#sweepAnswered }
    this.#sweepAttempts = 0
    this.#sweepAnswered = 0
    return outcomes
  }

  /** The peer is let in again: what was before is forgotten, or it would be held against it twice. */
  revive (): void {
    this.#answered = 0
    this.#attempts = 0
    this.#failuresInRow = 0
    this.refute()
    this.#sweepAttempts = 0
    this.#sweepAnswered = 0
  }
}
