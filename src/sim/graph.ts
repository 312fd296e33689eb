import { TwinwireError } from '../core/errors.ts'
import type { RandomStream } from '../core/random.ts'
import type { NodeId } from './network.ts'
import { connect } from './topology.ts'
import type { DuplexOptions, NetworkBuilder } from './topology.ts'

/** An undirected graph without loops and double edges; nodes are numbered from 0. */
export interface Graph {
  readonly nodes: number
  readonly edges: ReadonlyArray<readonly [a: number, b: number]>
}

export interface GraphLayout {
  /** Of every edge; `forward` from its first node to its second. */
  readonly link: DuplexOptions
  /** Whether nodes pass on packets of others. Default true; false where each speaks to its neighbours only. */
  readonly forwards?: boolean
}

/** A node of the network for each of the graph's, in its order, and a link both ways for each edge. */
export function layOut (network: NetworkBuilder, { nodes, edges }: Graph, { link, forwards = true }: GraphLayout): readonly NodeId[] {
  const ids = Array.from({ length: nodes }, () => network.addNode({ forwards }))
  for (const [a, b] of edges) {
    connect(network, ids[a], ids[b], link)
  }
  return ids
}

/**
 * A graph in which every node has the same degree, by pairing ends at random and pairing those anew that cannot be
 * (Steger and Wormald 1999): uniform in the limit.
 *
 * @throws ERR_INVALID_OPTION where there is no such graph
 */
export function randomRegularGraph ({ nodes, degree }: { readonly nodes: number, readonly degree: number }, random: RandomStream): Graph {
  checkWhole(nodes, 1, 'nodes')
  checkWhole(degree, 0, 'degree')
  check(degree < nodes && nodes * degree % 2 === 0, 'no such graph', 'degree', `below ${nodes}, and nodes x degree even`, degree)
  for (;;) {
    const edges = pairEnds(nodes, degree, random)
    if (edges !== undefined) {
      return { nodes, edges: edges.list }
    }
  }
}

/**
 * A ring in which each node is joined to its `neighbours` nearest, and each edge's far end is moved to a random node with
 * probability `rewiring` (Watts and Strogatz 1998).
 *
 * @throws ERR_INVALID_OPTION
 */
export function wattsStrogatzGraph (
  { nodes, neighbours, rewiring }: { readonly nodes: number, readonly neighbours: number, readonly rewiring: number }, random: RandomStream
): Graph {
  checkWhole(nodes, 3, 'nodes')
  check(Number.isInteger(neighbours) && neighbours >= 2 && neighbours % 2 === 0 && neighbours < nodes, 'not a number of neighbours', 'neighbours', `an even number from 2, below ${nodes}`, neighbours)
  check(rewiring >= 0 && rewiring <= 1, 'not a probability', 'rewiring', 'a number from 0 to 1', rewiring)
  const edges = new EdgeSet(nodes)
  for (let distance = 1; distance <= neighbours / 2; distance++) {
    for (let node = 0; node < nodes; node++) {
      edges.add(node, (node + distance) % nodes)
    }
  }
  const degrees = new Int32Array(nodes).fill(neighbours)
  edges.list.forEach(([node, far], index) => {
    if (random.next() >= rewiring || degrees[node] >= nodes - 1) {
      return
    }
    let to = random.integer(nodes)
    while (to === node || edges.has(node, to)) {
      to = random.integer(nodes)
    }
    edges.move(index, node, to)
    degrees[far]--
    degrees[to]++
  })
  return { nodes, edges: edges.list }
}

/**
 * A graph that grows from a star of `links + 1` nodes: each new node is joined to `links` others, chosen in proportion to
 * the edges that they have (Barabasi and Albert 1999).
 *
 * @throws ERR_INVALID_OPTION
 */
export function barabasiAlbertGraph ({ nodes, links }: { readonly nodes: number, readonly links: number }, random: RandomStream): Graph {
  checkWhole(nodes, 2, 'nodes')
  check(Number.isInteger(links) && links >= 1 && links < nodes, 'not a number of links', 'links', `a whole number from 1, below ${nodes}`, links)
  const edges: Array<[number, number]> = []
  // Every node as often as it has edges.
  const ends: number[] = []
  const add = (a: number, b: number): void => {
    edges.push([a, b])
    ends.push(a, b)
  }
  for (let leaf = 1; leaf <= links; leaf++) {
    add(0, leaf)
  }
  for (let node = links + 1; node < nodes; node++) {
    const targets = new Set<number>()
    while (targets.size < links) {
      targets.add(ends[random.integer(ends.length)])
    }
    targets.forEach(target => add(node, target))
  }
  return { nodes, edges }
}

/** Undefined where the ends that are left cannot be paired. */
function pairEnds (nodes: number, degree: number, random: RandomStream): EdgeSet | undefined {
  const edges = new EdgeSet(nodes)
  let ends = Array.from({ length: nodes * degree }, (_, index) => index % nodes)
  while (ends.length > 0) {
    random.shuffle(ends)
    const left: number[] = []
    for (let i = 0; i < ends.length; i += 2) {
      const [a, b] = [ends[i], ends[i + 1]]
      if (a === b || edges.has(a, b)) {
        left.push(a, b)
      } else {
        edges.add(a, b)
      }
    }
    if (left.length === ends.length && !canPair(left, edges)) {
      return undefined
    }
    ends = left
  }
  return edges
}

function canPair (ends: readonly number[], edges: EdgeSet): boolean {
  const nodes = [...new Set(ends)]
  return nodes.some((a, index) => nodes.slice(index + 1).some(b => !edges.has(a, b)))
}

class EdgeSet {
  readonly list: Array<[number, number]> = []
  readonly #keys = new Set<number>()
  readonly #nodes: number

  constructor (nodes: number) {
    this.#nodes = nodes
  }

  has (a: number, b: number): boolean {
    return this.#keys.has(this.#key(a, b))
  }

  add (a: number, b: number): void {
    this.#keys.add(this.#key(a, b))
    this.list.push([a, b])
  }

  move (index: number, a: number, b: number): void {
    this.#keys.delete(this.#key(...this.list[index]))
    this.#keys.add(this.#key(a, b))
    this.list[index] = [a, b]
  }

  #key (a: number, b: number): number {
    return Math.min(a, b) * this.#nodes + Math.max(a, b)
  }
}

function checkWhole (value: number, least: number, path: string): void {
  check(Number.isSafeInteger(value) && value >= least, 'not a count', path, `a whole number, ${least} or more`, value)
}

function check (right: boolean, message: string, path: string, expected: string, found: number): void {
  if (!right) {
    throw new TwinwireError('ERR_INVALID_OPTION', message, { path, expected, found: String(found) })
  }
}
