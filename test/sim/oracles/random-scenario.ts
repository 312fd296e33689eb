import * as fc from 'fast-check'
import { randomStream } from '../../../src/core/random.ts'
import type { RandomStream } from '../../../src/core/random.ts'
import { OnOffTraffic, PoissonTraffic, TrafficSink } from '../../../src/sim/cross-traffic.ts'
import { BulkTcpTraffic, TcpTransfers } from '../../../src/sim/cross-traffic-tcp.ts'
import { scheduleFaults } from '../../../src/sim/fault-schedule.ts'
import type { ScheduledFault } from '../../../src/sim/fault-schedule.ts'
import { barabasiAlbertGraph, randomRegularGraph, wattsStrogatzGraph } from '../../../src/sim/graph.ts'
import type { Graph } from '../../../src/sim/graph.ts'
import type { LinkOptions } from '../../../src/sim/link.ts'
import type { LinkId, NodeId, PacketNetwork } from '../../../src/sim/network.ts'
import { connect, dumbbell, parkingLot, star } from '../../../src/sim/topology.ts'
import type { TcpOptions } from '../../../src/sim/tcp/options.ts'
import { linkOptions, usableLink } from '../link-arbitraries.ts'
import { at, emptyNetwork } from '../packet-tools.ts'
import { TcpBench } from './tcp-bench.ts'
import { WITHOUT_SACK } from '../tcp/without-sack.ts'

const MS = 1e6

/** An open connection that is probed never comes to its end. */
const WITHOUT_PROBES: Partial<TcpOptions> = { keepAlive: false }

const transfer = fc.record({
  atMs: fc.nat(1500),
  from: fc.nat(9),
  to: fc.nat(9),
  bytes: fc.constantFrom(0, 1, 1448, 20_000, 200_000),
  replyBytes: fc.constantFrom(0, 1, 50_000),
  /** What the initiator does some time after it has written, and the acceptor once the other has closed. */
  end: fc.constantFrom('close', 'close', 'close', 'abort', 'leave'),
  endAfterMs: fc.nat(800),
  peerEnd: fc.constantFrom('close', 'close', 'close', 'abort', 'leave')
})

const traffic = fc.record({
  kind: fc.constantFrom('poisson', 'on-off', 'pareto'),
  from: fc.nat(9),
  to: fc.nat(9),
  packetBytes: fc.constantFrom(100, 1500, 9000),
  rateBitsPerSecond: fc.constantFrom(1e5, 3e6),
  startMs: fc.nat(1000),
  lastsMs: fc.nat(500)
})

const tcpTraffic = fc.record({
  kind: fc.constantFrom('bulk', 'transfers', 'pareto'),
  from: fc.nat(9),
  to: fc.nat(9),
  flows: fc.integer({ min: 1, max: 3 }),
  staggerMs: fc.nat(50),
  meanBytes: fc.constantFrom(100, 20_000),
  startMs: fc.nat(1000),
  lastsMs: fc.nat(200)
})

const fault = fc.record({
  kind: fc.constantFrom('stall', 'down', 'black-hole', 'existing', 'rate'),
  atMs: fc.nat(2000),
  lastsMs: fc.nat(1000),
  link: fc.nat(30),
  rateBitsPerSecond: fc.constantFrom(2e5, 1e6, 1e9)
})

const topology = fc.oneof(
  fc.record({ kind: fc.constant('dumbbell' as const), pairs: fc.integer({ min: 2, max: 3 }) }),
  fc.record({ kind: fc.constant('star' as const), leaves: fc.integer({ min: 3, max: 5 }) }),
  fc.record({ kind: fc.constant('parking-lot' as const), hops: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ kind: fc.constant('random-regular' as const), nodes: fc.constantFrom(4, 6, 8), degree: fc.constantFrom(2, 3) }),
  fc.record({ kind: fc.constant('watts-strogatz' as const), nodes: fc.integer({ min: 5, max: 9 }), rewiring: fc.constantFrom(0, 0.3, 1) }),
  fc.record({ kind: fc.constant('barabasi-albert' as const), nodes: fc.integer({ min: 4, max: 9 }), links: fc.constantFrom(1, 2) })
)

const tcp: fc.Arbitrary<Partial<TcpOptions>> = fc.record({
  congestion: fc.constantFrom('reno', 'cubic', 'bbr'),
  hystart: fc.constantFrom('classic', 'plus-plus', 'off'),
  ecn: fc.constantFrom('on', 'accept', 'off'),
  delayedAcks: fc.constantFrom('adaptive', 'constant'),
  keepAlive: fc.boolean(),
  keepAliveIdleNs: fc.constant(500 * MS),
  keepAliveIntervalNs: fc.constant(300 * MS),
  lossDetection: fc.constantFrom('rack', 'duplicates'),
  bursts: fc.constantFrom('single', 'autosized'),
  pacing: fc.boolean(),
  tailLossProbe: fc.boolean(),
  undo: fc.boolean(),
  quickAcks: fc.constantFrom(0, 16),
  timerTickNs: fc.constantFrom(0, 4 * MS),
  receiveBufferBytes: fc.constantFrom(5000, 64_000, 6 * 2 ** 20)
}, { requiredKeys: [] })

/** Numbers that choose among hosts or links are taken modulo how many there are, so that any scenario is one. */
export const scenarios = fc.record({
  seed: fc.nat(),
  topology,
  links: fc.array(fc.oneof({ weight: 4, arbitrary: usableLink }, { weight: 1, arbitrary: linkOptions }), { minLength: 1, maxLength: 4 }),
  sack: fc.boolean(),
  tcp: fc.array(tcp, { minLength: 1, maxLength: 3 }),
  transfers: fc.array(transfer, { maxLength: 6 }),
  traffic: fc.array(traffic, { maxLength: 3 }),
  tcpTraffic: fc.array(tcpTraffic, { maxLength: 2 }),
  faults: fc.array(fault, { maxLength: 5 }),
  /** Instants at which it is all counted. */
  looksMs: fc.array(fc.nat(3000), { maxLength: 5 }),
  /** All hosts are stopped; else all goes on until nothing is left to happen. */
  stopMs: fc.option(fc.nat(3000), { nil: undefined })
})

export type Scenario = typeof scenarios extends fc.Arbitrary<infer Value> ? Value : never

export interface Played {
  readonly network: PacketNetwork
  /** Of each link, by its number. */
  readonly options: readonly LinkOptions[]
  /** Links that more befalls than a change of rate. */
  readonly faulty: ReadonlySet<LinkId>
  readonly bench: TcpBench
  readonly sinks: readonly TrafficSink[]
  /** Between hosts of the bench. */
  readonly tcpTraffic: ReadonlyArray<BulkTcpTraffic | TcpTransfers>
}

/** Lets a scenario happen to its end. `look` is called at its instants, while it runs, and at the end. */
export function play (scenario: Scenario, look: (played: Played) => void = () => {}): Played {
  const network = emptyNetwork(String(scenario.seed))
  const options: LinkOptions[] = []
  const addLink = network.addLink.bind(network)
  network.addLink = (from, to, given) => {
    options.push(given)
    return addLink(from, to, given)
  }
  const ends = build(network, scenario)
  // Some hosts are there for cross traffic only: a node has one receiver.
  const hosts = ends.slice(0, Math.max(2, Math.ceil(ends.length * 2 / 3)))
  const sinks = ends.slice(hosts.length).map(node => new TrafficSink(network, node))
  const sinkNodes = ends.slice(hosts.length)
  const bench = new TcpBench(network, hosts, index => ({
    ...scenario.tcp[index % scenario.tcp.length], ...(scenario.sack ? {} : WITHOUT_SACK), ...(scenario.stopMs === undefined ? WITHOUT_PROBES : {})
  }))
  const faults = scenario.faults.map(entry => scheduled(entry, network.links.length))
  const faulty = new Set(faults.filter(entry => 'fault' in entry).map(({ link }) => link))
  const random = randomStream(`${scenario.seed} traffic`)
  const tcpTraffic = scenario.tcpTraffic.map((entry, index) => tcpTrafficOver(bench, network, hosts, entry, { options, random: random.fork(`tcp ${index}`), port: 2 + index }))
  const played: Played = { network, options, faulty, bench, sinks, tcpTraffic }
  for (const entry of scenario.transfers) {
    const from = entry.from % hosts.length
    const to = entry.to % (hosts.length - 1)
    at(network, entry.atMs * MS, () => bench.transfer(from, to < from ? to : to + 1, entry))
  }
  scenario.traffic.forEach(({ kind, from, to, packetBytes, rateBitsPerSecond, startMs, lastsMs }, index) => {
    if (sinkNodes.length === 0) {
      return
    }
    const way = { from: ends[from % ends.length], to: sinkNodes[to % sinkNodes.length], packetBytes, rateBitsPerSecond }
    const onOff = { ...way, meanOnNs: 50 * MS, meanOffNs: 50 * MS, ...(kind === 'pareto' ? { shape: 1.5 } : {}) }
    const stream = random.fork(String(index))
    const source = kind === 'poisson' ? new PoissonTraffic(network, way, stream) : new OnOffTraffic(network, onOff, stream)
    at(network, startMs * MS, () => source.start())
    at(network, (startMs + lastsMs) * MS, () => source.stop())
  })
  let stopped = false
  const stop = (): void => {
    stopped = true
    tcpTraffic.forEach(source => source.stop())
    bench.stop()
  }
  scenario.tcpTraffic.forEach(({ startMs, lastsMs }, index) => {
    at(network, startMs * MS, () => {
      if (!stopped) {
        tcpTraffic[index].start()
      }
    })
    at(network, (startMs + lastsMs) * MS, () => tcpTraffic[index].stop())
  })
  scheduleFaults(network, faults)
  for (const atMs of scenario.looksMs) {
    at(network, atMs * MS, () => look(played))
  }
  if (scenario.stopMs !== undefined) {
    at(network, scenario.stopMs * MS, stop)
  }
  network.kernel.run()
  look(played)
  stop()
  network.kernel.run()
  look(played)
  return played
}

/** Endless flows only where each link takes time to send: else there may be no end of them in one instant. */
function tcpTrafficOver (
  bench: TcpBench, network: PacketNetwork, hosts: readonly NodeId[], { kind, from, to, flows, staggerMs, meanBytes }: Scenario['tcpTraffic'][number],
  { options, random, port }: { readonly options: readonly LinkOptions[], readonly random: RandomStream, readonly port: number }
): BulkTcpTraffic | TcpTransfers {
  const source = from % hosts.length
  const others = hosts.map((_, index) => index).filter(index => index !== source)
  const target = others[to % others.length]
  const ends = { from: hosts[source], to: hosts[target], hosts: { from: bench.hosts[source], to: bench.hosts[target] }, port }
  const takesTime = options.every(({ rateBitsPerSecond = Infinity, trace }) => rateBitsPerSecond !== Infinity || trace !== undefined)
  return kind === 'bulk' && takesTime
    ? new BulkTcpTraffic(network, { ...ends, flows, staggerNs: staggerMs * MS })
    : new TcpTransfers(network, { ...ends, arrivalsPerSecond: 50, meanBytes, ...(kind === 'pareto' ? { shape: 1.5 } : {}) }, random)
}

/** The nodes at its ends. */
function build (network: PacketNetwork, { topology, links, seed }: Scenario): readonly NodeId[] {
  const duplex = (index: number): { forward: LinkOptions, backward: LinkOptions } => ({
    forward: links[2 * index % links.length], backward: links[(2 * index + 1) % links.length]
  })
  const lay = (graph: Graph): readonly NodeId[] => {
    const nodes = Array.from({ length: graph.nodes }, () => network.addNode())
    graph.edges.forEach(([a, b], index) => connect(network, nodes[a], nodes[b], duplex(index)))
    return nodes
  }
  const random = randomStream(`${seed} topology`)
  switch (topology.kind) {
    case 'dumbbell': {
      const { senders, receivers } = dumbbell(network, { pairs: topology.pairs, access: duplex(1), bottleneck: duplex(0) })
      return [...senders, ...receivers]
    }
    case 'star':
      return star(network, { leaves: topology.leaves, access: duplex(0) }).leaves
    case 'parking-lot': {
      const { source, sink, crossSources, crossSinks } = parkingLot(network, { hops: topology.hops, access: duplex(1), hop: duplex(0) })
      return [source, sink, ...crossSources, ...crossSinks]
    }
    case 'random-regular':
      return lay(randomRegularGraph(topology, random))
    case 'watts-strogatz':
      return lay(wattsStrogatzGraph({ ...topology, neighbours: 2 }, random))
    default:
      return lay(barabasiAlbertGraph(topology, random))
  }
}

function scheduled ({ kind, atMs, lastsMs, link, rateBitsPerSecond }: Scenario['faults'][number], links: number): ScheduledFault {
  const place = { atNs: atMs * MS, link: link % links }
  return kind === 'rate'
    ? { ...place, rateBitsPerSecond }
    : { ...place, durationNs: lastsMs * MS, fault: kind === 'existing' ? { kind: 'black-hole', connectionsUpTo: 2 } : { kind } }
}
