import test from 'ava'
import * as fc from 'fast-check'
import type { LinkOptions } from '../../../src/sim/link.ts'
import { FlowCounters } from '../../../src/sim/observe/flow-counters.ts'
import type { Count, Flow } from '../../../src/sim/observe/flow-counters.ts'
import { flowTable } from '../../../src/sim/observe/flow-table.ts'
import { NUMBERED } from '../../../src/sim/observe/nodes.ts'
import { DROP_REASONS } from '../../../src/sim/observe/observer.ts'
import { ECN_CAPABLE_0 } from '../../../src/sim/packets.ts'
import { collect, emptyNetwork, packetOf } from '../packet-tools.ts'
import { CLIENT, MS, S, SERVER, TracedPath } from './observe-tools.ts'

function sum (flows: readonly Flow[], count: (flow: Flow) => Count): number {
  return flows.reduce((total, flow) => total + count(flow).packets, 0)
}

const bottlenecks = fc.record({
  loss: fc.double({ min: 0, max: 0.2, noNaN: true }),
  queued: fc.boolean(),
  limitPackets: fc.integer({ min: 1, max: 40 }),
  mtuBytes: fc.constantFrom(9000, 1499),
  corruption: fc.double({ min: 0, max: 0.1, noNaN: true }),
  duplication: fc.double({ min: 0, max: 0.1, noNaN: true }),
  policed: fc.boolean()
})

test('whatever links do, each flow has sent + duplicated = received + dropped + inside, and flows add up to the network', t => {
  fc.assert(fc.property(fc.string(), bottlenecks, fc.integer({ min: 1, max: 400_000 }), fc.integer({ min: 1, max: 2000 }), fc.integer({ min: 0, max: 1500 }), (seed, shape, bytes, stopMs, cutMs) => {
    const common = { rateBitsPerSecond: 10e6, delayNs: 19 * MS, ...(shape.loss === 0 ? {} : { loss: { model: 'bernoulli', probability: shape.loss } as const }), queue: { limitPackets: shape.limitPackets } }
    const bottleneck: LinkOptions = shape.queued
      ? { ...common, mtuBytes: shape.mtuBytes, corruption: shape.corruption, duplication: shape.duplication, ...(shape.policed ? { policer: { rateBitsPerSecond: 5e6, burstBytes: 20_000 } } : {}) }
      : common
    const path = new TracedPath({ seed, bottleneck })
    const { network, kernel } = path
    const counters = new FlowCounters(network)
    network.observers.add(counters)
    path.transfer(bytes)
    // Somebody sends to a node that nobody receives at, and to one that no link leads to.
    const island = network.addNode()
    network.send(packetOf(network, CLIENT, 1, 300))
    network.send(packetOf(network, CLIENT, island, 400))
    kernel.schedule(cutMs * MS, kernel.define(() => { path.bottleneck.beginFault({ kind: 'down' }).end() }, 'event'), 0)
    for (const untilNs of [stopMs * MS, 600 * S]) {
      path.run(untilNs)
      const { flows } = counters
      const truth = network.counters
      t.is(sum(flows, ({ sent }) => sent), truth.sent)
      t.is(sum(flows, ({ duplicated }) => duplicated), truth.duplicated)
      t.is(sum(flows, ({ received }) => received), truth.received)
      t.is(sum(flows, ({ inside }) => inside), truth.inside)
      const dropped = Object.fromEntries(DROP_REASONS.map(reason => [reason, sum(flows, flow => flow.dropped[reason])]))
      t.deepEqual(dropped, {
        queue: truth.droppedQueue, loss: truth.droppedLoss, fault: truth.droppedFault, mtu: truth.droppedMtu,
        policer: truth.droppedPolicer, corrupt: truth.droppedCorrupt, unreachable: truth.droppedUnreachable
      })
      for (const flow of flows) {
        t.true(flow.inside.packets >= 0 && flow.inside.bytes >= 40 * flow.inside.packets && flow.inside.bytes <= 1500 * flow.inside.packets)
      }
    }
    if (kernel.pending === 0) {
      t.true(counters.flows.every(({ inside }) => inside.packets === 0 && inside.bytes === 0))
    }
  }), { numRuns: 100 })
})

test('retransmissions seen on the way are those that the socket counts', t => {
  for (const seed of ['a', 'b', 'c']) {
    const path = new TracedPath({ seed, bottleneck: { rateBitsPerSecond: 10e6, delayNs: 19 * MS, loss: { model: 'bernoulli', probability: 0.03 } } })
    const counters = new FlowCounters(path.network)
    path.network.observers.add(counters)
    let synRetries = -1
    path.network.observers.add({ onSend: packet => { synRetries += path.network.packets.source[packet] === CLIENT && (path.network.packets.flags[packet] & 2) !== 0 ? 1 : 0 } })
    const client = path.transfer(1e6)
    path.run()
    t.true(client.retransmittedSegments > 5)
    t.is(counters.flow(client.connection, CLIENT)?.retransmitted.packets, client.retransmittedSegments + synRetries)
  }
})

test('a packet through one router is forwarded once, and bytes are IP bytes', t => {
  const path = new TracedPath()
  const counters = new FlowCounters(path.network)
  path.network.observers.add(counters)
  const client = path.transfer(10 * 1448)
  path.run()
  const forth = counters.flow(client.connection, CLIENT)
  // SYN, the end of the handshake, ten segments of which the last bears the FIN, the acknowledgement of the server's FIN.
  t.is(forth?.sent.bytes, 60 + 52 + 10 * 1500 + 52)
  t.deepEqual(forth?.forwarded, forth?.sent)
  t.deepEqual(forth?.received, forth?.sent)
  t.is(counters.flow(client.connection, SERVER)?.to, CLIENT)
  t.is(counters.flow(99, CLIENT), undefined)
})

test('congestion marks are counted where they arrive', t => {
  const network = emptyNetwork()
  const [from, to] = [network.addNode(), network.addNode()]
  network.addLink(from, to, { delayNs: 0, rateBitsPerSecond: 1e6, queue: { discipline: 'codel', ecn: true, targetNs: 1 * MS, intervalNs: 10 * MS } })
  collect(network, to)
  const counters = new FlowCounters(network)
  network.observers.add(counters)
  for (let i = 0; i < 100; i++) {
    const packet = packetOf(network, from, to, 1500)
    network.packets.ecn[packet] = ECN_CAPABLE_0
    network.send(packet)
  }
  network.kernel.run()
  const [flow] = counters.flows
  t.true(flow.marked.packets > 0)
  t.is(flow.marked.packets, network.links[0].counters.marked)
})

test('the table has a row a flow, and as many cells as names', t => {
  const path = new TracedPath()
  const counters = new FlowCounters(path.network)
  path.network.observers.add(counters)
  path.transfer(1000)
  path.run()
  const [header, ...rows] = flowTable(counters.flows, NUMBERED).trimEnd().split('\n').map(line => line.split(','))
  t.deepEqual(rows.map(row => row.slice(0, 3)), [['1', 'node0', 'node2'], ['1', 'node2', 'node0']])
  t.true(rows.every(row => row.length === header.length))
  t.is(Number(rows[0][header.indexOf('sent_bytes')]), 60 + 52 + 1052 + 52)
})
