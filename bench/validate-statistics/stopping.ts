import { moreSeeds } from '../../src/cli/more-seeds.ts'
import { randomStream } from '../../src/core/random.ts'
import { mean } from '../../src/stats/quantile.ts'
import { pairedEffect } from '../../src/stats/paired.ts'
import type { PairedEffect } from '../../src/stats/paired.ts'
import { pairOf } from './coverage.ts'
import type { Distribution } from './distributions.ts'

export interface StoppingTrial {
  readonly distribution: Distribution
  /** Half the width that is asked for, and where to end without it. */
  readonly halfWidth: number
  readonly firstSeeds: number
  readonly maximumSeeds: number
  readonly change: number
  readonly repetitions: number
}

export interface StoppingFigures {
  /** Share of trials whose last interval holds the truth. */
  readonly coverage: number
  /** Share of trials whose sign-flip test is below 5% at the end: of no change the rate of false alarms. */
  readonly significant: number
  readonly meanSeeds: number
  readonly looks: number
  /** Share of trials that end as precise as asked for. */
  readonly reached: number
}

/** Runs that go on until an effect is known precisely enough, by the very rule that `run` goes by. */
export function stoppingFigures ({ distribution, halfWidth, firstSeeds, maximumSeeds, change, repetitions }: StoppingTrial): StoppingFigures {
  const ends = Array.from({ length: repetitions }, (_, i) => {
    const random = randomStream(`stopping ${distribution.name} ${change} ${i}`)
    const arm: number[] = []
    const baseline: number[] = []
    for (let looks = 1, count = firstSeeds; ; looks++) {
      for (let drawn = 0; drawn < count; drawn++) {
        const shared = distribution.draw(random)
        arm.push(pairOf(shared, change, distribution, random))
        baseline.push(pairOf(shared, 0, distribution, random))
      }
      const effect = pairedEffect(baseline, arm, random.fork('bootstrap'))
      const found = halfWidthOf(effect)
      const target = { case: 'c', metric: 'm', arm: 'a', pairs: arm.length, halfWidth: found, reached: found <= halfWidth }
      const more = moreSeeds([target], { halfWidth, maximumSeeds, targets: [] }, arm.length)
      if (more === undefined) {
        return { effect, looks, reached: target.reached }
      }
      count = more.count
    }
  })
  const share = (condition: (end: typeof ends[number]) => boolean): number => ends.filter(condition).length / repetitions
  return {
    coverage: share(({ effect: { relative } }) => relative !== undefined && relative.low <= change && change <= relative.high),
    significant: share(({ effect: { pValue } }) => pValue < 0.05),
    meanSeeds: mean(ends.map(({ effect: { pairs } }) => pairs)),
    looks: mean(ends.map((end) => end.looks)),
    reached: share((end) => end.reached)
  }
}

function halfWidthOf ({ relative }: PairedEffect): number {
  return relative === undefined ? Infinity : (relative.high - relative.low) / 2
}
