import { phiOf } from '../timeouts/phi-accrual.ts'
import type { PhiAccrualOptions } from '../timeouts/phi-accrual.ts'

/** What a detector judges by. Times in which this node itself stood still are not in it. */
export interface Silence {
  /** Since anything at all came from the peer. */
  readonly silentMs: number
  /** Since the first probe in this silence; undefined where none was sent in it. */
  readonly unansweredMs: number | undefined
  /** Since the last probe, answered or not; Infinity where none was sent. */
  readonly sinceProbeMs: number
  /** A probe is under way. */
  readonly probing: boolean
  /** Probes in a row that failed, whatever came beside them. */
  readonly failedProbes: number
  /** How unusual it is to be left without an answer for so long; 0 where nothing is unanswered. */
  readonly phi: number
  /** How many times as long as usual to wait, because this node itself may be slow; at least 1. */
  readonly timeoutFactor: number
}

/** What to do about a silence, and why: one reason for each. */
export type Verdict =
  | { readonly action: 'wait' }
  | { readonly action: 'probe', readonly reason: 'silence' | 'interval' }
  | { readonly action: 'dead', readonly reason: 'suspicion' | 'unanswered' | 'probe-failed' }

/** Decides when to probe and when a peer is dead; a pure object, asked about each monitored peer once a second. */
export interface LivenessPolicy {
  /** True where a death stands although the peer is heard of again, until another connection is there; default false. */
  readonly ignoresLife?: boolean
  /** What to do now. Is asked again in a second. */
  judge(silence: Silence): Verdict
}

/** What the detectors that have a name go by, as in `NetworkHealthOptions`. */
export interface LivenessOptions {
  readonly probeAfterMs: number
  readonly probeTimeoutMs: number
  readonly suspicion: PhiAccrualOptions
}

const WAIT: Verdict = { action: 'wait' }
const PROBE_IN_SILENCE: Verdict = { action: 'probe', reason: 'silence' }
const PROBE_AT_INTERVAL: Verdict = { action: 'probe', reason: 'interval' }
const DEAD_BY_SUSPICION: Verdict = { action: 'dead', reason: 'suspicion' }
const DEAD_UNANSWERED: Verdict = { action: 'dead', reason: 'unanswered' }
const DEAD_BY_PROBES: Verdict = { action: 'dead', reason: 'probe-failed' }

/**
 * Any sign of life proves life: a probe goes out only into silence, and a peer is dead only where it is silent and the
 * probe's answer is overdue beyond what is usual of it (phi accrual), or beyond `probeTimeoutMs`. A failed probe beside
 * other signs of life means nothing, so that bulk which delays pings kills no connection.
 */
export function accrualDetector ({ probeAfterMs, probeTimeoutMs, suspicion }: LivenessOptions): LivenessPolicy {
  return {
    judge ({ silentMs, unansweredMs, probing, phi, timeoutFactor }) {
      if (silentMs < probeAfterMs) {
        return WAIT
      }
      if (unansweredMs !== undefined && phi >= suspicion.threshold) {
        return DEAD_BY_SUSPICION
      }
      if (unansweredMs !== undefined && unansweredMs >= probeTimeoutMs * timeoutFactor) {
        return DEAD_UNANSWERED
      }
      return probing ? WAIT : PROBE_IN_SILENCE
    }
  }
}

/**
 * Probes at an interval whatever else is heard, and calls a peer dead after so many failed probes in a row. With 1 this
 * is libp2p's connection monitor, with 3 the rule of three strikes: both to be compared with, neither to be preferred.
 */
export function pingDetector ({ probeAfterMs }: LivenessOptions, strikes: number): LivenessPolicy {
  return {
    // Upstream aborts the connection at once, whatever comes on it.
    ignoresLife: true,
    judge ({ sinceProbeMs, probing, failedProbes }) {
      if (failedProbes >= strikes) {
        return DEAD_BY_PROBES
      }
      return probing || sinceProbeMs < probeAfterMs ? WAIT : PROBE_AT_INTERVAL
    }
  }
}

/**
 * Within how long the default detector finds that a peer with an open connection is silently dead, counted from its last
 * sign of life, by a node that is well itself, in milliseconds:
 *
 *     probeAfterMs + probeTimeoutMs + 2 tickMs
 *
 * A node that is not waits `timeoutFactor` times `probeTimeoutMs`, and its own stalls come on top.
 *
 * Silence is seen at most a tick after it is long enough, and so is the answer that does not come. Suspicion comes
 * earlier as a rule: of a peer that answers within 50 ms after 3.6 s rather than `probeTimeoutMs`.
 */
export function detectionBoundMs ({ probeAfterMs, probeTimeoutMs }: Pick<LivenessOptions, 'probeAfterMs' | 'probeTimeoutMs'>, tickMs: number): number {
  return probeAfterMs + probeTimeoutMs + 2 * tickMs
}

/** What is assumed of a peer that was not probed yet (Akka's first-heartbeat estimate). */
const FIRST_MEAN_MS = 1000
const FIRST_DEVIATION_MS = 250
const WEIGHT = 1 / 16

/** How long a peer's answers to probes take: mean and variance, exponentially weighted, in place of a window's. */
export class AnswerTimes {
  #meanMs = FIRST_MEAN_MS
  #variance = FIRST_DEVIATION_MS * FIRST_DEVIATION_MS

  sample (answerMs: number): void {
    const difference = answerMs - this.#meanMs
    this.#meanMs += WEIGHT * difference
    this.#variance = (1 - WEIGHT) * (this.#variance + WEIGHT * difference * difference)
  }

  /** Phi of being without an answer for so long. */
  phi (unansweredMs: number, { minimumDeviationMs, acceptablePauseMs }: PhiAccrualOptions): number {
    return phiOf(unansweredMs, this.#meanMs + acceptablePauseMs, Math.max(Math.sqrt(this.#variance), minimumDeviationMs))
  }
}
