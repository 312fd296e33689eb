import test from 'ava'
import * as fc from 'fast-check'
import { Histogram, LATENCY_BUCKETS, SIZE_BUCKETS } from '../../../src/optim/metrics/histogram.ts'
import { LabelCounts } from '../../../src/optim/metrics/label-counts.ts'

test('each bucket counts what does not exceed its bound, the last one all', t => {
  const bounds = fc.uniqueArray(fc.nat(100), { minLength: 1, maxLength: 8 }).map(all => all.toSorted((a, b) => a - b))
  fc.assert(fc.property(bounds, fc.array(fc.nat(120)), (bounds, values) => {
    const histogram = new Histogram(bounds)
    values.forEach(value => histogram.observe(value))
    t.deepEqual(histogram.cumulativeCounts(), [...bounds, Infinity].map(bound => values.filter(value => value <= bound).length))
    t.is(histogram.count, values.length)
    t.is(histogram.sum, values.reduce((sum, value) => sum + value, 0))
  }), { numRuns: 10_000 })
})

test('the bounds of latencies and sizes are bounds', t => {
  for (const bounds of [LATENCY_BUCKETS, SIZE_BUCKETS]) {
    t.deepEqual(new Histogram(bounds).cumulativeCounts(), Array.from({ length: bounds.length + 1 }, () => 0))
  }
})

test('bounds that do not ascend, and values that no histogram counts, are bugs', t => {
  for (const bounds of [[], [1, 1], [2, 1], [-1, 1], [NaN], [1, Infinity]]) {
    t.throws(() => new Histogram(bounds))
  }
  const histogram = new Histogram([1])
  for (const value of [-1, NaN, Infinity]) {
    t.throws(() => histogram.observe(value))
  }
  t.is(histogram.count, 0)
})

test('a sink is told of what is observed from when it was set until it is taken away; two at a time are a bug', t => {
  const histogram = new Histogram([1])
  const seen: number[] = []
  const sink = { observe: (value: number) => void seen.push(value) }
  histogram.observe(1)
  histogram.forwardTo(sink)
  t.throws(() => histogram.forwardTo(sink))
  histogram.observe(2)
  histogram.forwardTo(undefined)
  histogram.observe(3)
  t.deepEqual(seen, [2])
  t.is(histogram.count, 3)
})

test('at most 32 labels are told apart, and no count is lost', t => {
  const counts = new LabelCounts()
  for (let index = 0; index < 100; index++) {
    counts.add(`label ${index}`)
    counts.add('label 0')
  }
  const all = new Map(counts)
  t.is(all.size, 32)
  t.is(all.get('label 0'), 101)
  t.is(all.get('other'), 100 - 31)
})
