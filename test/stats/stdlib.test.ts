import { createRequire } from 'node:module'
import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../src/core/random.ts'
import { holm } from '../../src/stats/holm.ts'
import { meanInterval } from '../../src/stats/interval.ts'
import type { Interval } from '../../src/stats/interval.ts'
import { pairedEffect, signFlipPValue } from '../../src/stats/paired.ts'

/** What is used of stdlib (https://stdlib.io), another implementation than ours of all that is compared here. */
interface Oracle {
  readonly quantile: (probability: number, degrees: number) => number
  readonly ttest: (x: readonly number[], y?: readonly number[]) => { readonly ci: readonly [number, number] }
  readonly padjust: (pValues: readonly number[], method: 'holm') => number[]
  readonly wilcoxon: (x: readonly number[]) => { readonly pValue: number }
}

const oracle = installed()
/** Left out where `npm run install:oracle` was not run: 300 packages that nothing else needs. */
const againstStdlib = oracle === undefined ? test.skip : test
const { quantile, ttest, padjust, wilcoxon } = oracle ?? {} as Oracle

function installed (): Oracle | undefined {
  const require = createRequire(new URL('../../tools/statistics-oracle/package.json', import.meta.url))
  try {
    return {
      quantile: require('@stdlib/stats-base-dists-t-quantile'),
      ttest: require('@stdlib/stats-ttest'),
      padjust: require('@stdlib/stats-padjust'),
      wilcoxon: require('@stdlib/stats-wilcoxon')
    }
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'MODULE_NOT_FOUND') {
      return undefined
    }
    throw error
  }
}

const random = randomStream('stdlib')

// To 3 decimals up to 10 degrees of freedom, by expansion beyond; 1e-5 for both ends' own rounding.
const QUANTILE_ERROR = 5.1e-4

againstStdlib("Student's quantiles are stdlib's to the third decimal, from 1 degree of freedom to 200", t => {
  for (let degrees = 1; degrees <= 200; degrees++) {
    // One value of 1 among zeros: mean and standard error are both 1 / n, and resamples without it have no spread, so that
    // Student's interval it is, and half its width is quantile / n.
    const { low, high } = meanInterval([...Array.from({ length: degrees }, () => 0), 1], random)
    const found = (high - low) / 2 * (degrees + 1)
    t.true(Math.abs(found - quantile(0.975, degrees)) <= QUANTILE_ERROR, `${degrees}: ${found}`)
  }
})

againstStdlib("of 2 to 7 runs the mean's interval is that of stdlib's t test, and so is that of the difference of pairs", t => {
  for (let runs = 2; runs <= 7; runs++) {
    for (let trial = 0; trial < 20; trial++) {
      const [baseline, arm] = [100, 80].map(centre => Array.from({ length: runs }, () => random.normal(centre, 10)))
      t.true(isInterval(meanInterval(arm, random), ttest(arm).ci, runs))
      t.true(isInterval(pairedEffect(baseline, arm, random).difference, ttest(arm, baseline).ci, runs))
    }
  }
})

/** Within what the rounding of our quantile makes of the interval's width. */
function isInterval ({ low, high }: Interval, [expectedLow, expectedHigh]: readonly [number, number], runs: number): boolean {
  const error = (expectedHigh - expectedLow) / 2 * QUANTILE_ERROR / quantile(0.975, runs - 1)
  return Math.abs(low - expectedLow) <= error && Math.abs(high - expectedHigh) <= error
}

againstStdlib("Holm's adjusted p-values are stdlib's, ties included", t => {
  const pValues = fc.array(fc.integer({ min: 0, max: 40 }).map(value => value / 40), { minLength: 1, maxLength: 30 })
  fc.assert(fc.property(pValues, values => {
    const expected = padjust(values, 'holm')
    return holm(values).every((adjusted, i) => Math.abs(adjusted - expected[i]) < 1e-12)
  }), { numRuns: 1000 })
  t.pass()
})

againstStdlib("of signed ranks the sign-flip test has the p-value of stdlib's exact signed-rank test", t => {
  fc.assert(fc.property(fc.array(fc.boolean(), { minLength: 2, maxLength: 40 }), signs => {
    const ranks = signs.map((negative, i) => negative ? -(i + 1) : i + 1)
    // It doubles one tail, which where both hold the middle makes more than 1.
    return Math.abs(signFlipPValue(ranks) - Math.min(1, wilcoxon(ranks).pValue)) < 1e-9
  }), { numRuns: 500 })
  t.pass()
})
