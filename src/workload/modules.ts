import type { Clock } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import type { RandomStream } from '../core/random.ts'
import type { Recorder } from '../core/recorder.ts'
import { createOptimizedNetwork } from '../optim/index.ts'
import type { Multiaddr, NetworkNode, OptimizedNetwork, OptimizedNetworkOptions, PeerId } from '../optim/index.ts'
import { overNetwork, plainLibp2p } from './requester.ts'
import type { Requester, RequesterOptions } from './requester.ts'

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

/** An arm of an experiment, as far as it matters here. */
export interface ModularArm {
  readonly name: string
  readonly modules?: readonly ModuleName[]
}

/** The modules of a run's arm, as the arm declares them; none where it declares none. */
export function modulesOfArm (arms: readonly ModularArm[], { arm }: { readonly arm?: unknown }): readonly ModuleName[] {
  return arms.find(({ name }) => name === arm)?.modules ?? []
}

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
 * How libp2p is set up beside these modules, as docs/modules.md advises: one prober, so its connection monitor is off where
 * the health module is on, and on elsewhere, as libp2p comes. For `hosts[].libp2p` of a scenario.
 */
export function libp2pWith (modules: readonly ModuleName[]): { readonly connectionMonitor: boolean } {
  return { connectionMonitor: !modules.includes('networkHealth') }
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

/** Ways of asking several peers that share one node, and one network where there are modules. */
export interface Requesters extends AsyncDisposable {
  /** In the order of the peers. */
  readonly each: readonly Requester[]
  /** Made so far at all of them: each request that was not refused for its peer's sake is one, and with adaptive timeouts so are its retries and hedges. */
  attempts(): number
}

/** The same as `requesterWith` for several peers. */
export async function requestersWith (host: ModularHost, peers: readonly Askable[], deadlineMs: number, modules: readonly ModuleName[], options: OptimizedNetworkOptions = {}): Promise<Requesters> {
  const { node, clock } = host
  const optionsOf = ({ id, addresses }: Askable): RequesterOptions => ({ node, clock, peer: id, addresses, deadlineMs })
  let asked = 0
  const counted = (requester: Requester): Requester => ({
    ...requester,
    async request (payload, signal, requestOptions) {
      asked++
      try {
        return await requester.request(payload, signal, requestOptions)
      } catch (error) {
        asked -= isRefusal(error) ? 1 : 0
        throw error
      }
    }
  })
  if (modules.length === 0) {
    return { each: peers.map(peer => counted(plainLibp2p(optionsOf(peer)))), attempts: () => asked, async [Symbol.asyncDispose] () {} }
  }
  await Promise.all(peers.map(async ({ id, addresses }) => await node.peerStore.merge(id, { multiaddrs: [...addresses] })))
  const network = networkWith(host, modules, options)
  return {
    each: peers.map(peer => counted(overNetwork(network, optionsOf(peer)))),
    attempts: () => network.metrics.timeouts?.attempts ?? asked,
    [Symbol.asyncDispose]: async () => await network.stop()
  }
}

/** The peer was not asked at all. */
export function isRefusal (error: unknown): boolean {
  return error instanceof TwinwireError && error.code === 'ERR_PEER_EJECTED'
}
