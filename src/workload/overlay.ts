import { BinaryHeap } from '../core/binary-heap.ts'

/** Who is joined to whom, by number: of each peer its neighbours. */
export type Neighbours = ReadonlyArray<readonly number[]>

/** Both ends of each edge. */
export function neighboursOf (nodes: number, edges: ReadonlyArray<readonly [a: number, b: number]>): Neighbours {
  const neighbours: number[][] = Array.from({ length: nodes }, () => [])
  for (const [a, b] of edges) {
    neighbours[a].push(b)
    neighbours[b].push(a)
  }
  return neighbours
}

/**
 * The least time that something takes from one peer to each, where `timeOf` says what it takes from a neighbour to the next
 * (Dijkstra 1959): no flood is faster. Infinity for who cannot be reached.
 */
export function shortestTimes (neighbours: Neighbours, timeOf: (from: number, to: number) => number, source: number): Float64Array {
  const times = new Float64Array(neighbours.length).fill(Infinity)
  const open = new BinaryHeap<{ readonly node: number, readonly time: number }>((a, b) => a.time < b.time)
  times[source] = 0
  open.push({ node: source, time: 0 })
  for (let entry = open.pop(); entry !== undefined; entry = open.pop()) {
    const { node, time } = entry
    if (time > times[node]) {
      continue
    }
    for (const next of neighbours[node]) {
      const nextTime = time + timeOf(node, next)
      if (nextTime < times[next]) {
        times[next] = nextTime
        open.push({ node: next, time: nextTime })
      }
    }
  }
  return times
}

/** A row in which each is joined to the next. */
export function lineEdges (nodes: number): Array<[a: number, b: number]> {
  return Array.from({ length: nodes - 1 }, (_, node) => [node, node + 1])
}

/** A square grid, row by row. */
export function gridEdges (side: number): Array<[a: number, b: number]> {
  const edges: Array<[a: number, b: number]> = []
  for (let node = 0; node < side * side; node++) {
    if (node % side < side - 1) {
      edges.push([node, node + 1])
    }
    if (node < side * (side - 1)) {
      edges.push([node, node + side])
    }
  }
  return edges
}

/** All with all. */
export function completeEdges (nodes: number): Array<[a: number, b: number]> {
  return Array.from({ length: nodes }, (_, a) => Array.from({ length: nodes - 1 - a }, (_, k): [number, number] => [a, a + 1 + k])).flat()
}

/** A tree whose nodes have at most so many children, filled from the root down and from the left. */
export function treeEdges (nodes: number, children: number): Array<[a: number, b: number]> {
  return Array.from({ length: nodes - 1 }, (_, k) => [Math.floor(k / children), k + 1])
}
