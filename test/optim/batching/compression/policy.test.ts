import test from 'ava'
import * as fc from 'fast-check'
import { parseBandwidthOptions } from '../../../../src/optim/bandwidth/options.ts'
import { ASSUMED_BITS_PER_SECOND, compressWhereItPays, MINIMUM_COMPRESSED_BYTES, type CompressionQuestion } from '../../../../src/optim/batching/compression/policy.ts'
import { FRESH_BATCHES, RatioEstimator } from '../../../../src/optim/batching/compression/ratio-estimator.ts'
import type { Codec } from '../../../../src/optim/batching/wire/items.ts'

fc.configureGlobal({ seed: 1 })

const QUESTION: CompressionQuestion = {
  bytes: 10_000, rateBitsPerSecond: 10e6, estimates: { snappy: { ratio: 0.5, isFresh: true }, deflate: { ratio: 0.4, isFresh: true } }
}

test('the first ratio that is observed is taken as it is; then it improves by 0.005 a batch and worsens at once, by 0.05 at least', t => {
  const estimator = new RatioEstimator()
  const ratio = (observed: number): number => {
    estimator.onBatch('snappy', observed)
    return Math.round((estimator.estimates.snappy?.ratio ?? Number.NaN) * 1000) / 1000
  }
  t.is(estimator.estimates.snappy?.ratio, 1)
  t.is(ratio(0.5), 0.5)
  t.is(ratio(0.3), 0.495)
  t.is(ratio(0.3), 0.49)
  t.is(ratio(0.9), 0.9)
  t.is(ratio(0.91), 0.95)
  t.is(ratio(0.948), 0.948)
  t.is(estimator.estimates.deflate?.ratio, 1)
})

test('an estimate that was not observed for 64 batches gives way to the next observation', t => {
  for (const [others, expected] of [[FRESH_BATCHES - 1, 0.895], [FRESH_BATCHES, 0.2]] as const) {
    const estimator = new RatioEstimator()
    estimator.onBatch('deflate', 0.9)
    for (let i = 0; i < others; i++) {
      estimator.onBatch('none', 1)
    }
    t.is(estimator.estimates.deflate?.isFresh, others < FRESH_BATCHES)
    estimator.onBatch('deflate', 0.2)
    t.is(estimator.estimates.deflate?.ratio, expected)
    t.true(estimator.estimates.deflate?.isFresh)
  }
})

test('an estimate stays between the best and the worst that was observed, but for one step of 0.05', t => {
  fc.assert(fc.property(fc.array(fc.double({ min: 0, max: 1.3, noNaN: true }), { minLength: 1, maxLength: 50 }), ratios => {
    const estimator = new RatioEstimator(['snappy'])
    return ratios.every((observed, i) => {
      estimator.onBatch('snappy', observed)
      const ratio = estimator.estimates.snappy?.ratio ?? Number.NaN
      const seen = ratios.slice(0, i + 1)
      return ratio >= observed && ratio >= Math.min(...seen) && ratio <= Math.max(...seen) + 0.05
    })
  }), { numRuns: 10_000 })
  t.pass()
})

test('a batch is compressed where the bytes that it saves take longer to send than it takes to compress', t => {
  // 10,000 bytes at a ratio of 0.4 and a cost of 15 + 80 microseconds: 6000 x 8 bits take that long at 505 Mbit/s.
  const deflate = { ratio: 0.4, isFresh: true }
  const at = (rateBitsPerSecond: number): Codec => compressWhereItPays({ ...QUESTION, rateBitsPerSecond, estimates: { deflate } })
  t.is(at(505e6), 'deflate')
  t.is(at(506e6), 'none')
})

test('the codec that saves more is chosen: DEFLATE where bytes are dear, Snappy where it is little worse and cheaper to begin with', t => {
  t.is(compressWhereItPays({ ...QUESTION, rateBitsPerSecond: 10e6 }), 'deflate')
  const estimates = { snappy: { ratio: 0.5, isFresh: true }, deflate: { ratio: 0.499, isFresh: true } }
  t.is(compressWhereItPays({ ...QUESTION, bytes: 1000, rateBitsPerSecond: 10e6, estimates }), 'snappy')
})

test('a rate that is not known is taken for what the bandwidth manager assumes of a node', t => {
  t.is(ASSUMED_BITS_PER_SECOND, parseBandwidthOptions({}).uploadBitsPerSecond)
  // 10,000 bytes take 1 ms then; DEFLATE's 95 microseconds are saved by less than a ratio of 0.905.
  const at = (ratio: number): Codec => compressWhereItPays({ ...QUESTION, rateBitsPerSecond: Infinity, estimates: { deflate: { ratio, isFresh: true } } })
  t.is(at(0.904), 'deflate')
  t.is(at(0.906), 'none')
})

test('what is small, or leaves so fast that nothing pays, is not compressed; nor is it tried', t => {
  const estimates = { snappy: { ratio: 0.1, isFresh: true }, deflate: { ratio: 1, isFresh: false } }
  t.is(compressWhereItPays({ ...QUESTION, estimates, bytes: MINIMUM_COMPRESSED_BYTES - 1 }), 'none')
  t.is(compressWhereItPays({ ...QUESTION, estimates, bytes: MINIMUM_COMPRESSED_BYTES }), 'deflate')
  // At 1 Tbit/s not even a batch of which nothing were left would pay.
  t.is(compressWhereItPays({ ...QUESTION, estimates, rateBitsPerSecond: 1e12 }), 'none')
  t.is(compressWhereItPays({ ...QUESTION, estimates: {} }), 'none')
})

test('a ratio that was bad once is tried again every 64 batches, and learnt anew with one of them', t => {
  const estimator = new RatioEstimator(['snappy'])
  const tries: number[] = []
  // Batches do not compress at first; from the 100th on they do.
  for (let batch = 0; batch < 200; batch++) {
    const codec = compressWhereItPays({ ...QUESTION, estimates: estimator.estimates })
    if (codec !== 'none') {
      tries.push(batch)
    }
    estimator.onBatch(codec, batch < 100 ? 1.01 : 0.4)
  }
  const others = Array.from({ length: 200 - 130 }, (_, i) => 130 + i)
  t.deepEqual(tries, [0, 65, ...others])
})

test('a choice never costs more than it saves by its own estimate, and never is what is not offered', t => {
  const estimate = fc.option(fc.record({ ratio: fc.double({ min: 0, max: 1.3, noNaN: true }), isFresh: fc.constant(true) }), { nil: undefined })
  const question = fc.record({ bytes: fc.nat(100_000), rateBitsPerSecond: fc.oneof(fc.constant(Infinity), fc.double({ min: 1e3, max: 1e10, noNaN: true })), snappy: estimate, deflate: estimate })
  fc.assert(fc.property(question, ({ bytes, rateBitsPerSecond, snappy, deflate }) => {
    const offered = { snappy, deflate }
    const estimates = { ...snappy === undefined ? {} : { snappy }, ...deflate === undefined ? {} : { deflate } }
    const codec = compressWhereItPays({ bytes, rateBitsPerSecond, estimates })
    if (codec === 'none') {
      return true
    }
    const ratio = offered[codec]?.ratio ?? Number.NaN
    return bytes >= MINIMUM_COMPRESSED_BYTES && bytes * (1 - ratio) * 8 / (rateBitsPerSecond === Infinity ? ASSUMED_BITS_PER_SECOND : rateBitsPerSecond) > bytes * 8e-9
  }), { numRuns: 10_000 })
  t.pass()
})
