import type { Analysis } from './analysis.ts'
import type { Comparison } from './findings.ts'
import { byStrength } from './sentences.ts'
import type { Effect } from './sentences.ts'

/** The effect that a sentence names as the largest. */
export interface LargestGain {
  readonly effect: Effect
  /** What real peers contradict: no gain as large as this, larger ones that were passed over for it, or every one and so this. */
  readonly contradicted: 'none' | 'larger' | 'all'
}

/** What follows the words for it. */
export const CONTRADICTED_TEXTS: Readonly<Record<LargestGain['contradicted'], string>> = {
  none: '',
  larger: ' that real peers do not contradict',
  all: ', which real peers contradict'
}

/** The largest of all improvements that real peers do not contradict, or of all where they contradict every one; undefined of none. */
export function largestGain (effects: readonly Effect[], analysis: Pick<Analysis, 'beliefs' | 'findings'>): LargestGain | undefined {
  const gains = byStrength(effects.filter(({ comparison: { verdict } }) => verdict === 'improved'))
  if (gains.length === 0) {
    return undefined
  }
  const index = gains.findIndex((effect) => !isContradicted(effect, analysis))
  return index === -1 ? { effect: gains[0], contradicted: 'all' } : { effect: gains[index], contradicted: index === 0 ? 'none' : 'larger' }
}

/** Whether real peers gainsay an improvement: they do not have it, beyond what chance explains, or their estimate is on the other side of no change. */
export function isContradicted (effect: Effect, { beliefs, findings }: Pick<Analysis, 'beliefs' | 'findings'>): boolean {
  const { finding: { wire, case: { name }, metric } } = effect
  if (wire === 'tcp') {
    return false
  }
  const belief = beliefs.find((one) => one.reference === 'tcp' && one.case.name === name && one.metric.name === metric.name)
  const transfer = belief?.arms.find((one) => one.arm.name === effect.arm.arm.name)?.effect?.transfer
  const real = realComparison(effect, { findings })
  const worse = real === undefined || real.bounds !== undefined ? false : metric.better === 'lower' ? real.difference.estimate > 0 : real.difference.estimate < 0
  return worse || transfer === 'different'
}

/** What real peers measured of an effect; undefined where none ran it, and of a baseline. */
export function realComparison ({ finding: { case: { name }, metric }, arm }: Effect, { findings }: Pick<Analysis, 'findings'>): Comparison | undefined {
  return findings.find((one) => one.wire === 'tcp' && one.case.name === name && one.metric.name === metric.name)
    ?.arms.find((one) => one.arm.name === arm.arm.name)?.comparison
}
