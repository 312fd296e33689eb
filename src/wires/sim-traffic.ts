import type { RandomStream } from '../core/random.ts'
import { msToNs } from '../core/units.ts'
import { BulkTcpTraffic, TcpTransfers } from '../sim/cross-traffic-tcp.ts'
import { OnOffTraffic, PoissonTraffic, TrafficSink } from '../sim/cross-traffic.ts'
import type { EventId } from '../sim/kernel.ts'
import type { NodeId, PacketNetwork, PacketReceiver } from '../sim/network.ts'
import { TcpHost } from '../sim/tcp/host.ts'
import type { CrossTraffic } from './scenario.ts'

/** What traffic has to know of the nodes between which it goes. */
export interface TrafficEnds {
  node(name: string): NodeId
  /** TCP of the nodes that have it already. */
  readonly tcp: ReadonlyMap<NodeId, TcpHost>
}

/** No connection has this number: datagrams do. */
export const NO_CONNECTION = 0

/** Of the first that TCP traffic listens at, above all that a host listens at. */
const FIRST_PORT = 50_000

interface Source {
  start(): void
  stop(): void
}

/** The cross traffic of a scenario. */
export class SimTraffic {
  readonly #network: PacketNetwork
  readonly #entries: ReadonlyArray<{ readonly traffic: CrossTraffic, readonly source: Source }>
  readonly #tcp: Map<NodeId, TcpHost>
  readonly #scheduled: EventId[] = []

  constructor (network: PacketNetwork, crossTraffic: readonly CrossTraffic[], random: RandomStream, ends: TrafficEnds) {
    this.#network = network
    this.#tcp = new Map(ends.tcp)
    this.#entries = crossTraffic.map((traffic, index) => {
      return { traffic, source: this.#createSource(traffic, ends.node(traffic.from), ends.node(traffic.to), FIRST_PORT + index, random.fork(String(index))) }
    })
    // When all nodes have the TCP that they will have.
    const sinks = crossTraffic.filter(({ kind }) => kind === 'poisson' || kind === 'on-off').map(({ to }) => ends.node(to))
    new Set(sinks).forEach(node => takeIn(network, node, this.#tcp.get(node)))
  }

  /** Schedules when each source starts and stops, counted from the run's time zero. */
  begin (zeroNs: number): void {
    const { kernel } = this.#network
    const start = kernel.define(index => this.#entries[index].source.start(), 'cross traffic starts')
    const stop = kernel.define(index => this.#entries[index].source.stop(), 'cross traffic stops')
    this.#entries.forEach(({ traffic: { atMs, durationMs } }, index) => {
      this.#scheduled.push(kernel.schedule(zeroNs + msToNs(atMs), start, index))
      if (durationMs !== undefined) {
        this.#scheduled.push(kernel.schedule(zeroNs + msToNs(atMs + durationMs), stop, index))
      }
    })
  }

  /** Ends all traffic, and TCP of every node that has any. */
  stop (): void {
    this.#scheduled.forEach(event => this.#network.kernel.cancel(event))
    this.#entries.forEach(({ source }) => source.stop())
    this.#tcp.forEach(host => host.stop())
  }

  #createSource (traffic: CrossTraffic, from: NodeId, to: NodeId, port: number, random: RandomStream): Source {
    const network = this.#network
    switch (traffic.kind) {
      case 'poisson':
        return new PoissonTraffic(network, { from, to, packetBytes: traffic.packetBytes, rateBitsPerSecond: traffic.rateBitsPerSecond }, random)
      case 'on-off': {
        const { packetBytes, rateBitsPerSecond, meanOnMs, meanOffMs, shape } = traffic
        return new OnOffTraffic(network, {
          from, to, packetBytes, rateBitsPerSecond, meanOnNs: msToNs(meanOnMs), meanOffNs: msToNs(meanOffMs), ...shape !== undefined && { shape }
        }, random)
      }
      case 'bulk-tcp':
        return new BulkTcpTraffic(network, { from, to, port, hosts: this.#hostsAt(from, to), flows: traffic.flows, staggerNs: msToNs(traffic.staggerMs) })
      default: {
        const { arrivalsPerSecond, meanBytes, shape } = traffic
        return new TcpTransfers(network, { from, to, port, hosts: this.#hostsAt(from, to), arrivalsPerSecond, meanBytes, ...shape !== undefined && { shape } }, random)
      }
    }
  }

  #hostsAt (from: NodeId, to: NodeId): { readonly from: TcpHost, readonly to: TcpHost } {
    return { from: this.#hostAt(from), to: this.#hostAt(to) }
  }

  #hostAt (node: NodeId): TcpHost {
    const known = this.#tcp.get(node)
    if (known !== undefined) {
      return known
    }
    const host = new TcpHost(this.#network, node)
    this.#tcp.set(node, host)
    return host
  }
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
