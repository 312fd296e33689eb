import { retransmissionTimeoutMs } from './rtt-estimator.ts'

/** Everything that a policy may go by: what is known of one peer and one kind of request. */
export interface PeerConditions {
  /** Smoothed round trip of this operation; undefined until an answer came. */
  readonly srttMs: number | undefined
  readonly rttVarMs: number | undefined
  /** The wait for a peer that is not known: from the population, or the configured initial wait. Looks at every peer: read it only where it is needed. */
  readonly priorMs: number
  /** Times that the wait should have doubled since the last valid answer. */
  readonly backoff: number
  /** Recent share of answers that came after their timeout: the timeout was too short. */
  readonly spuriousShare: number
  /** Recent share of attempts that were overdue and never proven to be merely slow. */
  readonly lossShare: number
  /** Phi: how unusual the present silence is. */
  readonly suspicion: number
  /** The tier that `selectTier` has this peer in. */
  readonly tier: Tier
  /** What timers and a busy event loop may add. */
  readonly granularityMs: number
}

/** Decides how long to wait for an answer; it is enforced elsewhere, within floor, ceiling and deadline. Pure. */
export interface TimeoutPolicy {
  readonly name: string
  /** The wait for the answer to a small request, in milliseconds, finite. */
  timeoutMs(conditions: PeerConditions): number
}

/** What the adaptive strategy chooses among, from hasty to patient. */
export type Tier = 'aggressive' | 'rtt' | 'conservative'

/**
 * - `fixed`: one wait for all.
 * - `rtt`: RFC 6298, SRTT + 4 RTTVAR, doubled with each timeout in a row.
 * - `aggressive`: SRTT + 2 RTTVAR: finds loss sooner, at the price of needless retries.
 * - `conservative`: twice `rtt`: hardly ever wrong, slow to notice.
 * - `adaptive`: `rtt`, and for each peer one of the other two where its record speaks for it.
 */
export type StrategyName = 'fixed' | 'adaptive' | Tier

/** The policy by its name. `fixedMs` is the wait of `fixed`. */
export function policyNamed (name: StrategyName, fixedMs: number): TimeoutPolicy {
  switch (name) {
    case 'fixed':
      return { name, timeoutMs: () => fixedMs }
    case 'adaptive':
      return { name, timeoutMs: conditions => TIER_WAITS[conditions.tier](conditions) }
    default:
      return { name, timeoutMs: TIER_WAITS[name] }
  }
}

const TIER_WAITS: Readonly<Record<Tier, (conditions: PeerConditions) => number>> = {
  aggressive: conditions => wait(conditions, 2),
  rtt: conditions => wait(conditions, 4),
  conservative: conditions => 2 * wait(conditions, 4)
}

function wait (conditions: PeerConditions, k: number): number {
  const { srttMs, rttVarMs, granularityMs, backoff } = conditions
  const baseMs = srttMs === undefined || rttVarMs === undefined
    ? conditions.priorMs
    : retransmissionTimeoutMs(srttMs, rttVarMs, granularityMs, k)
  return baseMs * 2 ** backoff
}

/** A tier is entered above one share and left below a smaller one, and kept for some answers: else it would flap. */
const ENTER_CONSERVATIVE_SPURIOUS = 0.05
const LEAVE_CONSERVATIVE_SPURIOUS = 0.01
const ENTER_AGGRESSIVE_LOSS = 0.05
const LEAVE_AGGRESSIVE_LOSS = 0.01
const ENTER_AGGRESSIVE_SPURIOUS = 0.005
const LEAVE_AGGRESSIVE_SPURIOUS = 0.02
export const MINIMUM_DWELL_ATTEMPTS = 32

/**
 * The tier for a peer, with hysteresis both ways: too many timeouts that proved wrong make it patient, losses without
 * such make it hasty, and neither brings it back to `rtt`. From one extreme to the other it passes through `rtt`.
 *
 * @param attemptsInTier attempts of that peer that ended since its tier last changed
 */
export function selectTier (tier: Tier, { spuriousShare, lossShare }: Pick<PeerConditions, 'spuriousShare' | 'lossShare'>, attemptsInTier: number): Tier {
  if (attemptsInTier < MINIMUM_DWELL_ATTEMPTS) {
    return tier
  }
  if (tier === 'conservative') {
    return spuriousShare < LEAVE_CONSERVATIVE_SPURIOUS ? 'rtt' : tier
  }
  if (tier === 'aggressive') {
    return spuriousShare > LEAVE_AGGRESSIVE_SPURIOUS || lossShare < LEAVE_AGGRESSIVE_LOSS ? 'rtt' : tier
  }
  if (spuriousShare > ENTER_CONSERVATIVE_SPURIOUS) {
    return 'conservative'
  }
  return lossShare > ENTER_AGGRESSIVE_LOSS && spuriousShare < ENTER_AGGRESSIVE_SPURIOUS ? 'aggressive' : tier
}
