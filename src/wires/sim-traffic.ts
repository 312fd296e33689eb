import type { RandomStream } from '../core/random.ts'
import { msToNs } from '../core/units.ts'
import { OnOffTraffic, PoissonTraffic, TrafficSink } from '../sim/cross-traffic.ts'
import type { NodeId, PacketNetwork, PacketReceiver } from '../sim/network.ts'
import type { CrossTraffic } from './scenario.ts'

/** What traffic has to know of the nodes between which it goes. */
export interface TrafficEnds {
  node(name: string): NodeId
  /** What else receives there, if anything does. */
  receiver(name: string): PacketReceiver | undefined
}

/** No connection has this number: datagrams do. */
const NO_CONNECTION = 0

/** The cross traffic of a scenario. */
export class SimTraffic {
  readonly #network: PacketNetwork
  readonly #entries: ReadonlyArray<{ readonly traffic: CrossTraffic, readonly source: PoissonTraffic | OnOffTraffic }>

  constructor (network: PacketNetwork, crossTraffic: readonly CrossTraffic[], random: RandomStream, ends: TrafficEnds) {
    this.#network = network
    const sinks = new Set<NodeId>()
    this.#entries = crossTraffic.map((traffic, index) => {
      const to = ends.node(traffic.to)
      if (!sinks.has(to)) {
        sinks.add(to)
        takeIn(network, to, ends.receiver(traffic.to))
      }
      return { traffic, source: createSource(network, traffic, ends.node(traffic.from), to, random.fork(String(index))) }
    })
  }

  /** Schedules when each source starts and stops, counted from the run's time zero. */
  begin (zeroNs: number): void {
    const { kernel } = this.#network
    const start = kernel.define(index => this.#entries[index].source.start())
    const stop = kernel.define(index => this.#entries[index].source.stop())
    this.#entries.forEach(({ traffic: { atMs, durationMs } }, index) => {
      kernel.schedule(zeroNs + msToNs(atMs), start, index)
      if (durationMs !== undefined) {
        kernel.schedule(zeroNs + msToNs(atMs + durationMs), stop, index)
      }
    })
  }
}

function createSource (network: PacketNetwork, traffic: CrossTraffic, from: NodeId, to: NodeId, random: RandomStream): PoissonTraffic | OnOffTraffic {
  const { packetBytes, rateBitsPerSecond } = traffic
  const common = { from, to, packetBytes, rateBitsPerSecond }
  if (traffic.kind === 'poisson') {
    return new PoissonTraffic(network, common, random)
  }
  const { meanOnMs, meanOffMs, shape } = traffic
  return new OnOffTraffic(network, {
    ...common, meanOnNs: msToNs(meanOnMs), meanOffNs: msToNs(meanOffMs), ...shape !== undefined && { shape }
  }, random)
}

/** Lets a node take in datagrams beside what it receives already. */
function takeIn (network: PacketNetwork, node: NodeId, other: PacketReceiver | undefined): void {
  const sink = new TrafficSink(network, node)
  if (other !== undefined) {
    const { packets } = network
    network.setReceiver(node, {
      receive (packet) {
        (packets.connection[packet] === NO_CONNECTION ? sink : other).receive(packet)
      }
    })
  }
}
