import test from 'ava'
import { TwinwireError } from '../../src/core/errors.ts'
import { randomStream } from '../../src/core/random.ts'
import { OnOffTraffic, PoissonTraffic, TrafficSink } from '../../src/sim/cross-traffic.ts'
import { emptyNetwork } from './packet-tools.ts'

const MS = 1e6
const S = 1e9

function pair (): { network: ReturnType<typeof emptyNetwork>, from: number, to: number, sink: TrafficSink } {
  const network = emptyNetwork()
  const [from, to] = [network.addNode(), network.addNode()]
  network.addLink(from, to, { delayNs: 0 })
  return { network, from, to, sink: new TrafficSink(network, to) }
}

test('a Poisson source sends its rate, and counts in windows have the variance of their mean', t => {
  const { network, from, to, sink } = pair()
  // A packet a millisecond.
  new PoissonTraffic(network, { from, to, rateBitsPerSecond: 12e6 }, randomStream('poisson')).start()
  const counts: number[] = []
  for (let window = 1; window <= 2000; window++) {
    const before = sink.packets
    network.kernel.run(window * 10 * MS)
    counts.push(sink.packets - before)
  }
  const mean = sink.packets / 2000
  const variance = counts.reduce((total, count) => total + (count - mean) ** 2, 0) / 1999
  t.true(Math.abs(mean - 10) < 4 * Math.sqrt(10 / 2000))
  // The variance of a Poisson sample's variance is about 2 mean^2 / n.
  t.true(Math.abs(variance - mean) < 4 * Math.sqrt((2 * 100 + 10) / 2000), String(variance))
  t.is(sink.bytes, sink.packets * 1500)
})

test('an on-off source sends on / (on + off) of its rate, exponential or Pareto', t => {
  for (const [shape, tolerance] of [[undefined, 0.05], [2.5, 0.05]] as const) {
    const { network, from, to, sink } = pair()
    const source = new OnOffTraffic(network, { from, to, packetBytes: 125, rateBitsPerSecond: 1e6, meanOnNs: 20 * MS, meanOffNs: 60 * MS, ...(shape === undefined ? {} : { shape }) }, randomStream('on-off'))
    source.start()
    network.kernel.run(500 * S)
    // 1000 packets a second while on.
    t.true(Math.abs(sink.packets / (500 * 1000 / 4) - 1) < tolerance, String(sink.packets))
    t.is(source.sent, sink.packets)
  }
})

test('in a burst packets stand a gap apart, and bursts are apart by more', t => {
  const { network, from, to } = pair()
  const at: number[] = []
  network.setReceiver(to, { receive (packet) {
    at.push(network.kernel.nowNs)
    network.packets.release(packet)
  } })
  new OnOffTraffic(network, { from, to, packetBytes: 125, rateBitsPerSecond: 1e6, meanOnNs: 20 * MS, meanOffNs: 60 * MS }, randomStream('gaps')).start()
  network.kernel.run(10 * S)
  const gaps = at.slice(1).map((atNs, index) => atNs - at[index])
  t.is(at[0], 0)
  t.true(gaps.every(gapNs => gapNs >= MS - 1))
  const bursts = gaps.filter(gapNs => gapNs > MS + 1).length
  // 10 s hold 125 cycles of 80 ms; each cycle's length deviates by 63 ms. A silence of under a nanosecond is no end of a burst.
  t.true(Math.abs(bursts - 125) < 4 * Math.sqrt(125) * 63 / 80, String(bursts))
})

test('a source that is stopped sends no more, leaves no event, and can be started again', t => {
  const { network, from, to, sink } = pair()
  const source = new PoissonTraffic(network, { from, to, rateBitsPerSecond: 12e6 }, randomStream('stop'))
  source.start()
  source.start()
  t.is(network.kernel.pending, 1)
  network.kernel.run(S)
  source.stop()
  source.stop()
  const before = sink.packets
  network.kernel.run(2 * S)
  t.deepEqual([sink.packets, network.kernel.pending], [before, 0])
  source.start()
  network.kernel.run(3 * S)
  t.true(sink.packets > before)
  network.checkConservation()
})

test('a source that is not possible is refused by the option', t => {
  const { network, from, to } = pair()
  const base = { from, to, rateBitsPerSecond: 1e6, meanOnNs: 1, meanOffNs: 1 }
  for (const [path, value] of [['rateBitsPerSecond', 0], ['packetBytes', -1], ['meanOnNs', NaN], ['meanOffNs', 0], ['shape', 1]] as const) {
    const error = t.throws(() => new OnOffTraffic(network, { ...base, [path]: value }, randomStream('bad')), { instanceOf: TwinwireError })
    t.is(error.path, path)
  }
})
