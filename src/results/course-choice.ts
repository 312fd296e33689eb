import type { Metric } from '../experiment/definition.ts'
import type { CourseReason } from '../experiment/course.ts'
import type { UnitKey } from '../experiment/unit.ts'
import { carries } from '../experiment/wire-pair.ts'
import { holes, unitId } from './data.ts'
import type { CaseDescription, PlannedResults } from './data.ts'
import { runValues } from './run-values.ts'
import type { RunValue } from './run-values.ts'

/** Of an experiment, at most. */
export const COURSE_RUNS = 40
/** Of the runs that failed, the first. */
const FAILED_RUNS = 2

/** A run that is to be recorded from inside, and why. */
export interface ChosenRun extends UnitKey {
  readonly reason: CourseReason
}

/** The metric that runs of a case are chosen by: its first that is not a cost. */
export function leadingMetric ({ metrics }: Pick<CaseDescription, 'metrics'>): Metric | undefined {
  return metrics.find(({ role }) => role !== 'cost') ?? metrics[0]
}

/**
 * The cases whose simulations are seen from inside: those that are in no sweep, for of a sweep there are many that are alike;
 * where simulation plays nothing else, the last of each sweep.
 */
export function casesWithCourses <SomeCase extends Pick<CaseDescription, 'name' | 'wires' | 'sweep'>> (cases: readonly SomeCase[]): SomeCase[] {
  const simulated = cases.filter(theCase => carries('sim', theCase))
  const single = simulated.filter(({ sweep }) => sweep === undefined)
  return single.length > 0 ? single : simulated.filter(({ sweep }, index) => simulated.findLastIndex(other => other.sweep?.name === sweep?.name) === index)
}

/**
 * The simulations that are worth seeing from inside: of each of these cases, and each arm, the run whose value
 * of the leading metric is the median over seeds (nearest rank), and the worst where it differs; and the first two that
 * failed.
 *
 * Of more than `COURSE_RUNS` the last of this order are left out: those that failed; medians, arm by arm, so that the
 * baseline's of all cases come before the next arm's; the worst, in the same way.
 */
export function chooseCourses (results: PlannedResults): ChosenRun[] {
  const { arms, cases } = results.run.experiment
  // One that hung has no trace hash, and would hang again.
  const hashed = new Set(results.units.filter(({ traceHash }) => traceHash !== undefined).map(unitId))
  const failed = holes(results).filter(hole => hole.wire === 'sim' && hashed.has(unitId(hole))).slice(0, FAILED_RUNS)
  const byArm = arms.map(() => ({ medians: [] as ChosenRun[], worst: [] as ChosenRun[] }))
  for (const theCase of casesWithCourses(cases)) {
    const metric = leadingMetric(theCase)
    const values = metric === undefined ? undefined : runValues(results, 'sim', theCase.name, metric)
    arms.forEach(({ name: arm }, index) => {
      const ranked = rank(values?.get(arm) ?? [], metric)
      const median = ranked[Math.ceil(ranked.length / 2) - 1]
      const worst = ranked.at(-1)
      if (median === undefined || worst === undefined) {
        return
      }
      const key = { wire: 'sim', case: theCase.name, arm } as const
      byArm[index].medians.push({ ...key, seed: median.seed, reason: 'median' })
      if (worst.value !== median.value) {
        byArm[index].worst.push({ ...key, seed: worst.seed, reason: 'worst' })
      }
    })
  }
  return [
    ...failed.map(({ wire, case: caseName, arm, seed }) => ({ wire, case: caseName, arm, seed, reason: 'failed' as const })),
    ...byArm.flatMap(({ medians }) => medians),
    ...byArm.flatMap(({ worst }) => worst)
  ].slice(0, COURSE_RUNS)
}

/** From the best to the worst; of equal ones the first seed comes first. */
function rank (values: readonly RunValue[], metric: Metric | undefined): RunValue[] {
  return [...values].sort((a, b) => metric?.better === 'higher' ? b.value - a.value : a.value - b.value)
}
