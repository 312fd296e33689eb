import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../src/core/random.ts'
import { holm } from '../../src/stats/holm.ts'
import { pairedEffect, signFlipPValue } from '../../src/stats/paired.ts'

test('five differences of one sign have the smallest two-sided p-value there is: 2 in 2^5', (t) => {
  t.is(signFlipPValue([1, 2, 3, 4, 5]), 2 / 32)
})

test('the exact p-value is what counting all signs gives', (t) => {
  fc.assert(fc.property(fc.array(fc.integer({ min: -20, max: 20 }), { minLength: 1, maxLength: 9 }), (differences) => {
    const observed = Math.abs(differences.reduce((sum, difference) => sum + difference, 0))
    let extreme = 0
    for (let signs = 0; signs < 2 ** differences.length; signs++) {
      const sum = differences.reduce((total, difference, i) => total + ((signs >> i) & 1 ? difference : -difference), 0)
      extreme += Number(Math.abs(sum) >= observed)
    }
    return signFlipPValue(differences) === extreme / 2 ** differences.length
  }))
  t.pass()
})

test('without an effect the test at 5% cries wolf in about 5% of trials', (t) => {
  let alarms = 0
  for (let i = 0; i < 1000; i++) {
    const random = randomStream(i)
    alarms += Number(signFlipPValue(Array.from({ length: 12 }, () => random.normal(0, 1))) < 0.05)
  }
  // Standard error 0.7%; exact tests are at most at their level.
  t.true(alarms >= 28 && alarms <= 72, String(alarms))
})

/** Of all assignments of signs: the sums of each half in order, and for each of the one how many of the other are far enough. */
function exactPValue (differences: readonly number[]): number {
  const sumsOf = (half: readonly number[]): number[] => half.reduce((sums, difference) => sums.flatMap((sum) => [sum + difference, sum - difference]), [0])
  const middle = differences.length >> 1
  const [left, right] = [differences.slice(0, middle), differences.slice(middle)].map((half) => Float64Array.from(sumsOf(half)).sort())
  const observed = Math.abs(differences.reduce((sum, difference) => sum + difference, 0)) - 1e-9
  let extreme = 0
  let above = right.length
  // By symmetry the lower tail has as many as the upper one.
  for (const sum of left) {
    while (above > 0 && sum + right[above - 1] >= observed) {
      above--
    }
    extreme += right.length - above
  }
  return Math.min(1, 2 * extreme / 2 ** differences.length)
}

test('beyond 20 pairs the p-value is the exact one but for rounding, and never below it', (t) => {
  for (const [pairs, shift] of [[21, 0.2], [24, 0.6], [28, 0.3], [32, 1]] as const) {
    const random = randomStream(`${pairs}`)
    const differences = Array.from({ length: pairs }, () => random.normal(shift, 1))
    const exact = exactPValue(differences)
    const found = signFlipPValue(differences)
    // Rounding moves sums by 32 of 65,536 at most, some thousandths of their spread.
    t.true(found >= exact && found <= exact * 1.05, `${pairs} pairs: ${found}, exact ${exact}`)
  }
})

test('many pairs of one sign have the smallest p-value there is, and differences of nothing have 1', (t) => {
  t.is(signFlipPValue(Array.from({ length: 60 }, () => 3)), 2 ** -59)
  t.is(signFlipPValue(Array.from({ length: 30 }, () => 0)), 1)
})

test('the relative change is the ratio of means, with an interval that pairing makes narrow', (t) => {
  const random = randomStream('pairs')
  // Seeds differ by 50%, arms on one seed by 20% give or take 2%.
  const baseline = Array.from({ length: 20 }, () => 100 * Math.exp(random.normal(0, 0.5)))
  const arm = baseline.map((value) => value * 0.8 * (1 + random.normal(0, 0.02)))
  const { relative, pairs, pValue } = pairedEffect(baseline, arm, random)
  t.is(pairs, 20)
  t.true(pValue < 1e-5)
  t.true(relative !== undefined && relative.low < -0.2 + 0.01 && relative.high > -0.2 - 0.01 && relative.high - relative.low < 0.05)
})

test('intervals of relative changes cover the truth in 92 to 97.5% of trials', (t) => {
  let covered = 0
  for (let i = 0; i < 400; i++) {
    const random = randomStream(`ratio ${i}`)
    const baseline = Array.from({ length: 20 }, () => Math.exp(random.normal(0, 0.5)))
    const arm = baseline.map((value) => value * 0.8 * Math.exp(random.normal(-0.005, 0.1)))
    const { relative } = pairedEffect(baseline, arm, random)
    covered += Number(relative !== undefined && relative.low <= -0.2 && -0.2 <= relative.high)
  }
  t.true(covered / 400 >= 0.92 && covered / 400 <= 0.975, String(covered / 400))
})

test('equal arms do not differ, and a baseline of zero has no ratio', (t) => {
  const same = pairedEffect([5, 6, 7], [5, 6, 7], randomStream('same'))
  t.deepEqual(same.relative, { estimate: 0, low: 0, high: 0 })
  t.is(same.pValue, 1)
  const fromZero = pairedEffect([0, 0, 0], [1, 2, 3], randomStream('zero'))
  t.is(fromZero.relative, undefined)
  t.is(fromZero.difference.estimate, 2)
})

test('a fall to nothing is -100% and no interval goes below that', (t) => {
  t.deepEqual(pairedEffect([1, 2, 3], [0, 0, 0], randomStream('all')).relative, { estimate: -1, low: -1, high: -1 })
  const nearly = pairedEffect([1, 2, 3], [0, 0, 1], randomStream('nearly')).relative
  t.is(nearly?.low, -1)
})

test('values that differ by rounding are ties, for every statistic', (t) => {
  const baseline = Array.from({ length: 20 }, (_, i) => 1000 + i)
  const { difference, relative, pValue, superiority } = pairedEffect(baseline, baseline.map((value) => value + 1e-10), randomStream('ties'))
  t.deepEqual([difference, relative], [{ estimate: 0, low: 0, high: 0 }, { estimate: 0, low: 0, high: 0 }])
  t.deepEqual([pValue, superiority], [1, 0.5])
  t.is(pairedEffect(baseline, baseline.map((value) => value * (1 + 1e-8)), randomStream('no ties')).superiority, 1)
})

test('pairs need partners and numbers', (t) => {
  t.throws(() => pairedEffect([1, 2], [1], randomStream('x')), { code: 'ERR_INVALID_OPTION' })
  t.throws(() => pairedEffect([1, 2], [1, NaN], randomStream('x')), { code: 'ERR_INVALID_OPTION' })
})

test('Holm\'s correction multiplies the smallest by all, the next by one fewer, and never falls', (t) => {
  // R: p.adjust(c(0.01, 0.04, 0.03, 0.005), 'holm')
  const adjusted = holm([0.01, 0.04, 0.03, 0.005])
  for (const [i, expected] of [0.03, 0.06, 0.06, 0.02].entries()) {
    t.true(Math.abs(adjusted[i] - expected) < 1e-12)
  }
  t.deepEqual(holm([0.9, 0.8]), [1, 1])
  t.deepEqual(holm([]), [])
})
