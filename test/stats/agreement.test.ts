import test from 'ava'
import { randomStream } from '../../src/core/random.ts'
import { agreement } from '../../src/stats/agreement.ts'
import { quantile } from '../../src/stats/quantile.ts'

function runs (seed: string, count: number, factor = 1): number[][] {
  const random = randomStream(seed)
  return Array.from({ length: count }, () => Array.from({ length: 50 }, () => factor * (80 + random.exponential(10))))
}

test('a model that is its reference differs by nothing', (t) => {
  const samples = runs('same', 5)
  const { quantiles, maximumGap } = agreement(samples, samples, randomStream('a'))
  t.is(maximumGap, 0)
  for (const { relative } of quantiles) {
    t.deepEqual(relative, { estimate: 0, low: 0, high: 0 })
  }
})

test('a model that is 10% low says so at every quantile, exactly where runs are pairs', (t) => {
  const { quantiles } = agreement(runs('low', 5, 0.9), runs('low', 5), randomStream('a'))
  for (const { relative } of quantiles) {
    for (const value of [relative.estimate, relative.low, relative.high]) {
      t.true(Math.abs(value + 0.1) < 1e-12)
    }
  }
})

test('quantiles are those of the pooled samples', (t) => {
  const samples = [[1, 5, 2], [9], [4, 4, 7, 3]]
  const { quantiles } = agreement(samples, [[10]], randomStream('a'))
  for (const { probability, model } of quantiles) {
    t.true(Math.abs(model - quantile(samples.flat(), probability)) < 1e-12)
  }
})

test('the gap of distributions that do not overlap is 1, of halves that do 1/2', (t) => {
  t.is(agreement([[1, 2]], [[3, 4]], randomStream('a')).maximumGap, 1)
  t.is(agreement([[1, 2]], [[2, 3]], randomStream('a')).maximumGap, 0.5)
  t.is(agreement([[1, 1, 1]], [[1]], randomStream('a')).maximumGap, 0)
})

test('intervals over different runs hold the difference, one run has none', (t) => {
  const [median] = agreement(runs('one', 20, 0.9), runs('two', 6), randomStream('a')).quantiles
  t.true(median.relative.low < -0.08 && median.relative.high > -0.12 && median.relative.low < median.relative.high)
  t.is(agreement([[1, 2]], [[1, 2]], randomStream('a')).quantiles[0].relative.low, -Infinity)
})

test('a reference of zero has no ratio, and no samples no agreement', (t) => {
  t.is(agreement([[1]], [[0]], randomStream('a')).quantiles[0].relative.estimate, Infinity)
  t.is(agreement([[0]], [[0]], randomStream('a')).quantiles[0].relative.estimate, 0)
  t.throws(() => agreement([], [[1]], randomStream('a')), { code: 'ERR_INVALID_OPTION' })
  t.throws(() => agreement([[1], []], [[1], [1]], randomStream('a')), { code: 'ERR_INVALID_OPTION' })
  t.throws(() => agreement([[NaN]], [[1]], randomStream('a')), { code: 'ERR_INVALID_OPTION' })
})
