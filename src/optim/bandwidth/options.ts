import * as z from 'zod'
import { parseOptions } from '../../core/options.ts'
import { LEDBAT_TARGET_MS } from './ledbat.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { ConcurrencyLimit } from './concurrency-limit.ts'

/** All optional; what a field is for, its unit, its default and the reason for it. */
export interface BandwidthOptions {
  /** What may be sent, in bit/s; default 80e6 (10 MB/s). Infinity: not shaped. */
  readonly uploadBitsPerSecond?: number
  /** What may be received, in bit/s; default 400e6 (50 MB/s). Infinity: not shaped. */
  readonly downloadBitsPerSecond?: number
  /** What may be sent at once after a pause, in bytes; default 10 ms at the rate: Node's timers come up to some milliseconds late, and what they missed must be caught up with. */
  readonly burstBytes?: number
  /** How long what was handed to the transport may queue there, in milliseconds; default 100, LEDBAT's target and its maximum. */
  readonly targetDelayMs?: number
  /** How the way out is shared; default `fair`. `fifo` and `strict-priority` are there to measure it against. */
  readonly discipline?: 'fair' | 'fifo' | 'strict-priority'
  readonly classes?: { readonly [Name in TrafficClass]?: ClassOptions }
  /** What any one peer may be sent, in bit/s; default Infinity: a peer alone has all. */
  readonly peerCapBitsPerSecond?: number
  /** `false`: requests are not limited. */
  readonly concurrency?: false | ConcurrencyOptions
  /** Bytes that wait to be sent on one shaped stream before `send` answers false; default 256 KiB, yamux's first window. */
  readonly streamHighWaterBytes?: number
  /** ... and before `send` fails and the stream is aborted; default 4 MiB, what libp2p lets a stream have unread. */
  readonly streamMaximumBytes?: number
}

/** Of one class, under the discipline `fair`. */
export interface ClassOptions {
  /** Part of what no guarantee claims, against the weights of other classes, 0.001 to 1000: further apart, the lightest would have nothing that counts, as under `strict-priority`; default 16, of bulk 1. */
  readonly weight?: number
  /** Share of the rate below which the class goes before those that have had theirs; default 0.25 for urgent (CAKE's voice), 0.0625 for bulk (CAKE's bulk, a floor), 0.6875 for normal: the rest. At most 1 in all. */
  readonly guaranteedShare?: number
  /** At most this, even if nobody else wants it, in bit/s; default Infinity. */
  readonly capBitsPerSecond?: number
}

/** How many requests may be under way at one peer. */
export interface ConcurrencyOptions {
  /** How the limit is found; default `gradient2`. A function makes a limit of one's own for each peer. */
  readonly limit?: 'gradient2' | 'vegas' | 'fixed' | ((peer: string) => ConcurrencyLimit)
  /** Of the limit `fixed`; default 20, where the others begin. */
  readonly fixedLimit?: number
  /** No limit grows above it; default 200, as in Netflix's concurrency-limits. */
  readonly maximumLimit?: number
  /** Requests that wait for a permit, of all peers; default 10000. More are refused with ERR_QUEUE_FULL. */
  readonly maximumWaiters?: number
  /** Peers whose limit is remembered while nothing is under way there; default 1024. */
  readonly maximumPeers?: number
}

/** With every default filled in. */
export type BandwidthSettings = z.output<typeof schema>
export type ClassShares = BandwidthSettings['classes']
export type ConcurrencySettings = Exclude<BandwidthSettings['concurrency'], false>

/**
 * @throws ERR_INVALID_OPTION or ERR_UNKNOWN_OPTION
 */
export function parseBandwidthOptions (input: BandwidthOptions): BandwidthSettings {
  return parseOptions(schema, input, 'bandwidthManager')
}

const rate = (standard: number): z.ZodDefault<z.ZodType<number>> =>
  z.custom<number>(value => typeof value === 'number' && value > 0, 'a rate in bit/s greater than 0, or Infinity').default(standard)
const count = (standard: number): z.ZodDefault<z.ZodInt> => z.int().min(1).default(standard)

/** The lightest class has a millionth of the heaviest's turn: of 10 MB/s, 10 bytes. */
const MINIMUM_WEIGHT = 1 / 1000
const MAXIMUM_WEIGHT = 1000

const classSchema = (weight: number, guaranteedShare: number) => z.strictObject({
  weight: z.number().min(MINIMUM_WEIGHT).max(MAXIMUM_WEIGHT).default(weight),
  guaranteedShare: z.number().min(0).max(1).default(guaranteedShare),
  capBitsPerSecond: rate(Infinity)
}).prefault({})

const concurrencySchema = z.strictObject({
  limit: z.union([
    z.enum(['gradient2', 'vegas', 'fixed']),
    z.custom<(peer: string) => ConcurrencyLimit>(value => typeof value === 'function', 'a limit\'s name, or a function that makes one')
  ]).default('gradient2'),
  fixedLimit: count(20),
  maximumLimit: count(200),
  maximumWaiters: count(10_000),
  maximumPeers: count(1024)
})

const schema = z.strictObject({
  uploadBitsPerSecond: rate(80e6),
  downloadBitsPerSecond: rate(400e6),
  burstBytes: z.number().min(0).optional(),
  targetDelayMs: z.number().positive().max(LEDBAT_TARGET_MS).default(LEDBAT_TARGET_MS),
  discipline: z.enum(['fair', 'fifo', 'strict-priority']).default('fair'),
  classes: z.strictObject({ urgent: classSchema(16, 0.25), normal: classSchema(16, 0.6875), bulk: classSchema(1, 0.0625) }).prefault({}),
  peerCapBitsPerSecond: rate(Infinity),
  concurrency: z.union([z.literal(false), concurrencySchema]).prefault({}),
  streamHighWaterBytes: count(256 * 1024),
  streamMaximumBytes: count(4 * 1024 * 1024)
}).refine(({ classes: { urgent, normal, bulk } }) => urgent.guaranteedShare + normal.guaranteedShare + bulk.guaranteedShare <= 1 + 1e-9, { path: ['classes'], message: 'guaranteed shares of at most 1 in all' })
  .refine(({ streamHighWaterBytes, streamMaximumBytes }) => streamHighWaterBytes <= streamMaximumBytes, { path: ['streamHighWaterBytes'], message: 'a number that is not above streamMaximumBytes' })
