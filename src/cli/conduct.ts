import { systemClock } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
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
import { createPlayer, execute } from './execute.ts'
import type { Machinery, Player, PlayerOptions } from './execute.ts'
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
  /** `tookMs` is real time; `soFar` gives everything that is there with this unit and not written yet. */
  finished(unit: UnitKey, result: UnitResult, tookMs: number, soFar: () => ResultsData): void
  /** A simulation that has a result was run again for its course. */
  repeated(unit: UnitKey, tookMs: number): void
  /** Waited for before real time is measured and before the results are written: whatever it does beside must be over. */
  quiet?(): Promise<void>
  /** All results that there are, are in the folder, however the run or its part ended. */
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
export async function conduct (request: ConductRequest): Promise<void> {
  const conducting = await Conducting.begin(request)
  try {
    await conducting.playVirtual()
    await conducting.playReal(request.plan.stages)
  } finally {
    await conducting.write()
  }
}

/**
 * An experiment that is being conducted, in parts: where several are, others may have the machine between two of them.
 * What is finished is in the folder after `write`, which is to follow each part, however that ended.
 */
export class Conducting {
  readonly #request: ConductRequest
  readonly #description: Omit<RunDescription, 'plan' | 'tookSeconds' | 'finishedAt'>
  readonly #simThreads: SimThreads
  readonly #wires: WirePlan[]
  /** Those that are not in the folder yet. */
  #units: UnitResult[] = []
  #written = false
  /** Real time of the parts that are written. */
  #tookMs = 0
  /** Of the part under way: when its first run began, and its last one ended, on the clock of real time. */
  #fromMs = Infinity
  #toMs = -Infinity

  private constructor (request: ConductRequest, description: Omit<RunDescription, 'plan' | 'tookSeconds' | 'finishedAt'>) {
    this.#request = request
    this.#description = description
    this.#simThreads = new Threads(request.machinery.simWorker, request.plan.jobs)
    this.#wires = [...request.plan.wires]
  }

  static async begin (request: ConductRequest): Promise<Conducting> {
    const { loaded: { experiment }, parameters, plan } = request
    const changed = changedParameters(experiment, parameters)
    return new Conducting(request, {
      command: plan.command,
      experiment: describeExperiment(experiment),
      definition: definitionHash(experiment),
      parameters,
      ...(changed.length === 0 ? {} : { changedParameters: changed }),
      ...(plan.wires.some(({ wire, seeds }) => wire === 'tcp' && seeds.length > 0) ? { armOrder: 'drawn' as const } : {}),
      ...(plan.precision === undefined ? {} : { precision: plan.precision }),
      ...await describeEnvironment(),
      startedAt: new Date().toISOString()
    })
  }

  /** All that is in virtual time. */
  async playVirtual (): Promise<void> {
    const { signal, plan, loaded, parameters, observer } = this.#request
    const options = this.#options()
    try {
      await execute({ ...options, stages: plan.stages.filter(({ wire }) => wire === 'sim') })
      while (!signal.aborted) {
        const more = await missing(this.#unwritten(), plan)
        if (more === undefined) {
          break
        }
        // After the simulations that were there before.
        this.#wires.splice(this.#wires.findLastIndex(({ wire }) => wire === 'sim') + 1, 0, more)
        const stages = planStages(loaded.experiment, parameters, planUnits(loaded.experiment, [more]), plan)
        observer.added(stages)
        await execute({ ...options, stages })
      }
      this.#units = await recordCourses({
        ...options,
        plan: this.#wires,
        jobs: plan.jobs,
        added: stage => observer.added([stage]),
        repeated: (unit, tookMs) => {
          this.#note(tookMs)
          observer.repeated(unit, tookMs)
        }
      }, this.#units)
    } finally {
      await this.#simThreads.stop()
    }
    await execute({ ...options, stages: plan.stages.filter(({ wire }) => wire === 'stack') })
  }

  /** Those of the stages that are in real time. */
  async playReal (stages: readonly Stage[]): Promise<void> {
    await this.#request.observer.quiet?.()
    await execute({ ...this.#options(), stages: stages.filter(({ wire }) => wire === 'tcp') })
  }

  /**
   * For real runs that share the machine with those of other experiments.
   *
   * @throws what a wire that cannot be made throws
   */
  async createRealPlayer (): Promise<Player> {
    return await createPlayer('tcp', this.#options())
  }

  /**
   * What is finished joins what an earlier call has written. Where that cannot be read any more, it goes into a folder
   * beside it.
   */
  async write (): Promise<void> {
    this.#tookMs += this.#partMs
    this.#fromMs = Infinity
    this.#toMs = -Infinity
    try {
      await this.#request.observer.quiet?.()
    } finally {
      await this.#writeUnits()
    }
  }

  async #writeUnits (): Promise<void> {
    const { directory, observer } = this.#request
    // Also where a wire cannot be made: what ran before it took long.
    if (this.#units.length === 0 && (this.#written || await holdsResults(directory))) {
      return
    }
    const { readResults, writeResults } = await import('../results/files.ts')
    const { run, units } = this.#unwritten()
    let earlier: readonly UnitResult[] = []
    try {
      // Not kept in memory meanwhile: those of many experiments are too much.
      earlier = this.#written ? (await readResults(directory)).units : []
    } catch (error) {
      const beside = `${directory}-rest`
      await writeResults(beside, { run, units })
      throw new TwinwireError('ERR_RESULTS_INCOMPLETE', `what was written before cannot be read any more; the rest is in ${beside}`, { path: directory, cause: error })
    }
    const results = { run, units: [...earlier, ...units] }
    await writeResults(directory, results)
    this.#written = true
    this.#units = []
    observer.written(results)
  }

  #options (): PlayerOptions {
    const { machinery, signal, loaded, parameters, plan, observer } = this.#request
    return {
      loaded,
      parameters,
      machinery,
      signal,
      simThreads: this.#simThreads,
      records: recordedAtOnce(loaded.experiment, plan),
      onFinished: (unit, result, tookMs) => {
        this.#note(tookMs)
        this.#units.push(result)
        observer.finished(unit, result, tookMs, () => this.#unwritten())
      }
    }
  }

  /** A run that took so long has just ended. */
  #note (tookMs: number): void {
    const nowMs = systemClock.now()
    this.#fromMs = Math.min(this.#fromMs, nowMs - tookMs)
    this.#toMs = nowMs
  }

  get #partMs (): number {
    return Math.max(0, this.#toMs - this.#fromMs)
  }

  /** What the folder does not have. */
  #unwritten (): ResultsData {
    return {
      run: { ...this.#description, plan: [...this.#wires], tookSeconds: (this.#tookMs + this.#partMs) / 1000, finishedAt: new Date().toISOString() },
      units: [...this.#units]
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
