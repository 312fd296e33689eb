import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../src/core/random.ts'
import { mserTruncation } from '../../src/stats/mser.ts'
import { mean, quantile } from '../../src/stats/quantile.ts'

/** As the papers write it: for each truncation the mean of what is left and its squares, from scratch. */
function naive (series: readonly number[]): number {
  const batches = Array.from({ length: Math.floor(series.length / 5) }, (_, i) => mean(series.slice(5 * i, 5 * i + 5)))
  let least = Infinity
  let truncation = 0
  for (let first = 0; first < batches.length && first <= batches.length / 2; first++) {
    const kept = batches.slice(first)
    const centre = mean(kept)
    const statistic = kept.reduce((sum, value) => sum + (value - centre) ** 2, 0) / kept.length ** 2
    if (statistic < least * (1 - 1e-9)) {
      least = statistic
      truncation = 5 * first
    }
  }
  return truncation
}

const DECAY = 50
const BIAS = 20
const CORRELATION = 0.5

/** A first-order autoregression with normal noise of deviation 1 around a bias that decays. */
function autoregression (seed: string, count: number, bias: number): number[] {
  const random = randomStream(seed)
  let state = random.normal(0, 1 / Math.sqrt(1 - CORRELATION ** 2))
  return Array.from({ length: count }, (_, i) => {
    state = CORRELATION * state + random.normal(0, 1)
    return state + bias * Math.exp(-i / DECAY)
  })
}

test('it is the minimum that trying every truncation finds', t => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 0, max: 100 }), { maxLength: 120 }), fc.integer({ min: 0, max: 1000 }), (noise, bias) => {
    const series = noise.map((value, i) => value + bias * Math.exp(-i / 10) + i * 1e-3)
    return mserTruncation(series) === naive(series)
  }), { numRuns: 2000 })
  t.pass()
})

test('a step is cut where it ends, and no later than half way', t => {
  const step = (length: number): number[] => Array.from({ length: 100 }, (_, i) => i < length ? 10 : i % 2)
  t.is(mserTruncation(step(30)), 30)
  t.is(mserTruncation(step(28)), 30)
  t.is(mserTruncation(step(50)), 50)
  t.true(mserTruncation(step(80)) <= 50)
})

test('equal values, and fewer than two batches, are left as they are', t => {
  t.is(mserTruncation([]), 0)
  t.is(mserTruncation([100, 1, 1, 1, 1, 1, 1, 1, 1]), 0)
  t.is(mserTruncation(Array.from({ length: 50 }, () => 0.1)), 0)
})

test('a decaying bias is cut where it has come down to the noise of a batch', t => {
  // Keeping one batch more pays while its squared bias is below the variance of a batch's mean, which for a first-order
  // autoregression is (1 + 2 sum((1 - k/5) 0.5^k)) / 5 of its variance: 0.77 squared. 20 e^(-t/50) falls to 0.77 at t = 163.
  // Noise moves single cuts. None may leave a bias of four deviations in (before 163 - 50 ln 4 = 94).
  const variance = 1 / (1 - CORRELATION ** 2)
  const batchDeviation = Math.sqrt(variance / 5 * (1 + 2 * [1, 2, 3, 4].reduce((sum, lag) => sum + (1 - lag / 5) * CORRELATION ** lag, 0)))
  const expected = DECAY * Math.log(BIAS / batchDeviation)
  const cuts = Array.from({ length: 300 }, (_, i) => mserTruncation(autoregression(`biased ${i}`, 1000, BIAS)))
  const median = quantile(cuts, 0.5)
  t.log(`expected ${expected}, median ${median}, smallest ${Math.min(...cuts)}, p90 ${quantile(cuts, 0.9)}, largest ${Math.max(...cuts)}`)
  t.true(Math.min(...cuts) >= expected - DECAY * Math.log(4), String(Math.min(...cuts)))
  // The median within a factor of two of bias, either way.
  t.true(Math.abs(median - expected) <= DECAY * Math.log(2), String(median))
})

test('of a series that has settled from the start little is cut: less than a tenth on average', t => {
  const cuts = Array.from({ length: 300 }, (_, i) => mserTruncation(autoregression(`settled ${i}`, 1000, 0)))
  t.log(`mean ${mean(cuts)}, median ${quantile(cuts, 0.5)}, p90 ${quantile(cuts, 0.9)}`)
  t.true(mean(cuts) < 100, String(mean(cuts)))
})
