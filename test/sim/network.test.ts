import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../src/core/errors.ts'
import { randomStream } from '../../src/core/random.ts'
import type { LinkOptions } from '../../src/sim/link.ts'
import type { PacketNetwork } from '../../src/sim/network.ts'
import { ECN_CAPABLE_0, ECN_NOT_CAPABLE } from '../../src/sim/packets.ts'
import { connect } from '../../src/sim/topology.ts'
import { linkOptions } from './link-arbitraries.ts'
import { at, collect, emptyNetwork, packetOf } from './packet-tools.ts'

const MS = 1e6

/** Nodes joined both ways by (a, b, delay in ms). */
function graph (nodes: number, edges: ReadonlyArray<readonly [number, number, number]>): PacketNetwork {
  const network = emptyNetwork()
  for (let i = 0; i < nodes; i++) {
    network.addNode()
  }
  for (const [a, b, delayMs] of edges) {
    connect(network, a, b, { forward: { delayNs: delayMs * MS } })
  }
  return network
}

function travelMs (network: PacketNetwork, from: number, to: number): number | undefined {
  const deliveries = collect(network, to)
  const startNs = network.kernel.nowNs
  network.send(packetOf(network, from, to, 100))
  network.kernel.run()
  network.checkConservation()
  return deliveries.length === 0 ? undefined : (deliveries[0].atNs - startNs) / MS
}

test('a packet takes the way of least delay, not of fewest hops', t => {
  const network = graph(4, [[0, 3, 10], [0, 1, 2], [1, 2, 3], [2, 3, 4]])
  t.is(travelMs(network, 0, 3), 9)
})

test('of two ways of one delay a packet takes that of fewer hops', t => {
  const network = graph(4, [[0, 1, 1], [1, 2, 1], [2, 3, 2], [1, 3, 3]])
  travelMs(network, 0, 3)
  t.deepEqual([network.linkBetween(1, 3)?.counters.offered, network.linkBetween(1, 2)?.counters.offered], [1, 0])
})

test('packets travel the least delay between all pairs of any graph', t => {
  const edge = fc.tuple(fc.nat(7), fc.nat(7), fc.nat(5))
  fc.assert(fc.property(fc.uniqueArray(edge, { maxLength: 16, selector: ([a, b]) => `${Math.min(a, b)}-${Math.max(a, b)}` }), edges => {
    const joined = edges.filter(([a, b]) => a !== b)
    // Floyd and Warshall's algorithm, as an independent reckoning.
    const distance = Array.from({ length: 8 }, (_, a) => Array.from({ length: 8 }, (_, b) => a === b ? 0 : Infinity))
    for (const [a, b, delay] of joined) {
      distance[a][b] = distance[b][a] = delay
    }
    for (let via = 0; via < 8; via++) {
      for (let a = 0; a < 8; a++) {
        for (let b = 0; b < 8; b++) {
          distance[a][b] = Math.min(distance[a][b], distance[a][via] + distance[via][b])
        }
      }
    }
    const network = graph(8, joined)
    for (let a = 0; a < 8; a++) {
      for (let b = 0; b < 8; b++) {
        if (a !== b) {
          t.is(travelMs(network, a, b) ?? Infinity, distance[a][b])
        }
      }
    }
  }), { numRuns: 50 })
})

test('a link added later is used from then on', t => {
  const network = graph(3, [[0, 1, 5], [1, 2, 5]])
  t.is(travelMs(network, 0, 2), 10)
  connect(network, 0, 2, { forward: { delayNs: 1 * MS } })
  t.is(travelMs(network, 0, 2), 1)
})

test('hosts do not forward: their packets take the direct link, also where a detour is faster', t => {
  const network = emptyNetwork()
  for (let i = 0; i < 3; i++) {
    network.addNode({ forwards: false })
  }
  connect(network, 0, 1, { forward: { delayNs: 1 * MS } })
  connect(network, 1, 2, { forward: { delayNs: 1 * MS } })
  t.is(travelMs(network, 0, 2), undefined)
  connect(network, 0, 2, { forward: { delayNs: 10 * MS } })
  t.is(travelMs(network, 0, 2), 10)
})

test('what cannot be reached is dropped and counted: no way, no receiver, itself', t => {
  const network = graph(5, [[0, 1, 1], [1, 2, 1]])
  collect(network, 0)
  network.send(packetOf(network, 0, 4, 100))
  network.send(packetOf(network, 2, 3, 100))
  network.send(packetOf(network, 0, 2, 100))
  network.send(packetOf(network, 0, 0, 100))
  network.kernel.run()
  network.checkConservation()
  t.is(network.counters.droppedUnreachable, 4)
  t.is(network.packets.live, 0)
})

test('a packet that is not released, and one that is released on its way, are found out', t => {
  const leaking = graph(2, [[0, 1, 1]])
  leaking.setReceiver(1, { receive () {} })
  leaking.send(packetOf(leaking, 0, 1, 100))
  leaking.kernel.run()
  const leak = t.throws(() => leaking.checkConservation(), { instanceOf: TwinwireError })
  t.is(leak.code, 'ERR_CONSERVATION')
  t.regex(leak.message, /"live":1/)

  const thieving = graph(2, [[0, 1, 1]])
  const packet = packetOf(thieving, 0, 1, 100)
  thieving.send(packet)
  thieving.packets.release(packet)
  t.is(t.throws(() => thieving.checkConservation(), { instanceOf: TwinwireError }).code, 'ERR_CONSERVATION')
})

test('a black hole up to the newest connection lets those pass that are opened after it', t => {
  const network = graph(2, [[0, 1, 1]])
  const deliveries = collect(network, 1)
  t.is(network.newestConnection, 0)
  const before = network.openConnection()
  network.link(0).beginFault({ kind: 'black-hole', connectionsUpTo: network.newestConnection })
  const after = network.openConnection()
  network.send(packetOf(network, 0, 1, 100, 0, before))
  network.send(packetOf(network, 0, 1, 100, 1, after))
  network.kernel.run()
  t.deepEqual(deliveries.map(({ number }) => number), [1])
})

test('nodes and links that there are not, and doubled links, are refused', t => {
  const network = graph(2, [[0, 1, 1]])
  const bad = [
    () => network.addLink(0, 2, { delayNs: 0 }),
    () => network.addLink(0, 0, { delayNs: 0 }),
    () => network.addLink(0, 1, { delayNs: 0 }),
    () => network.setReceiver(2, { receive () {} }),
    () => network.link(2)
  ]
  for (const action of bad) {
    t.is(t.throws(action, { instanceOf: TwinwireError }).code, 'ERR_INVALID_OPTION')
  }
  t.is(network.linkBetween(0, 1)?.id, 0)
  t.is(network.linkBetween(1, 2), undefined)
})

const step = fc.record({
  atNs: fc.nat(200 * MS),
  action: fc.constantFrom('burst', 'burst', 'burst', 'black-hole', 'existing', 'stall', 'down', 'end', 'rate', 'check'),
  link: fc.nat(5),
  from: fc.nat(4),
  to: fc.nat(4),
  size: fc.integer({ min: 40, max: 9000 })
})

/** A line of four nodes and one that stands apart, with what the steps do to it; conservation is checked on the way. */
function play (options: LinkOptions[], steps: Array<typeof step extends fc.Arbitrary<infer Step> ? Step : never>, seed: string): { digest: string, arrivals: number[][] } {
  const network = emptyNetwork(seed)
  for (let i = 0; i < 5; i++) {
    network.addNode()
  }
  options.forEach((option, i) => network.addLink(i < 3 ? i : i - 2, i < 3 ? i + 1 : i - 3, option))
  const arrivals = [0, 1, 2, 3].map(node => collect(network, node))
  const active: Array<{ end(): void }> = []
  let number = 0
  for (const { atNs, action, link: id, from, to, size } of steps) {
    at(network, atNs, () => {
      const link = network.link(id)
      switch (action) {
        case 'burst':
          for (let i = 0; i < 10; i++) {
            const packet = packetOf(network, from, to, size, number++, i)
            network.packets.ecn[packet] = i % 2 === 0 ? ECN_CAPABLE_0 : ECN_NOT_CAPABLE
            network.send(packet)
          }
          break
        case 'black-hole': active.push(link.beginFault({ kind: 'black-hole' })); break
        case 'existing': active.push(link.beginFault({ kind: 'black-hole', connectionsUpTo: from })); break
        case 'down': active.push(link.beginFault({ kind: 'down' })); break
        case 'stall': active.push(link.beginFault({ kind: 'stall' })); break
        case 'end': active.shift()?.end(); break
        case 'rate': link.setRate(size * 1000); break
        default: network.checkConservation()
      }
    })
  }
  network.kernel.run(200 * MS)
  network.checkConservation()
  active.forEach(fault => fault.end())
  network.kernel.run()
  network.checkConservation()
  return { digest: network.kernel.digest(), arrivals: [...arrivals.map(list => list.map(delivery => delivery.atNs)), [network.counters.inside, network.packets.live]] }
}

test('packets are conserved, and all leave in the end, whatever befalls the network', t => {
  fc.assert(fc.property(fc.array(linkOptions, { minLength: 6, maxLength: 6 }), fc.array(step, { maxLength: 60 }), (options, steps) => {
    t.deepEqual(play(options, steps, 'conserved').arrivals.at(-1), [0, 0])
  }), { numRuns: 300 })
})

test('one seed gives one run, another seed another', t => {
  const options: LinkOptions[] = Array.from({ length: 6 }, () => ({ rateBitsPerSecond: 1e6, delayNs: MS, jitter: { distribution: 'uniform', boundNs: MS }, loss: { model: 'bernoulli', probability: 0.2 } }))
  const steps = Array.from({ length: 10 }, (_, i) => ({ atNs: i * 10 * MS, action: 'burst' as const, link: 0, from: 0, to: 3, size: 1000 }))
  t.deepEqual(play(options, steps, 'a'), play(options, steps, 'a'))
  t.not(play(options, steps, 'a').digest, play(options, steps, 'b').digest)
})

test('a link draws from streams of its own: one more link elsewhere shifts nothing', t => {
  const run = (extra: boolean): number[] => {
    const network = emptyNetwork('shift')
    const [a, b, c] = [network.addNode(), network.addNode(), network.addNode()]
    const options: LinkOptions = { delayNs: MS, jitter: { distribution: 'uniform', boundNs: MS }, loss: { model: 'bernoulli', probability: 0.3 } }
    if (extra) {
      network.addLink(a, c, options)
      network.send(packetOf(network, a, c, 100))
    }
    network.addLink(a, b, options)
    const deliveries = collect(network, b)
    const random = randomStream('arrivals')
    for (let i = 0; i < 100; i++) {
      at(network, random.integer(100 * MS), () => network.send(packetOf(network, a, b, 100)))
    }
    network.kernel.run()
    return deliveries.map(({ atNs }) => atNs)
  }
  t.deepEqual(run(true), run(false))
})
