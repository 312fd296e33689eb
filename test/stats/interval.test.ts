import test from 'ava'
import { randomStream } from '../../src/core/random.ts'
import type { RandomStream } from '../../src/core/random.ts'
import { meanInterval, medianInterval } from '../../src/stats/interval.ts'
import type { Interval } from '../../src/stats/interval.ts'

const REPETITIONS = 700
// The share that covers has a standard error of sqrt(0.95 * 0.05 / 700) = 0.8%: these bounds are 95% -3% and +2.5%.
const LOWEST = 0.92
const HIGHEST = 0.975

function coverage (truth: number, runs: number, draw: (random: RandomStream) => number, interval: (values: number[], random: RandomStream) => Interval): number {
  let covered = 0
  for (let i = 0; i < REPETITIONS; i++) {
    const random = randomStream(`coverage ${i}`)
    const values = Array.from({ length: runs }, () => draw(random))
    const { low, high } = interval(values, random.fork('bootstrap'))
    covered += Number(low <= truth && truth <= high)
  }
  return covered / REPETITIONS
}

const normal = (random: RandomStream): number => random.normal(100, 10)
const lognormal = (random: RandomStream): number => Math.exp(random.normal(0, 0.5))

test('95% intervals of the mean cover it in 92 to 97.5% of trials of 20 normal runs', (t) => {
  const share = coverage(100, 20, normal, meanInterval)
  t.true(share >= LOWEST && share <= HIGHEST, String(share))
})

test('and of 20 lognormal ones, skewed as latencies are', (t) => {
  const share = coverage(Math.exp(0.5 ** 2 / 2), 20, lognormal, meanInterval)
  t.true(share >= LOWEST && share <= HIGHEST, String(share))
})

test('and of 5 normal ones, as few as real peers get', (t) => {
  const share = coverage(100, 5, normal, meanInterval)
  t.true(share >= LOWEST && share <= HIGHEST, String(share))
})

test('95% intervals of the median cover it in 92 to 97.5% of trials', (t) => {
  const share = coverage(1, 20, lognormal, medianInterval)
  t.true(share >= LOWEST && share <= HIGHEST, String(share))
})

test('few runs get Student\'s interval: mean of 1, 2, 3 is 2 with 4.303 standard errors either way', (t) => {
  const { estimate, low, high } = meanInterval([1, 2, 3], randomStream('few'))
  const halfWidth = 4.303 / Math.sqrt(3)
  t.is(estimate, 2)
  t.true(Math.abs(low - (2 - halfWidth)) < 1e-9)
  t.true(Math.abs(high - (2 + halfWidth)) < 1e-9)
})

test('equal values have an interval without width, one value one without ends', (t) => {
  for (const interval of [meanInterval, medianInterval]) {
    t.deepEqual(interval(Array.from({ length: 20 }, () => 5), randomStream('equal')), { estimate: 5, low: 5, high: 5 })
    t.deepEqual(interval([5], randomStream('one')), { estimate: 5, low: -Infinity, high: Infinity })
  }
})

test('a single run that differs gives a finite interval around the mean', (t) => {
  const { estimate, low, high } = meanInterval([...Array.from({ length: 19 }, () => 0), 1], randomStream('outlier'))
  t.true(Number.isFinite(low) && Number.isFinite(high) && low < estimate && estimate < high)
})

test('the same random stream gives the same interval', (t) => {
  const values = Array.from({ length: 12 }, (_, i) => (i * 37) % 11)
  t.deepEqual(meanInterval(values, randomStream('a')), meanInterval(values, randomStream('a')))
})

test('NaN is refused with a code', (t) => {
  t.throws(() => meanInterval([1, NaN], randomStream('nan')), { code: 'ERR_INVALID_OPTION' })
  t.throws(() => medianInterval([], randomStream('nan')), { code: 'ERR_INVALID_OPTION' })
})
