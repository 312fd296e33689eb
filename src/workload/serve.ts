import type { OptimizedNetwork, OptimizedNetworkOptions } from '../optim/index.ts'
import { networkWith } from './modules.ts'
import type { ModularHost, ModuleName } from './modules.ts'
import { serveRequestReply, serveRequestReplyOver } from './request-reply.ts'

/**
 * Serves requests and replies as an arm with these modules does; without modules as plain js-libp2p does. The network is
 * stopped when `signal` is aborted.
 *
 * @returns the network, where there is one
 */
export async function serveWith (host: ModularHost & { readonly signal: AbortSignal }, modules: readonly ModuleName[], options: OptimizedNetworkOptions = {}): Promise<OptimizedNetwork | undefined> {
  if (modules.length === 0) {
    await serveRequestReply(host.node)
    return undefined
  }
  const network = networkWith(host, modules, options)
  // Nobody waits for it: the node itself is being stopped.
  host.signal.addEventListener('abort', () => { network.stop().catch(() => {}) }, { once: true })
  await serveRequestReplyOver(network)
  return network
}
