import test from 'ava'
import { binomialBand, coverageOf } from '../../bench/validate-statistics/coverage.ts'
import { DISTRIBUTIONS } from '../../bench/validate-statistics/distributions.ts'
import { stoppingFigures } from '../../bench/validate-statistics/stopping.ts'
import { verdictRates } from '../../bench/validate-statistics/verdicts.ts'
import { randomStream } from '../../src/core/random.ts'
import { holm } from '../../src/stats/holm.ts'
import { signFlipPValue } from '../../src/stats/paired.ts'

const [normal, exponential, lognormal] = DISTRIBUTIONS

const REPETITIONS = 200

for (const runs of [8, 20]) {
  for (const kind of ['mean', 'relative', 'agreement'] as const) {
    test(`95% intervals of ${kind} over ${runs} normal runs hold the truth in as many trials as chance allows`, t => {
      const coverage = coverageOf(kind, normal, runs, REPETITIONS)
      // 99.9% of what 200 trials of 95% give: 5.1% either way.
      t.true(Math.abs(coverage - 0.95) <= binomialBand(0.95, REPETITIONS), String(coverage))
    })
  }
}

test('without an effect a family of ten is called significant in at most 5% of trials, at Holm\'s level', t => {
  const repetitions = 2000
  let alarms = 0
  for (let i = 0; i < repetitions; i++) {
    const random = randomStream(`family ${i}`)
    const pValues = Array.from({ length: 10 }, () => signFlipPValue(Array.from({ length: 11 }, () => lognormal.draw(random) - lognormal.draw(random))))
    alarms += Number(holm(pValues).some(pValue => pValue < 0.05))
  }
  t.true(alarms / repetitions <= 0.05 + binomialBand(0.05, repetitions), String(alarms))
})

test('nor does a verdict claim one, and an effect of three deviations is found', t => {
  const trial = { distribution: normal, runs: 12, comparisons: 5, minimumEffect: 0.05, repetitions: 100 }
  const without = verdictRates({ ...trial, change: 0 })
  t.true(without.falseAlarms <= 0.05 + binomialBand(0.05, 100), String(without.falseAlarms))
  // -20% of 100 against differences of deviation 10 sqrt(0.8^2 + 1) / 2 = 6.4: the chance that one of 12 pairs has the other
  // sign is 12 * 0.0009, and even then the test is significant.
  const found = verdictRates({ ...trial, change: -0.2 })
  t.is(Math.round(found.first.improved * 100), 100)
  t.is(found.first.regressed, 0)
})

test('stopping for precision ends, and costs less than five points of the 95%', t => {
  const repetitions = 60
  const { coverage, reached, meanSeeds } = stoppingFigures({ distribution: normal, halfWidth: 0.025, firstSeeds: 10, maximumSeeds: 100, change: -0.2, repetitions })
  t.is(reached, 1)
  t.true(meanSeeds > 10 && meanSeeds < 100, String(meanSeeds))
  // What 60 trials of 90% give at least, in 99.9% of cases.
  t.true(coverage >= 0.9 - binomialBand(0.9, repetitions), String(coverage))
})

test('exponential runs, skewed as latencies are, are held as well', t => {
  const coverage = coverageOf('relative', exponential, 20, REPETITIONS)
  t.true(Math.abs(coverage - 0.95) <= binomialBand(0.95, REPETITIONS), String(coverage))
})
