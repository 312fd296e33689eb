import type { Arm } from '../experiment/definition.ts'
import type { Analysis } from './analysis.ts'
import type { ComparisonVerdict, Finding } from './findings.ts'
import { countOf } from './format.ts'
import type { Effect } from './sentences.ts'

/** For whoever reads of them first. */
export const RIVALS_TEXT = 'is an arm without our modules that does what else is known to help, and that a metric is held to beside the common baseline: it keeps streams by hand, tries again, has another monitor or none, or shapes as others do'

/** What an arm with modules did against its rivals, on what it was measured by; `not known`: inconclusive, or too much failed. */
export type AgainstRivals = 'better' | 'worse' | 'as good' | 'not known'

/**
 * The same measurement held to each arm without modules that another metric names as its baseline; undefined where there is
 * none. Better is better than all of them, worse is worse than one. Who is worse than the common baseline is no rival.
 */
export function againstRivals (effect: Effect, { findings }: Pick<Analysis, 'findings'>): AgainstRivals | undefined {
  const verdicts = findings.filter(finding => isRival(finding, effect)).flatMap(({ arms }): ComparisonVerdict[] => {
    const comparison = arms.find(({ arm }) => arm.name === effect.arm.arm.name)?.comparison
    return comparison === undefined ? [] : [comparison.verdict]
  })
  if (verdicts.length === 0 || !hasModules(effect.arm.arm)) {
    return undefined
  }
  if (verdicts.includes('regressed')) {
    return 'worse'
  }
  if (verdicts.some(verdict => verdict === 'inconclusive' || verdict === 'saturated')) {
    return 'not known'
  }
  return verdicts.includes('no meaningful change') ? 'as good' : 'better'
}

function isRival ({ wire, case: { name }, metric, baseline, arms }: Finding, { finding }: Effect): boolean {
  return wire === finding.wire && name === finding.case.name && metric.sample === finding.metric.sample && metric.statistic === finding.metric.statistic &&
    baseline !== finding.baseline && arms.some(({ arm }) => arm.name === baseline && !hasModules(arm)) &&
    finding.arms.find(({ arm }) => arm.name === baseline)?.comparison?.verdict !== 'regressed'
}

function hasModules ({ modules = [] }: Arm): boolean {
  return modules.length > 0
}

/** `against rivals 3 of 9 better, 2 worse, 1 not known` */
export function rivalsClause (outcomes: readonly AgainstRivals[]): string {
  return `against rivals ${rivalsCounts(outcomes)}`
}

export function rivalsCounts (outcomes: readonly AgainstRivals[]): string {
  const [better, worse, open] = (['better', 'worse', 'not known'] as const).map(outcome => outcomes.filter(one => one === outcome).length)
  return `${countOf(better)} of ${outcomes.length} better, ${countOf(worse)} worse${open === 0 ? '' : `, ${open} not known`}`
}
