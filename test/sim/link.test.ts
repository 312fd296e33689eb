import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../src/core/errors.ts'
import { at, OneLink } from './packet-tools.ts'

const MS = 1e6
// 1500 B at 10 Mbit/s: 1.2 ms.
const RATE = 10e6
const SERVICE_NS = 1.2 * MS

test('one hop takes bits / rate + delay, to the nanosecond', t => {
  fc.assert(fc.property(
    fc.integer({ min: 1, max: 65_535 }), fc.integer({ min: 1, max: 1e10 }), fc.integer({ min: 0, max: 1e9 }),
    (size, rate, delayNs) => {
      const one = new OneLink({ rateBitsPerSecond: rate, delayNs })
      one.send(size)
      one.run()
      const serviceNs = Number(BigInt(size) * 8_000_000_000n / BigInt(rate))
      t.deepEqual(one.arrivalsNs, [serviceNs + delayNs])
    }
  ))
})

test('without a rate a packet takes the delay only', t => {
  const one = new OneLink({ delayNs: 7 })
  one.send(1500)
  one.send(1500)
  one.run()
  t.deepEqual(one.arrivalsNs, [7, 7])
})

test('packet n of a back-to-back train leaves at n bits / rate: no error accumulates', t => {
  // 1500 B at 7 Mbit/s is 1714285.714... ns.
  const one = new OneLink({ rateBitsPerSecond: 7e6, delayNs: 0 })
  const count = 10_000
  for (let i = 0; i < count; i++) {
    one.send(1500)
  }
  one.run()
  const expected = Array.from({ length: count }, (_, i) => Number(BigInt(i + 1) * 12_000_000_000_000n / 7_000_000n))
  t.deepEqual(one.arrivalsNs, expected)
})

test('service starts at the later of arrival and end of the service before', t => {
  const one = new OneLink({ rateBitsPerSecond: RATE, delayNs: 5 * MS })
  one.sendAt(0, 1500)
  one.sendAt(1 * MS, 1500)
  one.sendAt(10 * MS, 1500)
  one.run()
  t.deepEqual(one.arrivalsNs, [5 * MS + SERVICE_NS, 5 * MS + 2 * SERVICE_NS, 15 * MS + SERVICE_NS])
})

test('a link has at most one pending event, however much it holds', t => {
  const one = new OneLink({ rateBitsPerSecond: RATE, delayNs: 50 * MS })
  for (let i = 0; i < 100; i++) {
    one.send(1500)
  }
  t.is(one.network.kernel.pending, 1)
  one.run()
  t.is(one.network.kernel.dispatched, 100)
})

test('a queue of k packets takes k beside the one in service, and no more', t => {
  const one = new OneLink({ rateBitsPerSecond: RATE, delayNs: 0, queue: { limitPackets: 3 } })
  one.sendAt(0, ...Array.from({ length: 6 }, () => 1500))
  // The first service ends: one of the three leaves the queue, which makes room for one.
  one.sendAt(SERVICE_NS, 1500, 1500)
  one.run()
  t.deepEqual(one.numbers, [0, 1, 2, 3, 6])
  t.is(one.link.counters.droppedQueue, 3)
})

test('a byte limit lets in what fits to the byte, and a smaller packet where a larger does not fit', t => {
  const one = new OneLink({ rateBitsPerSecond: RATE, delayNs: 0, queue: { limitBytes: 3000 } })
  one.sendAt(0, 1500, 1500, 1000, 501, 500, 1)
  one.run()
  t.deepEqual(one.numbers, [0, 1, 2, 4])
})

test('a packet that finds the link idle is served at once, whatever the limit', t => {
  const one = new OneLink({ rateBitsPerSecond: RATE, delayNs: 0, queue: { limitBytes: 0 } })
  one.sendAt(0, 1500, 1500)
  one.sendAt(SERVICE_NS, 1500)
  one.run()
  t.deepEqual(one.numbers, [0, 2])
})

test('what waits is told by bytes and packets, without the packet in service', t => {
  const one = new OneLink({ rateBitsPerSecond: RATE, delayNs: 0 })
  one.sendAt(0, 1500, 1000, 500)
  one.run(0)
  t.deepEqual([one.link.waitingPackets, one.link.waitingBytes, one.link.counters.queued], [2, 1500, 3])
  one.run(SERVICE_NS)
  t.deepEqual([one.link.waitingPackets, one.link.waitingBytes, one.link.counters.queued], [1, 500, 2])
})

test('a packet that is lost takes its place in the queue and its time in the serialiser', t => {
  const one = new OneLink({ rateBitsPerSecond: RATE, delayNs: 0, queue: { limitPackets: 2 }, loss: { model: 'gilbert-elliott', p: 1, r: 1, lossGood: 0, lossBad: 1 } })
  // Every second packet is lost: 1 and 3; the fourth finds two waiting.
  one.sendAt(0, 1500, 1500, 1500, 1500)
  one.sendAt(SERVICE_NS, 1500)
  one.run()
  t.deepEqual(one.numbers, [0, 2])
  t.deepEqual(one.arrivalsNs, [SERVICE_NS, 3 * SERVICE_NS])
  t.deepEqual([one.link.counters.droppedLoss, one.link.counters.droppedQueue], [2, 1])
})

test('jitter keeps the order, adds less than its bound, and does add', t => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 1000 }), fc.integer({ min: 1, max: 20 * MS }), (seed, jitterNs) => {
    const one = new OneLink({ delayNs: 10 * MS, jitter: { distribution: 'uniform', boundNs: jitterNs } }, `seed ${seed}`)
    const gapNs = 1 * MS
    for (let i = 0; i < 200; i++) {
      one.sendAt(i * gapNs, 100)
    }
    one.run()
    t.deepEqual(one.numbers, Array.from({ length: 200 }, (_, i) => i))
    one.deliveries.forEach(({ atNs, number }, index) => {
      const extraNs = atNs - number * gapNs - 10 * MS
      t.true(extraNs >= 0 && extraNs < jitterNs)
      t.true(index === 0 || atNs >= one.arrivalsNs[index - 1])
    })
    t.true(jitterNs < 1000 || one.arrivalsNs.some((atNs, i) => atNs > i * gapNs + 10 * MS))
  }), { numRuns: 20 })
})

test('a black hole takes what enters until it ends, and what entered before arrives', t => {
  const one = new OneLink({ delayNs: 10 * MS })
  one.sendAt(0, 100)
  at(one.network, 1 * MS, () => {
    const fault = one.link.beginFault({ kind: 'black-hole' })
    at(one.network, 5 * MS, () => fault.end())
  })
  one.sendAt(2 * MS, 100)
  one.sendAt(6 * MS, 100)
  one.run()
  t.deepEqual(one.numbers, [0, 2])
  t.is(one.link.counters.droppedFault, 1)
})

test('a black hole for existing connections lets new ones pass', t => {
  const one = new OneLink({ delayNs: 0 })
  one.link.beginFault({ kind: 'black-hole', connectionsUpTo: 7 })
  one.send(100, 7)
  one.send(100, 8)
  one.run()
  t.deepEqual(one.numbers, [1])
})

test('overlapping faults end each on its own', t => {
  const one = new OneLink({ delayNs: 0 })
  const narrow = one.link.beginFault({ kind: 'black-hole', connectionsUpTo: 3 })
  const all = one.link.beginFault({ kind: 'black-hole' })
  const stall = one.link.beginFault({ kind: 'stall' })
  const other = one.link.beginFault({ kind: 'stall' })
  one.send(100, 4)
  all.end()
  all.end()
  one.send(100, 4)
  one.send(100, 3)
  narrow.end()
  one.send(100, 3)
  stall.end()
  one.run()
  t.deepEqual(one.numbers, [])
  other.end()
  one.run()
  t.deepEqual(one.numbers, [1, 3])
})

test('a stall of d puts off by d what had not left the serialiser, and nothing arrives during it', t => {
  const one = new OneLink({ rateBitsPerSecond: RATE, delayNs: 2 * MS })
  one.sendAt(0, 1500, 1500, 1500)
  // At 1.8 ms the first propagates (due at 3.2 ms) and the second is half served.
  at(one.network, 1.8 * MS, () => {
    const fault = one.link.beginFault({ kind: 'stall' })
    at(one.network, 11.8 * MS, () => fault.end())
  })
  one.sendAt(5 * MS, 1500)
  one.run()
  t.deepEqual(one.numbers, [0, 1, 2, 3])
  t.deepEqual(one.arrivalsNs, [11.8 * MS, 14.4 * MS, 15.6 * MS, 16.8 * MS])
})

test('what propagates longer than a stall lasts arrives when it would have', t => {
  const one = new OneLink({ delayNs: 100 * MS })
  one.sendAt(0, 100)
  at(one.network, 10 * MS, () => {
    const fault = one.link.beginFault({ kind: 'stall' })
    at(one.network, 20 * MS, () => fault.end())
  })
  one.run()
  t.deepEqual(one.arrivalsNs, [100 * MS])
})

test('a full queue drops during a stall, on an idle link and without a rate too', t => {
  const one = new OneLink({ delayNs: 0, queue: { limitPackets: 2 } })
  const fault = one.link.beginFault({ kind: 'stall' })
  for (let i = 0; i < 5; i++) {
    one.send(100)
  }
  one.run(10 * MS)
  t.deepEqual([one.link.waitingPackets, one.link.counters.queued, one.link.counters.droppedQueue], [2, 2, 3])
  fault.end()
  one.run()
  t.deepEqual(one.arrivalsNs, [10 * MS, 10 * MS])
})

test('a new rate holds for the rest of the packet in service and for all that waits', t => {
  const one = new OneLink({ rateBitsPerSecond: RATE, delayNs: 0 })
  one.sendAt(0, 1500, 1500, 1500)
  // Half of the second is left; it, and then the third, take twice as long.
  at(one.network, 1.8 * MS, () => one.link.setRate(RATE / 2))
  one.run()
  t.deepEqual(one.arrivalsNs, [1.2 * MS, 3 * MS, 5.4 * MS])
})

test('a rate can be set during a stall, and taken away', t => {
  const one = new OneLink({ rateBitsPerSecond: RATE, delayNs: 0 })
  one.sendAt(0, 1500, 1500, 1500)
  at(one.network, 0.6 * MS, () => {
    const fault = one.link.beginFault({ kind: 'stall' })
    one.link.setRate(RATE / 2)
    at(one.network, 10 * MS, () => fault.end())
  })
  at(one.network, 12 * MS, () => one.link.setRate(Infinity))
  one.run()
  t.deepEqual(one.arrivalsNs, [11.2 * MS, 12 * MS, 12 * MS])
})

test('a new rate is right also where a packet in service or in the queue is one that will be lost', t => {
  const one = new OneLink({ rateBitsPerSecond: RATE, delayNs: 0, loss: { model: 'gilbert-elliott', p: 1, r: 1, lossGood: 0, lossBad: 1 } })
  one.sendAt(0, 1500, 1500, 1500, 1500, 1500)
  at(one.network, 1.8 * MS, () => one.link.setRate(RATE / 2))
  one.run()
  // Ends of service: 1.2, (3.0), 5.4, (7.8), 10.2 ms.
  t.deepEqual(one.arrivalsNs, [1.2 * MS, 5.4 * MS, 10.2 * MS])
})

const badOptions = {
  'rateBitsPerSecond': { delayNs: 0, rateBitsPerSecond: -1 },
  'delayNs': { delayNs: 0.5 },
  'jitter.boundNs': { delayNs: 0, jitter: { distribution: 'uniform', boundNs: -1 } },
  'queue.limitBytes': { delayNs: 0, queue: { limitBytes: NaN } },
  'queue.limitPackets': { delayNs: 0, queue: { limitPackets: -1 } },
  'loss.probability': { delayNs: 0, loss: { model: 'bernoulli', probability: 1.5 } },
  'loss.p': { delayNs: 0, loss: { model: 'gilbert-elliott', p: -1, r: 1, lossGood: 0, lossBad: 1 } }
} as const

for (const [path, options] of Object.entries(badOptions)) {
  test(`a bad ${path} is refused by its path`, t => {
    const error = t.throws(() => new OneLink(options), { instanceOf: TwinwireError })
    t.is(error.code, 'ERR_INVALID_OPTION')
    t.is(error.path, `link:0-1.${path}`)
  })
}
