import test from 'ava'
import * as fc from 'fast-check'
import { parseRate } from '../../../src/core/units.ts'
import { randomStream } from '../../../src/core/random.ts'
import { TwinwireError } from '../../../src/core/errors.ts'
import type { LinkOptions } from '../../../src/sim/link.ts'
import { createLoss } from '../../../src/sim/loss.ts'
import { FqCoDelQueue } from '../../../src/sim/queue-fq-codel.ts'
import { QueueBench } from '../queue-tools.ts'
import { at, collect, emptyNetwork, OneLink, packetOf } from '../packet-tools.ts'

const MS = 1e6

/** What has no effect but that the link takes departures at their own time, instead of in advance. */
const SERVED: Partial<LinkOptions> = { mtuBytes: 1e6 }

const rate = fc.integer({ min: 1000, max: 1e10 })
const size = fc.integer({ min: 1, max: 65_535 })

function serviceNs (bytes: number, bitsPerSecond: number): bigint {
  return BigInt(bytes) * 8_000_000_000n / BigInt(bitsPerSecond)
}

for (const [kind, extra] of [['foreseen', {}], ['served at their time', SERVED]] as const) {
  test(`over any number of hops each takes bits / rate, begun when the last bit is there, and its delay, to the nanosecond: links ${kind}`, t => {
    fc.assert(fc.property(size, fc.array(fc.tuple(rate, fc.nat(1e9)), { minLength: 1, maxLength: 6 }), (bytes, hops) => {
      const network = emptyNetwork()
      const nodes = Array.from({ length: hops.length + 1 }, () => network.addNode())
      hops.forEach(([rateBitsPerSecond, delayNs], i) => network.addLink(nodes[i], nodes[i + 1], { rateBitsPerSecond, delayNs, ...extra }))
      const arrivals = collect(network, nodes[hops.length])
      network.send(packetOf(network, nodes[0], nodes[hops.length], bytes))
      network.kernel.run()
      const expected = hops.reduce((atNs, [bitsPerSecond, delayNs]) => atNs + serviceNs(bytes, bitsPerSecond) + BigInt(delayNs), 0n)
      t.deepEqual(arrivals.map(({ atNs }) => atNs), [Number(expected)])
    }))
  })

  test(`packet n of a back-to-back train of any sizes leaves when all bits up to its last have at the rate: links ${kind}`, t => {
    fc.assert(fc.property(fc.integer({ min: 1000, max: 1e9 }), fc.array(fc.integer({ min: 1, max: 1500 }), { minLength: 1, maxLength: 300 }), (bitsPerSecond, sizes) => {
      const one = new OneLink({ rateBitsPerSecond: bitsPerSecond, delayNs: 0, ...extra })
      sizes.forEach(bytes => one.send(bytes))
      one.run()
      let bytesSoFar = 0
      t.deepEqual(one.arrivalsNs, sizes.map(bytes => Number(serviceNs(bytesSoFar += bytes, bitsPerSecond))))
    }), { numRuns: 50 })
  })
}

test('where order is kept a packet arrives at max(its own time, the arrival before), its own time being that of a link that reorders', t => {
  fc.assert(fc.property(fc.nat(), fc.integer({ min: 1, max: 50 * MS }), fc.array(fc.nat(3 * MS), { minLength: 1, maxLength: 100 }), (seed, boundNs, gapsNs) => {
    const arrivals = (reorder: boolean): number[] => {
      const one = new OneLink({ delayNs: MS, jitter: { distribution: 'uniform', boundNs }, reorder }, String(seed))
      let atNs = 0
      gapsNs.forEach(gapNs => one.sendAt(atNs += gapNs, 100))
      one.run()
      return one.deliveries.toSorted((a, b) => a.number - b.number).map(({ atNs }) => atNs)
    }
    let latest = 0
    t.deepEqual(arrivals(false), arrivals(true).map(own => latest = Math.max(latest, own)))
  }))
})

test('Gilbert-Elliott in netem\'s parameters p, r, 1-h, 1-k: the bad state\'s share is p / (p + r), the loss ((1-k) r + (1-h) p) / (p + r), each within four standard deviations', t => {
  const packets = 1_000_000
  const share = (p: number, r: number, lossBad: number, lossGood: number): number => {
    const model = createLoss({ model: 'gilbert-elliott', p, r, lossGood, lossBad }, randomStream('netem'), 'loss')
    let lost = 0
    for (let i = 0; i < packets; i++) {
      lost += model.lost() ? 1 : 0
    }
    return lost / packets
  }
  for (const [p, r, oneMinusH, oneMinusK] of [[0.01, 0.2, 0.5, 0.001], [0.001, 0.05, 1, 0], [0.1, 0.3, 0.7, 0.2]]) {
    // Losing all in the bad state and nothing in the good one tells the states. The chain's memory of 1 - p - r widens a
    // binomial's variance by (2 - p - r) / (p + r) at most.
    const deviation = (mean: number): number => Math.sqrt(mean * (1 - mean) / packets * (2 - p - r) / (p + r))
    const bad = p / (p + r)
    t.true(Math.abs(share(p, r, 1, 0) - bad) < 4 * deviation(bad))
    const loss = (oneMinusK * r + oneMinusH * p) / (p + r)
    t.true(Math.abs(share(p, r, oneMinusH, oneMinusK) - loss) < 4 * deviation(loss))
  }
})

test('FQ-CoDel by default hashes to 1024 flows, gives each 1514 bytes a turn, and holds 10240 packets (RFC 8290)', t => {
  const bench = new QueueBench()
  const queue = new FqCoDelQueue({ discipline: 'fq-codel' }, bench.packets, bench, 12_345)
  // One packet of a turn's bytes for each of ten times as many connections: all 1024 get some, but for a chance of 1024 e^-10.
  for (let connection = 0; connection < 10_240; connection++) {
    queue.enqueue(bench.packet(1514, { connection }), 0, true)
  }
  t.is(bench.dropped.length, 0)
  // In the first round each flow gives its oldest: they come in the order in which their flows became active.
  const numbers = Array.from({ length: 10_240 }, () => bench.packets.sequence[queue.dequeue(0)])
  t.is(numbers.findIndex((number, i) => i > 0 && number < numbers[i - 1]), 1024)
  for (let i = 0; i <= 10_240; i++) {
    queue.enqueue(bench.packet(1514), 0, true)
  }
  t.is(bench.dropped.length, 64)
})

/** Arrivals of a Poisson stream over one link of a network, which `change` may make another one. */
function arrivalsBeside (options: Partial<LinkOptions>, change: (network: ReturnType<typeof emptyNetwork>) => void): number[] {
  const network = emptyNetwork('beside')
  const [a, b] = [network.addNode(), network.addNode()]
  change(network)
  network.addLink(a, b, { delayNs: MS, rateBitsPerSecond: 10e6, ...options })
  const arrivals = collect(network, b)
  const random = randomStream('arrivals')
  for (let i = 0; i < 500; i++) {
    at(network, random.integer(1000 * MS), () => network.send(packetOf(network, a, b, 1000, i)))
  }
  network.kernel.run()
  return arrivals.map(({ number }) => number)
}

test('adding a component shifts no other\'s random stream: what a link loses stays the same beside more links, hosts, traffic, and with jitter, corruption, duplication or RED of its own', t => {
  const loss = { model: 'bernoulli', probability: 0.3 } as const
  const plain = arrivalsBeside({ loss }, () => {})
  t.true(plain.length > 300 && plain.length < 400)
  t.deepEqual(plain, arrivalsBeside({ loss }, network => {
    const [c, d] = [network.addNode(), network.addNode()]
    network.addLink(c, d, { delayNs: 0, loss, jitter: { distribution: 'normal', deviationNs: MS } })
    collect(network, d)
    for (let i = 0; i < 100; i++) {
      at(network, i * MS, () => network.send(packetOf(network, c, d, 1000)))
    }
  }))
  t.deepEqual(plain, arrivalsBeside({ loss, jitter: { distribution: 'uniform', boundNs: MS } }, () => {}))
  t.deepEqual(plain, arrivalsBeside({ loss, corruption: 0 }, () => {}))
  t.deepEqual(plain, arrivalsBeside({ loss, queue: { discipline: 'red', minimumPackets: 1e6, maximumPackets: 2e6 } }, () => {}))
  // Each packet that arrives twice is one that arrives once without duplication.
  t.deepEqual(plain, [...new Set(arrivalsBeside({ loss, duplication: 0.5 }, () => {}))])
  // What is damaged is taken from what is not lost.
  const damaged = arrivalsBeside({ loss, corruption: 0.5 }, () => {})
  t.true(damaged.length > 100 && damaged.every(number => plain.includes(number)))
})

test('a rate is never a bare number: 10mbit is 10,000,000 bits a second, and 10 is refused', t => {
  t.is(parseRate('10mbit', 'rate'), 10e6)
  for (const text of ['10', '10m', '10 mbps', '10MB']) {
    t.is(t.throws(() => parseRate(text, 'rate'), { instanceOf: TwinwireError }).code, 'ERR_INVALID_UNIT')
  }
})
