import type { Arm } from '../experiment/definition.ts'
import type { CaseDescription } from '../results/data.ts'
import type { Effect } from './sentences.ts'

/** What is wanted, not what it costs. */
export function isGoal ({ finding: { metric } }: Pick<Effect, 'finding'>): boolean {
  return metric.role !== 'cost'
}

/** Whether an arm has nothing to gain in a case: none of its modules has. */
export function isWithoutGain ({ modules = [] }: Pick<Arm, 'modules'>, { noGain = [] }: Pick<CaseDescription, 'noGain'>): boolean {
  return modules.length > 0 && modules.every((module) => noGain.includes(module))
}

/**
 * The effects that anything is counted of. A metric with a baseline of its own shows an arm beside another rival: a tally of
 * both would be against nobody. And what an arm did to one statistic of one kind of sample is one effect, however many metrics
 * show it. Where all metrics name their baseline, all count.
 */
export function countedEffects (effects: readonly Effect[]): Effect[] {
  const common = effects.filter(({ finding: { metric } }) => metric.baseline === undefined)
  const counted = common.length > 0 ? common : effects
  return [...Map.groupBy(counted, measurementOf).values()].map(([first]) => first)
}

function measurementOf ({ finding: { wire, case: { name }, metric: { sample, statistic } }, arm }: Effect): string {
  return JSON.stringify([wire, name, sample, statistic, arm.arm.name])
}

/**
 * The goals that tallies count: a sweep's many cases would drown all others, and cases where nothing can be gained are
 * there for what they cost. Where nothing else is left, these count.
 */
export function countedGoals (effects: readonly Effect[]): Effect[] {
  const goals = countedEffects(effects).filter(isGoal)
  const gainful = goals.filter(({ finding, arm }) => !isWithoutGain(arm.arm, finding.case))
  const alone = gainful.filter(({ finding }) => finding.case.sweep === undefined)
  return alone.length > 0 ? alone : gainful.length > 0 ? gainful : goals
}

/** All that counts of an arm, or of a module, by what it says. */
export interface CountedParts {
  /** The goals that tallies count. */
  readonly goals: readonly Effect[]
  /** Goals of sweeps that are not among those. */
  readonly swept: readonly Effect[]
  readonly costs: readonly Effect[]
  /** Goals and costs alike, where nothing can be gained. */
  readonly withoutGain: readonly Effect[]
}

/** @param effects that count */
export function countedParts (effects: readonly Effect[]): CountedParts {
  const [gainless, gainful] = [true, false].map((wanted) => effects.filter(({ arm, finding }) => isWithoutGain(arm.arm, finding.case) === wanted))
  const goals = gainful.some(isGoal) ? countedGoals(gainful) : []
  return {
    goals,
    swept: gainful.filter((effect) => isGoal(effect) && !goals.includes(effect)),
    costs: gainful.filter((effect) => !isGoal(effect)),
    withoutGain: gainless
  }
}
