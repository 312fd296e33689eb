import { definitionHash } from '../experiment/definition-hash.ts'
import { planSeeds, planUnits } from '../experiment/plan.ts'
import type { WirePlan } from '../experiment/plan.ts'
import type { LoadedExperiment } from '../experiment/registry.ts'
import type { UnitKey, UnitResult } from '../experiment/unit.ts'
import { describeExperiment, seedsOf } from '../results/data.ts'
import type { ResultsData, RunDescription } from '../results/data.ts'
import type { RunParameters } from '../wires/wire.ts'
import { recordCourses, recordedAtOnce } from './courses.ts'
import { describeEnvironment } from './environment.ts'
import { execute } from './execute.ts'
import type { Machinery } from './execute.ts'
import { moreSeeds } from './more-seeds.ts'
import { changedParameters } from './parameters.ts'
import { holdsResults } from './results-directory.ts'
import type { RunPlan } from './run-plan.ts'
import type { SimThreads } from './sim-task.ts'
import { planStages } from './stages.ts'
import type { Stage } from './stages.ts'
import { Threads } from './threads.ts'

export interface ConductRequest {
  /** As `machineryFor` made it for the plan. */
  readonly machinery: Machinery
  readonly signal: AbortSignal
  readonly loaded: LoadedExperiment
  readonly parameters: RunParameters
  readonly plan: RunPlan
  /** Where its results go: an absolute path of a folder that is there. */
  readonly directory: string
  readonly observer: ConductObserver
}

/** Who looks on. */
export interface ConductObserver {
  /** Stages beside those of the plan: seeds that are added for precision, and simulations that are run again for their courses. */
  added(stages: readonly Stage[]): void
  /** `tookMs` is real time; `soFar` gives everything that is there with this unit. */
  finished(unit: UnitKey, result: UnitResult, tookMs: number, soFar: () => ResultsData): void
  /** A simulation that has a result was run again for its course. */
  repeated(unit: UnitKey, tookMs: number): void
  /** Waited for before real time is measured and before the results are written: whatever it does beside must be over. */
  quiet?(): Promise<void>
  /** The results are in the folder, however the run ended. */
  written(results: ResultsData): void
}

/**
 * The machinery with the plan's network and cipher, which `conduct` takes.
 *
 * @throws ERR_UNSUPPORTED where this machine has not the network: now, before anything runs. Loopback it has.
 */
export async function machineryFor ({ stackCipher, tcpNetwork, wires }: RunPlan, machinery: Machinery): Promise<Machinery> {
  const withCipher = { ...machinery, createStackWire: async () => await machinery.createStackWire({ cipher: stackCipher }) }
  if (tcpNetwork === 'relay' || !wires.some(({ wire }) => wire === 'tcp')) {
    return withCipher
  }
  const wire = await machinery.createTcpWire(tcpNetwork)
  return { ...withCipher, createTcpWire: async () => wire }
}

/**
 * Conducts one experiment: all planned simulations; more, while effects are to be known more precisely; those that are
 * worth seeing from inside once more, where they were not recorded at once; then the other wires; and leaves the results
 * in the folder. Cut short, or where it throws, it leaves what is finished; where nothing is, an earlier run's results stay.
 *
 * @throws what wires that cannot be made, the observer, or the file system throw
 */
export async function conduct ({ machinery, signal, loaded, parameters, plan, directory, observer }: ConductRequest): Promise<void> {
  const { experiment } = loaded
  const changed = changedParameters(experiment, parameters)
  const description = {
    command: plan.command,
    experiment: describeExperiment(experiment),
    definition: definitionHash(experiment),
    parameters,
    ...(changed.length === 0 ? {} : { changedParameters: changed }),
    ...(plan.precision === undefined ? {} : { precision: plan.precision }),
    ...await describeEnvironment(),
    startedAt: new Date().toISOString()
  }
  const wires = [...plan.wires]
  const units: UnitResult[] = []
  const soFar = (): ResultsData => ({ run: describe(description, wires), units: [...units] })
  const simThreads: SimThreads = new Threads(machinery.simWorker, plan.jobs)
  const records = recordedAtOnce(experiment, plan)
  const play = async (stages: readonly Stage[]): Promise<void> => await execute({
    loaded,
    parameters,
    stages,
    machinery,
    simThreads,
    signal,
    records,
    onFinished (unit, result, tookMs) {
      units.push(result)
      observer.finished(unit, result, tookMs, soFar)
    }
  })
  const simulate = async (): Promise<void> => {
    try {
      await play(plan.stages.filter(({ wire }) => wire === 'sim'))
      while (!signal.aborted) {
        const more = await missing(soFar(), plan)
        if (more === undefined) {
          break
        }
        // After the simulations that were there before.
        wires.splice(wires.findLastIndex(({ wire }) => wire === 'sim') + 1, 0, more)
        const stages = planStages(experiment, parameters, planUnits(experiment, [more]), plan)
        observer.added(stages)
        await play(stages)
      }
      const withCourses = await recordCourses({
        loaded,
        parameters,
        machinery,
        simThreads,
        signal,
        plan: wires,
        jobs: plan.jobs,
        added: stage => observer.added([stage]),
        repeated: (unit, tookMs) => observer.repeated(unit, tookMs)
      }, units)
      units.splice(0, units.length, ...withCourses)
    } finally {
      await simThreads.stop()
    }
  }

  try {
    await simulate()
    await play(plan.stages.filter(({ wire }) => wire === 'stack'))
    await observer.quiet?.()
    await play(plan.stages.filter(({ wire }) => wire === 'tcp'))
  } finally {
    try {
      await observer.quiet?.()
    } finally {
      // Also where a wire cannot be made: what ran before it took long.
      if (units.length > 0 || !await holdsResults(directory)) {
        const { writeResults } = await import('../results/files.ts')
        const results = soFar()
        await writeResults(directory, results)
        observer.written(results)
      }
    }
  }
}

/** What the targets of precision still need; the same whatever ran beside what. */
async function missing (results: ResultsData, { precision, seed }: RunPlan): Promise<WirePlan | undefined> {
  if (precision === undefined) {
    return undefined
  }
  const { precisionsOf } = await import('../report/precision.ts')
  const seeds = seedsOf(results, 'sim').length
  const more = moreSeeds(precisionsOf(results, precision), precision, seeds)
  return more === undefined ? undefined : { wire: 'sim', seeds: planSeeds(seed, seeds + more.count).slice(seeds), cases: more.cases }
}

function describe (description: Omit<RunDescription, 'plan' | 'finishedAt'>, wires: readonly WirePlan[]): RunDescription {
  return { ...description, plan: [...wires], finishedAt: new Date().toISOString() }
}
