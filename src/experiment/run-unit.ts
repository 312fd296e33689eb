import { show, TwinwireError } from '../core/errors.ts'
import { randomStream } from '../core/random.ts'
import type { RecordedEvent } from '../core/recorder.ts'
import { parseScenario } from '../wires/scenario.ts'
import type { ScenarioInput } from '../wires/scenario.ts'
import { runError } from '../wires/wire.ts'
import type { RunOutcome, RunParameters, Wire } from '../wires/wire.ts'
import { courseOf } from './course.ts'
import type { Case, SampleEvent } from './definition.ts'
import type { LoadedExperiment } from './registry.ts'
import type { UnitKey, UnitResult } from './unit.ts'

export interface RunUnitOptions {
  readonly loaded: LoadedExperiment
  /** The experiment's parameters; roles and scenarios are given `case` and `arm` as well. */
  readonly parameters: RunParameters
  readonly unit: UnitKey
  readonly wire: Wire
  /** A file, as in `RunRequest`. */
  readonly eventLog?: string
  /** Whether the result has the run's course, as in `RunRequest`. */
  readonly course?: boolean
  readonly signal?: AbortSignal
}

/**
 * Runs one arm under one case's conditions once. Whatever goes wrong inside is the result's `error`, beside the samples
 * that are good; a run cut short by the signal has ERR_INTERRUPTED there. Never rejects.
 */
export async function runUnit ({ loaded, parameters, unit, wire, eventLog, course, signal }: RunUnitOptions): Promise<UnitResult> {
  try {
    const { experiment, rolesModule } = loaded
    const theCase = experiment.cases.find(({ name }) => name === unit.case)
    if (theCase === undefined) {
      throw new Error(`the plan has a case that the experiment has not: ${unit.case}`)
    }
    const outcome = await wire.run({
      scenario: parseScenario(scenarioOf(theCase, parameters, unit)),
      rolesModule,
      parameters: parametersOf(parameters, unit),
      seed: unit.seed,
      ...(eventLog === undefined ? {} : { eventLog }),
      ...(course === undefined ? {} : { course }),
      ...(signal === undefined ? {} : { signal })
    })
    return toResult(unit, theCase, outcome)
  } catch (error) {
    return { ...keyOf(unit), samples: [], error: runError(error) }
  }
}

/** What the case makes of the unit's seed: not checked. @throws what the case throws */
export function scenarioOf (theCase: Case, parameters: RunParameters, unit: UnitKey): ScenarioInput {
  // Forked by the case and not by the arm: all arms of a seed meet the same network.
  return theCase.scenario(parametersOf(parameters, unit), randomStream(unit.seed).fork('scenario').fork(unit.case))
}

function parametersOf (parameters: RunParameters, unit: UnitKey): RunParameters {
  return { ...parameters, case: unit.case, arm: unit.arm }
}

function toResult (unit: UnitKey, theCase: Case, { events, traceHash, course, packetLateness, busyShare, error, interrupted }: RunOutcome): UnitResult {
  const known = new Set(theCase.metrics.map(({ sample }) => sample))
  const samples: SampleEvent[] = []
  // What roles throw because they were cut short says less than that they were.
  let problem = interrupted ? runError(new TwinwireError('ERR_INTERRUPTED', 'the run was cut short')) : error
  for (const event of events) {
    if (!isSample(event)) {
      continue
    }
    const wrong = sampleProblem(event, known)
    if (wrong === undefined) {
      samples.push(event)
    } else {
      problem ??= runError(wrong)
    }
  }
  if (samples.length === 0) {
    problem ??= runError(new TwinwireError('ERR_NO_SAMPLES', 'the run recorded no sample', {
      expected: `samples of ${[...known].join(', ')}`
    }))
  }
  return {
    ...keyOf(unit),
    samples,
    ...(traceHash === undefined ? {} : { traceHash }),
    ...(course === undefined ? {} : { course: courseOf(course, events) }),
    ...(packetLateness === undefined ? {} : { packetLateness }),
    ...(busyShare === undefined ? {} : { busyShare }),
    ...(problem === undefined ? {} : { error: problem })
  }
}

function sampleProblem ({ metric, value, host, timeMs }: SampleEvent, known: ReadonlySet<string>): TwinwireError | undefined {
  const where = `the sample of ${host} at ${timeMs} ms`
  if (!known.has(metric)) {
    return new TwinwireError('ERR_INVALID_SAMPLE', 'no metric of the case is made of this sample', {
      path: where, expected: `one of ${[...known].join(', ')}`, found: show(metric)
    })
  }
  if (!Number.isFinite(value)) {
    return new TwinwireError('ERR_INVALID_SAMPLE', `the sample '${metric}' has no value`, {
      path: where, expected: 'a finite number', found: show(value)
    })
  }
  return undefined
}

function isSample (event: RecordedEvent): event is SampleEvent {
  return event.type === 'sample'
}

function keyOf ({ wire, case: caseName, arm, seed }: UnitKey): UnitKey {
  return { wire, case: caseName, arm, seed }
}
