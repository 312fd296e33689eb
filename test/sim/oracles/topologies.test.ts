import test from 'ava'
import { randomStream } from '../../../src/core/random.ts'
import { meanBitsPerSecond } from '../../../src/sim/rate-trace.ts'
import { PANTHEON_PATHS, pantheonPath } from '../../../src/sim/topology-paths.ts'
import type { PantheonPath } from '../../../src/sim/topology-paths.ts'
import { REGIONS, regions } from '../../../src/sim/topology-regions.ts'
import type { Region } from '../../../src/sim/topology-regions.ts'
import { TcpHost } from '../../../src/sim/tcp/host.ts'
import { tcpOptions } from '../../../src/sim/tcp/options.ts'
import { IGNORING } from '../../../src/sim/tcp/socket-handler.ts'
import type { TcpSocket } from '../../../src/sim/tcp/socket.ts'
import { connect } from '../../../src/sim/topology.ts'
import { collect, emptyNetwork, packetOf } from '../packet-tools.ts'

const [MS, S] = [1e6, 1e9]

/** libp2p/test-plans, gossipsub-interop/network_graph.py: hosts in a region, and ms one way to each region in this order. */
const INTEROP: Readonly<Record<Region, readonly [weight: number, ...ms: number[]]>> = {
  'australia': [290, 2, 110, 165, 110, 150, 190, 220, 180],
  'east-asia': [1059, 110, 4, 125, 100, 140, 175, 175, 110],
  'europe': [5599, 165, 125, 2, 110, 70, 140, 95, 60],
  'north-america-west': [1240, 110, 100, 110, 2, 60, 100, 160, 150],
  'north-america-east': [2894, 150, 140, 70, 60, 2, 100, 130, 110],
  'south-america': [36, 190, 175, 140, 100, 100, 7, 195, 145],
  'south-africa': [47, 220, 175, 95, 160, 130, 190, 7, 110],
  'west-asia': [161, 180, 110, 60, 150, 110, 145, 110, 5]
}
const ORDER = Object.keys(INTEROP) as Region[]

test('between all 64 pairs of gossipsub-interop\'s regions a packet takes the one-way time of its table, and the serialisation of both hosts\' links', t => {
  t.deepEqual([...REGIONS].sort(), [...ORDER].sort())
  const network = emptyNetwork()
  const hosts = regions(network, { hosts: 5000 }, randomStream('matrix'))
  const bytes = 1250
  for (const from of ORDER) {
    ORDER.forEach((to, column) => {
      const near = hosts.find(({ region }) => region === from)
      const far = hosts.findLast(({ region }) => region === to)
      if (near === undefined || far === undefined || near === far) {
        t.fail(`too few hosts in ${from} and ${to}`)
        return
      }
      const arrivals = collect(network, far.node)
      const startNs = network.kernel.nowNs
      network.send(packetOf(network, near.node, far.node, bytes))
      network.kernel.run()
      const serialisationNs = [near, far].reduce((sum, { rateBitsPerSecond }) => sum + Math.floor(bytes * 8e9 / rateBitsPerSecond), 0)
      t.deepEqual(arrivals.map(({ atNs }) => atNs - startNs), [INTEROP[from][column + 1] * MS + serialisationNs], `${from} to ${to}`)
    })
  }
})

test('hosts are spread over gossipsub-interop\'s regions by its weights, 20% at 1024 and 80% at 50 Mbit/s, within four standard deviations', t => {
  const hosts = regions(emptyNetwork(), { hosts: 20_000 }, randomStream('shares'))
  const expectShare = (count: number, share: number): void => {
    t.true(Math.abs(count / hosts.length - share) < 4 * Math.sqrt(share * (1 - share) / hosts.length))
  }
  const total = ORDER.reduce((sum, region) => sum + INTEROP[region][0], 0)
  for (const region of ORDER) {
    expectShare(hosts.filter(host => host.region === region).length, INTEROP[region][0] / total)
  }
  for (const [rateBitsPerSecond, share] of [[1024e6, 0.2], [50e6, 0.8]]) {
    expectShare(hosts.filter(host => host.rateBitsPerSecond === rateBitsPerSecond).length, share)
  }
})

/** Pantheon (Yan et al. 2018): Mbit/s, Poisson or not, one way in ms, loss, packets of queue. */
const PANTHEON: Readonly<Record<PantheonPath, readonly [mbit: number, poisson: boolean, oneWayMs: number, loss: number, queue: number]>> = {
  'nepal-to-aws-india': [0.57, true, 28, 0.0477, 14],
  'mexico-cellular-to-california': [2.64, true, 88, 0, 130],
  'brazil-to-colombia-cellular': [3.04, true, 130, 0, 426],
  'india-to-aws-india': [100.42, false, 27, 0, 173],
  'korea-to-china': [77.72, false, 51, 0.0006, 94],
  'california-to-mexico': [114.68, false, 45, 0, 450]
}

for (const [name, [mbit, poisson, oneWayMs, loss, queue]] of Object.entries(PANTHEON)) {
  test(`Pantheon's ${name}: ${mbit} Mbit/s${poisson ? ' (Poisson)' : ''}, ${oneWayMs} ms one way, ${loss * 100}% loss, a drop-tail queue of ${queue} packets`, t => {
    const { forward } = pantheonPath(name as PantheonPath, randomStream('pantheon'))
    t.is(forward.delayNs, oneWayMs * MS)
    t.deepEqual(forward.queue, { limitPackets: queue })
    t.deepEqual(forward.loss, loss === 0 ? undefined : { model: 'bernoulli', probability: loss })
    if (!poisson) {
      t.is(forward.rateBitsPerSecond, mbit * 1e6)
      return
    }
    const opportunities = forward.trace?.opportunitiesMs ?? new Uint32Array()
    const perMs = mbit * 1e6 / 12e6
    // A Poisson count of a minute has the deviation of its root, and so have its counts of 100 ms their variance.
    t.true(Math.abs(meanBitsPerSecond({ opportunitiesMs: opportunities }) / 12e6 / perMs - 1) < 4 / Math.sqrt(perMs * 60_000))
    const counts = new Float64Array(600)
    opportunities.forEach(atMs => { counts[Math.min(599, Math.floor(atMs / 100))]++ })
    const mean = counts.reduce((sum, count) => sum + count, 0) / 600
    const variance = counts.reduce((sum, count) => sum + (count - mean) ** 2, 0) / 599
    // The index of dispersion of n Poisson counts has the deviation sqrt(2 / (n - 1)).
    t.true(Math.abs(variance / mean - 1) < 4 * Math.sqrt(2 / 599), String(variance / mean))
  })
}

test('those are all of Pantheon\'s paths', t => {
  t.deepEqual([...PANTHEON_PATHS].sort(), Object.keys(PANTHEON).sort())
})

test('the defaults cap nothing: MSS 1448, not 536, and over 200 Mbit/s and 100 ms bulk gets 95% of the rate, where a buffer of 128 KiB would get 5%', t => {
  t.is(tcpOptions().mssBytes, 1448)
  const network = emptyNetwork()
  const [a, b] = [network.addNode({ forwards: false }), network.addNode({ forwards: false })]
  const rateBitsPerSecond = 200e6
  connect(network, a, b, { forward: { rateBitsPerSecond, delayNs: 50 * MS, queue: { limitBytes: 5e6 } } })
  let server: TcpSocket | undefined
  new TcpHost(network, b).listen(1, socket => {
    server = socket
    socket.handler = IGNORING
  })
  const client = new TcpHost(network, a).connect(b, 1)
  client.handler = IGNORING
  client.write(1e12)
  network.kernel.run(3 * S)
  const before = server?.deliveredBytes ?? 0
  network.kernel.run(6 * S)
  const goodput = ((server?.deliveredBytes ?? 0) - before) * 8 / 3
  client.abort()
  t.true(goodput > 0.95 * rateBitsPerSecond * 1448 / 1500, String(goodput))
  t.true(128 * 1024 * 8 / 0.1 < 0.06 * rateBitsPerSecond)
})
