import test from 'ava'
import { randomStream } from '../../src/core/random.ts'
import { BulkTcpTraffic, TcpTransfers } from '../../src/sim/cross-traffic-tcp.ts'
import { dumbbell } from '../../src/sim/topology.ts'
import type { Dumbbell } from '../../src/sim/topology.ts'
import { emptyNetwork } from './packet-tools.ts'

const MS = 1e6
const S = 1e9
const RATE = 10e6
const SHARE = 1448 / 1500

function paths (pairs: number): Dumbbell & { network: ReturnType<typeof emptyNetwork> } {
  const network = emptyNetwork('cross traffic')
  return {
    network,
    ...dumbbell(network, {
      pairs,
      access: { forward: { delayNs: MS } },
      bottleneck: { forward: { rateBitsPerSecond: RATE, delayNs: 8 * MS, queue: { limitPackets: 50 } }, backward: { delayNs: 8 * MS } }
    })
  }
}

test('bulk flows fill the path from start to stop, leave nothing behind, and may start again', t => {
  const { network, senders: [from], receivers: [to] } = paths(1)
  const traffic = new BulkTcpTraffic(network, { from, to, flows: 3, staggerNs: 100 * MS })
  const { kernel } = network
  for (const startS of [0, 100]) {
    kernel.run(startS * S)
    traffic.start()
    traffic.start()
    kernel.run(startS * S + 250 * MS)
    t.is(traffic.openFlows, 3)
    kernel.run((startS + 5) * S)
    const before = traffic.deliveredBytes
    kernel.run((startS + 25) * S)
    // The queue holds more than a path of 18 ms, 15 packets, so that it never runs empty.
    const rate = (traffic.deliveredBytes - before) * 8 / 20
    t.true(rate > 0.98 * RATE * SHARE && rate <= RATE * SHARE * 1.001, String(rate))
    traffic.stop()
    traffic.stop()
    t.is(traffic.openFlows, 0)
    kernel.run((startS + 26) * S)
    t.is(kernel.pending, 0)
    t.is(network.packets.live, 0)
    network.checkConservation()
  }
})

test('a source that is stopped before all of its flows have started starts no more', t => {
  const { network, senders: [from], receivers: [to] } = paths(1)
  const traffic = new BulkTcpTraffic(network, { from, to, flows: 3, staggerNs: S })
  traffic.start()
  network.kernel.run(1.5 * S)
  t.is(traffic.openFlows, 2)
  traffic.stop()
  network.kernel.run(10 * S)
  t.is(traffic.openFlows, 0)
  t.is(network.kernel.pending, 0)
})

test('what the controllers take of a path is theirs: BBR holds its own against CUBIC in a shallow queue', t => {
  const { network, senders, receivers } = paths(2)
  const [cubic, bbr] = (['cubic', 'bbr'] as const).map((congestion, i) => new BulkTcpTraffic(network, { from: senders[i], to: receivers[i], flows: 1, tcp: { congestion } }))
  cubic.start()
  bbr.start()
  network.kernel.run(30 * S)
  t.true((cubic.deliveredBytes + bbr.deliveredBytes) * 8 / 30 > 0.95 * RATE * SHARE)
  t.true(bbr.deliveredBytes > 0.2 * cubic.deliveredBytes, `${bbr.deliveredBytes} and ${cubic.deliveredBytes}`)
  cubic.stop()
  bbr.stop()
})

for (const shape of [undefined, 2.5]) {
  test(`transfers of finite size, ${shape === undefined ? 'all the same' : 'Pareto-distributed'}, come at their rate, carry their load and all complete`, t => {
    const { network, senders: [from], receivers: [to] } = paths(1)
    // 10 a second of 50 kB: 4 of 10 Mbit/s.
    const traffic = new TcpTransfers(network, { from, to, arrivalsPerSecond: 10, meanBytes: 50_000, ...(shape === undefined ? {} : { shape }) }, randomStream('transfers'))
    traffic.start()
    traffic.start()
    network.kernel.run(200 * S)
    // Poisson: 2000, and four standard deviations of it.
    t.true(Math.abs(traffic.started - 2000) < 4 * Math.sqrt(2000), String(traffic.started))
    const mean = traffic.deliveredBytes / traffic.started
    // A Pareto distribution of shape a has the variance mean^2 / (a (a - 2)): 0.8 mean^2 at 2.5.
    t.true(Math.abs(mean / 50_000 - 1) < 4 * Math.sqrt(0.8 / 2000), String(mean))
    t.is(traffic.completed + traffic.openFlows, traffic.started)
    traffic.stop()
    network.kernel.run(260 * S)
    t.is(network.kernel.pending, 0)
    t.is(network.packets.live, 0)
  })
}

test('what cannot be is refused by name', t => {
  const { network, senders: [from], receivers: [to] } = paths(1)
  t.throws(() => new BulkTcpTraffic(network, { from, to, flows: 0 }), { code: 'ERR_INVALID_OPTION', message: /flows/ })
  t.throws(() => new BulkTcpTraffic(network, { from, to, flows: 1, tcp: { congestion: 'vegas' as 'bbr' } }), { code: 'ERR_INVALID_OPTION', message: /tcp\.congestion/ })
  t.throws(() => new TcpTransfers(network, { from, to, arrivalsPerSecond: 1, meanBytes: 1, shape: 1 }, randomStream('x')), { code: 'ERR_INVALID_OPTION', message: /shape/ })
})
