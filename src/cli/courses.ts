import { TwinwireError } from '../core/errors.ts'
import type { WirePlan } from '../experiment/plan.ts'
import { toUnitError } from '../experiment/run-unit.ts'
import type { UnitResult } from '../experiment/unit.ts'
import { chooseCourses } from '../results/course-choice.ts'
import { describeExperiment, unitId } from '../results/data.ts'
import { execute } from './execute.ts'
import type { ExecuteOptions } from './execute.ts'

export interface RecordCoursesOptions extends Pick<ExecuteOptions, 'loaded' | 'parameters' | 'machinery' | 'simThreads' | 'signal'> {
  readonly plan: readonly WirePlan[]
  /** How many run at a time. */
  readonly jobs: number
}

/**
 * Runs the simulations that are worth seeing from inside once more, and gives their results the courses that are recorded
 * meanwhile. A run that is not the same twice is a bug: it becomes a hole, with ERR_NOT_REPRODUCIBLE.
 *
 * @param units the results of all runs; those of one that does not come to an end here stay as they are
 */
export async function recordCourses ({ loaded, parameters, machinery, simThreads, signal, plan, jobs }: RecordCoursesOptions, units: readonly UnitResult[]): Promise<UnitResult[]> {
  const reasons = new Map(chooseCourses({ run: { experiment: describeExperiment(loaded.experiment), plan }, units }).map(({ reason, ...unit }) => [unitId(unit), { reason, unit }]))
  if (reasons.size === 0) {
    return [...units]
  }
  const stage = { wire: 'sim' as const, units: [...reasons.values()].map(({ unit }) => unit), lanes: jobs }
  const recorded = await execute({ loaded, parameters, machinery, simThreads, signal, stages: [stage], course: true, onFinished () {} })
  const again = new Map(recorded.map(result => [unitId(result), result]))
  return units.map(unit => {
    const second = again.get(unitId(unit))
    const chosen = reasons.get(unitId(unit))
    if (second?.traceHash === undefined || chosen === undefined) {
      return unit
    }
    if (second.traceHash !== unit.traceHash) {
      return { ...unit, error: toUnitError(notReproducible(unit, second)) }
    }
    return second.course === undefined ? unit : { ...unit, course: { ...second.course, reason: chosen.reason } }
  })
}

function notReproducible (first: UnitResult, second: UnitResult): TwinwireError {
  return new TwinwireError('ERR_NOT_REPRODUCIBLE', 'the run was not the same when it was run again to be looked at', {
    path: `${first.case}, ${first.arm}, seed ${first.seed}`, expected: `trace hash ${first.traceHash}`, found: `${second.traceHash}`
  })
}
