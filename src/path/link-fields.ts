import * as z from 'zod'
import type { JitterOptions } from '../sim/jitter.ts'
import { probability } from '../sim/loss-schema.ts'
import type { RateTrace } from '../sim/rate-trace.ts'

const bitsPerSecond = z.number().positive().max(1e12)

/** Of a full packet, where nothing says otherwise: IP bytes. */
export const MTU_BYTES = 1500

/** Cross traffic of a path, in the forward direction. */
const trafficSchema = z.discriminatedUnion('kind', [
  z.strictObject({ kind: z.literal('poisson'), rateBitsPerSecond: bitsPerSecond }),
  /** The rate is that of a burst. */
  z.strictObject({ kind: z.literal('on-off'), rateBitsPerSecond: bitsPerSecond, meanOnMs: z.number().positive(), meanOffMs: z.number().positive() }),
  /** Transfers that never end, on connections of their own. */
  z.strictObject({ kind: z.literal('bulk'), congestion: z.enum(['reno', 'cubic', 'bbr']), flows: z.int().positive().max(1000) })
])

/** What a path's links can do beside rate, delay, loss and a drop-tail queue. Each may be absent. */
export const linkFields = {
  /** One-way delay from the server to the client; the rest of the round trip is the way forward. Absent: half of it. */
  delayBackwardMs: z.number().min(0).optional(),
  /** Absent: the rate. */
  rateBackwardBitsPerSecond: bitsPerSecond.optional(),
  /** In place of the rate, which is then the trace's mean. */
  trace: z.custom<RateTrace>().optional(),
  traceBackward: z.custom<RateTrace>().optional(),
  /** What decides over the forward queue, in as much room as `bufferBdp` gives; absent: drop-tail. */
  discipline: z.enum(['red', 'codel', 'fq-codel']).optional(),
  /** Whether the discipline marks instead of dropping. */
  ecn: z.boolean().optional(),
  /** In the direction or directions that loss has; so are the next three. */
  jitter: z.custom<JitterOptions>().optional(),
  reorder: z.boolean().optional(),
  duplication: probability.optional(),
  corruption: probability.lt(1).optional(),
  /** Of both directions, and known to both hosts, so that nothing larger is ever sent: segments are shorter by 52 B of headers. */
  mtuBytes: z.int().min(576).max(65_535).default(MTU_BYTES),
  /** Before the forward queue. */
  policer: z.strictObject({ rateBitsPerSecond: bitsPerSecond, burstBytes: z.number().positive().max(1e12) }).optional(),
  crossTraffic: z.array(trafficSchema).optional(),
  /** How these options were written down, for the result's row. */
  written: z.record(z.string(), z.union([z.string(), z.number()])).optional()
}

export type PathTraffic = z.infer<typeof trafficSchema>
