import { TwinwireError } from '../core/errors.ts'
import type { Experiment } from '../experiment/definition.ts'
import type { WirePlan } from '../experiment/plan.ts'
import type { UnitKey, UnitResult } from '../experiment/unit.ts'
import { casesWithCourses, chooseCourses } from '../results/course-choice.ts'
import { describeExperiment, unitId } from '../results/data.ts'
import { runError } from '../wires/wire.ts'
import { execute } from './execute.ts'
import type { ExecuteOptions } from './execute.ts'
import { atATime } from './in-turn.ts'
import type { RunPlan } from './run-plan.ts'
import type { Stage } from './stages.ts'

export interface RecordCoursesOptions extends Pick<ExecuteOptions, 'loaded' | 'parameters' | 'machinery' | 'simThreads' | 'signal'> {
  readonly plan: readonly WirePlan[]
  /** How many run at a time. */
  readonly jobs: number
  /** Told of what is to be run once more, before it is. */
  readonly added: (stage: Stage) => void
  /** Told of each of these that came to its end, well or not; `tookMs` is real time. */
  readonly repeated: (unit: UnitKey, tookMs: number) => void
}

/**
 * Which simulations are recorded when they run first: with one seed, and none to come for precision, all that can be chosen,
 * for each is its arm's median, and to run it again would take as long once more. Whether it is the same twice is then not
 * known; `twinwire verify` tells.
 */
export function recordedAtOnce ({ cases }: Experiment, { wires, precision }: Pick<RunPlan, 'wires' | 'precision'>): (unit: UnitKey) => boolean {
  const oneSeed = precision === undefined && wires.filter(({ wire }) => wire === 'sim').flatMap(({ seeds }) => seeds).length === 1
  const shown = new Set(casesWithCourses(cases).map(({ name }) => name))
  return unit => oneSeed && unit.wire === 'sim' && shown.has(unit.case)
}

/**
 * Leaves courses with the results of the simulations that are worth seeing from inside, with no others. Those that have
 * none yet are run once more. A run that is not the same twice is a bug: it becomes a hole, with ERR_NOT_REPRODUCIBLE.
 *
 * @param units the results of all runs; those of one that does not come to an end here stay as they are
 */
export async function recordCourses ({ loaded, parameters, machinery, simThreads, signal, plan, jobs, added, repeated }: RecordCoursesOptions, units: readonly UnitResult[]): Promise<UnitResult[]> {
  const reasons = new Map(chooseCourses({ run: { experiment: describeExperiment(loaded.experiment), plan }, units }).map(({ reason, ...unit }) => [unitId(unit), { reason, unit }]))
  const known = new Map(units.filter(({ course }) => course !== undefined).map(unit => [unitId(unit), unit]))
  const missing = [...reasons].flatMap(([id, { unit }]) => known.has(id) ? [] : [unit])
  const stage: Stage = { wire: 'sim', units: missing, ...atATime(jobs) }
  if (!signal.aborted) {
    added(stage)
  }
  const recorded: UnitResult[] = []
  await execute({
    loaded,
    parameters,
    machinery,
    simThreads,
    signal,
    stages: [stage],
    records: () => true,
    onFinished (unit, result, tookMs) {
      recorded.push(result)
      repeated(unit, tookMs)
    }
  })
  const withCourses = new Map([...known.values(), ...recorded].map(result => [unitId(result), result]))
  return units.map(({ course: _course, ...unit }) => {
    const found = withCourses.get(unitId(unit))
    const chosen = reasons.get(unitId(unit))
    if (found?.traceHash === undefined || chosen === undefined) {
      return unit
    }
    if (found.traceHash !== unit.traceHash) {
      return { ...unit, error: runError(notReproducible(unit, found)) }
    }
    return found.course === undefined ? unit : { ...unit, course: { ...found.course, reason: chosen.reason } }
  })
}

function notReproducible (first: UnitResult, second: UnitResult): TwinwireError {
  return new TwinwireError('ERR_NOT_REPRODUCIBLE', 'the run was not the same when it was run again to be looked at', {
    path: `${first.case}, ${first.arm}, seed ${first.seed}`, expected: `trace hash ${first.traceHash}`, found: `${second.traceHash}`
  })
}
