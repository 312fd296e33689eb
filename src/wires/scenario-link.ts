import * as z from 'zod'
import { lossSchema, probability } from '../sim/loss-schema.ts'
import { meanBitsPerSecond } from '../sim/rate-trace.ts'

/**
 * One direction of a path, in a user's units: milliseconds, bits per second, bytes. It says all that `LinkOptions` of the
 * simulator can; `link-options.ts` makes those of it.
 */

/** Beyond these a unit was mistaken. */
const MAXIMUM_RATE = 1e12
const MAXIMUM_DELAY_MS = 3600e3
/** A packet of full size: what holds less never lets one pass, and was meant in other units. */
const FULL_PACKET_BYTES = 1500
/** The smallest time that is not rounded to nothing. */
const ONE_NS = 1e-6

export const rate = z.number().positive().max(MAXIMUM_RATE)
export const delayMs = z.number().min(0).max(MAXIMUM_DELAY_MS)
const someMs = z.number().min(ONE_NS).max(MAXIMUM_DELAY_MS)
const limitPackets = z.int().positive()

/** An issue of zod's at `path`; `expected` completes the sentence 'expected ...'. */
export function issue (path: PropertyKey[], expected: string, input: unknown): { code: 'custom', path: PropertyKey[], message: string, input: unknown } {
  return { code: 'custom', path, message: expected, input }
}

/** Added to the delay, drawn for each packet: what each means stands at `JitterOptions`. */
const jitterSchema = z.discriminatedUnion('distribution', [
  z.strictObject({ distribution: z.literal('uniform'), boundMs: someMs }),
  z.strictObject({ distribution: z.literal('normal'), deviationMs: someMs }),
  z.strictObject({ distribution: z.literal('pareto'), scaleMs: someMs, shape: z.number().gt(1).max(1e6) }),
  z.strictObject({ distribution: z.literal('empirical'), samplesMs: z.array(delayMs).min(1) })
])

/** What waits, the packet in service not counted. What the disciplines' options mean stands at `QueueOptions`. */
const queueSchema = z.discriminatedUnion('discipline', [
  z.strictObject({
    discipline: z.literal('drop-tail').optional(),
    /** At least a full packet. */
    limitBytes: z.number().min(FULL_PACKET_BYTES).optional(),
    limitPackets: limitPackets.optional()
  }).check(({ value, issues }) => {
    if ((value.limitBytes === undefined) === (value.limitPackets === undefined)) {
      issues.push(issue([], 'limitBytes or limitPackets, one of the two', value))
    }
  }),
  z.strictObject({
    discipline: z.literal('red'),
    minimumPackets: z.number().min(0).default(5),
    maximumPackets: z.number().positive().default(15),
    weight: z.number().positive().max(1).optional(),
    maximumProbability: z.number().positive().max(1).optional(),
    gentle: z.boolean().optional(),
    meanPacketBytes: z.number().positive().optional(),
    limitPackets: limitPackets.optional(),
    ecn: z.boolean().optional()
  }).check(({ value, issues }) => {
    if (value.maximumPackets <= value.minimumPackets) {
      issues.push(issue(['maximumPackets'], `a number above minimumPackets (${value.minimumPackets})`, value.maximumPackets))
    }
  }),
  z.strictObject({
    discipline: z.literal('codel'),
    targetMs: someMs.optional(),
    intervalMs: someMs.optional(),
    limitPackets: limitPackets.optional(),
    ecn: z.boolean().optional()
  }),
  z.strictObject({
    discipline: z.literal('fq-codel'),
    flows: z.int().positive().max(65_536).optional(),
    quantumBytes: z.int().positive().max(2 ** 31 - 1).optional(),
    targetMs: someMs.optional(),
    intervalMs: someMs.optional(),
    limitPackets: limitPackets.optional(),
    ecn: z.boolean().optional()
  })
])

const instants = z.union([z.custom<Uint32Array>(value => value instanceof Uint32Array, 'an array of ms'), z.array(z.int().min(0).max(2 ** 32 - 1)).min(1).transform(list => Uint32Array.from(list))])

/** As `readRateTrace` has it, or an array of the milliseconds. */
const traceSchema = z.strictObject({ opportunitiesMs: instants }).check(({ value, issues }) => {
  const { opportunitiesMs } = value
  const wrong = opportunitiesMs.findIndex((atMs, index) => index > 0 && atMs < opportunitiesMs[index - 1])
  if (wrong >= 0) {
    issues.push(issue(['opportunitiesMs', wrong], 'instants that do not descend', opportunitiesMs[wrong]))
  } else if (!(meanBitsPerSecond(value) <= MAXIMUM_RATE)) {
    issues.push(issue(['opportunitiesMs'], `a last instant above 0, and at most ${MAXIMUM_RATE} bit/s in the mean`, opportunitiesMs))
  }
})

export const directionSchema = z.strictObject({
  /** Serialisation rate, counted in IP bytes. Absent, and without a trace: infinitely fast. */
  rateBitsPerSecond: rate.optional(),
  /** Opportunities to deliver 1500 B each, instead of a rate: `{ opportunitiesMs }`, from `traceFromFile` or inline. */
  trace: traceSchema.optional(),
  /** One-way propagation delay. */
  delayMs,
  /** `uniform` (boundMs), `normal` (deviationMs), `pareto` (scaleMs, shape) or `empirical` (samplesMs); for each packet. */
  jitter: jitterSchema.optional(),
  /** Whether jitter may let a packet overtake another. Default: order is preserved. */
  reorder: z.boolean().optional(),
  /** `bernoulli`, `gilbert-elliott` (as in netem), `periodic` or `scripted`; behind queue and serialiser. */
  loss: lossSchema.optional(),
  /** Probability that a packet arrives damaged, and is dropped at the far end. */
  corruption: probability.optional(),
  /** Probability that a packet arrives twice. */
  duplication: probability.optional(),
  /** Larger packets vanish: a black hole for full segments where it is below the hosts' `mssBytes` + 52. */
  mtuBytes: z.int().min(68).max(65_535).optional(),
  /** A token bucket before the queue drops what exceeds `rateBitsPerSecond` and `burstBytes`. */
  policer: z.strictObject({ rateBitsPerSecond: rate, burstBytes: z.number().min(FULL_PACKET_BYTES).max(1e12) }).optional(),
  /** A limit alone is drop-tail; or `discipline` `red`, `codel` or `fq-codel`. Absent: no limit. */
  queue: queueSchema.optional()
}).check(({ value, issues }) => {
  if (value.trace !== undefined && value.rateBitsPerSecond !== undefined) {
    issues.push(issue(['trace'], 'a trace or rateBitsPerSecond, not both', value.trace))
  }
  if (value.reorder === true && value.jitter === undefined) {
    issues.push(issue(['reorder'], 'jitter beside it: without jitter no packet overtakes another', true))
  }
})

/** Both directions of a link; without `backward` it is like `forward`. */
export const duplexSchema = z.strictObject({ forward: directionSchema, backward: directionSchema.optional() })

export type Loss = z.infer<typeof lossSchema>
export type Queue = z.infer<typeof queueSchema>
export type JitterDescription = z.infer<typeof jitterSchema>
export type PathDirection = z.infer<typeof directionSchema>
/** One direction of a link. @interface */
export type PathDirectionInput = z.input<typeof directionSchema>
export type Duplex = z.infer<typeof duplexSchema>
/** Both directions of a link; without `backward` it is like `forward`. @interface */
export type DuplexInput = z.input<typeof duplexSchema>
