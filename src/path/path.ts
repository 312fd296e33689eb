import { randomStream } from '../core/random.ts'
import type { RandomStream } from '../core/random.ts'
import { NS_PER_S } from '../core/units.ts'
import { Kernel } from '../sim/kernel.ts'
import type { Link } from '../sim/link.ts'
import { PacketNetwork } from '../sim/network.ts'
import type { NodeId } from '../sim/network.ts'
import { NUMBERED } from '../sim/observe/nodes.ts'
import type { NodeLabels } from '../sim/observe/nodes.ts'
import { Packets } from '../sim/packets.ts'
import { TcpHost } from '../sim/tcp/host.ts'
import type { TcpSocket } from '../sim/tcp/socket.ts'
import { connect } from '../sim/topology.ts'
import { joinedNode, pathLinks, startTraffic } from './links.ts'
import type { PathOptions } from './options.ts'
import { PathMeter } from './path-meter.ts'
import { segmentBytes, tcpFor } from './tcp.ts'
import type { CongestionName } from './tcp.ts'

/** Of every server. */
export const PORT = 5001

/**
 * A measurement begins anywhere within this time, so that its phase against the ticks in which the hosts' timers count is
 * left to chance, as it is in the kernel.
 */
const PHASE_NS = 16 * NS_PER_S

/** Gets the path of a measurement before anything happens on it, to look on. */
export type PathOnlooker = (path: Path) => void

/**
 * The path of one measurement, alone in a simulation of its own: clients and a server, joined by
 * arrival, drop-tail queue, serialiser, loss and a fixed delay in this order. The queue is limited in the forward
 * direction (client to server) only; the reverse has the same rate and delay and no limit, where nothing else was asked for.
 */
export class Path {
  readonly kernel = new Kernel()
  readonly network: PacketNetwork
  readonly meter: PathMeter
  readonly server: NodeId
  /** One for each congestion controller asked for, in that order. */
  readonly clients: readonly TcpHost[]
  readonly serverHost: TcpHost
  /** Payload of a full segment. */
  readonly mssBytes: number
  /** When the measurement begins. */
  readonly startNs: number
  /** The one whose queue is limited. */
  readonly forwardLink: Link
  /** For those who trace it. */
  readonly labels: NodeLabels

  /** @param random this run's; forked from the options' seed by whoever repeats a measurement */
  constructor (options: PathOptions, controllers: readonly CongestionName[], random: RandomStream) {
    const { crossTraffic } = options
    const { forward, backward } = pathLinks(options)
    this.mssBytes = segmentBytes(options)
    this.network = new PacketNetwork(this.kernel, new Packets(), random.fork('path'))
    const near = this.network.addNode()
    this.server = this.network.addNode({ forwards: false })
    const far = crossTraffic === undefined ? this.server : this.network.addNode()
    this.forwardLink = this.network.link(this.network.addLink(near, far, forward))
    this.network.addLink(far, near, backward)
    if (far !== this.server) {
      connect(this.network, this.server, far, { forward: { delayNs: 0 } })
    }
    this.meter = new PathMeter(this.network, {
      rateBitsPerSecond: forward.rateBitsPerSecond, delayNs: forward.jitter === undefined ? forward.delayNs : undefined, server: this.server
    })
    this.network.observers.add(this.meter)
    // Each is joined to the path by links that take no time, so that clients can differ and share the path all the same.
    this.clients = controllers.map(congestion => new TcpHost(this.network, joinedNode(this.network, near), tcpFor(congestion, options)))
    const names = ['router', 'server', ...(far === this.server ? [] : ['far-router']), ...this.clients.map((_, client) => `client${client}`)]
    this.labels = { name: node => names[node] ?? NUMBERED.name(node), address: node => NUMBERED.address(node) }
    this.startNs = random.fork('start').integer(PHASE_NS)
    this.kernel.run(this.startNs)
    this.serverHost = new TcpHost(this.network, this.server, tcpFor(controllers[0], options))
    startTraffic(options, { network: this.network, near, far, random: random.fork('cross-traffic') })
  }

  /** Begins to connect the client of this index. */
  connect (client: number): TcpSocket {
    return this.clients[client].connect(this.server, PORT)
  }

  /** Packets dropped by the forward queue so far: the only one with a limit. */
  get queueDrops (): number {
    return this.network.counters.droppedQueue
  }

  /** Attempts after the first to open the connection of `socket`, which a client began. */
  synRetries (socket: TcpSocket): number {
    return (this.meter.synsSent.get(socket.connection) ?? 1) - 1
  }
}

/** The random stream of one repetition: the same whatever else is repeated. */
export function repetitionStream (options: PathOptions, repetition: number): RandomStream {
  return randomStream(options.seed).fork(`repetition:${repetition}`)
}
