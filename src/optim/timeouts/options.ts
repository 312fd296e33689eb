import * as z from 'zod'
import { LATENCY_WINDOW } from './latency-window.ts'
import type { StrategyName, TimeoutPolicy } from './policy.ts'
import type { RetryBudget } from './retry-budget.ts'

/** All optional; what a field is for, its unit, its default and the reason for it. */
export interface AdaptiveTimeoutsOptions {
  /** How long to wait for a peer's answer: a strategy's name, or a policy of one's own; default `adaptive`. */
  readonly strategy?: StrategyName | TimeoutPolicy
  /** The wait while no peer has answered such a request, in milliseconds; default 1000, as in RFC 6298 (2.1). */
  readonly initialMs?: number
  /** The wait of the strategy `fixed`, in milliseconds; default 5000, libp2p's usual order of magnitude. */
  readonly fixedMs?: number
  /** No wait is shorter, in milliseconds; default 25: bitswap's 2.5 ms broke localhost, 25 ms mended it. */
  readonly floorMs?: number
  /** No wait is longer before what the request's size and the far side's work add, in milliseconds; default 60000, as in RFC 6298 (2.5). */
  readonly ceilingMs?: number
  /** What timers and a busy event loop may add to a round trip, in milliseconds: G of RFC 6298; default 10. */
  readonly granularityMs?: number
  /** The slowest that a payload is expected to move, in bit/s: its time at this rate is added to the wait; default 10e6. */
  readonly rateBitsPerSecond?: number
  /** Attempts of one request, the first and hedges included; default 3. 1: never retry, never hedge. */
  readonly maximumAttempts?: number
  /** What further attempts may cost: a share of the requests (default), gRPC's throttle, or a budget of one's own. */
  readonly retryBudget?: RatioBudgetOptions | RetryThrottleOptions | RetryBudget
  readonly retryBackoff?: RetryBackoffOptions
  /** `false`: never. Only idempotent requests are hedged, and the retry budget pays. */
  readonly hedging?: false | HedgingOptions
  readonly suspicion?: SuspicionOptions
  /** Peers remembered; default 1024. The one not heard of for longest is forgotten first. */
  readonly maximumPeers?: number
}

/** Further attempts as a share of the requests, so that a failure is not made worse by them. */
export interface RatioBudgetOptions {
  readonly kind?: 'ratio'
  /** Further attempts a request; default 0.2, as in finagle: a fifth more load when everything fails. */
  readonly ratio?: number
  /** Further attempts a second granted to a node that makes few requests; default 10, as in finagle. */
  readonly reservePerSecond?: number
  /** How long requests and attempts are remembered, in milliseconds; default 10000, as in finagle. */
  readonly windowMs?: number
}

/** Further attempts only while most are answered: gRPC's retry throttling. */
export interface RetryThrottleOptions {
  readonly kind: 'throttle'
  /** Failures in a row, from good times on, until half of them is left and no further attempt is granted; default 10, as in gRPC's A6. */
  readonly tokens?: number
  /** What an answer gives back of the token that a failure takes; default 0.1, as in gRPC's A6. */
  readonly ratio?: number
}

/** The wait before a retry, drawn with decorrelated jitter. */
export interface RetryBackoffOptions {
  /** The shortest, in milliseconds; default 10: enough to part those that failed together. */
  readonly baseMs?: number
  /** The longest, in milliseconds; default 1000, the wait of an unknown peer. */
  readonly capMs?: number
}

/** A second attempt beside one that takes long. */
export interface HedgingOptions {
  /** It starts when the first has taken longer than this share of the peer's last answers; default 0.95. */
  readonly percentile?: number
  /** Answers that must be known first; default 20, the least at which the 95th percentile is not simply the maximum. */
  readonly minimumSamples?: number
}

/** The phi accrual failure detector. */
export interface SuspicionOptions {
  /** Phi at which a peer is suspect; default 8, as in Akka: wrong once in 10^8 silences. */
  readonly threshold?: number
  /** Least deviation of silences, in milliseconds; default 100, as in Akka. */
  readonly minimumDeviationMs?: number
  /** Silence forgiven beside what is usual, in milliseconds; default 3000, as in Akka. */
  readonly acceptablePauseMs?: number
}

const positive = z.number().positive()
const nonNegative = z.number().min(0)
const share = z.number().min(0).max(1)

const policySchema = z.custom<TimeoutPolicy>(
  value => typeof value === 'object' && value !== null && 'timeoutMs' in value && typeof value.timeoutMs === 'function',
  'a strategy\'s name, or a policy with a timeoutMs method'
)

const budgetSchema = z.custom<RetryBudget>(
  value => typeof value === 'object' && value !== null && 'tryWithdraw' in value && typeof value.tryWithdraw === 'function',
  'the options of a budget, or one with a tryWithdraw method'
)

const ratioBudgetSchema = z.strictObject({
  kind: z.literal('ratio').default('ratio'),
  ratio: nonNegative.default(0.2),
  reservePerSecond: nonNegative.default(10),
  windowMs: positive.default(10_000)
})

const retryThrottleSchema = z.strictObject({
  kind: z.literal('throttle'),
  tokens: positive.default(10),
  ratio: nonNegative.default(0.1)
})

const retryBackoffSchema = z.strictObject({
  baseMs: nonNegative.default(10),
  capMs: positive.default(1000)
})

const hedgingSchema = z.strictObject({
  percentile: share.default(0.95),
  minimumSamples: z.int().positive().max(LATENCY_WINDOW).default(20)
})

const suspicionSchema = z.strictObject({
  threshold: positive.default(8),
  minimumDeviationMs: positive.default(100),
  acceptablePauseMs: nonNegative.default(3000)
})

/** Checks the options and fills in their defaults. */
export const adaptiveTimeoutsSchema = z.strictObject({
  strategy: z.union([z.enum(['fixed', 'rtt', 'adaptive', 'aggressive', 'conservative']), policySchema]).default('adaptive'),
  initialMs: positive.default(1000),
  fixedMs: positive.default(5000),
  floorMs: positive.default(25),
  ceilingMs: positive.default(60_000),
  granularityMs: nonNegative.default(10),
  rateBitsPerSecond: positive.default(10e6),
  maximumAttempts: z.int().positive().default(3),
  retryBudget: z.union([budgetSchema, ratioBudgetSchema, retryThrottleSchema]).prefault({}),
  retryBackoff: retryBackoffSchema.prefault({}),
  hedging: z.union([z.literal(false), hedgingSchema]).prefault({}),
  suspicion: suspicionSchema.prefault({}),
  maximumPeers: z.int().positive().default(1024)
}).refine(({ floorMs, ceilingMs }) => floorMs <= ceilingMs, { path: ['floorMs'], message: 'a number that is not above ceilingMs' })
  .refine(({ retryBackoff: { baseMs, capMs } }) => baseMs <= capMs, { path: ['retryBackoff', 'baseMs'], message: 'a number that is not above capMs' })

/** What the modules work with. */
export type TimeoutSettings = z.output<typeof adaptiveTimeoutsSchema>
