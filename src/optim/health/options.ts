import * as z from 'zod'
import { parseOptions } from '../../core/options.ts'
import { accrualDetector, pingDetector } from './liveness.ts'
import type { LivenessPolicy } from './liveness.ts'

/** All optional; what a field is for, its unit, its default and the reason for it. */
export interface NetworkHealthOptions {
  /**
   * Who finds silent deaths; default `accrual`. `ping` is libp2p's own connection monitor, `three-strikes` the same with
   * patience, both to compare with; or a policy of one's own.
   */
  readonly detector?: DetectorName | LivenessPolicy
  /** The health check: after so long a silence a peer is probed, in milliseconds; default 10000, as in libp2p. Of the ping detectors it is the interval. */
  readonly probeAfterMs?: number
  /** No answer to a probe is waited for longer, in milliseconds; default 10000, and 5000 with the ping detectors, as in libp2p. */
  readonly probeTimeoutMs?: number
  readonly suspicion?: HealthSuspicionOptions
  /** `false`: nobody is ever ejected. */
  readonly outliers?: false | OutlierDetectionOptions
  readonly localHealth?: LocalHealthMultiplierOptions
  readonly recovery?: HealthRecoveryOptions
  /** Without news a quality comes half the way back to neutral in this time, in milliseconds; default 300000: five minutes, the longest ejection. */
  readonly qualityHalfLifeMs?: number
  /** Peers remembered; default 1024. Beyond them the one that was not heard of for longest is forgotten, those with a connection and ejected ones last. */
  readonly maximumPeers?: number
  /** A peer without a connection that nothing was observed of for so long is forgotten, and one with a connection all but its silence, in milliseconds; default 600000: after two half-lives little is known of it. Never before an ejection has ended. */
  readonly forgetAfterMs?: number
}

/** The detectors that have a name. */
export type DetectorName = 'accrual' | 'ping' | 'three-strikes'

/** The phi accrual failure detector, of answers to probes. */
export interface HealthSuspicionOptions {
  /** Phi at which a silent peer is dead; default 8, as in Akka: wrong once in 10^8 silences. */
  readonly threshold?: number
  /** Least deviation of answers, in milliseconds; default 100, as in Akka. */
  readonly minimumDeviationMs?: number
  /** Waiting forgiven beside what is usual, in milliseconds; default 3000, as in Akka. */
  readonly acceptablePauseMs?: number
}

/** Who is ejected, by comparison with others (Envoy) or for failures of its own (finagle), and for how long. */
export interface OutlierDetectionOptions {
  /** Between comparisons, in milliseconds; default 10000, as in Envoy. */
  readonly sweepMs?: number
  /** Attempts between two sweeps that make a peer comparable; default 20: Envoy's 100 are more than peers of one another make. */
  readonly minimumRequests?: number
  /** Peers to be compared, or known, without which nobody is ejected; default 5, as in Envoy. */
  readonly minimumPeers?: number
  /** Standard deviations below the mean success rate; default 1.9, as in Envoy. */
  readonly deviations?: number
  /** The largest share of the known peers that is ejected at a time; default 0.1, as in Envoy. One always may be. */
  readonly ejectedShare?: number
  /** The n-th ejection in a row lasts n times this, in milliseconds; default 30000, as in Envoy. */
  readonly baseEjectionMs?: number
  /** ... but no longer than this; default 300000, as in Envoy. */
  readonly maximumEjectionMs?: number
  /** Failures in a row that eject, unrefuted suspicions among them; default 5, as in finagle. */
  readonly failuresInRow?: number
  /** Smoothed share of answered attempts below which a failure ejects, of one and of what all other peers have; default 0.8, as in finagle. */
  readonly leastSuccessShare?: number
  /** ... over about so long, in milliseconds; default 30000, as in finagle. */
  readonly smoothingMs?: number
  /** ... where so many attempts are in it; default 10: with fewer, two failures would do. */
  readonly smoothedAttempts?: number
}

/** Lifeguard's local health multiplier. */
export interface LocalHealthMultiplierOptions {
  /** Lateness of a timer from which on this node counts as slow, in milliseconds; default 250, above what garbage collections take. */
  readonly lagMs?: number
  /** The score falls by one each time, in milliseconds; default 2000: a stall that raised it to the highest is forgotten after 14 s, when what it broke has come out. */
  readonly decayMs?: number
  /** The share of the peers in use that must fail at once for nobody to be ejected; default 0.5. */
  readonly failingShare?: number
}

/** How fast connections of dead peers are replaced. */
export interface HealthRecoveryOptions {
  /** Replacements a second of all peers together; default 2: a thousand peers are back within ten minutes, and nobody notices. */
  readonly perSecond?: number
  /** ... and at once after a quiet time; default 5. */
  readonly burst?: number
  /** Each waits up to so long first, in milliseconds; default 1000, so that nodes which lost the same peer do not come back together. */
  readonly jitterMs?: number
  /** The time that one may take, in milliseconds; default 30000, above what a dial of all addresses takes. */
  readonly timeoutMs?: number
  /** Replacements of one peer in a row that fail until it is given up; default 6: for about five minutes. */
  readonly tries?: number
  /** Before the second of one peer, in milliseconds; default 5000. Doubles with each. */
  readonly backoffMs?: number
  /** ... up to this; default 300000. */
  readonly maximumBackoffMs?: number
}

/** With every default filled in, and the detector made. */
export interface HealthSettings extends Omit<z.output<typeof schema>, 'detector' | 'probeTimeoutMs' | 'outliers'> {
  readonly detector: LivenessPolicy
  readonly probeTimeoutMs: number
  readonly outliers: z.output<typeof outliersSchema>
  /** False where nobody is ever ejected; the failures are counted all the same, for what is reported. */
  readonly ejects: boolean
}

/**
 * @throws ERR_INVALID_OPTION or ERR_UNKNOWN_OPTION, with a path below `networkHealth`
 */
export function parseHealthOptions (input: NetworkHealthOptions): HealthSettings {
  const parsed = parseOptions(schema, input, 'networkHealth')
  const { detector, suspicion, probeAfterMs } = parsed
  const pings = detector === 'ping' || detector === 'three-strikes'
  const probeTimeoutMs = parsed.probeTimeoutMs ?? (pings ? 5000 : 10_000)
  return {
    ...parsed,
    probeTimeoutMs,
    detector: typeof detector === 'string' ? detectorNamed(detector) : detector,
    outliers: parsed.outliers === false ? outliersSchema.parse({}) : parsed.outliers,
    ejects: parsed.outliers !== false
  }

  function detectorNamed (name: DetectorName): LivenessPolicy {
    const options = { probeAfterMs, probeTimeoutMs, suspicion }
    return name === 'accrual' ? accrualDetector(options) : pingDetector(options, name === 'ping' ? 1 : 3)
  }
}

const positive = z.number().positive()
const nonNegative = z.number().min(0)
const share = z.number().min(0).max(1)
const count = z.int().min(1)

const policySchema = z.custom<LivenessPolicy>(
  value => typeof value === 'object' && value !== null && 'judge' in value && typeof value.judge === 'function',
  'a detector\'s name, or a policy with a judge method'
)

const suspicionSchema = z.strictObject({
  threshold: positive.default(8),
  minimumDeviationMs: positive.default(100),
  acceptablePauseMs: nonNegative.default(3000)
})

const outliersSchema = z.strictObject({
  sweepMs: positive.default(10_000),
  minimumRequests: count.default(20),
  minimumPeers: count.default(5),
  deviations: positive.default(1.9),
  ejectedShare: share.default(0.1),
  baseEjectionMs: positive.default(30_000),
  maximumEjectionMs: positive.default(300_000),
  failuresInRow: count.default(5),
  leastSuccessShare: share.default(0.8),
  smoothingMs: positive.default(30_000),
  smoothedAttempts: count.default(10)
}).refine(({ baseEjectionMs, maximumEjectionMs }) => baseEjectionMs <= maximumEjectionMs, { path: ['baseEjectionMs'], message: 'a number that is not above maximumEjectionMs' })

const localHealthSchema = z.strictObject({
  lagMs: positive.default(250),
  decayMs: positive.default(2000),
  failingShare: share.default(0.5)
})

const recoverySchema = z.strictObject({
  perSecond: positive.default(2),
  burst: count.default(5),
  jitterMs: nonNegative.default(1000),
  timeoutMs: positive.default(30_000),
  tries: count.default(6),
  backoffMs: positive.default(5000),
  maximumBackoffMs: positive.default(300_000)
})

const schema = z.strictObject({
  detector: z.union([z.enum(['accrual', 'ping', 'three-strikes']), policySchema]).default('accrual'),
  probeAfterMs: positive.default(10_000),
  probeTimeoutMs: positive.optional(),
  suspicion: suspicionSchema.prefault({}),
  outliers: z.union([z.literal(false), outliersSchema]).prefault({}),
  localHealth: localHealthSchema.prefault({}),
  recovery: recoverySchema.prefault({}),
  qualityHalfLifeMs: positive.default(300_000),
  maximumPeers: count.default(1024),
  forgetAfterMs: positive.default(600_000)
})
