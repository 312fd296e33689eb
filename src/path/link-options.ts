import type { RandomStream } from '../core/random.ts'
import { msToNs } from '../core/units.ts'
import { OnOffTraffic, PoissonTraffic, TrafficSink } from '../sim/cross-traffic.ts'
import type { LinkOptions, NodeId, PacketNetwork } from '../sim/network.ts'
import type { QueueOptions } from '../sim/queue.ts'
import { MTU_BYTES } from './link-schema.ts'
import type { PathTraffic } from './link-schema.ts'
import { losesNothing } from './options.ts'
import type { PathOptions } from './options.ts'

export interface PathLinks {
  readonly forward: LinkOptions
  readonly backward: LinkOptions
}

/** The two links of a path. The forward one alone has a queue with a limit, and a policer. */
export function pathLinks (options: PathOptions): PathLinks {
  const { rateBitsPerSecond, rttMs, lossDirection, policer } = options
  const delayBackwardNs = options.delayBackwardMs === undefined ? Math.round(rttMs * 1e6 / 2) : msToNs(options.delayBackwardMs)
  const delayNs = options.delayBackwardMs === undefined ? delayBackwardNs : msToNs(rttMs) - delayBackwardNs
  const impairments = impairmentsOf(options)
  const mtu = options.mtuBytes === MTU_BYTES ? {} : { mtuBytes: options.mtuBytes }
  return {
    forward: {
      ...options.trace === undefined ? { rateBitsPerSecond } : { trace: options.trace },
      delayNs,
      ...impairments,
      ...mtu,
      ...policer !== undefined && { policer },
      queue: queueOf(options)
    },
    backward: {
      ...options.traceBackward === undefined ? { rateBitsPerSecond: options.rateBackwardBitsPerSecond ?? rateBitsPerSecond } : { trace: options.traceBackward },
      delayNs: delayBackwardNs,
      ...lossDirection === 'both' && impairments,
      ...mtu
    }
  }
}

function impairmentsOf ({ loss, jitter, reorder, duplication, corruption }: PathOptions): Partial<LinkOptions> {
  return {
    ...!losesNothing(loss) && { loss },
    ...jitter !== undefined && { jitter },
    ...reorder !== undefined && { reorder },
    ...duplication !== undefined && { duplication },
    ...corruption !== undefined && { corruption }
  }
}

/** So much room for each discipline: bytes for drop-tail, full packets for the others. */
function queueOf ({ bufferBdp, rateBitsPerSecond, rttMs, discipline, ecn, mtuBytes }: PathOptions): QueueOptions {
  const limitBytes = bufferBdp * rateBitsPerSecond * rttMs / 8e3
  return discipline === undefined
    ? { limitBytes }
    : { discipline, limitPackets: Math.max(1, Math.floor(limitBytes / mtuBytes)), ...ecn !== undefined && { ecn } }
}

/** Starts what shares the forward link, from `from` to a node of its own behind `to`; both must forward. Answers what counts it there. */
export function startTraffic (network: PacketNetwork, crossTraffic: readonly PathTraffic[], from: NodeId, to: NodeId, packetBytes: number, random: RandomStream): TrafficSink {
  const node = network.addNode({ forwards: false })
  network.addLink(to, node, { delayNs: 0 })
  crossTraffic.forEach((traffic, index) => createTraffic(network, traffic, { from, to: node, packetBytes }, random.fork(String(index))).start())
  return new TrafficSink(network, node)
}

function createTraffic (network: PacketNetwork, traffic: PathTraffic, ends: { readonly from: NodeId, readonly to: NodeId, readonly packetBytes: number }, random: RandomStream): PoissonTraffic | OnOffTraffic {
  const { rateBitsPerSecond } = traffic
  return traffic.kind === 'poisson'
    ? new PoissonTraffic(network, { ...ends, rateBitsPerSecond }, random)
    : new OnOffTraffic(network, { ...ends, rateBitsPerSecond, meanOnNs: msToNs(traffic.meanOnMs), meanOffNs: msToNs(traffic.meanOffMs) }, random)
}
