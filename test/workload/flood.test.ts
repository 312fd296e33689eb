import test from 'ava'
import * as fc from 'fast-check'
import { Flood } from '../../src/workload/flood.ts'
import type { FloodLinks, FloodReceipt } from '../../src/workload/flood.ts'
import { completeEdges, gridEdges, lineEdges, neighboursOf, shortestTimes, treeEdges } from '../../src/workload/overlay.ts'

test('a message is taken once, passed on to all but its sender, and its hops are counted', async t => {
  const sent: Array<{ readonly to: string, readonly payload: Uint8Array }> = []
  const receipts: FloodReceipt[] = []
  let deliver: (payload: Uint8Array, from: string) => void = () => {}
  const links: FloodLinks = {
    neighbours: () => ['a', 'b', 'c'],
    serve: async onMessage => { deliver = onMessage },
    connect: async () => {},
    send: async (to, payload) => {
      sent.push({ to, payload })
      if (to === 'c') {
        throw new Error('gone')
      }
    },
    [Symbol.asyncDispose]: async () => {}
  }
  const flood = new Flood(links, receipt => receipts.push(receipt))
  await flood.serve()
  const message = Uint8Array.from([0, 0, 1, 2, 0, 4, 9, 9])
  deliver(message, 'a')
  deliver(message, 'b')
  await Promise.resolve()
  t.deepEqual(receipts, [{ message: 258, hops: 4 }])
  t.deepEqual(sent.map(({ to }) => to), ['b', 'c'])
  t.deepEqual([...sent[0].payload], [0, 0, 1, 2, 0, 5, 9, 9])
  t.is(message[5], 4, 'what came is left as it is')
  t.like(flood, { copies: 2, duplicates: 1, failures: 1 })
  t.true(flood.has(258))

  flood.publish(7, 100)
  t.deepEqual(receipts[1], { message: 7, hops: 0 })
  t.deepEqual(sent.slice(2).map(({ to }) => to), ['a', 'b', 'c'])
  t.deepEqual([...sent[2].payload.subarray(0, 6), sent[2].payload.byteLength], [0, 0, 0, 7, 0, 1, 100])
})

test('lines, grids, trees and complete graphs have the edges and diameters that they should', t => {
  const diameter = (nodes: number, edges: ReadonlyArray<readonly [number, number]>): number =>
    Math.max(...Array.from({ length: nodes }, (_, node) => Math.max(...shortestTimes(neighboursOf(nodes, edges), () => 1, node))))
  const of = (nodes: number, edges: ReadonlyArray<readonly [number, number]>): number[] => [edges.length, diameter(nodes, edges)]
  t.deepEqual(of(25, lineEdges(25)), [24, 24])
  // 2 x 5 x 4 edges; from corner to corner.
  t.deepEqual(of(25, gridEdges(5)), [40, 8])
  t.deepEqual(of(25, completeEdges(25)), [300, 1])
  // 1 + 4 + 16 + 4: a leaf of the fourth row and one of the third meet at the root.
  t.deepEqual(of(25, treeEdges(25, 4)), [24, 5])
})

test('shortest times are those of Floyd and Warshall', t => {
  const nodes = 7
  const edge = fc.tuple(fc.nat(nodes - 1), fc.nat(nodes - 1), fc.integer({ min: 1, max: 20 }))
  fc.assert(fc.property(fc.array(edge, { maxLength: 15 }), drawn => {
    const weights = new Map(drawn.filter(([a, b]) => a !== b).map(([a, b, weight]) => [Math.min(a, b) * nodes + Math.max(a, b), weight]))
    const edges = [...weights.keys()].map((key): [number, number] => [Math.floor(key / nodes), key % nodes])
    const timeOf = (a: number, b: number): number => weights.get(Math.min(a, b) * nodes + Math.max(a, b)) ?? Infinity
    const table = Array.from({ length: nodes }, (_, a) => Array.from({ length: nodes }, (_, b) => a === b ? 0 : timeOf(a, b)))
    for (let k = 0; k < nodes; k++) {
      for (let a = 0; a < nodes; a++) {
        for (let b = 0; b < nodes; b++) {
          table[a][b] = Math.min(table[a][b], table[a][k] + table[k][b])
        }
      }
    }
    const neighbours = neighboursOf(nodes, edges)
    table.forEach((row, source) => t.deepEqual([...shortestTimes(neighbours, timeOf, source)], row))
  }), { numRuns: 1_000 })
})
