import type { RandomStream } from '../core/random.ts'
import { nsToMs } from '../core/units.ts'
import type { LinkOptions } from '../sim/network.ts'
import { pantheonPath } from '../sim/topology-paths.ts'
import type { PantheonPath } from '../sim/topology-paths.ts'
import type { DuplexInput, PathDirectionInput } from './scenario-link.ts'

/**
 * Both directions of a path that Pantheon fitted to one of the Internet's, to be spread into a path or taken as a link of a
 * topology: `{ from, to, ...pantheonDirections('india-to-aws-india', random) }`.
 *
 * @param random draws the opportunities of cellular paths
 * @throws ERR_INVALID_OPTION for another name
 */
export function pantheonDirections (name: PantheonPath, random: RandomStream): DuplexInput {
  const { forward, backward = forward } = pantheonPath(name, random)
  return { forward: direction(forward), backward: direction(backward) }
}

/** Such a path has a rate or a trace, loss by chance and a queue of packets. */
function direction ({ delayNs, rateBitsPerSecond, trace, loss, queue }: LinkOptions): PathDirectionInput {
  return {
    delayMs: nsToMs(delayNs),
    ...rateBitsPerSecond !== undefined && { rateBitsPerSecond },
    ...trace !== undefined && { trace },
    ...loss?.model === 'bernoulli' && { loss },
    ...queue !== undefined && 'limitPackets' in queue && queue.limitPackets !== undefined && { queue: { limitPackets: queue.limitPackets } }
  }
}
