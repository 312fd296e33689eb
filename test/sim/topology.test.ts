import test from 'ava'
import { TwinwireError } from '../../src/core/errors.ts'
import { parseLatencyMatrix } from '../../src/sim/matrix.ts'
import type { NodeId, PacketNetwork } from '../../src/sim/network.ts'
import { dumbbell, latencyMesh, star } from '../../src/sim/topology.ts'
import { collect, emptyNetwork, packetOf } from './packet-tools.ts'

const MS = 1e6

function arrivalsMs (network: PacketNetwork, to: NodeId, senders: readonly NodeId[], size = 1500): number[] {
  const startNs = network.kernel.nowNs
  const deliveries = collect(network, to)
  for (const sender of senders) {
    network.send(packetOf(network, sender, to, size))
  }
  network.kernel.run()
  network.checkConservation()
  return deliveries.map(({ atNs }) => (atNs - startNs) / MS)
}

test('through a dumbbell a packet takes three delays and three serialisations, and pairs share the middle', t => {
  const network = emptyNetwork()
  const { senders, receivers, bottleneck } = dumbbell(network, {
    pairs: 2,
    access: { forward: { rateBitsPerSecond: 100e6, delayNs: 1 * MS } },
    bottleneck: { forward: { rateBitsPerSecond: 10e6, delayNs: 18 * MS }, backward: { delayNs: 18 * MS } }
  })
  // 0.12 ms on each access link, 1.2 ms in the middle.
  t.deepEqual(arrivalsMs(network, receivers[0], [senders[0]]), [21.44])
  const first = collect(network, receivers[0])
  const second = collect(network, receivers[1])
  const startNs = network.kernel.nowNs
  network.send(packetOf(network, senders[0], receivers[0], 1500))
  network.send(packetOf(network, senders[1], receivers[1], 1500))
  network.kernel.run()
  t.deepEqual([first[0].atNs, second[0].atNs].map(atNs => atNs - startNs), [21.44 * MS, 22.64 * MS])
  t.is(network.link(bottleneck.forward).counters.delivered, 3)
  t.deepEqual(arrivalsMs(network, senders[0], [receivers[0]]), [20.24])
})

test('through a star leaves reach each other over the hub, and share the receiver\'s link only', t => {
  const network = emptyNetwork()
  const { leaves } = star(network, { leaves: 4, access: { forward: { rateBitsPerSecond: 10e6, delayNs: 5 * MS } } })
  t.deepEqual(arrivalsMs(network, leaves[0], [leaves[1], leaves[2]]), [12.4, 13.6])
})

test('a star of 10,000 hosts needs one routing table', t => {
  const network = emptyNetwork()
  const { leaves } = star(network, { leaves: 10_000, access: { forward: { delayNs: 5 * MS } } })
  t.deepEqual(arrivalsMs(network, leaves[9_999], leaves.slice(0, 9_999)), Array.from({ length: 9_999 }, () => 10))
})

test('in a latency mesh each pair is as far apart as the matrix says, also against the triangle inequality', t => {
  const matrix = parseLatencyMatrix('0,10,100\n10,0,20\n90,20,0\n', 'm.csv', { values: 'one-way' })
  const direct = emptyNetwork()
  const hosts = latencyMesh(direct, matrix)
  t.deepEqual(arrivalsMs(direct, hosts[2], [hosts[0]]), [100])
  t.deepEqual(arrivalsMs(direct, hosts[0], [hosts[2]]), [90])

  // With access links: 1.2 ms to enter, 0.12 ms to leave; what two hosts send to a third shares its link.
  const network = emptyNetwork()
  const behind = latencyMesh(network, matrix, { forward: { rateBitsPerSecond: 10e6, delayNs: 0 }, backward: { rateBitsPerSecond: 100e6, delayNs: 0 } })
  t.deepEqual(arrivalsMs(network, behind[2], [behind[0]]), [101.32])
  t.deepEqual(arrivalsMs(network, behind[0], [behind[1], behind[1]]), [11.32, 12.52])
})

test('counts that are none are refused', t => {
  const access = { forward: { delayNs: 0 } }
  t.is(t.throws(() => star(emptyNetwork(), { leaves: 0, access }), { instanceOf: TwinwireError }).path, 'leaves')
  t.is(t.throws(() => dumbbell(emptyNetwork(), { pairs: 1.5, access, bottleneck: access }), { instanceOf: TwinwireError }).path, 'pairs')
})

const oneWay = { values: 'one-way' } as const

test('a matrix is read with and without names, with either line end, and halved from round trips', t => {
  const oneWayMs = [[0, 1.5], [2, 0]]
  const numbered = { names: ['0', '1'], oneWayMs }
  const named = { names: ['fra', 'nyc'], oneWayMs }
  t.deepEqual(parseLatencyMatrix('0,1.5\n2,0', 'm.csv', oneWay), numbered)
  t.deepEqual(parseLatencyMatrix('\uFEFF0, 3\r\n4e0 ,0\r\n\r\n', 'm.csv', { values: 'round-trip' }), numbered)
  t.deepEqual(parseLatencyMatrix('fra,nyc\n0,1.5\n2,0\n', 'm.csv', oneWay), named)
  t.deepEqual(parseLatencyMatrix('fra,0,1.5\nnyc,2,0\n', 'm.csv', oneWay), named)
  t.deepEqual(parseLatencyMatrix(',fra,nyc\nfra,0,1.5\nnyc,2,0\n', 'm.csv', oneWay), named)
  t.deepEqual(parseLatencyMatrix('ms,fra,nyc\nfra,0,1.5\nnyc,2,0\n', 'm.csv', oneWay), named)
})

const badMatrices: Record<string, [text: string, path: string]> = {
  'a hole': ['0,1,2\n1,0,\n1,2,0\n', 'm.csv:2:3'],
  'a negative number': ['0,1\n-2,0\n', 'm.csv:2:1'],
  'NaN': ['0,NaN\n2,0\n', 'm.csv:1:2'],
  'infinity': ['0,1\n1e999,0\n', 'm.csv:2:1'],
  'a word': ['0,1,2\n1,0,fast\n1,2,0\n', 'm.csv:2:3'],
  'a number in hexadecimal': ['0,1\n0x10,0\n', 'm.csv:2:1'],
  'a row too short': ['0,1,2\n1,0\n1,2,0\n', 'm.csv:2:3'],
  'a row too long': ['0,1\n1,0,7\n', 'm.csv:2:3'],
  'a missing row': ['0,1,2\n1,0,2\n', 'm.csv:1:3'],
  'a missing row under names': [',a,b,c\na,0,1,2\nb,1,0,2\n', 'm.csv:2:4'],
  'an empty line': ['0,1\n\n1,0\n', 'm.csv:1:3'],
  'a hole under names': [',a,b\na,0,1\nb,,0\n', 'm.csv:3:2'],
  'a missing name': [',a,b\na,0,1\n,1,0\n', 'm.csv:3:1'],
  'names that differ': [',a,b\na,0,1\nc,1,0\n', 'm.csv:3:1'],
  'one name for two': ['a,a\n0,1\n1,0\n', 'm.csv:1:2'],
  'no matrix at all': ['', 'm.csv:1:1']
}

for (const [what, [text, path]] of Object.entries(badMatrices)) {
  test(`${what} in a matrix is refused by its place`, t => {
    const error = t.throws(() => parseLatencyMatrix(text, 'm.csv', oneWay), { instanceOf: TwinwireError })
    t.is(error.code, 'ERR_INVALID_FILE')
    t.is(error.path, path)
    t.truthy(error.expected)
    t.truthy(error.found)
  })
}
