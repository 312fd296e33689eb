import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../src/core/random.ts'
import { pairedEffect, signFlipPValue } from '../../src/stats/paired.ts'
import { judge, pairsNeeded } from '../../src/stats/verdict.ts'
import type { Judgement, JudgementContext } from '../../src/stats/verdict.ts'

function verdictOf (baseline: readonly number[], arm: readonly number[], context: Partial<JudgementContext> = {}): Judgement {
  const effect = pairedEffect(baseline, arm, randomStream('verdict'))
  return judge(effect, { adjustedPValue: effect.pValue, comparisons: 1, better: 'lower', minimumEffect: 0.05, ...context })
}

const random = randomStream('data')
const baseline = Array.from({ length: 20 }, () => random.normal(100, 5))
const scaled = (factor: number, noise: number): number[] => baseline.map((value) => value * factor + random.normal(0, noise))

test('a large fall is an improvement where lower is better and a regression where higher is', (t) => {
  t.is(verdictOf(baseline, scaled(0.5, 1)).verdict, 'improved')
  t.is(verdictOf(baseline, scaled(0.5, 1), { better: 'higher' }).verdict, 'regressed')
  t.is(verdictOf(baseline, scaled(1.5, 1)).verdict, 'regressed')
  t.is(verdictOf(baseline, scaled(1.5, 1), { better: 'higher' }).verdict, 'improved')
})

test('a significant change below the minimum effect is no meaningful one', (t) => {
  const judgement = verdictOf(baseline, scaled(0.98, 0.2))
  t.true(judgement.adjustedPValue < 0.001)
  t.is(judgement.verdict, 'no meaningful change')
})

test('equal arms did not change', (t) => {
  t.is(verdictOf(baseline, baseline).verdict, 'no meaningful change')
  t.is(verdictOf([0, 0, 0], [0, 0, 0]).verdict, 'no meaningful change')
})

test('noise that hides the answer is inconclusive and says how many seeds are missing', (t) => {
  const { verdict, moreSeeds } = verdictOf(baseline, baseline.map((value, i) => value * 0.9 + (i % 2 === 0 ? 40 : -40)))
  t.is(verdict, 'inconclusive')
  t.true(moreSeeds !== undefined && moreSeeds >= 1)
})

test('four seeds cannot be significant, however clear: two more can, 2^(1-6) being below 5%', (t) => {
  const { verdict, moreSeeds } = verdictOf([100, 101, 102, 103], [10, 11, 12, 13])
  t.is(verdict, 'inconclusive')
  t.is(moreSeeds, 2)
})

test('one seed is inconclusive', (t) => {
  t.is(verdictOf([100], [10]).verdict, 'inconclusive')
})

test('a failure rate that rises from zero on every seed has regressed', (t) => {
  t.is(verdictOf(Array.from({ length: 20 }, () => 0), Array.from({ length: 20 }, (_, i) => 0.01 + i * 0.001)).verdict, 'regressed')
})

test('the stated number of further seeds mostly suffices', (t) => {
  const draw = (seed: number, count: number): [number[], number[]] => {
    const stream = randomStream(seed)
    const before = Array.from({ length: count }, () => stream.normal(100, 5))
    return [before, before.map((value) => value * 0.9 + stream.normal(0, 15))]
  }
  let asked = 0
  let settled = 0
  for (let seed = 0; seed < 60; seed++) {
    const { verdict, moreSeeds } = verdictOf(...draw(seed, 10))
    if (verdict === 'inconclusive' && moreSeeds !== undefined && moreSeeds < 60) {
      asked++
      settled += Number(verdictOf(...draw(seed, 10 + moreSeeds)).verdict !== 'inconclusive')
    }
  }
  t.true(asked >= 10, String(asked))
  t.true(settled / asked > 0.4, `${settled} of ${asked}`)
})

test('with one pair fewer than needed the least p-value is no longer below 5% after correction', t => {
  for (let comparisons = 1; comparisons <= 100_000; comparisons += comparisons < 500 ? 1 : 500) {
    const pairs = pairsNeeded(comparisons)
    const least = (of: number): number => comparisons * signFlipPValue(Array.from({ length: of }, () => 1))
    t.true(2 ** (1 - pairs) * comparisons < 0.05 && 2 ** (2 - pairs) * comparisons >= 0.05)
    if (comparisons % 100 === 0) {
      t.true(least(pairs) < 0.05 && least(pairs - 1) >= 0.05)
    }
  }
})

test('an effect that is significant by its signs, but has an interval with zero in it, is inconclusive', t => {
  const effect = { pairs: 20, baselineMean: 100, difference: { estimate: -12, low: -26, high: 2 }, relative: { estimate: -0.12, low: -0.26, high: 0.02 }, pValue: 0.001 }
  const context = { adjustedPValue: 0.01, comparisons: 10, better: 'lower', minimumEffect: 0.05 } as const
  t.is(judge(effect, context).verdict, 'inconclusive')
  t.is(judge({ ...effect, relative: { estimate: -0.12, low: -0.2, high: -0.01 } }, context).verdict, 'improved')
})

test('from a baseline too near to zero for a ratio the difference is judged', t => {
  // A connection on one seed of 20, against four on each.
  const rare = Array.from({ length: 20 }, (_, i) => i === 7 ? 1 : 0)
  const always = Array.from({ length: 20 }, (_, i) => 4 + (i % 3) / 10)
  const effect = pairedEffect(rare, always, randomStream('rare'))
  t.is(effect.relative, undefined)
  t.true(effect.difference.low > 3.5 && effect.difference.high < 4.5)
  t.is(verdictOf(rare, always).verdict, 'regressed')
})

test('no verdict of an effect has an interval with zero in it, whatever the runs', t => {
  fc.assert(fc.property(fc.integer({ min: 0, max: 1e6 }), fc.double({ min: 0, max: 3, noNaN: true }), fc.double({ min: 0, max: 2, noNaN: true }), (seed, spread, factor) => {
    const stream = randomStream(seed)
    const before = Array.from({ length: 12 }, () => stream.next() < 0.3 ? 0 : Math.exp(stream.normal(0, spread)))
    const effect = pairedEffect(before, before.map(value => value * factor + stream.next()), randomStream('effect'))
    const { verdict } = judge(effect, { adjustedPValue: effect.pValue, comparisons: 1, better: 'lower', minimumEffect: 0.05 })
    const { low, high } = effect.relative ?? effect.difference
    return (verdict !== 'improved' && verdict !== 'regressed') || low > 0 || high < 0
  }), { numRuns: 40 })
  t.pass()
})

test('more comparisons ask for more seeds, and where chance explains what was seen none are named', t => {
  const effect = { pairs: 20, baselineMean: 100, difference: { estimate: -10, low: -21, high: 1 }, relative: { estimate: -0.1, low: -0.21, high: 0.01 }, pValue: 0.06 }
  const more = (adjustedPValue: number, comparisons: number): number | undefined => judge(effect, { adjustedPValue, comparisons, better: 'lower', minimumEffect: 0.05 }).moreSeeds
  // By themselves (11/10)^2 of 20; at an eighth of the level (11/10 * 2.734/1.960)^2 of 20, where 2.734 is the normal quantile of 1 - 0.05/16.
  t.is(more(0.06, 1), Math.ceil(20 * 1.1 ** 2) - 20)
  t.is(more(0.48, 8), Math.ceil(20 * (1.1 * 2.734 / 1.96) ** 2) - 20)
  t.is(more(0.6, 10), undefined)
  t.is(more(1, 100), undefined)
  // Twelve pairs are needed before any of a hundred comparisons can be significant: that is known whatever p says.
  t.is(judge({ ...effect, pairs: 4 }, { adjustedPValue: 1, comparisons: 100, better: 'lower', minimumEffect: 0.05 }).moreSeeds, pairsNeeded(100) - 4)
})
