import type { AgainstRivals } from './rivals.ts'
import type { Effect } from './sentences.ts'

/** How many of so many are better or worse; open are those of which nothing is known, for want of runs or because too much failed. */
export interface EffectTally {
  readonly of: number
  readonly better: number
  readonly worse: number
  readonly open: number
}

export function effectTally (effects: readonly Effect[]): EffectTally {
  const count = (...verdicts: ReadonlyArray<Effect['comparison']['verdict']>): number => effects.filter(({ comparison: { verdict } }) => verdicts.includes(verdict)).length
  return { of: effects.length, better: count('improved'), worse: count('regressed'), open: count('inconclusive', 'saturated') }
}

export function rivalTally (outcomes: readonly AgainstRivals[]): EffectTally {
  const count = (outcome: AgainstRivals): number => outcomes.filter((one) => one === outcome).length
  return { of: outcomes.length, better: count('better'), worse: count('worse'), open: count('not known') }
}
