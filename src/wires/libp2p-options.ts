import * as z from 'zod'
import { UNLIMITED_SESSION } from '../sim/session/options.ts'
import type { SessionLimits, SessionOptions } from '../sim/session/options.ts'

/** libp2p 3.3's own (connection-manager/constants.js) and those of yamux 8 (config.js). */
export const LIBP2P_LIMITS: SessionLimits = {
  maxConnections: 300,
  inboundConnectionThreshold: 5,
  maxIncomingPendingConnections: 10,
  maxParallelDials: 100,
  maxDialQueueLength: 500,
  maxInboundStreams: 1_000,
  maxOutboundStreams: 1_000,
  maxEarlyStreams: 10
}

const PRESETS = { raised: UNLIMITED_SESSION.limits, default: LIBP2P_LIMITS } as const

/** Node's timers end here; a day is more than any connection idles. */
const MAXIMUM_INACTIVITY_MS = 24 * 3600e3
/** Above it AdaptiveTimeout's own maximum is less than its minimum. */
const MAXIMUM_PING_TIMEOUT_MS = 60_000
const time = z.int().min(1).max(MAXIMUM_INACTIVITY_MS)
const limit = z.int().min(1).max(1_000_000).optional()

/** How a host's libp2p is set up, the same on all wires. What is absent stays as it was before there were options. */
export const libp2pSchema = z.strictObject({
  /**
   * The identify service, as most applications have it: 4 kB and two round trips more a connection. Default: false, so that
   * a connection carries what the experiment sends and no more.
   */
  identify: z.boolean().default(false),
  /** libp2p's connection monitor: it pings every connection time and again and aborts those that fail. Default: true, as libp2p. */
  connectionMonitor: z.boolean().default(true),
  /** Its `pingInterval`, ms. Default: 10,000, as libp2p. */
  pingIntervalMs: time.default(UNLIMITED_SESSION.pingIntervalMs),
  /** The least of its `pingTimeout`, ms; earlier pings that took longer stretch it. Default: 5,000, as libp2p. */
  pingTimeoutMs: time.max(MAXIMUM_PING_TIMEOUT_MS).default(UNLIMITED_SESSION.pingTimeoutMs),
  /** What dialling one of a peer's addresses may take, until the next is tried, ms. Default: 6,000, as libp2p. */
  addressDialTimeoutMs: time.default(UNLIMITED_SESSION.addressDialTimeoutMs),
  /**
   * A TCP connection is reset over which nothing came or went for so long, ms. libp2p's own: 120,000; it matters only where
   * the monitor is off, and yamux's keep-alive unanswered. Default: 0, never.
   */
  socketInactivityMs: z.int().min(0).max(MAXIMUM_INACTIVITY_MS).default(0),
  /**
   * `raised`, the default: so high that no limit is met, for those of libp2p are no part of what most experiments compare
   * (`maxEarlyStreams` stays 10). `default`: libp2p's own. Single limits below go before either.
   */
  limits: z.enum(['raised', 'default']).default('raised'),
  /** Above it inbound connections are refused and the least valued closed. libp2p: 300. */
  maxConnections: limit,
  /** Inbound connections a second from one address. libp2p: 5. */
  inboundConnectionThreshold: limit,
  /** Inbound connections in the making. libp2p: 10. */
  maxIncomingPendingConnections: limit,
  /** Peers dialled at a time. libp2p: 100. */
  maxParallelDials: limit,
  /** Dials under way and waiting. libp2p: 500. */
  maxDialQueueLength: limit,
  /** Streams of one connection that the remote end opened, whatever their protocols. yamux: 1,000. */
  maxInboundStreams: limit,
  /** Streams of one connection that this end opened. yamux: 1,000. */
  maxOutboundStreams: limit,
  /**
   * Streams that may arrive with the last message of the handshake. One more makes yamux reset them all, and leaves both
   * ends with an open connection on which no stream can be opened. yamux: 10.
   */
  maxEarlyStreams: limit
})

export type Libp2pInput = z.input<typeof libp2pSchema>
export type Libp2pDescription = z.infer<typeof libp2pSchema>

/** What a host's description comes to; of one without, what there is without options. */
export function sessionOptions (description: Libp2pDescription | undefined): SessionOptions {
  if (description === undefined) {
    return UNLIMITED_SESSION
  }
  const { identify, connectionMonitor, pingIntervalMs, pingTimeoutMs, addressDialTimeoutMs, socketInactivityMs, limits: preset, ...others } = description
  return { identify, connectionMonitor, pingIntervalMs, pingTimeoutMs, addressDialTimeoutMs, socketInactivityMs, limits: { ...PRESETS[preset], ...defined(others) } }
}

function defined (limits: Partial<Record<keyof SessionLimits, number | undefined>>): Partial<SessionLimits> {
  return Object.fromEntries(Object.entries(limits).filter(([, value]) => value !== undefined))
}
