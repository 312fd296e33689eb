import test from 'ava'
import { mean, standardDeviation } from 'simple-statistics'
import { TwinwireError } from '../../src/core/errors.ts'
import { randomStream } from '../../src/core/random.ts'
import { parseJitterSamples } from '../../src/sim/jitter-file.ts'
import { createJitter } from '../../src/sim/jitter.ts'
import type { JitterOptions } from '../../src/sim/jitter.ts'

const MS = 1e6
const BASE_NS = 100 * MS
const DRAWS = 200_000

/** What was added to the delay. */
function extras (options: JitterOptions, baseNs = BASE_NS): number[] {
  const jitter = createJitter(options, baseNs, randomStream('jitter'), 'jitter')
  return Array.from({ length: DRAWS }, () => jitter.delayNs() - baseNs)
}

test('uniform jitter has mean b/2, deviation b/sqrt(12), and stays in [0, b)', t => {
  const drawn = extras({ distribution: 'uniform', boundNs: 10 * MS })
  t.true(drawn.every(extraNs => Number.isInteger(extraNs) && extraNs >= 0 && extraNs < 10 * MS))
  // Four standard errors of the mean.
  t.true(Math.abs(mean(drawn) - 5 * MS) < 4 * 10 * MS / Math.sqrt(12 * DRAWS))
  t.true(Math.abs(standardDeviation(drawn) / (10 * MS / Math.sqrt(12)) - 1) < 0.01)
})

test('normal jitter has mean 0 and its deviation, and never makes a delay negative', t => {
  const drawn = extras({ distribution: 'normal', deviationNs: 10 * MS })
  t.true(Math.abs(mean(drawn)) < 4 * 10 * MS / Math.sqrt(DRAWS))
  t.true(Math.abs(standardDeviation(drawn) / (10 * MS) - 1) < 0.01)
  const within = drawn.filter(extraNs => Math.abs(extraNs) <= 10 * MS).length / DRAWS
  t.true(Math.abs(within - 0.6827) < 0.005)
  const short = extras({ distribution: 'normal', deviationNs: 10 * MS }, MS)
  t.is(Math.min(...short.slice(0, 1000)), -MS)
  t.true(short.every(extraNs => extraNs >= -MS))
})

test('Pareto jitter has mean scale / (shape - 1), and beyond x the share (1 + x / scale)^-shape', t => {
  const drawn = extras({ distribution: 'pareto', scaleNs: 20 * MS, shape: 3 })
  t.true(drawn.every(extraNs => Number.isInteger(extraNs) && extraNs >= 0))
  // Variance of Lomax: scale^2 shape / ((shape - 1)^2 (shape - 2)).
  t.true(Math.abs(mean(drawn) - 10 * MS) < 4 * 20 * MS * Math.sqrt(3 / 4 / DRAWS))
  for (const times of [0.5, 1, 3]) {
    const share = drawn.filter(extraNs => extraNs > times * 20 * MS).length / DRAWS
    const expected = (1 + times) ** -3
    t.true(Math.abs(share - expected) < 4 * Math.sqrt(expected / DRAWS))
  }
})

test('a Pareto tail ends after an hour', t => {
  const jitter = createJitter({ distribution: 'pareto', scaleNs: 3600e9, shape: 1.01 }, 0, randomStream('tail'), 'jitter')
  t.true(Array.from({ length: 10_000 }, () => jitter.delayNs()).every(delayNs => delayNs <= 3600e9))
})

test('empirical jitter draws each sample as often', t => {
  const drawn = extras(parseJitterSamples('delay_ms\n1\n2.5\r\n40\n', 'd.csv'))
  for (const sampleMs of [1, 2.5, 40]) {
    const share = drawn.filter(extraNs => extraNs === sampleMs * MS).length / DRAWS
    t.true(Math.abs(share - 1 / 3) < 4 * Math.sqrt(2 / 9 / DRAWS))
  }
})

const badSamples: Record<string, [text: string, path: string]> = {
  'nothing': ['', 'd.csv:1:1'],
  'a heading alone': ['delay\n', 'd.csv:2:1'],
  'a hole': ['1\n\n2\n', 'd.csv:2:1'],
  'a word': ['1\nfast\n', 'd.csv:2:1'],
  'a negative number': ['-1\n', 'd.csv:1:1'],
  'NaN': ['1\nNaN\n', 'd.csv:2:1'],
  'a second column': ['1\n2,3\n', 'd.csv:2:2'],
  'more than an hour': ['3600001\n', 'd.csv:1:1']
}

for (const [what, [text, path]] of Object.entries(badSamples)) {
  test(`${what} in a file of delays is refused by its place`, t => {
    const error = t.throws(() => parseJitterSamples(text, 'd.csv'), { instanceOf: TwinwireError })
    t.is(error.code, 'ERR_INVALID_FILE')
    t.is(error.path, path)
  })
}
