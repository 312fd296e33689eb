import { BinaryHeap } from '../core/binary-heap.ts'
import type { LinkId, NodeId } from './link.ts'

const UNREACHABLE = -1
/** Above so many links a scan of them costs more than the table that it saves. */
const SCANNED_LINKS = 16
const MAX_NODES = 2 ** 26

/**
 * Static shortest-path routing: least propagation delay, then fewest hops, then a fixed order. Each node's table is
 * computed when first asked for, kept, and forgotten when the graph changes.
 *
 * Two frequent cases need no table, which is what lets networks of many thousand nodes start at once: a source with one
 * link, and a neighbour behind a link than which the node has no faster one.
 */
export class Routing {
  readonly #forwards: boolean[] = []
  readonly #outgoing: LinkId[][] = []
  /** Where the node's outgoing links lead: beside `#linkTo`, so that a scan stays in one place in memory. */
  readonly #neighbours: NodeId[][] = []
  readonly #fastestNs: number[] = []
  readonly #tables: Array<Int32Array | undefined> = []
  readonly #linkTo: NodeId[] = []
  readonly #linkDelayNs: number[] = []
  readonly #linkOfPair = new Map<number, LinkId>()
  #anyTable = false

  /** A node that does not forward is on no path but its own. */
  addNode (forwards: boolean): NodeId {
    this.#outgoing.push([])
    this.#neighbours.push([])
    this.#fastestNs.push(Infinity)
    this.#tables.push(undefined)
    this.#forgetTables()
    return this.#forwards.push(forwards) - 1
  }

  addLink (from: NodeId, to: NodeId, delayNs: number): LinkId {
    const id = this.#linkTo.push(to) - 1
    this.#linkDelayNs.push(delayNs)
    this.#outgoing[from].push(id)
    this.#neighbours[from].push(to)
    this.#linkOfPair.set(pairKey(from, to), id)
    this.#fastestNs[from] = Math.min(this.#fastestNs[from], delayNs)
    this.#forgetTables()
    return id
  }

  /** The direct link between two nodes, or -1. */
  linkBetween (from: NodeId, to: NodeId): LinkId {
    return this.#linkOfPair.get(pairKey(from, to)) ?? UNREACHABLE
  }

  /** The link on which `node` passes on a packet of its own, or -1; no node reaches itself. */
  firstHop (node: NodeId, destination: NodeId): LinkId {
    const outgoing = this.#outgoing[node]
    if (outgoing.length === 1 && node !== destination) {
      // Only the next node needs to know whether there is a way on. The packet cannot come back to be sent out again:
      // a shortest path through this node would have to leave it by the link that it came in from.
      const to = this.#linkTo[outgoing[0]]
      return to === destination || this.#forwards[to] ? outgoing[0] : UNREACHABLE
    }
    return this.#lookUp(node, destination)
  }

  /** The link on which `node` passes on somebody else's packet, or -1. */
  nextHop (node: NodeId, destination: NodeId): LinkId {
    return this.#forwards[node] ? this.#lookUp(node, destination) : UNREACHABLE
  }

  #lookUp (node: NodeId, destination: NodeId): LinkId {
    const table = this.#tables[node]
    if (table !== undefined) {
      return table[destination]
    }
    const neighbours = this.#neighbours[node]
    if (neighbours.length <= SCANNED_LINKS) {
      for (let i = 0; i < neighbours.length; i++) {
        if (neighbours[i] === destination) {
          const link = this.#outgoing[node][i]
          if (this.#linkDelayNs[link] === this.#fastestNs[node]) {
            return link
          }
          break
        }
      }
    }
    return this.#computeTable(node)[destination]
  }

  /** Dijkstra's algorithm from `source`. */
  #computeTable (source: NodeId): Int32Array {
    const nodes = this.#outgoing.length
    const firstHop = new Int32Array(nodes).fill(UNREACHABLE)
    const distanceNs = new Float64Array(nodes).fill(Infinity)
    const hops = new Int32Array(nodes)
    const done = new Uint8Array(nodes)
    const frontier = new BinaryHeap<Reached>(isNearer)
    distanceNs[source] = 0
    frontier.push({ node: source, distanceNs: 0, hops: 0 })
    for (let reached = frontier.pop(); reached !== undefined; reached = frontier.pop()) {
      const { node } = reached
      if (done[node] === 1) {
        continue
      }
      done[node] = 1
      if (node !== source && !this.#forwards[node]) {
        continue
      }
      for (const link of this.#outgoing[node]) {
        const to = this.#linkTo[link]
        const viaNs = distanceNs[node] + this.#linkDelayNs[link]
        if (viaNs < distanceNs[to] || (viaNs === distanceNs[to] && hops[node] + 1 < hops[to])) {
          distanceNs[to] = viaNs
          hops[to] = hops[node] + 1
          firstHop[to] = node === source ? link : firstHop[node]
          frontier.push({ node: to, distanceNs: viaNs, hops: hops[to] })
        }
      }
    }
    this.#tables[source] = firstHop
    this.#anyTable = true
    return firstHop
  }

  #forgetTables (): void {
    if (this.#anyTable) {
      this.#tables.fill(undefined)
      this.#anyTable = false
    }
  }
}

interface Reached {
  readonly node: NodeId
  readonly distanceNs: number
  readonly hops: number
}

/** By distance, then hops, then node. */
function isNearer (a: Reached, b: Reached): boolean {
  if (a.distanceNs !== b.distanceNs) {
    return a.distanceNs < b.distanceNs
  }
  return a.hops === b.hops ? a.node < b.node : a.hops < b.hops
}

function pairKey (from: NodeId, to: NodeId): number {
  return from * MAX_NODES + to
}
