import type { Arm } from '../experiment/definition.ts'
import type { Analysis } from './analysis.ts'
import type { ComparisonVerdict, Finding } from './findings.ts'
import { countOf } from './format.ts'
import type { Effect } from './sentences.ts'

/** What an arm with modules did against those who do by hand what helps, on what it was measured by. */
export type AgainstRivals = 'better' | 'worse' | 'as good' | 'not known'

/**
 * The same measurement held to each arm without modules that another metric names as its baseline; undefined where there is
 * none. Better is better than all of them, worse is worse than one.
 */
export function againstRivals (effect: Effect, { findings }: Pick<Analysis, 'findings'>): AgainstRivals | undefined {
  const verdicts = findings.filter(finding => isRival(finding, effect)).flatMap(({ arms }): ComparisonVerdict[] => {
    const comparison = arms.find(({ arm }) => arm.name === effect.arm.arm.name)?.comparison
    return comparison === undefined ? [] : [comparison.verdict]
  })
  if (verdicts.length === 0 || isByHand(effect.arm.arm)) {
    return undefined
  }
  if (verdicts.includes('regressed')) {
    return 'worse'
  }
  if (verdicts.includes('no meaningful change')) {
    return 'as good'
  }
  return verdicts.every(verdict => verdict === 'improved') ? 'better' : 'not known'
}

function isRival ({ wire, case: { name }, metric, baseline, arms }: Finding, { finding }: Effect): boolean {
  return wire === finding.wire && name === finding.case.name && metric.sample === finding.metric.sample && metric.statistic === finding.metric.statistic &&
    baseline !== finding.baseline && arms.some(({ arm }) => arm.name === baseline && isByHand(arm))
}

function isByHand ({ modules = [] }: Arm): boolean {
  return modules.length === 0
}

/** `against rivals without modules 3 of 9 better, 2 worse, 1 inconclusive` */
export function rivalsClause (outcomes: readonly AgainstRivals[]): string {
  const [better, worse, open] = (['better', 'worse', 'not known'] as const).map(outcome => outcomes.filter(one => one === outcome).length)
  return `against rivals without modules ${countOf(better)} of ${outcomes.length} better, ${countOf(worse)} worse${open === 0 ? '' : `, ${open} inconclusive`}`
}
