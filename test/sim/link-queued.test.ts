import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../src/core/errors.ts'
import { QueuedLink } from '../../src/sim/link-queued.ts'
import type { LinkOptions } from '../../src/sim/link.ts'
import { ForeseenLink } from '../../src/sim/link-foreseen.ts'
import { at, OneLink } from './packet-tools.ts'

const MS = 1e6
const RATE = 12e6

/** Lets every packet pass, and takes the departures at their own time instead of in advance. */
const QUEUED = { mtuBytes: 1e6 } as const

const options: fc.Arbitrary<LinkOptions> = fc.record({
  delayNs: fc.nat(20 * MS),
  rateBitsPerSecond: fc.constantFrom(1e6, 7e6, 12e6, 1e9, Infinity),
  queue: fc.constantFrom({ limitBytes: 0 }, { limitBytes: 5000 }, { limitPackets: 0 }, { limitPackets: 3 }, { limitPackets: 1000 }),
  jitter: fc.constantFrom<NonNullable<LinkOptions['jitter']>>({ distribution: 'uniform', boundNs: MS }, { distribution: 'normal', deviationNs: MS }),
  loss: fc.constantFrom<NonNullable<LinkOptions['loss']>>({ model: 'bernoulli', probability: 0.2 }, { model: 'gilbert-elliott', p: 0.1, r: 0.5, lossGood: 0, lossBad: 1 })
}, { requiredKeys: ['delayNs'] })

const step = fc.record({
  // On a coarse grid, so that arrivals and ends of service often coincide.
  atMs: fc.nat(60),
  action: fc.constantFrom('burst', 'burst', 'burst', 'stall', 'hole', 'end', 'rate'),
  count: fc.integer({ min: 1, max: 8 }),
  size: fc.constantFrom(125, 500, 1500, 3000)
})

test('a link that serves at its time delivers what one that foresees does, at the same instants', t => {
  fc.assert(fc.property(options, fc.array(step, { maxLength: 40 }), (options, steps) => {
    const play = (options: LinkOptions): unknown => {
      const one = new OneLink(options, 'same')
      const active: Array<{ end(): void }> = []
      const seen: unknown[] = []
      for (const { atMs, action, count, size } of steps) {
        at(one.network, atMs * MS, () => {
          switch (action) {
            case 'burst':
              Array.from({ length: count }, () => one.send(size))
              break
            case 'stall': active.push(one.link.beginFault({ kind: 'stall' })); break
            case 'hole': active.push(one.link.beginFault({ kind: 'black-hole' })); break
            case 'end': active.shift()?.end(); break
            default: one.link.setRate(size * 8000)
          }
          seen.push(one.link.counters.droppedQueue)
        })
        // Off the grid, so as not to look at the very instant at which a service ends.
        at(one.network, atMs * MS + 123_457, () => seen.push(one.link.waitingBytes, one.link.waitingPackets))
      }
      one.run(100 * MS)
      active.forEach(fault => fault.end())
      one.run()
      return { deliveries: one.deliveries, seen }
    }
    t.deepEqual(play({ ...options, ...QUEUED }), play(options))
  }), { numRuns: 500 })
})

test('looking at a link changes nothing, not even at the instant at which a service ends', t => {
  const digest = (looks: boolean): string => {
    const one = new OneLink({ rateBitsPerSecond: RATE, delayNs: MS, queue: { discipline: 'codel' } })
    one.sendAt(0, 1500, 1500, 1500)
    for (let ms = 0; ms < 5; ms++) {
      at(one.network, ms * MS, () => looks ? [one.link.counters, one.link.waitingBytes, one.link.waitingPackets, one.link.held] : undefined)
    }
    one.run()
    return one.network.kernel.digest()
  }
  t.is(digest(true), digest(false))
})

test('links that can be foreseen are, others are served at their time', t => {
  t.true(new OneLink({ delayNs: 0, rateBitsPerSecond: 1e6, queue: { limitPackets: 1 } }).link instanceof ForeseenLink)
  t.true(new OneLink({ delayNs: 0, queue: { discipline: 'codel' } }).link instanceof QueuedLink)
})

test('a link that goes down drops all that is inside and all that comes, until it is up', t => {
  for (const extra of [{}, QUEUED]) {
    const one = new OneLink({ rateBitsPerSecond: RATE, delayNs: 2 * MS, ...extra })
    // 1 ms each: at 1.5 ms one propagates, one is in service, one waits.
    one.sendAt(0, 1500, 1500, 1500)
    at(one.network, 1.5 * MS, () => {
      const fault = one.link.beginFault({ kind: 'down' })
      at(one.network, 5 * MS, () => fault.end())
    })
    one.sendAt(4 * MS, 1500)
    one.sendAt(6 * MS, 1500)
    one.run()
    t.deepEqual(one.deliveries, [{ atNs: 9 * MS, number: 4 }])
    t.is(one.link.counters.droppedFault, 4)
  }
})

test('jitter may let packets overtake only where reordering is asked for', t => {
  const arrivals = (reorder: boolean): OneLink => {
    const one = new OneLink({ delayNs: 10 * MS, jitter: { distribution: 'uniform', boundNs: 20 * MS }, reorder }, 'overtake')
    for (let i = 0; i < 200; i++) {
      one.sendAt(i * MS, 100)
    }
    one.run()
    return one
  }
  const inOrder = Array.from({ length: 200 }, (_, i) => i)
  t.deepEqual(arrivals(false).numbers, inOrder)
  const overtaken = arrivals(true)
  t.notDeepEqual(overtaken.numbers, inOrder)
  t.deepEqual(overtaken.numbers.toSorted((a, b) => a - b), inOrder)
  // Each has its own delay, whatever the others do.
  overtaken.deliveries.forEach(({ atNs, number }) => {
    const delayNs = atNs - number * MS
    t.true(delayNs >= 10 * MS && delayNs < 30 * MS)
  })
})

test('duplication delivers a share of the packets twice, at the same instant without jitter', t => {
  const one = new OneLink({ delayNs: MS, duplication: 0.3 })
  for (let i = 0; i < 10_000; i++) {
    one.send(100)
  }
  one.run()
  const { duplicated, delivered, offered } = one.link.counters
  // Four standard deviations.
  t.true(Math.abs(duplicated / offered - 0.3) < 4 * Math.sqrt(0.3 * 0.7 / 10_000))
  t.is(delivered, offered + duplicated)
  t.true(one.numbers.every((number, i) => i === 0 || number === one.numbers[i - 1] || number === one.numbers[i - 1] + 1))
})

test('corruption takes its share, and it counts apart from loss', t => {
  const one = new OneLink({ delayNs: MS, corruption: 0.3, loss: { model: 'periodic', every: 2 } })
  for (let i = 0; i < 10_000; i++) {
    one.send(100)
  }
  one.run()
  const { droppedLoss, droppedCorrupt } = one.link.counters
  t.is(droppedLoss, 5000)
  t.true(Math.abs(droppedCorrupt / 5000 - 0.3) < 4 * Math.sqrt(0.3 * 0.7 / 5000))
})

test('what is larger than the MTU is dropped, to the byte', t => {
  const one = new OneLink({ delayNs: 0, mtuBytes: 1280 })
  one.sendAt(0, 1280, 1281, 1000)
  one.run()
  t.deepEqual(one.numbers, [0, 2])
  t.is(one.link.counters.droppedMtu, 1)
})

test('a policer lets a burst pass, then its rate, and delays nothing', t => {
  // 8 Mbit/s: a byte each microsecond. A packet of 1000 B each 0.5 ms is twice that.
  const one = new OneLink({ delayNs: 0, policer: { rateBitsPerSecond: 8e6, burstBytes: 10_000 } })
  for (let i = 0; i < 1000; i++) {
    one.sendAt(i * 0.5 * MS, 1000)
  }
  one.run()
  // 10,000 B and what comes in over the 499.5 ms up to the last: 509,500 B.
  t.is(one.numbers.length, 509)
  t.true(one.deliveries.every(({ atNs, number }) => atNs === number * 0.5 * MS))
  // Each takes 1000 and is followed by 500: packet n finds 10,000 - 500 n, until after 18 there is too little; then every second passes.
  t.deepEqual(one.numbers.slice(0, 22), [...Array.from({ length: 19 }, (_, i) => i), 20, 22, 24])
})

test('a trace lets 1500 bytes pass at each of its instants, over and over; what is not used is lost', t => {
  const one = new OneLink({ delayNs: 0, trace: { opportunitiesMs: Uint32Array.of(2, 2, 5, 10) } })
  // Two at 2 ms, one at 5, one at 10, then the next period: two at 12.
  one.sendAt(0, ...Array.from({ length: 6 }, () => 1500))
  // At 22 ms it is too late for the opportunities of that instant.
  one.sendAt(22 * MS, 1500)
  one.run()
  t.deepEqual(one.arrivalsNs, [2, 2, 5, 10, 12, 12, 25].map(ms => ms * MS))
})

test('an opportunity carries several small packets, or a part of a large one', t => {
  const one = new OneLink({ delayNs: 0, trace: { opportunitiesMs: Uint32Array.of(1, 2, 3, 10) } })
  one.sendAt(0, 500, 500, 2000, 3000)
  one.run()
  // 1 ms: 500, 500, 500 of 2000; 2 ms: the other 1500; 3 and 10 ms: 3000.
  t.deepEqual(one.arrivalsNs, [1, 1, 2, 10].map(ms => ms * MS))
})

test('a trace serves as a rate does in the mean, after any silence', t => {
  fc.assert(fc.property(fc.uniqueArray(fc.integer({ min: 0, max: 50 }), { minLength: 1, maxLength: 20 }), fc.nat(1000), (instants, startMs) => {
    const opportunitiesMs = Uint32Array.from([...instants, 51]).toSorted()
    const one = new OneLink({ delayNs: 0, trace: { opportunitiesMs } })
    one.sendAt(startMs * MS, ...Array.from({ length: 3 * opportunitiesMs.length }, () => 1500))
    one.run()
    const all = Array.from({ length: 30 }, (_, period) => [...opportunitiesMs].map(atMs => period * 51 + atMs)).flat()
    const expected = all.filter(atMs => atMs > startMs).slice(0, 3 * opportunitiesMs.length)
    t.deepEqual(one.arrivalsNs, expected.map(ms => ms * MS))
  }))
})

test('a stall lets opportunities pass, and what a packet had been given it keeps', t => {
  const one = new OneLink({ delayNs: 0, trace: { opportunitiesMs: Uint32Array.of(1, 2, 3, 4, 5) } })
  one.sendAt(0, 3000, 1500)
  at(one.network, 1.5 * MS, () => {
    const fault = one.link.beginFault({ kind: 'stall' })
    at(one.network, 3.5 * MS, () => fault.end())
  })
  one.run()
  t.deepEqual(one.arrivalsNs, [4 * MS, 5 * MS])
})

const badOptions: Record<string, LinkOptions> = {
  'corruption': { delayNs: 0, corruption: 2 },
  'duplication': { delayNs: 0, duplication: -1 },
  'mtuBytes': { delayNs: 0, mtuBytes: 0 },
  'policer.rateBitsPerSecond': { delayNs: 0, policer: { rateBitsPerSecond: 0, burstBytes: 1 } },
  'policer.burstBytes': { delayNs: 0, policer: { rateBitsPerSecond: 1, burstBytes: NaN } },
  'trace': { delayNs: 0, rateBitsPerSecond: 1, trace: { opportunitiesMs: Uint32Array.of(1) } },
  'trace.opportunitiesMs': { delayNs: 0, trace: { opportunitiesMs: Uint32Array.of(2, 1) } },
  'jitter.shape': { delayNs: 0, jitter: { distribution: 'pareto', scaleNs: 1, shape: 1 } },
  'jitter.samplesNs[1]': { delayNs: 0, jitter: { distribution: 'empirical', samplesNs: [1, -1] } },
  'loss.every': { delayNs: 0, loss: { model: 'periodic', every: 0 } },
  'loss.packets[1]': { delayNs: 0, loss: { model: 'scripted', packets: [3, 3] } },
  'queue.limitPackets': { delayNs: 0, queue: { discipline: 'codel', limitPackets: -1 } },
  'queue.targetNs': { delayNs: 0, queue: { discipline: 'codel', targetNs: 0 } },
  'queue.flows': { delayNs: 0, queue: { discipline: 'fq-codel', flows: 0 } },
  'queue.maximumPackets': { delayNs: 0, queue: { discipline: 'red', maximumPackets: 5 } }
}

for (const [path, options] of Object.entries(badOptions)) {
  test(`a bad ${path} is refused by its path`, t => {
    const error = t.throws(() => new OneLink(options), { instanceOf: TwinwireError })
    t.is(error.code, 'ERR_INVALID_OPTION')
    t.is(error.path, `link:0-1.${path}`)
  })
}
