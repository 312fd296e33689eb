import test from 'ava'
import { randomStream } from '../../src/core/random.ts'
import type { RandomStream } from '../../src/core/random.ts'
import { differenceInterval, permutationPValue, ratioInterval, unpairedEffect } from '../../src/stats/unpaired.ts'

const TRIALS = 300
// The share that covers has a standard error of sqrt(0.95 * 0.05 / 300) = 1.3%: 95% less and more than two and a half of them.
const LOWEST = 0.915
const HIGHEST = 0.985

/** How often the intervals of the ratio and of the difference hold the truth. */
function coverage (sizes: readonly [number, number], baselineOf: (random: RandomStream) => number, armOf: (random: RandomStream) => number, truth: { readonly relative: number, readonly difference: number }): { relative: number, difference: number } {
  const covered = { relative: 0, difference: 0 }
  for (let i = 0; i < TRIALS; i++) {
    const random = randomStream(`unpaired ${i}`)
    const baseline = Array.from({ length: sizes[0] }, () => baselineOf(random))
    const arm = Array.from({ length: sizes[1] }, () => armOf(random))
    const intervals = { relative: ratioInterval(baseline, arm, random), difference: differenceInterval(baseline, arm, random) }
    for (const kind of ['relative', 'difference'] as const) {
      covered[kind] += Number(intervals[kind].low <= truth[kind] && truth[kind] <= intervals[kind].high) / TRIALS
    }
  }
  return covered
}

/** Skewed as latencies are, with the mean 1. */
const lognormal = (deviation: number) => (random: RandomStream): number => Math.exp(random.normal(-deviation * deviation / 2, deviation))

test('95% intervals cover the truth in 91.5 to 98.5% of trials of skewed runs of unlike spread and number', t => {
  const found = coverage([20, 12], lognormal(0.4), random => 0.8 * lognormal(0.2)(random), { relative: -0.2, difference: -0.2 })
  for (const share of [found.relative, found.difference]) {
    t.true(share >= LOWEST && share <= HIGHEST, String(share))
  }
})

test('and of 3 and 5 normal ones, as few as real peers get', t => {
  const found = coverage([3, 5], random => random.normal(100, 5), random => random.normal(110, 5), { relative: 0.1, difference: 10 })
  // Welch's interval is wider than it need be for so few.
  for (const share of [found.relative, found.difference]) {
    t.true(share >= LOWEST && share <= 1, String(share))
  }
})

test('three runs that lie apart from three others have the smallest two-sided p-value there is: 2 in 20', t => {
  t.is(permutationPValue([1, 2, 3], [11, 12, 13], randomStream('p')), 2 / 20)
})

test('without an effect the test at 5% cries wolf in about 5% of trials, also where spreads and numbers differ', t => {
  let alarms = 0
  for (let i = 0; i < 400; i++) {
    const random = randomStream(i)
    const baseline = Array.from({ length: 8 }, () => random.normal(0, 3))
    const arm = Array.from({ length: 5 }, () => random.normal(0, 1))
    alarms += Number(permutationPValue(baseline, arm, random) < 0.05)
  }
  // Standard error 1.1%: 5% and three of them either way. C(13, 5) = 1287 ways are counted.
  t.true(alarms >= 0.017 * 400 && alarms <= 0.083 * 400, String(alarms))
})

test('where there are too many ways to deal the runs out random ones come close, and are never zero', t => {
  const random = randomStream('many')
  const baseline = Array.from({ length: 20 }, () => random.normal(0, 1))
  const apart = permutationPValue(baseline, baseline.map(value => value + 50), random)
  t.is(apart, 1 / 20_001)
  const alike = permutationPValue(baseline, baseline.map(value => value), random)
  t.is(alike, 1)
})

test('groups without spread differ for certain, or not at all', t => {
  const different = unpairedEffect([80, 80, 80], [88, 88, 88], randomStream('flat'))
  t.deepEqual(different.difference, { estimate: 8, low: 8, high: 8 })
  t.true(Math.abs((different.relative?.low ?? 0) - 0.1) < 1e-12)
  t.is(different.pValue, 2 / 20)
  const same = unpairedEffect([80, 80, 80], [80, 80, 80, 80], randomStream('flat'))
  t.deepEqual(same.relative, { estimate: 0, low: 0, high: 0 })
  t.is(same.pValue, 1)
})

test('of one run nothing is known, a baseline of zero has no ratio, and nothing falls by more than all', t => {
  t.deepEqual(unpairedEffect([5], [6, 7], randomStream('one')).difference, { estimate: 1.5, low: -Infinity, high: Infinity })
  t.is(unpairedEffect([0, 0], [1, 2], randomStream('zero')).relative, undefined)
  t.is(unpairedEffect([1, 2, 3], [0, 0, 0.1], randomStream('fall')).relative?.low, -1)
})

test('values have to be there and be numbers', t => {
  t.throws(() => unpairedEffect([], [1], randomStream('x')), { code: 'ERR_INVALID_OPTION' })
  t.throws(() => unpairedEffect([1], [NaN], randomStream('x')), { code: 'ERR_INVALID_OPTION' })
})

test('a baseline less than two standard errors above zero has no ratio, one at two has', t => {
  // Of 0, 0, 0 and 4 the mean is 1 and its standard error 1; of 1, 1, 1 and 5 the mean is 2 and its standard error 1.
  t.is(unpairedEffect([0, 0, 0, 4], [3, 3, 4, 4], randomStream('near zero')).relative, undefined)
  t.not(unpairedEffect([1, 1, 1, 5], [3, 3, 4, 4], randomStream('far enough')).relative, undefined)
})
