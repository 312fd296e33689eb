import { tcp } from '@libp2p/tcp'
import { createOptimizedNetwork, serveRequests } from '../../src/optim/index.ts'
import { createPeer } from '../../src/wires/libp2p-node.ts'
import type { OptimizedNetwork, OptimizedNetworkOptions } from '../../src/optim/index.ts'
import type { Libp2p } from 'libp2p'

/** What is in front of a node, at both ends alike. */
export type Setup = keyof typeof SETUPS

/** 100 Gbit/s is above what a machine's loopback carries: the manager paces, and never makes anything wait. */
const UNREACHED_BITS_PER_SECOND = 100e9

const SETUPS = {
  plain: undefined,
  all: { bandwidthManager: { uploadBitsPerSecond: UNREACHED_BITS_PER_SECOND, downloadBitsPerSecond: UNREACHED_BITS_PER_SECOND } },
  unlimited: { bandwidthManager: { uploadBitsPerSecond: Infinity, downloadBitsPerSecond: Infinity } },
  batching: { connectionPool: false, bandwidthManager: false, adaptiveTimeouts: false, networkHealth: false },
  defaults: {}
} as const satisfies Record<string, OptimizedNetworkOptions | undefined>

/** Answers with what it was asked. */
export const ECHO = '/bench/echo/1.0.0'
/** Answers with `LARGE_BYTES`. */
export const FETCH = '/bench/fetch/1.0.0'
/** Answers with a byte. */
export const STORE = '/bench/store/1.0.0'
export const LARGE_BYTES = 1_000_000

const large = new Uint8Array(LARGE_BYTES)
const byte = new Uint8Array(1)
const HANDLERS: ReadonlyArray<readonly [string, (payload: Uint8Array) => Uint8Array]> = [[ECHO, payload => payload], [FETCH, () => large], [STORE, () => byte]]
/** libp2p's 32 streams of a protocol are fewer than there are askers. */
const UNLIMITED_STREAMS = { maxInboundStreams: 100_000, maxOutboundStreams: 100_000 }

/** A js-libp2p node over TCP, Noise and yamux, without a limit on connections and streams. */
export async function createNode (seed: string): Promise<Libp2p> {
  return await createPeer({ seed, transport: tcp() })
}

/** Undefined of plain libp2p. */
export function createNetwork (node: Libp2p, setup: Setup): OptimizedNetwork | undefined {
  const options = SETUPS[setup]
  return options && createOptimizedNetwork(node, options)
}

/** Serves the protocols above. */
export async function serve (node: Libp2p, setup: Setup): Promise<void> {
  const network = createNetwork(node, setup)
  for (const [protocol, respond] of HANDLERS) {
    if (network === undefined) {
      await node.handle(protocol, stream => serveRequests(stream, respond), UNLIMITED_STREAMS)
    } else {
      await network.handle(protocol, respond, UNLIMITED_STREAMS)
    }
  }
}
