import { randomStream } from '../../src/core/random.ts'
import { holm } from '../../src/stats/holm.ts'
import { pairedEffect } from '../../src/stats/paired.ts'
import { judge } from '../../src/stats/verdict.ts'
import type { Verdict } from '../../src/stats/verdict.ts'
import { pairOf } from './coverage.ts'
import type { Distribution } from './distributions.ts'

export interface VerdictTrial {
  readonly distribution: Distribution
  readonly runs: number
  /** What is corrected together. */
  readonly comparisons: number
  readonly minimumEffect: number
  /** Of the first comparison's arm; the others have none. */
  readonly change: number
  readonly repetitions: number
}

export interface VerdictRates {
  /** Of trials in which any comparison without an effect is said to have improved or regressed. */
  readonly falseAlarms: number
  /** Of trials, by what is said of the first comparison. */
  readonly first: Readonly<Record<Verdict, number>>
}

/** What the whole procedure says of a family of comparisons: sign-flip test, Holm's correction, minimum effect. */
export function verdictRates ({ distribution, runs, comparisons, minimumEffect, change, repetitions }: VerdictTrial): VerdictRates {
  let falseAlarms = 0
  const first: Record<Verdict, number> = { improved: 0, regressed: 0, 'no meaningful change': 0, inconclusive: 0 }
  for (let i = 0; i < repetitions; i++) {
    const random = randomStream(`verdict ${distribution.name} ${runs} ${comparisons} ${change} ${i}`)
    const effects = Array.from({ length: comparisons }, (_, comparison) => {
      const baseline = Array.from({ length: runs }, () => distribution.draw(random))
      // Without an effect both are a shared draw and one of their own, so that either could be either.
      const arm = baseline.map((value) => pairOf(value, comparison === 0 ? change : 0, distribution, random))
      const other = baseline.map((value) => pairOf(value, 0, distribution, random))
      return pairedEffect(other, arm, random.fork(String(comparison)))
    })
    const adjusted = holm(effects.map(({ pValue }) => pValue))
    const verdicts = effects.map((effect, comparison) => judge(effect, { adjustedPValue: adjusted[comparison], comparisons, better: 'lower', minimumEffect }).verdict)
    first[verdicts[0]] += 1 / repetitions
    falseAlarms += Number(verdicts.slice(change === 0 ? 0 : 1).some((verdict) => verdict === 'improved' || verdict === 'regressed'))
  }
  return { falseAlarms: falseAlarms / repetitions, first }
}
