import type { RandomStream } from '../core/random.ts'
import { msToNs } from '../core/units.ts'
import { BulkTcpTraffic } from '../sim/cross-traffic-tcp.ts'
import { OnOffTraffic, PoissonTraffic, TrafficSink } from '../sim/cross-traffic.ts'
import type { LinkOptions, NodeId, PacketNetwork } from '../sim/network.ts'
import type { QueueOptions } from '../sim/queue.ts'
import { connect } from '../sim/topology.ts'
import type { PathTraffic } from './link-fields.ts'
import { losesNothing } from './options.ts'
import type { PathOptions } from './options.ts'
import { tcpFor } from './tcp.ts'

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
  return {
    forward: {
      ...options.trace === undefined ? { rateBitsPerSecond } : { trace: options.trace },
      delayNs,
      ...impairments,
      ...policer !== undefined && { policer },
      queue: queueOf(options)
    },
    backward: {
      ...options.traceBackward === undefined ? { rateBitsPerSecond: options.rateBackwardBitsPerSecond ?? rateBitsPerSecond } : { trace: options.traceBackward },
      delayNs: delayBackwardNs,
      ...lossDirection === 'both' && impairments
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

export interface TrafficInit {
  readonly network: PacketNetwork
  /** Routers at the two ends of the forward link. */
  readonly near: NodeId
  readonly far: NodeId
  readonly random: RandomStream
}

/** Starts what shares the forward link; each goes from a node of its own to another. */
export function startTraffic (options: PathOptions, { network, near, far, random }: TrafficInit): void {
  const { crossTraffic = [], mtuBytes } = options
  crossTraffic.forEach((traffic, index) => {
    const ends = { from: joinedNode(network, near), to: joinedNode(network, far) }
    if (traffic.kind === 'bulk') {
      new BulkTcpTraffic(network, { ...ends, tcp: tcpFor(traffic.congestion, options), flows: traffic.flows }).start()
    } else {
      takeIn(network, ends.to)
      createDatagrams(network, traffic, { ...ends, packetBytes: mtuBytes }, random.fork(String(index))).start()
    }
  })
}

/** A host beside a router, joined by links that take no time. */
export function joinedNode (network: PacketNetwork, router: NodeId): NodeId {
  const node = network.addNode({ forwards: false })
  connect(network, node, router, { forward: { delayNs: 0 } })
  return node
}

function takeIn (network: PacketNetwork, node: NodeId): TrafficSink {
  return new TrafficSink(network, node)
}

function createDatagrams (network: PacketNetwork, traffic: Exclude<PathTraffic, { readonly kind: 'bulk' }>, ends: { readonly from: NodeId, readonly to: NodeId, readonly packetBytes: number }, random: RandomStream): PoissonTraffic | OnOffTraffic {
  const { rateBitsPerSecond } = traffic
  return traffic.kind === 'poisson'
    ? new PoissonTraffic(network, { ...ends, rateBitsPerSecond }, random)
    : new OnOffTraffic(network, { ...ends, rateBitsPerSecond, meanOnNs: msToNs(traffic.meanOnMs), meanOffNs: msToNs(traffic.meanOffMs) }, random)
}
