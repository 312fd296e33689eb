import { readFileSync } from 'node:fs'
import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../src/core/errors.ts'
import { randomStream } from '../../src/core/random.ts'
import { parseGraph } from '../../src/sim/graph-file.ts'
import { barabasiAlbertGraph, layOut, randomRegularGraph, wattsStrogatzGraph } from '../../src/sim/graph.ts'
import type { Graph } from '../../src/sim/graph.ts'
import { Flood } from '../../bench/flood.ts'
import { collect, emptyNetwork, packetOf } from './packet-tools.ts'

function degrees ({ nodes, edges }: Graph): number[] {
  const degrees = Array.from({ length: nodes }, () => 0)
  edges.flat().forEach(node => degrees[node]++)
  return degrees
}

function isSimple ({ nodes, edges }: Graph): boolean {
  const keys = edges.map(([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}`)
  return new Set(keys).size === edges.length && edges.every(([a, b]) => a !== b && a >= 0 && b >= 0 && a < nodes && b < nodes)
}

/** Of the nodes next to a node, the share of pairs that are joined, in the mean. */
function clustering ({ nodes, edges }: Graph): number {
  const next = Array.from({ length: nodes }, () => new Set<number>())
  edges.forEach(([a, b]) => {
    next[a].add(b)
    next[b].add(a)
  })
  const shares = next.map(set => {
    const around = [...set]
    const joined = around.flatMap((a, i) => around.slice(i + 1).filter(b => next[a].has(b))).length
    return joined / (around.length * (around.length - 1) / 2)
  })
  return shares.reduce((total, share) => total + share, 0) / nodes
}

test('a random regular graph is simple, and every node has the degree', t => {
  fc.assert(fc.property(fc.integer({ min: 2, max: 40 }), fc.nat(39), fc.nat(), (nodes, degree, seed) => {
    if (degree < nodes && nodes * degree % 2 === 0) {
      const graph = randomRegularGraph({ nodes, degree }, randomStream(seed))
      t.true(isSimple(graph))
      t.true(degrees(graph).every(each => each === degree))
    }
  }), { numRuns: 200 })
})

test('Watts and Strogatz keep the number of edges; unmoved, clustering is 3(k - 2) / 4(k - 1), and it falls with (1 - p)^3', t => {
  const ring = wattsStrogatzGraph({ nodes: 1000, neighbours: 10, rewiring: 0 }, randomStream('ring'))
  t.true(degrees(ring).every(degree => degree === 10))
  t.true(Math.abs(clustering(ring) - 3 * 8 / (4 * 9)) < 1e-9)
  const small = wattsStrogatzGraph({ nodes: 1000, neighbours: 10, rewiring: 0.1 }, randomStream('small'))
  t.true(isSimple(small))
  t.is(small.edges.length, 5000)
  t.true(Math.abs(clustering(small) / clustering(ring) - 0.9 ** 3) < 0.05)
  const random = wattsStrogatzGraph({ nodes: 200, neighbours: 4, rewiring: 1 }, randomStream('random'))
  t.true(isSimple(random))
  t.true(Math.min(...degrees(random)) >= 2)
})

test('Barabasi and Albert\'s graph has m (n - m) edges, and a share of 2m(m + 1) / (k (k + 1)(k + 2)) of its nodes has degree k', t => {
  const links = 3
  const graph = barabasiAlbertGraph({ nodes: 20_000, links }, randomStream('growth'))
  t.true(isSimple(graph))
  t.is(graph.edges.length, links * (20_000 - links))
  const found = degrees(graph)
  for (const k of [3, 4, 5, 8]) {
    const share = found.filter(degree => degree === k).length / 20_000
    const expected = 2 * links * (links + 1) / (k * (k + 1) * (k + 2))
    // Twice what four standard deviations of independent draws would be.
    t.true(Math.abs(share - expected) < 8 * Math.sqrt(expected / 20_000), `${share} of degree ${k}, not ${expected}`)
  }
})

test('one seed gives one graph', t => {
  for (const make of [
    (seed: string) => randomRegularGraph({ nodes: 50, degree: 4 }, randomStream(seed)),
    (seed: string) => wattsStrogatzGraph({ nodes: 50, neighbours: 4, rewiring: 0.5 }, randomStream(seed)),
    (seed: string) => barabasiAlbertGraph({ nodes: 50, links: 2 }, randomStream(seed))
  ]) {
    t.deepEqual(make('a'), make('a'))
    t.notDeepEqual(make('a'), make('b'))
  }
})

test('graphs that there are not are refused by the parameter', t => {
  const random = randomStream('none')
  const bad: Record<string, () => unknown> = {
    degree: () => randomRegularGraph({ nodes: 5, degree: 3 }, random),
    nodes: () => randomRegularGraph({ nodes: 0, degree: 0 }, random),
    neighbours: () => wattsStrogatzGraph({ nodes: 10, neighbours: 3, rewiring: 0 }, random),
    rewiring: () => wattsStrogatzGraph({ nodes: 10, neighbours: 2, rewiring: 2 }, random),
    links: () => barabasiAlbertGraph({ nodes: 10, links: 10 }, random)
  }
  for (const [path, make] of Object.entries(bad)) {
    const error = t.throws<TwinwireError>(make, { instanceOf: TwinwireError })
    t.is(error.code, 'ERR_INVALID_OPTION')
    t.is(error.path, path)
  }
})

test('a graph is laid out with a link both ways for each edge', t => {
  const network = emptyNetwork()
  const nodes = layOut(network, { nodes: 3, edges: [[0, 1], [1, 2]] }, { link: { forward: { delayNs: 5 }, backward: { delayNs: 7 } } })
  const [there, back] = [collect(network, nodes[2]), collect(network, nodes[0])]
  network.send(packetOf(network, nodes[0], nodes[2], 100))
  network.send(packetOf(network, nodes[2], nodes[0], 100))
  network.kernel.run()
  t.deepEqual([there[0].atNs, back[0].atNs], [10, 14])
})

test('a flood completes after as many hops as the graph is deep, each of 1054 B / 20 Mbit/s + 50 ms', t => {
  // A ring of five: the farthest is two hops away, and there two copies of the last hop cross.
  const flood = new Flood({ nodes: 5, edges: [[0, 1], [1, 2], [2, 3], [3, 4], [4, 0]] })
  flood.run()
  const result = flood.result()
  t.is(Math.round(result.meanCompletionSeconds * 1e9), 2 * 50_421_600)
  t.is(result.packets, 20 * 6)
})

test('a flood over the 1,000 peers of the benchmark takes 0.252108 s, as in ns-3', t => {
  const flood = new Flood(parseGraph(readFileSync(new URL('../../bench/data/graph_1000_8.txt', import.meta.url), 'utf8'), 'graph_1000_8.txt'))
  flood.run()
  const { meanCompletionSeconds, packets } = flood.result()
  t.is(meanCompletionSeconds.toFixed(6), '0.252108')
  t.is(packets, 140_020)
})

test('a list of edges is read with either line end', t => {
  t.deepEqual(parseGraph('3 2\r\n0 1\r\n 2\t1 \r\n\r\n', 'g.txt'), { nodes: 3, edges: [[0, 1], [2, 1]] })
})

const badGraphs: Record<string, [text: string, path: string]> = {
  'nothing': ['', 'g.txt:1:1'],
  'one number': ['3\n', 'g.txt:1:2'],
  'three numbers': ['3 1\n0 1 2\n', 'g.txt:2:5'],
  'a word': ['3 1\n0 x\n', 'g.txt:2:3'],
  'a negative number': ['3 1\n-1 0\n', 'g.txt:2:1'],
  'a node that there is not': ['3 1\n0 3\n', 'g.txt:2:3'],
  'too few edges': ['3 2\n0 1\n', 'g.txt:3:1'],
  'too many edges': ['3 1\n0 1\n1 2\n', 'g.txt:3:1'],
  'a loop': ['3 1\n1 1\n', 'g.txt:2:1'],
  'an edge twice': ['3 2\n0 1\n1 0\n', 'g.txt:3:1'],
  'more nodes than a network can have': ['99999999999 0\n', 'g.txt:1:1']
}

for (const [what, [text, path]] of Object.entries(badGraphs)) {
  test(`${what} in a list of edges is refused by its place`, t => {
    const error = t.throws<TwinwireError>(() => parseGraph(text, 'g.txt'), { instanceOf: TwinwireError })
    t.is(error.code, 'ERR_INVALID_FILE')
    t.is(error.path, path)
    t.truthy(error.expected)
    t.truthy(error.found)
  })
}
