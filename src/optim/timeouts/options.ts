import * as z from 'zod'
import { LATENCY_WINDOW } from './latency-window.ts'
import type { TimeoutPolicy } from './policy.ts'

const positive = z.number().positive()
const nonNegative = z.number().min(0)
const share = z.number().min(0).max(1)

const policySchema = z.custom<TimeoutPolicy>(
  value => typeof value === 'object' && value !== null && 'timeoutMs' in value && typeof value.timeoutMs === 'function',
  'a strategy\'s name, or a policy with a timeoutMs method'
)

const retryBudgetSchema = z.strictObject({
  /** Further attempts a request. Finagle's 0.2: a fifth more load when everything fails. */
  ratio: nonNegative.default(0.2),
  /** Further attempts a second granted to a node that makes few requests. Finagle's 10. */
  reservePerSecond: nonNegative.default(10),
  /** How long requests and attempts are remembered. Finagle's 10 s. */
  windowMs: positive.default(10_000)
})

const retryBackoffSchema = z.strictObject({
  /** The shortest wait before a retry. */
  baseMs: nonNegative.default(10),
  /** The longest. */
  capMs: positive.default(1000)
})

const hedgingSchema = z.strictObject({
  /** A second attempt starts when the first has taken longer than this share of the peer's last answers. */
  percentile: share.default(0.95),
  /** Answers that must be known first. 20 is the least at which the 95th percentile is not simply the maximum. */
  minimumSamples: z.int().positive().max(LATENCY_WINDOW).default(20)
})

const suspicionSchema = z.strictObject({
  /** Phi at which a peer is suspect. Akka's 8: wrong once in 10^8 silences. */
  threshold: positive.default(8),
  /** Least deviation of silences. Akka's 100 ms. */
  minimumDeviationMs: positive.default(100),
  /** Silence forgiven beside what is usual. Akka's 3 s. */
  acceptablePauseMs: nonNegative.default(3000)
})

/** The options of `AdaptiveTimeouts`, with their defaults. */
export const adaptiveTimeoutsSchema = z.strictObject({
  /** How long to wait for a peer's answer: a strategy's name, or a policy of one's own. */
  strategy: z.union([z.enum(['fixed', 'rtt', 'adaptive', 'aggressive', 'conservative']), policySchema]).default('adaptive'),
  /** The wait while no peer has answered such a request. RFC 6298's 1 s. */
  initialMs: positive.default(1000),
  /** The wait of the strategy `fixed`. */
  fixedMs: positive.default(5000),
  /** No wait is shorter: bitswap's 2.5 ms broke localhost, 25 ms mended it. */
  floorMs: positive.default(25),
  /** No wait is longer, before what the request's size and the far side's work add. RFC 6298's 60 s. */
  ceilingMs: positive.default(60_000),
  /** What timers and a busy event loop may add to a round trip: G of RFC 6298. */
  granularityMs: nonNegative.default(10),
  /** The slowest that a payload is expected to move; its time at this rate is added to the wait. */
  rateBitsPerSecond: positive.default(10e6),
  /** Attempts of one request, the first and hedges included. 1: never retry, never hedge. */
  maximumAttempts: z.int().positive().default(3),
  retryBudget: retryBudgetSchema.prefault({}),
  retryBackoff: retryBackoffSchema.prefault({}),
  /** `false`: never. Only idempotent requests are hedged, and the retry budget pays. */
  hedging: z.union([z.literal(false), hedgingSchema]).prefault({}),
  suspicion: suspicionSchema.prefault({}),
  /** Peers remembered; the one not heard of for longest is forgotten first. */
  maximumPeers: z.int().positive().default(1024)
}).refine(({ floorMs, ceilingMs }) => floorMs <= ceilingMs, { path: ['floorMs'], message: 'a number that is not above ceilingMs' })
  .refine(({ retryBackoff: { baseMs, capMs } }) => baseMs <= capMs, { path: ['retryBackoff', 'baseMs'], message: 'a number that is not above capMs' })

/** What a user gives. Each field has a default; see the schema beside this type. */
export type AdaptiveTimeoutsOptions = z.input<typeof adaptiveTimeoutsSchema>

/** What the modules work with. */
export type TimeoutSettings = z.output<typeof adaptiveTimeoutsSchema>
