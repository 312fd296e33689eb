import type { OptimizedNetwork, OptimizedNetworkOptions } from '../optim/index.ts'
import { networkWith } from './modules.ts'
import type { ModularHost, ModuleName } from './modules.ts'
import { serveRequestReply, serveRequestReplyOver } from './request-reply.ts'
import type { Work } from './request-reply.ts'

/** What of a run's host serving with modules needs. */
export interface ServingHost extends ModularHost {
  /** Is aborted when the run is over. */
  readonly signal: AbortSignal
}

/**
 * Serves requests and replies as an arm with these modules does; without modules as plain js-libp2p does. The network is
 * stopped when the run is over.
 *
 * @param options of those modules that are to differ from their defaults, and of the whole
 * @returns the network, where there is one
 */
export async function serveWith (host: ServingHost, modules: readonly ModuleName[], options: OptimizedNetworkOptions = {}, work?: Work): Promise<OptimizedNetwork | undefined> {
  if (modules.length === 0) {
    await serveRequestReply(host.node, work === undefined ? {} : { work })
    return undefined
  }
  const network = servingNetwork(host, modules, options)
  await serveRequestReplyOver(network, work)
  return network
}

/** Of an arm's modules, what servers have where clients alone are to use them: all if batching is one, which takes two, or none. */
export function modulesOfServers (modules: readonly ModuleName[]): readonly ModuleName[] {
  return modules.includes('messageBatching') ? modules : []
}

/** The network of a host that serves something else until the run is over, which stops it. */
export function servingNetwork (host: ServingHost, modules: readonly ModuleName[], options: OptimizedNetworkOptions = {}): OptimizedNetwork {
  const network = networkWith(host, modules, options)
  // Nobody waits for it: the node itself is being stopped, and whoever asked has had an answer.
  host.signal.addEventListener('abort', () => { network.stop({ deadlineMs: 0 }).catch(() => {}) }, { once: true })
  return network
}
