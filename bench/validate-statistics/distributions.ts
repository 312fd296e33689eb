import type { RandomStream } from '../../src/core/random.ts'

/** A distribution of which the truth is known. */
export interface Distribution {
  readonly name: string
  readonly mean: number
  readonly median: number
  draw(random: RandomStream): number
}

/** Requests of a run whose failures are counted. */
const REQUESTS = 50
const FAILED = 0.1
const SHAPE = 2.5

/** From what intervals are made for to what they are not. */
export const DISTRIBUTIONS: readonly Distribution[] = [
  { name: 'normal', mean: 100, median: 100, draw: (random) => random.normal(100, 10) },
  { name: 'exponential', mean: 1, median: Math.LN2, draw: (random) => random.exponential(1) },
  { name: 'lognormal, sigma 1', mean: Math.exp(0.5), median: 1, draw: (random) => Math.exp(random.normal(0, 1)) },
  {
    name: 'share of 50 that fail, 10%',
    mean: FAILED,
    median: 0.1,
    draw: (random) => Array.from({ length: REQUESTS }, () => Number(random.next() < FAILED)).reduce((sum, failed) => sum + failed, 0) / REQUESTS
  },
  { name: 'Pareto, shape 2.5', mean: SHAPE / (SHAPE - 1), median: 2 ** (1 / SHAPE), draw: (random) => (1 - random.next()) ** (-1 / SHAPE) }
]
