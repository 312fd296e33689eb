import * as z from 'zod'
import { parseOptions } from '../../core/options.ts'
import { TwinwireError } from '../../core/errors.ts'
import { leastRecentlyUsed } from './prune.ts'
import { rankAddresses } from './rank.ts'
import type { PrunePolicy } from './prune.ts'
import type { AddressRanker } from './rank.ts'

/** All optional; what a field is for, its unit, its default and the reason for it. */
export interface ConnectionPoolOptions {
  /** Connections open or being dialled, of all peers; default 1000, above libp2p's own 300, which is not enforced for outgoing ones. */
  readonly maxConnections?: number
  /** The same for one peer; default 3: one in use, one to grow by, one to replace a suspect with. */
  readonly maxConnectionsPerPeer?: number
  /**
   * The same for one host: an IP address, or a name, or a relay; default null, any number. One address may stand for a
   * whole data centre's NAT, or for all peers of a test, and the pool dials only whom it is asked for. (go-libp2p's limit
   * of 8 is for those who accept connections.)
   */
  readonly maxConnectionsPerHost?: number | null
  /** Leases on one connection before another is opened; default 32, libp2p's default for inbound streams of one protocol. */
  readonly streamsPerConnection?: number
  /** Outbound streams of one protocol on one connection, those of others included; default 64, libp2p's default limit. */
  readonly streamsPerProtocol?: number
  /** Streams being negotiated on a connection of which none was acknowledged yet; default 8, because libp2p resets all where 10 arrive before its muxer listens, and identify takes one. */
  readonly maxStreamsInNegotiation?: number
  /** Idle streams kept of one protocol on one connection; default 16, half of what the far side accepts. */
  readonly idleStreamsPerProtocol?: number
  /** Protocols whose handlers answer one request and end the stream, so that none is kept; default none: found out for each peer, at the price of up to one failed request. */
  readonly oneShotProtocols?: readonly string[]
  /** Callers waiting for a lease, a connection or a replacement, of all peers; default 10000. More are refused with ERR_TOO_MANY_WAITERS. */
  readonly maxWaiters?: number
  /** After this long without a lease a connection or a kept stream is closed, in milliseconds (10% either way); default 30000. */
  readonly idleTimeoutMs?: number
  /** After this long a connection is replaced, in milliseconds (10% either way); default one hour, so that paths and addresses are chosen anew. */
  readonly maxLifetimeMs?: number
  /** Above this many connections idle ones are closed, in the order of `prune`; default 80% of `maxConnections`. */
  readonly highWater?: number
  /** ... until this many are left; default 60% of `maxConnections`. */
  readonly lowWater?: number
  /** A connection younger than this, in milliseconds, is spared by the water marks; default 20000 (go-libp2p's grace period). */
  readonly waterGraceMs?: number
  /** How long two connections from simultaneous dials live side by side, in milliseconds; default 5000: many round trips, so that both sides have seen both. */
  readonly duplicateGraceMs?: number
  /** A dial, all addresses together, in milliseconds; default 10000, as in libp2p. */
  readonly dialTimeoutMs?: number
  /** One address, in milliseconds; default 6000, as in libp2p. Others are tried meanwhile. */
  readonly addressTimeoutMs?: number
  /** The opening of one stream, in milliseconds; default 10000, as in libp2p. */
  readonly streamTimeoutMs?: number
  /** How long requests wait for the replacement of a suspect connection before they use it after all, in milliseconds; default 1000, three round trips of the slowest usual path. */
  readonly replacementWaitMs?: number
  /** A graceful close, in milliseconds, before it is made an abrupt one; default 1000, as in libp2p. */
  readonly closeTimeoutMs?: number
  /** tau of the load estimate, in milliseconds; default 10000, as in finagle. */
  readonly loadDecayMs?: number
  /** Dials of one kind of address that the black-hole detector looks back on; default 100, as in go-libp2p. */
  readonly blackHoleWindow?: number
  /** Successes among them below which the kind counts as a black hole; default 5, as in go-libp2p. */
  readonly blackHoleSuccesses?: number
  /** Weight of the peer-store tag of pooled peers for libp2p's pruner, 0 for no tag; default 50. */
  readonly tagValue?: number
  /** Orders and spaces the addresses of a peer; default `rankAddresses`. */
  readonly rank?: AddressRanker
  /** Orders idle connections, the first to go first, for the water marks and for those who wait for room; default `leastRecentlyUsed`. */
  readonly prune?: PrunePolicy
}

/** With every default filled in. */
export type PoolSettings = Required<ConnectionPoolOptions>

/**
 * @throws ERR_INVALID_OPTION or ERR_UNKNOWN_OPTION
 */
export function parsePoolOptions (input: ConnectionPoolOptions): PoolSettings {
  const parsed = parseOptions(schema, input, 'connectionPool')
  const highWater = parsed.highWater ?? Math.ceil(parsed.maxConnections * 0.8)
  const lowWater = parsed.lowWater ?? Math.min(highWater, Math.ceil(parsed.maxConnections * 0.6))
  if (lowWater > highWater) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the water marks are crossed', {
      path: 'connectionPool.lowWater', expected: `at most highWater (${highWater})`, found: String(lowWater)
    })
  }
  return { ...parsed, highWater, lowWater }
}

const count = (standard: number): z.ZodDefault<z.ZodInt> => z.int().min(1).default(standard)
const duration = (standard: number): z.ZodDefault<z.ZodNumber> => z.number().positive().default(standard)

const schema = z.strictObject({
  maxConnections: count(1000),
  maxConnectionsPerPeer: count(3),
  maxConnectionsPerHost: z.int().min(1).nullable().default(null),
  streamsPerConnection: count(32),
  streamsPerProtocol: count(64),
  maxStreamsInNegotiation: count(8),
  idleStreamsPerProtocol: z.int().min(0).default(16),
  oneShotProtocols: z.array(z.string()).default([]),
  maxWaiters: count(10_000),
  idleTimeoutMs: duration(30_000),
  maxLifetimeMs: duration(3_600_000),
  highWater: z.int().min(1).optional(),
  lowWater: z.int().min(0).optional(),
  waterGraceMs: duration(20_000),
  duplicateGraceMs: duration(5_000),
  dialTimeoutMs: duration(10_000),
  addressTimeoutMs: duration(6_000),
  streamTimeoutMs: duration(10_000),
  replacementWaitMs: duration(1_000),
  closeTimeoutMs: duration(1_000),
  loadDecayMs: duration(10_000),
  blackHoleWindow: count(100),
  blackHoleSuccesses: z.int().min(0).default(5),
  tagValue: z.int().min(0).max(100).default(50),
  rank: z.custom<AddressRanker>(value => typeof value === 'function', 'a function').default(() => rankAddresses),
  prune: z.custom<PrunePolicy>(value => typeof value === 'function', 'a function').default(() => leastRecentlyUsed)
})
