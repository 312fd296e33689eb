import type { Analysis } from './analysis.ts'
import type { Comparison } from './findings.ts'
import { byStrength } from './sentences.ts'
import type { Effect } from './sentences.ts'

/** The effect that a sentence names as the largest. */
export interface LargestGain {
  readonly effect: Effect
  /** Whether larger ones were passed over, as real peers contradict them. */
  readonly passedOver: boolean
}

/** The largest of all improvements that real peers do not contradict, or of all where they contradict every one; undefined of none. */
export function largestGain (effects: readonly Effect[], analysis: Pick<Analysis, 'beliefs' | 'findings'>): LargestGain | undefined {
  const gains = byStrength(effects.filter(({ comparison: { verdict } }) => verdict === 'improved'))
  const index = gains.findIndex((effect) => !isContradicted(effect, analysis))
  return gains.length === 0 ? undefined : { effect: gains[Math.max(0, index)], passedOver: index > 0 }
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
