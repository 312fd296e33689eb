import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../src/core/random.ts'
import { agreement } from '../../src/stats/agreement.ts'
import { holm } from '../../src/stats/holm.ts'
import { meanInterval, standardError } from '../../src/stats/interval.ts'
import { signFlipPValue } from '../../src/stats/paired.ts'
import { mean } from '../../src/stats/quantile.ts'

const random = randomStream('reference')

/** Days that mice survived (Efron and Tibshirani 1993, table 2.1). */
const TREATED = [94, 197, 16, 38, 99, 141, 23]
const CONTROLS = [52, 104, 146, 10, 51, 30, 40, 27, 46]

test("the mouse data's means and standard error are those of the book: 86.86 and 25.24, 56.22", t => {
  t.is(mean(TREATED).toFixed(2), '86.86')
  t.is(standardError(TREATED).toFixed(2), '25.24')
  t.is(mean(CONTROLS).toFixed(2), '56.22')
})

test("seven mice get Student's interval: 2.447 standard errors either way", t => {
  const { low, high } = meanInterval(TREATED, random)
  t.true(Math.abs(low - (86.857 - 2.447 * 25.235)) < 0.01, String(low))
  t.true(Math.abs(high - (86.857 + 2.447 * 25.235)) < 0.01, String(high))
})

test("Student's critical values are those of the tables, from 1 degree of freedom to 119", t => {
  // One value of 1 among zeros: the mean and its standard error are both 1/n, and resamples without it have no spread, so
  // that Student's interval it is: half its width is t / n.
  for (const [degrees, critical] of [[1, 12.706], [4, 2.776], [9, 2.262], [10, 2.228], [11, 2.201], [15, 2.131], [20, 2.086], [30, 2.042], [60, 2.000], [119, 1.980]]) {
    const count = degrees + 1
    const { low, high } = meanInterval([...Array.from({ length: degrees }, () => 0), 1], random)
    t.true(Math.abs((high - low) / 2 * count - critical) < 7e-4, `${degrees}: ${(high - low) / 2 * count}`)
  }
})

test('of signed ranks the sign-flip test is the exact one of Wilcoxon, whose tables have 3 for 8 pairs and 8 for 10 at 5%', t => {
  const ranks = (count: number, negative: readonly number[]): number[] => Array.from({ length: count }, (_, i) => negative.includes(i + 1) ? -(i + 1) : i + 1)
  // Of 2^8 assignments 5 have a negative sum of at most 3, and as many the mirror image; of 2^10 25 one of at most 8.
  t.is(signFlipPValue(ranks(8, [1, 2])), 10 / 256)
  t.is(signFlipPValue(ranks(8, [3])), 10 / 256)
  t.true(signFlipPValue(ranks(8, [4])) > 0.05)
  t.is(signFlipPValue(ranks(10, [8])), 50 / 1024)
  t.true(signFlipPValue(ranks(10, [9])) > 0.05)
})

test("Holm's adjusted p-values reject what his sequentially rejective procedure does, at every level", t => {
  const levels = fc.array(fc.integer({ min: 0, max: 1000 }).map(value => value / 1000), { maxLength: 8 })
  fc.assert(fc.property(levels, fc.integer({ min: 1, max: 500 }).map(value => value / 1000 + 1e-5), (pValues, alpha) => {
    // Holm 1979: in ascending order, until the first that is not below alpha / (those left).
    const rejected = new Set<number>()
    for (const index of pValues.map((_, i) => i).sort((a, b) => pValues[a] - pValues[b])) {
      if (pValues[index] > alpha / (pValues.length - rejected.size)) {
        break
      }
      rejected.add(index)
    }
    return holm(pValues).every((adjusted, i) => (adjusted <= alpha) === rejected.has(i))
  }), { numRuns: 5000 })
  t.pass()
})

test('the largest gap is what comparing the distribution functions at every sample finds', t => {
  const samples = fc.array(fc.integer({ min: 0, max: 12 }), { minLength: 1, maxLength: 15 })
  fc.assert(fc.property(samples, samples, (model, reference) => {
    const share = (values: readonly number[], limit: number): number => values.filter(value => value <= limit).length / values.length
    const expected = Math.max(...[...model, ...reference].map(value => Math.abs(share(model, value) - share(reference, value))))
    return Math.abs(agreement([model], [reference], random).maximumGap - expected) < 1e-12
  }), { numRuns: 500 })
  t.pass()
})
