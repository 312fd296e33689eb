import type { MuxerLimits } from './muxer.ts'

/** What a libp2p node lets others do to it, and itself. Each has its default of libp2p 3.3 and yamux 8. */
export interface SessionLimits extends MuxerLimits {
  /** Above it inbound connections are refused, and the least valued of all closed when one opens: 300. */
  readonly maxConnections: number
  /** Inbound connections a second from one address; more are refused: 5. */
  readonly inboundConnectionThreshold: number
  /** Inbound connections that are being set up; more are refused: 10. */
  readonly maxIncomingPendingConnections: number
  /** Peers dialled at a time; more wait: 100. */
  readonly maxParallelDials: number
  /** Dials under way and waiting; more fail: 500. */
  readonly maxDialQueueLength: number
}

/** How a simulated node is set up, as `createLibp2p` would be told. */
export interface SessionOptions {
  /** The identify service: both ends of a new connection ask each other who they are. */
  readonly identify: boolean
  /** Pings each connection time and again, and aborts those that do not answer. */
  readonly connectionMonitor: boolean
  /** Between its pings: 10,000 ms. */
  readonly pingIntervalMs: number
  /** What it waits for an answer at least; more where earlier ones took longer: 5,000 ms. */
  readonly pingTimeoutMs: number
  /** What dialling one address may take, until the next is tried: 6,000 ms. */
  readonly addressDialTimeoutMs: number
  /** A TCP socket over which nothing came or went for so long is reset; 0: never. libp2p's own is 120,000 ms. */
  readonly socketInactivityMs: number
  readonly limits: SessionLimits
}

/** More than any run has. */
const UNLIMITED = 100_000

export const UNLIMITED_SESSION: SessionOptions = {
  identify: false,
  connectionMonitor: true,
  pingIntervalMs: 10_000,
  pingTimeoutMs: 5_000,
  addressDialTimeoutMs: 6_000,
  socketInactivityMs: 0,
  limits: {
    maxConnections: UNLIMITED,
    inboundConnectionThreshold: UNLIMITED,
    maxIncomingPendingConnections: UNLIMITED,
    maxParallelDials: UNLIMITED,
    maxDialQueueLength: UNLIMITED,
    maxInboundStreams: UNLIMITED,
    maxOutboundStreams: UNLIMITED,
    // Not a matter of how much a run has: it is what yamux does, and applications meet it.
    maxEarlyStreams: 10
  }
}
