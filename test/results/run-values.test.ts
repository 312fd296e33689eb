import test from 'ava'
import type { Metric, SampleEvent } from '../../src/experiment/definition.ts'
import type { UnitResult } from '../../src/experiment/unit.ts'
import type { ResultsData } from '../../src/results/data.ts'
import { runValues } from '../../src/results/run-values.ts'
import { syntheticResults } from '../report/fixtures/results.ts'

const metric: Metric = { name: 'request', title: 'request', sample: 'request', statistic: 'p99', unit: 'ms', better: 'lower', minimumEffect: 0.05 }

function unit (arm: string, values: readonly number[], failures: readonly number[] = []): UnitResult {
  const sample = (value: number, ok: boolean): SampleEvent => ({ type: 'sample', timeMs: 0, host: 'client', metric: 'request', value, ok, reason: ok ? '' : 'ERR_TIMEOUT' })
  return { wire: 'sim', case: 'c', arm, seed: '1', samples: [...values.map((value) => sample(value, true)), ...failures.map((value) => sample(value, false))] }
}

function valueOf (units: readonly UnitResult[], arm: string, changes: Partial<Metric> = {}): number | undefined {
  const results: ResultsData = { ...syntheticResults({ simSeeds: 1, tcpSeeds: 0 }), units }
  return runValues(results, 'sim', 'c', { ...metric, ...changes }).get(arm)?.[0].value
}

test('each statistic is of the run\'s samples', (t) => {
  const units = [unit('a', [4, 1, 2, 3, 10])]
  t.is(valueOf(units, 'a', { statistic: 'mean' }), 4)
  t.is(valueOf(units, 'a', { statistic: 'p50' }), 3)
  t.is(valueOf(units, 'a', { statistic: 'maximum' }), 10)
  t.is(valueOf(units, 'a', { statistic: 'failed-share' }), 0)
})

test('failing fast does not beat succeeding slowly', (t) => {
  const units = [unit('honest', [100, 900]), unit('quitter', [100], [1])]
  // The failure after 1 ms counts as the 900 ms that the other arm took.
  t.is(valueOf(units, 'quitter', { statistic: 'maximum' }), 900)
  t.is(valueOf(units, 'quitter', { statistic: 'failed-share' }), 0.5)
})

test('a failure counts as long as it took where that is longer', (t) => {
  t.is(valueOf([unit('a', [100], [5000])], 'a', { statistic: 'maximum' }), 5000)
})

test('where higher is better a failure counts as the lowest success', (t) => {
  t.is(valueOf([unit('a', [50, 80]), unit('b', [90], [1000])], 'b', { statistic: 'mean', better: 'higher' }), (90 + 50) / 2)
})

test('a run that failed, or recorded nothing, has no value', (t) => {
  const { error: _, ...whole } = unit('a', [1])
  t.is(valueOf([{ ...whole, error: { code: 'ERR_HOST_DIED', message: '' } }], 'a'), undefined)
  t.is(valueOf([unit('a', [])], 'a'), undefined)
})

test('where nothing succeeded on a seed all fail alike, however fast', (t) => {
  const units = [unit('patient', [], [5000]), unit('quitter', [], [1])]
  t.is(valueOf(units, 'quitter'), 5000)
  t.is(valueOf(units, 'patient'), 5000)
})

test('another seed\'s samples do not count for a failure', (t) => {
  const units = [unit('a', [100], [1]), { ...unit('b', [900]), seed: '2' }]
  t.is(valueOf(units, 'a', { statistic: 'maximum' }), 100)
})

test('a quantile whose nearest sample failed is a bound, and no other is', (t) => {
  const saturated = (successes: number, failures: number, changes: Partial<Metric> = {}): boolean | undefined => {
    const results: ResultsData = { ...syntheticResults({ simSeeds: 1, tcpSeeds: 0 }), units: [unit('a', Array.from({ length: successes }, () => 1), Array.from({ length: failures }, () => 10))] }
    return runValues(results, 'sim', 'c', { ...metric, ...changes }).get('a')?.[0].saturated
  }
  // Of 101 samples the p99 is the 100th: one failure lies above it, two do not.
  t.false(saturated(100, 1))
  t.true(saturated(99, 2))
  t.true(saturated(100, 1, { statistic: 'maximum' }))
  t.false(saturated(51, 50, { statistic: 'p50' }))
  t.true(saturated(50, 51, { statistic: 'p50' }))
  // Where higher is better failures are the lowest: the p90 of as few is measured.
  t.false(saturated(80, 21, { better: 'higher', statistic: 'p90' }))
  t.true(saturated(5, 96, { better: 'higher', statistic: 'p90' }))
  t.false(saturated(51, 50, { statistic: 'mean' }))
  t.true(saturated(50, 51, { statistic: 'mean' }))
  t.false(saturated(1, 100, { statistic: 'failed-share' }))
})

test('a value is measured where no failed sample has a part in it', (t) => {
  const measured = (successes: number, failures: number, changes: Partial<Metric> = {}): boolean | undefined => {
    const results: ResultsData = { ...syntheticResults({ simSeeds: 1, tcpSeeds: 0 }), units: [unit('a', Array.from({ length: successes }, () => 1), Array.from({ length: failures }, () => 10))] }
    return runValues(results, 'sim', 'c', { ...metric, ...changes }).get('a')?.[0].measured
  }
  // Of 30 samples the p90 lies a tenth of the way from the 27th to the 28th: nearest to it is one that succeeded.
  t.true(measured(28, 2, { statistic: 'p90' }))
  t.false(measured(27, 3, { statistic: 'p90' }))
  // Of 101 samples the median is one.
  t.true(measured(51, 50, { statistic: 'p50' }))
  t.false(measured(50, 51, { statistic: 'p50' }))
  t.false(measured(100, 1, { statistic: 'maximum' }))
  // Where higher is better failures are the lowest.
  t.true(measured(4, 26, { better: 'higher', statistic: 'p90' }))
  t.false(measured(3, 27, { better: 'higher', statistic: 'p90' }))
  t.true(measured(100, 0, { statistic: 'mean' }))
  t.false(measured(100, 1, { statistic: 'mean' }))
  t.true(measured(1, 100, { statistic: 'failed-share' }))
})
