import type { RandomStream } from '../core/random.ts'
import { layOutGml } from '../sim/gml.ts'
import { barabasiAlbertGraph, layOut, randomRegularGraph, wattsStrogatzGraph } from '../sim/graph.ts'
import type { Graph } from '../sim/graph.ts'
import type { NodeId, PacketNetwork } from '../sim/network.ts'
import { regions } from '../sim/topology-regions.ts'
import { connect, dumbbell, latencyMesh, parkingLot, star } from '../sim/topology.ts'
import { duplexOptions, queueOptions } from './link-options.ts'
import { placesOf } from './scenario-references.ts'
import { topologyNames } from './scenario-topology.ts'
import type { Topology } from './scenario-topology.ts'
import type { Scenario } from './scenario.ts'

/** Makes nodes and links of a scenario; answers the nodes that have a name: hosts, and with a topology all its places and routers. */
export function layOutScenario (network: PacketNetwork, scenario: Scenario, random: RandomStream): ReadonlyMap<string, NodeId> {
  const { hosts, paths, topology } = scenario
  const nodes = new Map<string, NodeId>()
  if (topology === undefined) {
    hosts.forEach(({ name }) => nodes.set(name, network.addNode({ forwards: false })))
    for (const { from, to, ...duplex } of paths) {
      connect(network, nodeOf(nodes, from), nodeOf(nodes, to), duplexOptions(duplex))
    }
    return nodes
  }
  const { places, routers } = topologyNames(topology, hosts.length)
  const taken = placesOf(scenario, places)
  const layout = layOutTopology(network, topology, new Set(taken.values()), random)
  places.forEach((place, index) => setNode(nodes, place, layout.places[index]))
  routers.forEach((router, index) => setNode(nodes, router, layout.routers[index]))
  taken.forEach((place, host) => nodes.set(host, nodeOf(nodes, place)))
  return nodes
}

/** In the order of `topologyNames`. Undefined for a place that nobody takes and nothing passes. */
interface Layout {
  readonly places: ReadonlyArray<NodeId | undefined>
  readonly routers: readonly NodeId[]
}

function layOutTopology (network: PacketNetwork, topology: Topology, taken: ReadonlySet<string>, random: RandomStream): Layout {
  switch (topology.kind) {
    case 'dumbbell': {
      const { senders, receivers, bottleneck } = dumbbell(network, { pairs: topology.pairs, access: duplexOptions(topology.access), bottleneck: duplexOptions(topology.bottleneck) })
      return { places: alternating(senders, receivers), routers: endsOf(network, [bottleneck.forward]) }
    }
    case 'parking-lot': {
      const { source, sink, crossSources, crossSinks, hops } = parkingLot(network, { hops: topology.hops, access: duplexOptions(topology.access), hop: duplexOptions(topology.hop) })
      return { places: [source, sink, ...alternating(crossSources, crossSinks)], routers: endsOf(network, hops.map(({ forward }) => forward)) }
    }
    case 'star': {
      const { hub, leaves } = star(network, { leaves: taken.size, access: duplexOptions(topology.access) })
      return { places: leaves, routers: [hub] }
    }
    case 'regions':
      return { places: regions(network, { hosts: taken.size, ...topology.places !== undefined && { places: topology.places }, ...topology.queue !== undefined && { queue: queueOptions(topology.queue) } }, random).map(({ node }) => node), routers: [] }
    case 'matrix':
      return { places: layOutMatrix(network, topology, taken), routers: [] }
    case 'gml':
      return { places: layOutGml(network, topology.graph), routers: [] }
    default:
      return { places: layOut(network, graphOf(topology, random), { link: duplexOptions(topology.link), forwards: topology.forwards }), routers: [] }
  }
}

function graphOf (topology: Extract<Topology, { readonly forwards: boolean }>, random: RandomStream): Graph {
  switch (topology.kind) {
    case 'random-regular':
      return randomRegularGraph(topology, random)
    case 'watts-strogatz':
      return wattsStrogatzGraph(topology, random)
    case 'barabasi-albert':
      return barabasiAlbertGraph(topology, random)
    default:
      return topology.graph
  }
}

/** Only those that are taken: a measured matrix may have thousands of hosts, and a mesh of them millions of links. */
function layOutMatrix (network: PacketNetwork, { matrix, access }: Extract<Topology, { readonly kind: 'matrix' }>, taken: ReadonlySet<string>): Array<NodeId | undefined> {
  const indices = [...matrix.names.keys()].filter(index => taken.has(matrix.names[index]))
  const mesh = latencyMesh(network, {
    names: indices.map(index => matrix.names[index]),
    oneWayMs: indices.map(row => indices.map(column => matrix.oneWayMs[row][column]))
  }, access && duplexOptions(access))
  const nodes = matrix.names.map((): NodeId | undefined => undefined)
  indices.forEach((index, position) => { nodes[index] = mesh[position] })
  return nodes
}

/** Of links in a row: where the first begins, and where each ends. */
function endsOf (network: PacketNetwork, links: readonly number[]): NodeId[] {
  return [network.link(links[0]).from, ...links.map(link => network.link(link).to)]
}

function alternating (a: readonly NodeId[], b: readonly NodeId[]): NodeId[] {
  return a.flatMap((node, index) => [node, b[index]])
}

function setNode (nodes: Map<string, NodeId>, name: string, node: NodeId | undefined): void {
  if (node !== undefined) {
    nodes.set(name, node)
  }
}

function nodeOf (nodes: ReadonlyMap<string, NodeId>, name: string): NodeId {
  const node = nodes.get(name)
  if (node === undefined) {
    throw new Error(`the scenario was checked, and yet there is no node ${name}`)
  }
  return node
}
