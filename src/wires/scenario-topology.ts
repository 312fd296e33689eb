import * as z from 'zod'
import type { GmlGraph } from '../sim/gml.ts'
import type { Graph } from '../sim/graph.ts'
import type { LatencyMatrix } from '../sim/matrix.ts'
import { REGIONS } from '../sim/topology-regions.ts'
import { directionSchema, duplexSchema, issue, rate } from './scenario-link.ts'

/** Routing holds a table a node, so that all nodes' together grow with the square: 400 MB here. */
const MAXIMUM_NODES = 10_000
/** Two links an edge, 0.7 kB each. */
const MAXIMUM_EDGES = 500_000

const nodes = z.int().positive().max(MAXIMUM_NODES)
const queue = directionSchema.shape.queue

/** What all graphs have in common. Their places are `node-0`, `node-1` and so on. */
const graphFields = {
  /** Of every edge; `forward` from its first node to its second. */
  link: duplexSchema,
  /** Whether nodes pass on packets of others. */
  forwards: z.boolean().default(true)
}

export const topologySchema = z.discriminatedUnion('kind', [
  /** Pairs that share one link. Places `sender-1`, `receiver-1`, `sender-2` and so on; routers `left` and `right`. */
  z.strictObject({ kind: z.literal('dumbbell'), pairs: nodes, access: duplexSchema, bottleneck: duplexSchema }),
  /**
   * Links in a row, each shared by a long flow and a short one. Places `source`, `sink`, `cross-source-1`, `cross-sink-1`
   * and so on; routers `router-1` to `router-<hops + 1>`.
   */
  z.strictObject({ kind: z.literal('parking-lot'), hops: nodes, access: duplexSchema, hop: duplexSchema }),
  /** Hosts around the router `hub`; a place for each, `leaf-1` and so on. `access` is from the leaf to the hub. */
  z.strictObject({ kind: z.literal('star'), access: duplexSchema }),
  z.strictObject({ kind: z.literal('random-regular'), nodes, degree: z.int().min(0), ...graphFields }).check(({ value, issues }) => {
    if (value.degree >= value.nodes || value.nodes * value.degree % 2 !== 0 || value.nodes * value.degree > 2 * MAXIMUM_EDGES) {
      issues.push(issue(['degree'], `a number below ${value.nodes}, nodes x degree even and at most ${2 * MAXIMUM_EDGES}`, value.degree))
    }
  }),
  z.strictObject({ kind: z.literal('watts-strogatz'), nodes, neighbours: z.int().min(2), rewiring: z.number().min(0).max(1), ...graphFields }).check(({ value, issues }) => {
    if (value.neighbours >= value.nodes || value.neighbours % 2 !== 0 || value.nodes * value.neighbours > 2 * MAXIMUM_EDGES) {
      issues.push(issue(['neighbours'], `an even number below ${value.nodes}, nodes x neighbours at most ${2 * MAXIMUM_EDGES}`, value.neighbours))
    }
  }),
  z.strictObject({ kind: z.literal('barabasi-albert'), nodes, links: z.int().positive(), ...graphFields }).check(({ value, issues }) => {
    if (value.links >= value.nodes || value.nodes * value.links > MAXIMUM_EDGES) {
      issues.push(issue(['links'], `a number below ${value.nodes}, nodes x links at most ${MAXIMUM_EDGES}`, value.links))
    }
  }),
  /** A list of edges, from `edgesFromFile` or inline. */
  z.strictObject({ kind: z.literal('edges'), graph: z.custom<Graph>(isGraph, { error: `nodes (at most ${MAXIMUM_NODES}) and edges between two of them` }), ...graphFields }),
  /**
   * Eight regions of the world, each host behind a link of its own; a place for each, `host-1` and so on. `places` say where
   * each is and what its link carries. Absent: drawn from the run's seed by the shares of libp2p's hosts.
   */
  z.strictObject({ kind: z.literal('regions'), places: z.array(z.strictObject({ region: z.enum(REGIONS), rateBitsPerSecond: rate })).optional(), queue }),
  /** Measured latencies, from `matrixFromFile` or inline; places have its names. With `access` each host has one link up and one down. */
  z.strictObject({ kind: z.literal('matrix'), matrix: z.custom<LatencyMatrix>(isMatrix, { error: 'names and a square of oneWayMs, 0 or more' }), access: duplexSchema.optional() }),
  /** A graph in GML, from `gmlFromFile`; places have its labels. */
  z.strictObject({ kind: z.literal('gml'), graph: z.custom<GmlGraph>(isGmlGraph, { error: `what gmlFromFile reads, with at most ${MAXIMUM_NODES} nodes and ${MAXIMUM_EDGES} edges` }) })
])

export type Topology = z.infer<typeof topologySchema>
/** A network by its kind: a dumbbell, a star, a latency matrix, or whatever else is recognised. */
export type TopologyInput = z.input<typeof topologySchema>

/** The names of a topology's nodes. */
export interface TopologyNames {
  /** Where a host can be, in the order in which hosts are given one. */
  readonly places: readonly string[]
  /** The others that have a name. */
  readonly routers: readonly string[]
}

export function topologyNames (topology: Topology, hosts: number): TopologyNames {
  switch (topology.kind) {
    case 'dumbbell':
      return { places: numbers(1, topology.pairs).flatMap(n => [`sender-${n}`, `receiver-${n}`]), routers: ['left', 'right'] }
    case 'parking-lot':
      return {
        places: ['source', 'sink', ...numbers(1, topology.hops).flatMap(n => [`cross-source-${n}`, `cross-sink-${n}`])],
        routers: numbers(1, topology.hops + 1).map(n => `router-${n}`)
      }
    case 'star':
      return { places: numbers(1, hosts).map(n => `leaf-${n}`), routers: ['hub'] }
    case 'regions':
      return { places: numbers(1, hosts).map(n => `host-${n}`), routers: [] }
    case 'matrix':
      return { places: topology.matrix.names, routers: [] }
    case 'gml':
      return { places: topology.graph.names, routers: [] }
    case 'edges':
      return { places: numbers(0, topology.graph.nodes).map(n => `node-${n}`), routers: [] }
    default:
      return { places: numbers(0, topology.nodes).map(n => `node-${n}`), routers: [] }
  }
}

function numbers (first: number, count: number): number[] {
  return Array.from({ length: count }, (_, index) => first + index)
}

function isGraph (value: unknown): boolean {
  const graph = value as Partial<Graph> | null | undefined
  const count = graph?.nodes ?? 0
  const edges = graph?.edges
  return isWhole(count, 1, MAXIMUM_NODES) && Array.isArray(edges) && edges.length <= MAXIMUM_EDGES &&
    edges.every(edge => Array.isArray(edge) && edge.length === 2 && edge.every(end => isWhole(end, 0, count - 1)) && edge[0] !== edge[1]) &&
    areDifferent(edges.map(([a, b]) => Math.min(a, b) * count + Math.max(a, b)))
}

function isMatrix (value: unknown): boolean {
  const { names, oneWayMs } = (value ?? {}) as Partial<LatencyMatrix>
  return areNames(names) && Array.isArray(oneWayMs) && oneWayMs.length === names.length &&
    oneWayMs.every(row => Array.isArray(row) && row.length === names.length && row.every(ms => directionSchema.shape.delayMs.safeParse(ms).success))
}

/** What its links are is checked where they are made. */
function isGmlGraph (value: unknown): boolean {
  const { names, edges, directed } = (value ?? {}) as Partial<GmlGraph>
  return areNames(names) && names.length <= MAXIMUM_NODES && typeof directed === 'boolean' && Array.isArray(edges) && edges.length <= MAXIMUM_EDGES &&
    edges.every(edge => isWhole(edge?.source, 0, names.length - 1) && isWhole(edge?.target, 0, names.length - 1) && typeof edge?.link?.delayNs === 'number')
}

function areNames (names: unknown): names is readonly string[] {
  return Array.isArray(names) && names.length > 0 && names.every(name => typeof name === 'string') && areDifferent(names)
}

function areDifferent (list: readonly unknown[]): boolean {
  return new Set(list).size === list.length
}

function isWhole (value: unknown, least: number, most: number): boolean {
  return typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most
}
