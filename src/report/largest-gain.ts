import type { Analysis } from './analysis.ts'
import type { Comparison } from './findings.ts'
import { againstRivals } from './rivals.ts'
import { byStrength } from './sentences.ts'
import type { Effect } from './sentences.ts'

/** The effect that a sentence names as the largest. */
export interface LargestGain<One extends Effect = Effect> {
  readonly effect: One
  /** What real peers contradict: no gain as large as this, larger ones that were passed over for it, or every one and so this. */
  readonly contradicted: Extent
  /** The same of what a rival without modules has, too, or may have. */
  readonly shared: Extent
}

type Extent = 'none' | 'larger' | 'all'
type Evidence = Pick<Analysis, 'beliefs' | 'findings'>

/** What follows the words for it. */
export function largestGainText ({ contradicted, shared }: Pick<LargestGain, 'contradicted' | 'shared'>): string {
  const passedOver = [...(contradicted === 'larger' ? ['real peers do not contradict'] : []), ...(shared === 'larger' ? ['no rival without modules shares'] : [])]
  const doubts = [...(contradicted === 'all' ? ['real peers contradict'] : []), ...(shared === 'all' ? ['a rival without modules shares'] : [])]
  return `${passedOver.length === 0 ? '' : ` that ${passedOver.join(' and ')}`}${doubts.length === 0 ? '' : `, which ${doubts.join(' and ')}`}`
}

/**
 * The largest of all improvements that real peers do not contradict and no rival without modules shares; where there is none,
 * of those that real peers do not contradict, or of all. Undefined of none.
 *
 * @param analysisOf the experiment's that the effect is of
 */
export function largestGain<One extends Effect> (effects: readonly One[], analysisOf: (effect: One) => Evidence): LargestGain<One> | undefined {
  const gains = byStrength(effects.filter(({ comparison: { verdict } }) => verdict === 'improved'))
  if (gains.length === 0) {
    return undefined
  }
  const credible = gains.filter((effect) => !isContradicted(effect, analysisOf(effect)))
  const own = (credible.length === 0 ? gains : credible).filter((effect) => isUnshared(effect, analysisOf(effect)))
  const effect = own[0] ?? credible[0] ?? gains[0]
  const larger = gains.slice(0, gains.indexOf(effect))
  return {
    effect,
    contradicted: credible.length === 0 ? 'all' : larger.some((one) => !credible.includes(one)) ? 'larger' : 'none',
    shared: own.length === 0 ? 'all' : larger.some((one) => !isUnshared(one, analysisOf(one))) ? 'larger' : 'none'
  }
}

/** What is not known to be a gain over a rival, too, may be none. */
function isUnshared (effect: Effect, analysis: Evidence): boolean {
  return [undefined, 'better'].includes(againstRivals(effect, analysis))
}

/** Whether real peers gainsay an improvement: they do not have it, beyond what chance explains, or their estimate is on the other side of no change. */
function isContradicted (effect: Effect, { beliefs, findings }: Evidence): boolean {
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
