import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../src/core/random.ts'
import { pairedEffect } from '../../src/stats/paired.ts'
import type { PairedEffect } from '../../src/stats/paired.ts'

const between = (baseline: readonly number[], arm: readonly number[]): PairedEffect => pairedEffect(baseline, arm, randomStream('effect sizes'))

/** Hours of sleep gained with two drugs (Student 1908, after Cushny and Peebles 1905; R's `sleep`). */
const FIRST = [0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0, 2]
const SECOND = [1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4]

test("Student's sleep data: d_z is t / sqrt(10), t being 4.0621, and Hedges takes 3 of 35 parts off", t => {
  const { standardised = NaN, difference } = between(FIRST, SECOND)
  t.true(Math.abs(difference.estimate - 1.58) < 1e-12)
  t.true(Math.abs(standardised - 4.0621 / Math.sqrt(10) * (1 - 3 / 35)) < 1e-4, String(standardised))
})

test("Student's sleep data: the second drug is better in nine pairs of ten, and one is a tie", t => {
  t.true(Math.abs(between(FIRST, SECOND).superiority - 0.95) < 1e-12)
  t.true(Math.abs(between(SECOND, FIRST).superiority - 0.05) < 1e-12)
  // All signs alike, and either sign of the tie: 4 of 2^10 assignments are as extreme.
  t.is(between(FIRST, SECOND).pValue, 4 / 2 ** 10)
})

test("Hedges' correction is within 0.01 of the exact one, a ratio of gamma functions", t => {
  // J(m) = gamma(m / 2) / (sqrt(m / 2) gamma((m - 1) / 2)), upwards from gamma(1/2) and gamma(1).
  const gamma = (x: number): number => x === 0.5 ? Math.sqrt(Math.PI) : x === 1 ? 1 : (x - 1) * gamma(x - 1)
  for (let count = 3; count <= 20; count++) {
    const arm = Array.from({ length: count }, (_, i) => 1 + i)
    const deviation = Math.sqrt(count * (count + 1) / 12)
    const uncorrected = (count + 1) / 2 / deviation
    const exact = gamma((count - 1) / 2) / (Math.sqrt((count - 1) / 2) * gamma((count - 2) / 2))
    const { standardised = NaN } = between(arm.map(() => 0), arm)
    t.true(Math.abs(standardised / uncorrected - exact) < 0.01, `${count} pairs: ${standardised / uncorrected} and ${exact}`)
  }
})

test('differences that do not vary, and two pairs, have no standardised effect', t => {
  t.false('standardised' in between([1, 2, 3], [3, 4, 5]))
  t.false('standardised' in between([0.1, 0.2, 0.3], [0.4, 0.5, 0.6]))
  t.false('standardised' in between([1, 2, 3], [1, 2, 3]))
  t.false('standardised' in between([1, 2], [2, 4]))
})

test('effect sizes know no unit, and change sides with the arms', t => {
  const values = fc.array(fc.tuple(fc.integer({ min: 1, max: 50 }), fc.integer({ min: 1, max: 50 })), { minLength: 3, maxLength: 7 })
  fc.assert(fc.property(values, fc.integer({ min: 1, max: 9 }), (pairs, factor) => {
    const [baseline, arm] = [pairs.map(([a]) => a), pairs.map(([, b]) => b)]
    const effect = between(baseline, arm)
    const scaled = between(baseline.map(value => value * factor), arm.map(value => value * factor))
    const swapped = between(arm, baseline)
    const close = (a = 0, b = 0): boolean => Math.abs(a - b) < 1e-9
    return close(effect.superiority, scaled.superiority) && close(effect.standardised, scaled.standardised) &&
      close(effect.superiority + swapped.superiority, 1) && close(effect.standardised, -(swapped.standardised ?? 0))
  }))
  t.pass()
})
