import { systemClock } from '../core/clock.ts'
import type { LoadedExperiment } from '../experiment/registry.ts'
import type { UnitKey } from '../experiment/unit.ts'
import { runError } from '../wires/wire.ts'
import type { RunParameters } from '../wires/wire.ts'
import { Conducting } from './conduct.ts'
import type { CliContext } from './context.ts'
import type { Machinery, Player } from './execute.ts'
import { inTurn } from './in-turn.ts'
import { Progress } from './progress.ts'
import type { RunPlan } from './run-plan.ts'
import { aloneStage, sharedStage } from './stages.ts'
import type { RealUnits, Stage } from './stages.ts'

/** One experiment, ready to run. */
export interface PreparedExperiment {
  readonly loaded: LoadedExperiment
  readonly parameters: RunParameters
  readonly plan: RunPlan
  readonly machinery: Machinery
  /** Where its results go: an absolute path of a folder that is there. */
  readonly directory: string
}

/**
 * One of several experiments, which is played in three parts: in virtual time, its real runs among those of the others that
 * share the machine, and its other real runs. One that has failed plays no more; none of its methods rejects, for what the
 * others measure is not lost where one fails.
 */
export class ExperimentInParts {
  readonly name: string
  readonly directory: string
  readonly #context: CliContext
  readonly #prepared: PreparedExperiment
  #conducting: Conducting | undefined
  #progress: Progress | undefined
  #failed = false
  #kept = false

  constructor (context: CliContext, prepared: PreparedExperiment) {
    this.#context = context
    this.#prepared = prepared
    this.name = prepared.loaded.experiment.name
    this.directory = prepared.directory
  }

  /** As a whole, which is on stderr by then. */
  get failed (): boolean {
    return this.#failed
  }

  /** Whether its folder holds runs of this command. */
  get kept (): boolean {
    return this.#kept
  }

  /** Its stages in virtual time, but for seeds that are added later. */
  get virtualStages (): readonly Stage[] {
    return this.#prepared.plan.stages.filter(({ wire }) => wire !== 'tcp')
  }

  get aloneStages (): readonly Stage[] {
    return [aloneStage(this.realUnits)].filter(({ units }) => units.length > 0)
  }

  get realUnits (): RealUnits {
    const { loaded: { experiment }, parameters, plan } = this.#prepared
    return { experiment, parameters, units: plan.stages.flatMap(({ wire, units }) => wire === 'tcp' ? units : []) }
  }

  async playVirtual (progress: Progress): Promise<void> {
    await this.#play(progress, async conducting => await conducting.playVirtual())
  }

  async playAlone (progress: Progress): Promise<void> {
    await this.#play(progress, async conducting => await conducting.playReal(this.aloneStages))
  }

  /** For its runs that share the machine; undefined where it has failed, or fails of this. */
  async createRealPlayer (): Promise<Player | undefined> {
    let player: Player | undefined
    await this.#attempt(async () => {
      this.#conducting ??= await this.#begin()
      player = await this.#conducting.createRealPlayer()
    })
    return player
  }

  /** Who is told of its runs from now on. */
  showOn (progress: Progress): void {
    this.#progress = progress
  }

  /** To follow the runs of its player, also where it has failed meanwhile. */
  async write (): Promise<void> {
    try {
      await this.#conducting?.write()
    } catch (error) {
      this.#fail(error)
    }
  }

  async #play (progress: Progress, part: (conducting: Conducting) => Promise<void>): Promise<void> {
    this.showOn(progress)
    await this.#attempt(async () => {
      const conducting = this.#conducting ??= await this.#begin()
      try {
        await progress.during(this.#context.signal, async () => await part(conducting))
      } finally {
        await conducting.write()
      }
    })
  }

  async #attempt (work: () => Promise<void>): Promise<void> {
    if (this.#failed) {
      return
    }
    try {
      await work()
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail (error: unknown): void {
    const { code, message } = runError(error)
    this.#context.stderr.write(`error [${code}]: ${this.name} failed: ${message}\n`)
    this.#failed = true
    if (code === 'ERR_RESULTS_INCOMPLETE') {
      // Its folder cannot be read, and the summary is to have the others.
      this.#kept = false
    }
  }

  async #begin (): Promise<Conducting> {
    return await Conducting.begin({
      ...this.#prepared,
      signal: this.#context.signal,
      observer: {
        added: stages => this.#progress?.add(stages),
        finished: (unit, result, tookMs) => this.#progress?.finished(unit, result.error !== undefined, tookMs),
        repeated: (unit, tookMs) => this.#progress?.finished(unit, false, tookMs),
        written: ({ units }) => { this.#kept = units.length > 0 }
      }
    })
  }
}

/** Plays the parts of one kind, one after the other, until the signal aborts. */
export async function playInTurn (
  { signal, stderr }: CliContext,
  experiments: readonly ExperimentInParts[],
  stagesOf: (experiment: ExperimentInParts) => readonly Stage[],
  headingOf: (name: string, position: string) => string,
  play: (experiment: ExperimentInParts, progress: Progress) => Promise<void>
): Promise<void> {
  const parts = experiments.flatMap(experiment => {
    const stages = experiment.failed ? [] : stagesOf(experiment)
    return stages.length === 0 ? [] : [{ experiment, stages }]
  })
  for (const [index, { experiment, stages }] of parts.entries()) {
    if (signal.aborted) {
      return
    }
    const heading = (): string => headingOf(experiment.name, `${index + 1} of ${parts.length}`)
    await play(experiment, new Progress({ output: stderr, clock: systemClock, stages, heading, estimate: () => '' }))
  }
}

/** Plays the real runs of all experiments that share the machine. */
export async function playShared ({ signal, stderr }: CliContext, experiments: readonly ExperimentInParts[], headingOf: (count: number) => string): Promise<void> {
  const going = experiments.filter(({ failed }) => !failed)
  const stage = sharedStage(going.map(({ realUnits }) => realUnits))
  if (stage.units.length === 0 || signal.aborted) {
    return
  }
  const shared = new Set(stage.units)
  const sharing = going.filter(({ realUnits: { units } }) => units.some(unit => shared.has(unit)))
  const players = new Map<UnitKey, Player>()
  for (const experiment of sharing) {
    const player = await experiment.createRealPlayer()
    if (player !== undefined) {
      experiment.realUnits.units.filter(unit => shared.has(unit)).forEach(unit => players.set(unit, player))
    }
  }
  const units = stage.units.filter(unit => players.has(unit))
  const count = sharing.filter(({ failed }) => !failed).length
  const progress = new Progress({ output: stderr, clock: systemClock, stages: [{ ...stage, units }], heading: () => headingOf(count), estimate: () => '' })
  sharing.forEach(experiment => experiment.showOn(progress))
  try {
    if (units.length > 0) {
      await progress.during(signal, async () => await inTurn(units, stage, signal, async unit => await players.get(unit)!.play(unit, stage)))
    }
  } finally {
    for (const experiment of sharing) {
      await experiment.write()
    }
    for (const player of new Set(players.values())) {
      await player.stop()
    }
  }
}
