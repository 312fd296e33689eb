import * as fc from 'fast-check'
import type { LinkOptions } from '../../src/sim/link.ts'

const MS = 1e6

const jitter: fc.Arbitrary<NonNullable<LinkOptions['jitter']>> = fc.oneof(
  fc.record({ distribution: fc.constant('uniform' as const), boundNs: fc.integer({ min: 1, max: 5 * MS }) }),
  fc.record({ distribution: fc.constant('normal' as const), deviationNs: fc.integer({ min: 1, max: 5 * MS }) }),
  fc.record({ distribution: fc.constant('pareto' as const), scaleNs: fc.integer({ min: 1, max: MS }), shape: fc.constantFrom(1.5, 3) }),
  fc.constant({ distribution: 'empirical' as const, samplesNs: [0, 1, MS] })
)

const queue = fc.constantFrom<NonNullable<LinkOptions['queue']>>(
  { limitBytes: 0 }, { limitBytes: 5000 }, { limitPackets: 3 }, { limitPackets: 1000 },
  { discipline: 'red' }, { discipline: 'red', minimumPackets: 1, maximumPackets: 3, weight: 0.5, gentle: false, ecn: true }, { discipline: 'red', weight: 1, limitPackets: 5 },
  { discipline: 'codel' }, { discipline: 'codel', targetNs: 1, intervalNs: MS, ecn: true }, { discipline: 'codel', limitPackets: 2 },
  { discipline: 'fq-codel' }, { discipline: 'fq-codel', flows: 2, limitPackets: 4 }, { discipline: 'fq-codel', targetNs: 1, intervalNs: MS }
)

const plainLink: fc.Arbitrary<LinkOptions> = fc.record({
  delayNs: fc.nat(20 * MS),
  jitter,
  rateBitsPerSecond: fc.constantFrom(1e5, 1e6, 7e6, 1e9, Infinity),
  loss: fc.constantFrom<NonNullable<LinkOptions['loss']>>(
    { model: 'bernoulli', probability: 0 }, { model: 'bernoulli', probability: 0.3 }, { model: 'bernoulli', probability: 1 },
    { model: 'gilbert-elliott', p: 0.1, r: 0.3, lossGood: 0.01, lossBad: 0.9 }, { model: 'periodic', every: 3 }, { model: 'scripted', packets: [0, 1, 7] }
  ),
  queue
})

const extras: fc.Arbitrary<Partial<LinkOptions>> = fc.record({
  reorder: fc.boolean(),
  corruption: fc.constantFrom(0, 0.1, 1),
  duplication: fc.constantFrom(0, 0.5, 1),
  mtuBytes: fc.constantFrom(1500, 65_535),
  policer: fc.constantFrom({ rateBitsPerSecond: 1e6, burstBytes: 20_000 }, { rateBitsPerSecond: 1e9, burstBytes: 1e6 })
}, { requiredKeys: [] })

const tracedLink: fc.Arbitrary<LinkOptions> = fc.record({ delayNs: fc.nat(20 * MS), jitter, queue }).map(options => ({ ...options, trace: { opportunitiesMs: Uint32Array.of(0, 0, 1, 3, 10) } }))

/** Any link: plain ones, and such with anything that can be said of a link. */
export const linkOptions: fc.Arbitrary<LinkOptions> = fc.oneof(plainLink, fc.tuple(fc.oneof(plainLink, tracedLink), extras).map(([options, extra]) => ({ ...options, ...extra })))

/** A link over which TCP gets on: each of its parts is there or not, and none is as bad as it can be. */
export const usableLink: fc.Arbitrary<LinkOptions> = fc.record({
  delayNs: fc.nat(50 * MS),
  rateBitsPerSecond: fc.constantFrom(1e6, 10e6, 1e9),
  jitter,
  reorder: fc.boolean(),
  loss: fc.constantFrom<NonNullable<LinkOptions['loss']>>(
    { model: 'bernoulli', probability: 0.02 }, { model: 'gilbert-elliott', p: 0.01, r: 0.5, lossGood: 0, lossBad: 0.8 }, { model: 'periodic', every: 50 }, { model: 'scripted', packets: [0, 3, 4, 5, 20] }
  ),
  queue: fc.constantFrom<NonNullable<LinkOptions['queue']>>(
    { limitPackets: 5 }, { limitBytes: 20_000 }, { limitPackets: 1000 }, { discipline: 'red' }, { discipline: 'codel' }, { discipline: 'fq-codel' }, { discipline: 'fq-codel', flows: 2, limitPackets: 20 }
  ),
  corruption: fc.constant(0.01),
  duplication: fc.constantFrom(0.01, 0.3),
  mtuBytes: fc.constantFrom(1500, 9000),
  policer: fc.constant({ rateBitsPerSecond: 5e6, burstBytes: 30_000 })
}, { requiredKeys: ['delayNs'] })
