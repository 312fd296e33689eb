import type { Clock } from '../core/clock.ts'
import type { RandomStream } from '../core/random.ts'
import type { Recorder } from '../core/recorder.ts'
import { createOptimizedNetwork } from '../optim/index.ts'
import type { Multiaddr, NetworkNode, OptimizedNetwork, OptimizedNetworkOptions, PeerId } from '../optim/index.ts'
import { overNetwork, plainLibp2p } from './requester.ts'
import type { Requester } from './requester.ts'

/** One of the five modules, by the name of its option. */
export type ModuleName = Exclude<keyof OptimizedNetworkOptions, 'maximumFrameBytes' | 'classify'>

/** What of a run's host the modules need. */
export interface ModularHost {
  readonly node: NetworkNode
  readonly clock: Clock
  readonly random: RandomStream
  readonly recorder: Recorder
}

/** Whom a requester asks. */
export interface Askable {
  readonly id: PeerId
  readonly addresses: readonly Multiaddr[]
}

const ALL_OFF = {
  connectionPool: false, messageBatching: false, bandwidthManager: false, adaptiveTimeouts: false, networkHealth: false
} as const satisfies Record<ModuleName, false>

/**
 * The network of an arm: these modules, and no others.
 *
 * @param options of those modules that are to differ from their defaults, and of the whole
 */
export function networkWith ({ node, clock, random, recorder }: ModularHost, modules: readonly ModuleName[], options: OptimizedNetworkOptions = {}): OptimizedNetwork {
  const on = Object.fromEntries(modules.map(name => [name, options[name] ?? true]))
  return createOptimizedNetwork(node, { ...options, ...ALL_OFF, ...on }, { clock, random: random.fork('optim'), recorder })
}

/**
 * How an arm with these modules asks a peer; without modules as plain js-libp2p does. The peer's addresses are in the peer
 * store then. Disposing of it stops the network.
 */
export async function requesterWith (host: ModularHost, peer: Askable, deadlineMs: number, modules: readonly ModuleName[], options: OptimizedNetworkOptions = {}): Promise<Requester> {
  const { node, clock } = host
  const { id, addresses } = peer
  if (modules.length === 0) {
    return plainLibp2p({ node, clock, peer: id, addresses, deadlineMs })
  }
  await node.peerStore.merge(id, { multiaddrs: [...addresses] })
  return overNetwork(networkWith(host, modules, options), { node, clock, peer: id, addresses, deadlineMs })
}
