import { randomStream } from '../../src/core/random.ts'
import type { RandomStream } from '../../src/core/random.ts'
import { agreement } from '../../src/stats/agreement.ts'
import { CONFIDENCE, meanInterval, medianInterval } from '../../src/stats/interval.ts'
import type { Interval } from '../../src/stats/interval.ts'
import { relativeInterval } from '../../src/stats/paired.ts'
import type { Distribution } from './distributions.ts'

/** Of normal deviates within so many deviations 99.9% lie. */
const NORMAL_999 = 3.2905

/** How far a share found in so many repetitions may be from a true one, either way, in 99.9% of cases. */
export function binomialBand (share: number, repetitions: number): number {
  return NORMAL_999 * Math.sqrt(share * (1 - share) / repetitions)
}

export type IntervalKind = 'mean' | 'median' | 'relative' | 'agreement'

/** What an arm does to the baseline's mean in these trials. */
const CHANGE = -0.2
/** Samples of a run, where wires are compared by samples. */
const SAMPLES = 10

interface Kind {
  readonly truth: (this: void, distribution: Distribution) => number
  readonly interval: (this: void, distribution: Distribution, runs: number, random: RandomStream) => Interval
}

const KINDS: Readonly<Record<IntervalKind, Kind>> = {
  mean: {
    truth: ({ mean }) => mean,
    interval: (distribution, runs, random) => meanInterval(drawMany(distribution, runs, random), random.fork('bootstrap'))
  },
  median: {
    truth: ({ median }) => median,
    interval: (distribution, runs, random) => medianInterval(drawMany(distribution, runs, random), random.fork('bootstrap'))
  },
  relative: {
    truth: () => CHANGE,
    interval: (distribution, runs, random) => {
      const baseline = drawMany(distribution, runs, random)
      // With the stream that `pairedEffect` gives it.
      return relativeInterval(baseline, baseline.map((value) => pairOf(value, CHANGE, distribution, random)), random.fork('bootstrap').fork('relative'))
    }
  },
  // Of the medians of a model and a reference that are the same.
  agreement: {
    truth: () => 0,
    interval: (distribution, runs, random) => {
      const wire = (): number[][] => Array.from({ length: runs }, () => drawMany(distribution, SAMPLES, random))
      return agreement(wire(), wire(), random.fork('bootstrap')).quantiles[0].relative
    }
  }
}

/** Half of the chance that a pair shares, as runs on one seed do; the mean is `1 + change` of the baseline's. */
export function pairOf (baseline: number, change: number, distribution: Distribution, random: RandomStream): number {
  return (1 + change) * (baseline + distribution.draw(random)) / 2
}

/** In what share of repetitions, each with its own seed, the 95% interval holds the truth. */
export function coverageOf (kind: IntervalKind, distribution: Distribution, runs: number, repetitions: number): number {
  const { truth, interval } = KINDS[kind]
  const value = truth(distribution)
  let covered = 0
  for (let i = 0; i < repetitions; i++) {
    const { low, high } = interval(distribution, runs, randomStream(`${kind} ${distribution.name} ${runs} ${i}`))
    covered += Number(low <= value && value <= high)
  }
  return covered / repetitions
}

/** Whether a coverage is what chance makes of 95%. */
export function isAsStated (coverage: number, repetitions: number): boolean {
  return Math.abs(coverage - CONFIDENCE) <= binomialBand(CONFIDENCE, repetitions)
}

function drawMany (distribution: Distribution, count: number, random: RandomStream): number[] {
  return Array.from({ length: count }, () => distribution.draw(random))
}
