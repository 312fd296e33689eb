import type { Analysis } from './analysis.ts'
import type { Comparison } from './findings.ts'
import { againstRivals, hasModules } from './rivals.ts'
import type { AgainstRivals } from './rivals.ts'
import { byStrength } from './sentences.ts'
import type { Effect } from './sentences.ts'

/** The effect that a sentence names as the largest. */
export interface LargestGain<One extends Effect = Effect> {
  readonly effect: One
  /** What real peers contradict: no gain as large as this, larger ones that were passed over for it, or every one and so this. */
  readonly contradicted: 'none' | 'larger' | 'all'
  /** `larger`: it is one over rivals, too, for which larger ones were passed over; where there is none, what is known of this one. Absent where the largest that real peers do not contradict is one over rivals, and of arms without modules, which are held to none. */
  readonly rivals?: 'larger' | 'not held' | Exclude<AgainstRivals, 'better'>
}

type Evidence = Pick<Analysis, 'beliefs' | 'findings'>

const RIVALS_DOUBTS: Readonly<Record<Exclude<NonNullable<LargestGain['rivals']>, 'larger'>, string>> = {
  'as good': 'a rival has, too',
  worse: 'a rival has, too',
  'not known': 'is not known to be more than a rival has',
  'not held': 'was held to no rival'
}

/** What follows the words for it. */
export function largestGainText ({ contradicted, rivals }: Pick<LargestGain, 'contradicted' | 'rivals'>): string {
  const merits = [...(contradicted === 'larger' ? ['real peers do not contradict'] : []), ...(rivals === 'larger' ? ['is one over rivals, too'] : [])]
  const doubts = [...(contradicted === 'all' ? ['real peers contradict'] : []), ...(rivals === undefined || rivals === 'larger' ? [] : [RIVALS_DOUBTS[rivals]])]
  return `${merits.length === 0 ? '' : ` that ${merits.join(' and ')}`}${doubts.length === 0 ? '' : `, which ${doubts.join(' and ')}`}`
}

/**
 * The largest of all improvements that real peers do not contradict and that are some over rivals, too; where there is none,
 * the largest that real peers do not contradict, or of all. Undefined of none.
 *
 * @param analysisOf the experiment's that the effect is of
 */
export function largestGain<One extends Effect> (effects: readonly One[], analysisOf: (effect: One) => Evidence): LargestGain<One> | undefined {
  const gains = byStrength(effects.filter(({ comparison: { verdict } }) => verdict === 'improved'))
  if (gains.length === 0) {
    return undefined
  }
  const credible = gains.filter((effect) => !isContradicted(effect, analysisOf(effect)))
  const held = new Map(gains.map((effect) => [effect, againstRivals(effect, analysisOf(effect))]))
  const effect = credible.find((one) => held.get(one) === 'better') ?? credible[0] ?? gains[0]
  const larger = gains.slice(0, gains.indexOf(effect))
  const rivals = !hasModules(effect.arm.arm) ? undefined : rivalsOf(held.get(effect), larger.some((one) => credible.includes(one)))
  return {
    effect,
    contradicted: credible.length === 0 ? 'all' : larger.some((one) => !credible.includes(one)) ? 'larger' : 'none',
    ...(rivals === undefined ? {} : { rivals })
  }
}

function rivalsOf (own: AgainstRivals | undefined, passedOver: boolean): LargestGain['rivals'] {
  if (own === 'better') {
    return passedOver ? 'larger' : undefined
  }
  return own ?? 'not held'
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
