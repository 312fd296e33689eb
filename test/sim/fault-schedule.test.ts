import test from 'ava'
import { TwinwireError } from '../../src/core/errors.ts'
import { beginPartition, scheduleFaults } from '../../src/sim/fault-schedule.ts'
import { star } from '../../src/sim/topology.ts'
import { at, collect, emptyNetwork, OneLink, packetOf } from './packet-tools.ts'

const MS = 1e6

test('scheduled faults begin and end at their instants', t => {
  const one = new OneLink({ rateBitsPerSecond: 12e6, delayNs: 0 })
  scheduleFaults(one.network, [
    { atNs: 5 * MS, link: 0, fault: { kind: 'down' }, durationNs: 10 * MS },
    { atNs: 20 * MS, link: 0, rateBitsPerSecond: 6e6 },
    { atNs: 30 * MS, link: 0, fault: { kind: 'stall' }, durationNs: 5 * MS },
    { atNs: 50 * MS, link: 0, fault: { kind: 'black-hole' } }
  ])
  for (const ms of [0, 10, 16, 22, 30, 60]) {
    one.sendAt(ms * MS, 1500)
  }
  one.run()
  t.deepEqual(one.deliveries.map(({ atNs, number }) => [number, atNs / MS]), [[0, 1], [2, 17], [3, 24], [4, 37]])
  t.is(one.link.counters.droppedFault, 2)
})

test('what is begun by a function is what there is by then, and ends like the others', t => {
  const one = new OneLink({ rateBitsPerSecond: 12e6, delayNs: 0 })
  let begun = 0
  scheduleFaults(one.network, [
    { atNs: 5 * MS, begin: () => one.link.beginFault({ kind: 'stall' }), durationNs: 10 * MS },
    // Nothing that could end.
    { atNs: 6 * MS, begin: () => { begun++; return undefined }, durationNs: 10 * MS }
  ])
  for (const ms of [0, 7, 20]) {
    one.sendAt(ms * MS, 1500)
  }
  one.run()
  t.deepEqual(one.deliveries.map(({ atNs, number }) => [number, atNs / MS]), [[0, 1], [1, 16], [2, 21]])
  t.is(begun, 1)
})

test('a bad entry of a schedule is refused by its path', t => {
  const { network } = new OneLink({ delayNs: 0 })
  const bad = {
    'faults[0].atNs': [{ atNs: -1, link: 0, fault: { kind: 'down' } }],
    'faults[1].durationNs': [{ atNs: 1, link: 0, fault: { kind: 'down' } }, { atNs: 1, link: 0, fault: { kind: 'down' }, durationNs: 0.5 }],
    'faults[0].rateBitsPerSecond': [{ atNs: 1, link: 0, rateBitsPerSecond: 0 }],
    'link': [{ atNs: 1, link: 7, rateBitsPerSecond: 1 }]
  } as const
  for (const [path, faults] of Object.entries(bad)) {
    t.is(t.throws(() => scheduleFaults(network, faults), { instanceOf: TwinwireError }).path, path)
  }
  t.is(network.kernel.pending, 0)
})

test('a partition keeps its two parts apart, each whole, until it ends', t => {
  const network = emptyNetwork()
  const { hub, leaves } = star(network, { leaves: 3, access: { forward: { delayNs: MS } } })
  const received = leaves.map(leaf => collect(network, leaf))
  const exchange = (): void => {
    for (const from of leaves) {
      for (const to of leaves) {
        if (from !== to) {
          network.send(packetOf(network, from, to, 100))
        }
      }
    }
  }
  const partition = beginPartition(network, [hub, leaves[0], leaves[1]])
  exchange()
  network.kernel.run()
  t.deepEqual(received.map(list => list.length), [1, 1, 0])
  at(network, 10 * MS, () => {
    partition.end()
    exchange()
  })
  network.kernel.run()
  network.checkConservation()
  t.deepEqual(received.map(list => list.length), [3, 3, 2])
})
