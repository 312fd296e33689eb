import * as z from 'zod'
import { parseOptions } from '../../core/options.ts'
import { compressWhereItPays } from './compression/policy.ts'
import { INITIAL_REQUESTS } from './protocol.ts'
import { INITIAL_FRAME_BYTES, MAXIMUM_ITEMS } from './wire/format.ts'
import type { CompressingCodec } from './compression/codecs.ts'
import type { CompressionPolicy } from './compression/policy.ts'

/**
 * All optional; what a field is for, its unit, its default and the reason for it.
 *
 * Memory: what waits for a peer is bounded by `maximumQueuedBytesPerPeer`, what lies unacknowledged by the uplink's
 * window and by 2 MiB a stream, which is also what an incoming stream that is not read holds of a far side that keeps the
 * protocol (libp2p resets it at 4 MiB); of replies, a stream that the downlink holds back may hold the muxer's window
 * unread, 16 MiB. The parts of replies that came are bounded by 16 MiB a stream, or twice the largest reply. An incoming
 * stream holds at most one frame being read, one decoded, `maximumReplyBytes` of replies, `maximumRequests` refusals and what its window lets lie unacknowledged; all incoming streams together
 * `maximumRunningBytes` of requests and `maximumReplyBytesInAll` of replies.
 */
export interface MessageBatchingOptions {
  /** Items in one batch; default 100, at most 4096. */
  readonly maximumMessages?: number
  /** Bytes of items in one batch, a single larger item excepted; default 64 KiB, BBR's largest quantum and a chunk of Snappy. */
  readonly maximumBatchBytes?: number
  /** The largest payload sent in a batch, in bytes; default 64 KiB. What is larger gains nothing here, and stands in the way of others. */
  readonly maximumPayloadBytes?: number
  /** The largest reply given or taken, in bytes; default 4 MiB, as of requests on streams of their own. */
  readonly maximumReplyPayloadBytes?: number
  /** Chooses how a batch is compressed; default `compressWhereItPays`. */
  readonly compression?: CompressionPolicy
  /** What it may choose among; default snappy and deflate. How long DEFLATE's output is depends on the zlib that Node was built with: simulations that must be the same everywhere name snappy alone. */
  readonly codecs?: readonly CompressingCodec[]
  /** The longest that a message waits for company, in milliseconds, where a grant is to be had; an eighth of the round trip where that is less. Default 10. */
  readonly maximumLingerMs?: number
  /** Messages and requests that wait to be sent, of all peers; default 100000. More are refused with ERR_QUEUE_FULL. */
  readonly maximumQueuedMessages?: number
  /** The same in bytes; default 64 MiB. */
  readonly maximumQueuedBytes?: number
  /** The same for one peer; default 10000. */
  readonly maximumQueuedMessagesPerPeer?: number
  /** The same for one peer in bytes; default 4 MiB, a third of a second at 100 Mbit/s. */
  readonly maximumQueuedBytesPerPeer?: number
  /** The largest batch taken on an incoming stream, in bytes, on the wire and decompressed alike; default 64.5 KiB, the least as well, for this side sends none that are larger. */
  readonly maximumFrameBytes?: number
  /** Requests taken on one stream, or sent on it, before the first is answered; default 256, at least 32. */
  readonly maximumRequests?: number
  /** Incoming streams on one connection; default 16: one a class and connection of the far side's pool, with some to spare. */
  readonly maximumIncomingStreams?: number
  /** Handlers running, of all peers; default 1000. One peer has as many as it leaves free for the others: half, where it is alone. Above that nothing more is read. */
  readonly maximumRunning?: number
  /** Bytes of the decompressed batches that running handlers were given payloads of; default 32 MiB, shared alike, and at least `maximumFrameBytes`. */
  readonly maximumRunningBytes?: number
  /** Replies of one stream that wait to be sent, in bytes; default 8 MiB: twice the largest reply, the least as well. Above half of it nothing more is read, above all of it replies are refused as overloaded. */
  readonly maximumReplyBytes?: number
  /** The same of all streams; default 64 MiB, or what one stream may have where that is more, the least as well. */
  readonly maximumReplyBytesInAll?: number
  /** A stream on which something is owed and nothing moves for so long is given up, in milliseconds; default 10000, as libp2p gives a stream. */
  readonly stallTimeoutMs?: number
  /** For how long a peer that does not speak the protocol is not asked again, in milliseconds, unless it connects anew; default ten minutes. */
  readonly unsupportedForMs?: number
}

/** With every default filled in. */
export type BatchingSettings = Required<MessageBatchingOptions>

/**
 * @throws ERR_INVALID_OPTION or ERR_UNKNOWN_OPTION
 */
export function parseBatchingOptions (input: MessageBatchingOptions): BatchingSettings {
  const { maximumReplyBytes, maximumReplyBytesInAll, ...others } = parseOptions(schema, input, 'messageBatching')
  const ofStream = maximumReplyBytes ?? Math.max(LEAST_REPLY_BYTES, 2 * others.maximumReplyPayloadBytes)
  const inAll = maximumReplyBytesInAll ?? Math.max(64 * MIB, ofStream)
  return { ...others, maximumReplyBytes: ofStream, maximumReplyBytesInAll: inAll }
}

const KIB = 1024
const MIB = 1024 * KIB
/** An item's own fields count as well. */
const LEAST_REPLY_BYTES = KIB
const count = (standard: number, least = 1): z.ZodDefault<z.ZodInt> => z.int().min(least).default(standard)
const duration = (standard: number): z.ZodDefault<z.ZodNumber> => z.number().positive().default(standard)

const schema = z.strictObject({
  maximumMessages: z.int().min(1).max(MAXIMUM_ITEMS).default(100),
  maximumBatchBytes: z.int().min(1).max(64 * KIB).default(64 * KIB),
  maximumPayloadBytes: z.int().min(1).max(64 * KIB).default(64 * KIB),
  maximumReplyPayloadBytes: count(4 * MIB),
  compression: z.custom<CompressionPolicy>(value => typeof value === 'function', 'a function').default(() => compressWhereItPays),
  codecs: z.array(z.enum(['snappy', 'deflate'])).default(['snappy', 'deflate']),
  maximumLingerMs: z.number().min(0).default(10),
  maximumQueuedMessages: count(100_000),
  maximumQueuedBytes: count(64 * MIB),
  maximumQueuedMessagesPerPeer: count(10_000),
  maximumQueuedBytesPerPeer: count(4 * MIB),
  maximumFrameBytes: count(INITIAL_FRAME_BYTES, INITIAL_FRAME_BYTES),
  maximumRequests: count(256, INITIAL_REQUESTS),
  maximumIncomingStreams: count(16),
  maximumRunning: count(1_000),
  maximumRunningBytes: count(32 * MIB),
  maximumReplyBytes: z.int().min(LEAST_REPLY_BYTES).optional(),
  maximumReplyBytesInAll: z.int().min(LEAST_REPLY_BYTES).optional(),
  stallTimeoutMs: duration(10_000),
  unsupportedForMs: duration(600_000)
}).refine(({ maximumRunningBytes, maximumFrameBytes }) => maximumRunningBytes >= maximumFrameBytes, { path: ['maximumRunningBytes'], message: 'a number that is not below maximumFrameBytes' })
  .refine(({ maximumReplyBytes = Infinity, maximumReplyPayloadBytes }) => maximumReplyBytes >= 2 * maximumReplyPayloadBytes, { path: ['maximumReplyBytes'], message: 'a number of at least twice maximumReplyPayloadBytes' })
  .refine(({ maximumReplyBytesInAll = Infinity, maximumReplyBytes, maximumReplyPayloadBytes }) => maximumReplyBytesInAll >= (maximumReplyBytes ?? 2 * maximumReplyPayloadBytes), { path: ['maximumReplyBytesInAll'], message: 'a number that is not below maximumReplyBytes' })
