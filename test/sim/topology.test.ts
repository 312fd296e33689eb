import test from 'ava'
import { TwinwireError } from '../../src/core/errors.ts'
import { parseLatencyMatrix } from '../../src/sim/matrix.ts'
import type { NodeId, PacketNetwork } from '../../src/sim/network.ts'
import { randomStream } from '../../src/core/random.ts'
import { meanBitsPerSecond } from '../../src/sim/rate-trace.ts'
import { PANTHEON_PATHS, pantheonPath } from '../../src/sim/topology-paths.ts'
import type { Region } from '../../src/sim/topology-regions.ts'
import type { PantheonPath } from '../../src/sim/topology-paths.ts'
import { regions } from '../../src/sim/topology-regions.ts'
import { dumbbell, latencyMesh, parkingLot, star } from '../../src/sim/topology.ts'
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

test('through a parking lot the long flow passes every link, each short flow one', t => {
  const network = emptyNetwork()
  const lot = parkingLot(network, { hops: 3, access: { forward: { delayNs: 1 * MS } }, hop: { forward: { delayNs: 10 * MS } } })
  t.deepEqual(arrivalsMs(network, lot.sink, [lot.source]), [32])
  lot.crossSources.forEach((source, index) => t.deepEqual(arrivalsMs(network, lot.crossSinks[index], [source]), [12]))
  t.deepEqual(lot.hops.map(({ forward }) => network.link(forward).counters.delivered), [2, 2, 2])
})

test('regions are as far apart as gossipsub-interop has them, and hosts there are by its shares', t => {
  const network = emptyNetwork()
  const hosts = regions(network, { hosts: 5000 }, randomStream('regions'))
  const share = (count: number): number => count / hosts.length
  // Four standard deviations of a binomial share.
  const bound = (p: number): number => 4 * Math.sqrt(p * (1 - p) / hosts.length)
  for (const [region, weight] of [['europe', 5599], ['north-america-east', 2894], ['australia', 290]] as const) {
    const p = weight / 11_326
    t.true(Math.abs(share(hosts.filter(host => host.region === region).length) - p) < bound(p), region)
  }
  t.true(Math.abs(share(hosts.filter(host => host.rateBitsPerSecond === 1024e6).length) - 0.2) < bound(0.2))
  const of = (region: Region, rateBitsPerSecond: number, after = 0): NodeId => {
    return hosts.filter(host => host.region === region && host.rateBitsPerSecond === rateBitsPerSecond)[after].node
  }
  // 1250 B: 0.2 ms at 50 Mbit/s, 0.009765 ms at 1024.
  t.deepEqual(arrivalsMs(network, of('north-america-east', 50e6), [of('europe', 50e6)], 1250), [70.4])
  t.deepEqual(arrivalsMs(network, of('europe', 50e6), [of('europe', 50e6, 1)], 1250), [2.4])
  t.deepEqual(arrivalsMs(network, of('east-asia', 50e6), [of('australia', 1024e6)], 1250), [110.209765])
})

test('Pantheon\'s paths have their rate, delay, loss and queue', t => {
  for (const [name, mbit, oneWayMs, queue] of [['nepal-to-aws-india', 0.57, 28, 14], ['korea-to-china', 77.72, 51, 94], ['california-to-mexico', 114.68, 45, 450]] as const) {
    const { forward, backward } = pantheonPath(name, randomStream('paths'))
    const rate = forward.trace === undefined ? forward.rateBitsPerSecond ?? 0 : meanBitsPerSecond(forward.trace)
    // A Poisson count over a minute, four standard deviations.
    t.true(Math.abs(rate / (mbit * 1e6) - 1) < (forward.trace === undefined ? 1e-9 : 4 / Math.sqrt(mbit * 1e6 / 12e3 * 60)))
    t.is(forward.delayNs, oneWayMs * MS)
    t.deepEqual(forward.queue, { limitPackets: queue })
    t.is(backward?.loss, undefined)
    const network = emptyNetwork()
    const [a, b] = [network.addNode(), network.addNode()]
    network.addLink(a, b, forward)
    t.true(arrivalsMs(network, b, Array.from({ length: 10 }, () => a)).every(ms => ms > oneWayMs))
  }
  t.is(PANTHEON_PATHS.length, 6)
  const error = t.throws(() => pantheonPath('nepal-to-india' as PantheonPath, randomStream('paths')), { instanceOf: TwinwireError })
  t.is(error.expected, 'nepal-to-aws-india')
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
