import { createHash } from 'node:crypto'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { createLibp2p } from 'libp2p'
import { UNLIMITED_SESSION } from '../sim/session/options.ts'
import type { SessionOptions } from '../sim/session/options.ts'
import type { Identify } from '@libp2p/identify'
import type { ServiceMap } from '@libp2p/interface'
import type { Ping } from '@libp2p/ping'
import type { ICryptoInterface } from '@chainsafe/libp2p-noise'
import type { Libp2p, Libp2pOptions } from 'libp2p'

export interface PeerInit {
  /** Names the peer: the same seed gives the same Ed25519 key, and with it the same peer id. */
  readonly seed: string
  readonly transport: NonNullable<Libp2pOptions['transports']>[number]
  /** Multiaddrs. Default: a free port of 127.0.0.1. */
  readonly listen?: readonly string[]
  /** What Noise is to encrypt with. Default: its own. */
  readonly crypto?: ICryptoInterface
  /** Default: no limits, and no identify. */
  readonly options?: SessionOptions
}

export interface PeerServices extends ServiceMap {
  readonly ping: Ping
  /** Where the options ask for it. */
  readonly identify?: Identify
}

/**
 * A started js-libp2p node over TCP, Noise and yamux with the ping service, as an application would make it: all time
 * limits are libp2p's own. This is the only module that names the encrypter and the muxer.
 *
 * Without options, the limits are raised that count all of loopback as one remote host, the number of connections and
 * streams, and TCP's inactivity limit, which ends a connection that is idle for two minutes; and there is no identify, so
 * that a connection carries what the experiment sends and no more.
 */
export async function createPeer ({ seed, transport, listen = ['/ip4/127.0.0.1/tcp/0'], options = UNLIMITED_SESSION, crypto }: PeerInit): Promise<Libp2p<PeerServices>> {
  const key = await generateKeyPairFromSeed('Ed25519', createHash('sha256').update(seed).digest())
  return await createLibp2p({
    ...libp2pInit(options, crypto),
    privateKey: key,
    addresses: { listen: [...listen] },
    transports: [transport]
  })
}

/** Of what a node is made: all but its key, its addresses and its transport, which each wire has its own way to. */
function libp2pInit ({ identify: identifies, connectionMonitor, pingIntervalMs, pingTimeoutMs, addressDialTimeoutMs, limits }: SessionOptions, crypto?: ICryptoInterface): Libp2pOptions<PeerServices> {
  const { maxInboundStreams, maxOutboundStreams, maxEarlyStreams, ...ofConnections } = limits
  // yamux hands all of it to the muxer it extends, though its types do not know `maxEarlyStreams`.
  const ofMuxer = { maxInboundStreams, maxOutboundStreams, maxEarlyStreams }
  const pingLimits = { maxInboundStreams: UNLIMITED_PINGS, maxOutboundStreams: UNLIMITED_PINGS }
  return {
    // It carries Node's version otherwise, and sizes on the wire should not depend on that.
    nodeInfo: { userAgent: 'twinwire' },
    connectionEncrypters: [noise(crypto === undefined ? {} : { crypto })],
    streamMuxers: [yamux(ofMuxer)],
    connectionManager: { ...ofConnections, addressDialTimeout: addressDialTimeoutMs },
    connectionMonitor: { enabled: connectionMonitor, pingInterval: pingIntervalMs, pingTimeout: { minTimeout: pingTimeoutMs } },
    services: { ping: ping(pingLimits), ...identifies && { identify: identify() } }
  }
}

/** As it was before there were options: pings are no part of what is limited. */
const UNLIMITED_PINGS = 100_000
