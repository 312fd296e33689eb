import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../src/core/errors.ts'
import { mean, quantile } from '../../src/stats/quantile.ts'

test('quantiles are those of R\'s type 7', (t) => {
  // R: quantile(c(1, 2, 3, 4, 10), c(0, .1, .25, .5, .9, 1))
  const values = [10, 4, 3, 2, 1]
  for (const [probability, expected] of [[0, 1], [0.1, 1.4], [0.25, 2], [0.5, 3], [0.9, 7.6], [1, 10]]) {
    t.true(Math.abs(quantile(values, probability) - expected) < 1e-12)
  }
})

test('a quantile of one value is that value, of equal values theirs', (t) => {
  t.is(quantile([7], 0.99), 7)
  t.is(quantile([3, 3, 3], 0.37), 3)
})

test('a quantile lies within the values and does not fall as the probability rises', (t) => {
  const value = fc.double({ noNaN: true, min: -1e9, max: 1e9 })
  const probability = fc.double({ noNaN: true, min: 0, max: 1 })
  fc.assert(fc.property(fc.array(value, { minLength: 1 }), probability, probability, (values, p, q) => {
    const low = quantile(values, Math.min(p, q))
    const high = quantile(values, Math.max(p, q))
    return low >= Math.min(...values) && high <= Math.max(...values) && low <= high + 1e-6
  }))
  t.pass()
})

test('no values, NaN and infinity are refused with a code', (t) => {
  for (const values of [[], [1, NaN], [Infinity]]) {
    const error = t.throws(() => quantile(values, 0.5), { instanceOf: TwinwireError })
    t.is(error?.code, 'ERR_INVALID_OPTION')
  }
})

test('the mean is the sum over the count', (t) => {
  t.is(mean([1, 2, 6]), 3)
})
