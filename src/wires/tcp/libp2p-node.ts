import { createHash } from 'node:crypto'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { generateKeyPairFromSeed } from '@libp2p/crypto/keys'
import { ping } from '@libp2p/ping'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { Ping } from '@libp2p/ping'
import type { ICryptoInterface } from '@chainsafe/libp2p-noise'
import type { Libp2p, Libp2pOptions } from 'libp2p'

/** More than any run has: the connection and stream limits of libp2p's defaults are no part of what is compared. */
const UNLIMITED = 100_000

export interface PeerInit {
  /** Names the peer: the same seed gives the same Ed25519 key, and with it the same peer id. */
  readonly seed: string
  /** Multiaddrs. Default: a free port of 127.0.0.1. */
  readonly listen?: readonly string[]
  /** Default: the kernel's TCP. */
  readonly transport?: NonNullable<Libp2pOptions['transports']>[number]
  /** What Noise is to encrypt with. Default: its own. */
  readonly crypto?: ICryptoInterface
}

const kernelTcp = tcp({ inboundSocketInactivityTimeout: 0, outboundSocketInactivityTimeout: 0 })

/**
 * A started js-libp2p node over TCP, Noise and yamux with the ping service, as an application would make it: the
 * connection monitor and all time limits are libp2p's own. Without identify, so that a connection carries what the
 * experiment sends and no more. This is the only module that names the transport, the encrypter and the muxer.
 *
 * Raised are the limits that count all of loopback as one remote host, the number of connections and streams, and TCP's
 * inactivity limit, which ends a connection that is idle for two minutes.
 */
export async function createPeer ({ seed, listen = ['/ip4/127.0.0.1/tcp/0'], transport = kernelTcp, crypto }: PeerInit): Promise<Libp2p<{ ping: Ping }>> {
  const key = await generateKeyPairFromSeed('Ed25519', createHash('sha256').update(seed).digest())
  return await createLibp2p({
    privateKey: key,
    // It carries Node's version otherwise, and sizes on the wire should not depend on that.
    nodeInfo: { userAgent: 'twinwire' },
    addresses: { listen: [...listen] },
    transports: [transport],
    connectionEncrypters: [noise(crypto === undefined ? {} : { crypto })],
    streamMuxers: [yamux({ maxInboundStreams: UNLIMITED, maxOutboundStreams: UNLIMITED })],
    connectionManager: {
      inboundConnectionThreshold: UNLIMITED,
      maxIncomingPendingConnections: UNLIMITED,
      maxConnections: UNLIMITED,
      maxDialQueueLength: UNLIMITED,
      maxParallelDials: UNLIMITED
    },
    services: { ping: ping({ maxInboundStreams: UNLIMITED, maxOutboundStreams: UNLIMITED }) }
  })
}
