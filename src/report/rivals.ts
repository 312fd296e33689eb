import type { Arm } from '../experiment/definition.ts'
import type { Analysis } from './analysis.ts'
import type { ComparisonVerdict, Finding } from './findings.ts'
import { countOf } from './format.ts'
import type { Effect } from './sentences.ts'

/** For whoever reads of them first. */
export const RIVALS_TEXT = 'is an arm without our modules that does what else is known to help, and that a metric is held to beside the common baseline: it keeps streams by hand, tries again, has another monitor or none, or shapes as others do; where it does no better than that baseline itself it is none, for who beats it there beats the baseline twice'

/** What an arm with modules did against its rivals, on what it was measured by; `not known`: inconclusive, or too much failed. */
export type AgainstRivals = 'better' | 'worse' | 'as good' | 'not known'

/**
 * The same measurement held to each arm without modules that another metric names as its baseline; undefined where there is
 * none. Better is better than all of them, worse is worse than one. Who does no better than the common baseline is no rival;
 * of whom that is not known, it is nothing to be better than he is.
 */
export function againstRivals (effect: Effect, { findings }: Pick<Analysis, 'findings'>): AgainstRivals | undefined {
  if (!hasModules(effect.arm.arm)) {
    return undefined
  }
  const verdicts = findings.filter(finding => isHeldTo(finding, effect)).flatMap(({ baseline, arms }): ComparisonVerdict[] => {
    const merit = meritOf(baseline, effect)
    const verdict = arms.find(({ arm }) => arm.name === effect.arm.arm.name)?.comparison?.verdict
    return merit === 'none' || verdict === undefined ? [] : [merit === 'not known' && verdict === 'improved' ? 'inconclusive' : verdict]
  })
  if (verdicts.length === 0) {
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

/** Whether a finding holds the same measurement to another baseline, which has no modules. */
function isHeldTo ({ wire, case: { name }, metric, baseline, arms }: Finding, { finding }: Effect): boolean {
  return wire === finding.wire && name === finding.case.name && metric.sample === finding.metric.sample && metric.statistic === finding.metric.statistic &&
    baseline !== finding.baseline && arms.some(({ arm }) => arm.name === baseline && !hasModules(arm))
}

/** Whether an arm does better than the common baseline. */
function meritOf (rival: string, { finding }: Effect): 'some' | 'none' | 'not known' {
  const comparison = finding.arms.find(({ arm }) => arm.name === rival)?.comparison
  switch (comparison?.verdict) {
    case 'improved':
      return 'some'
    case 'saturated':
      // Who is measured where the baseline is not is better; who is not where the baseline is, worse.
      return comparison.bounds?.arm === undefined ? 'some' : comparison.bounds.baseline === undefined ? 'none' : 'not known'
    case 'regressed':
    case 'no meaningful change':
      return 'none'
    default:
      return 'not known'
  }
}

export function hasModules ({ modules = [] }: Arm): boolean {
  return modules.length > 0
}

/** `against rivals 3 of 9 better, 2 worse, 1 not known` */
export function rivalsClause (outcomes: readonly AgainstRivals[]): string {
  const [better, worse, open] = (['better', 'worse', 'not known'] as const).map(outcome => outcomes.filter(one => one === outcome).length)
  return `against rivals ${countOf(better)} of ${outcomes.length} better, ${countOf(worse)} worse${open === 0 ? '' : `, ${open} not known`}`
}
