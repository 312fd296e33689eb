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
 * The goals that tallies count: a sweep's many cases would drown all others, and cases where nothing can be gained are
 * there for what they cost. Where nothing else is left, these count.
 */
export function countedGoals (effects: readonly Effect[]): Effect[] {
  const goals = effects.filter(isGoal)
  const gainful = goals.filter(({ finding, arm }) => !isWithoutGain(arm.arm, finding.case))
  const alone = gainful.filter(({ finding }) => finding.case.sweep === undefined)
  return alone.length > 0 ? alone : gainful.length > 0 ? gainful : goals
}
