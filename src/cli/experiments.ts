import { readFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { systemClock } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import { experimentNames, loadExperiment } from '../experiment/registry.ts'
import type { LoadedExperiment } from '../experiment/registry.ts'
import type { Analysis } from '../report/analysis.ts'
import { runError } from '../wires/wire.ts'
import type { RunParameters } from '../wires/wire.ts'
import { commandLine } from './command-line.ts'
import { conduct, machineryFor } from './conduct.ts'
import type { CliContext } from './context.ts'
import type { Machinery } from './execute.ts'
import { experimentFolders } from './experiment-folders.ts'
import type { FolderOptions } from './experiment-folders.ts'
import { formatSpan } from './format-span.ts'
import { interruptedExitCode } from './interruption.ts'
import { KeptWires } from './kept-wires.ts'
import { ExitCode } from './options.ts'
import type { MadePage } from './page-worker.ts'
import { parseParameters } from './parameters.ts'
import { Progress } from './progress.ts'
import { fromHere } from './report.ts'
import { makePagesDirectory, prepareResultsDirectory } from './results-directory.ts'
import { planRun } from './run-plan.ts'
import type { PlanOptions, RunPlan } from './run-plan.ts'
import { makeSummary, SUMMARY_DATA, SUMMARY_PAGE } from './summary.ts'
import { table } from './table.ts'

export interface ExperimentsOptions extends Omit<PlanOptions, 'validates' | 'set' | 'precision' | 'maximumSeeds'>, FolderOptions {
  /** Gets a folder with the results of each. */
  readonly out: string
  /** Gets the reports and the summary. Default: `out`. */
  readonly pages?: string
}

/** One experiment, ready to run. */
interface Prepared {
  readonly loaded: LoadedExperiment
  readonly parameters: RunParameters
  readonly plan: RunPlan
  readonly machinery: Machinery
  readonly directory: string
}

/**
 * The command `experiments`: runs all experiments, or those named, one after the other, each as `validate` does, and makes
 * their reports and the summary over them. One that fails as a whole, as where its real peers cannot be made, is said on
 * stderr and marked in the table; the summary has what it has.
 *
 * Interrupted, it makes no report, or no more, and says on stderr what would.
 *
 * @returns the process's exit code: 1 where a threshold of any does not hold, a run has no result, or an experiment failed
 * @throws as `run` does, for the first experiment that cannot be carried out as given, before anything runs
 * @throws ERR_INVALID_OPTION where there can be no folder for pages, before anything runs
 */
export async function experiments (context: CliContext, names: readonly string[], options: ExperimentsOptions): Promise<number> {
  const pages = resolve(context.workingDirectory, options.pages ?? options.out)
  const kept = new KeptWires(context.machinery)
  let played: readonly Played[] | undefined
  try {
    played = await playAll({ ...context, machinery: kept.machinery }, names, options, pages)
  } finally {
    // Before reports take the memory that real peers have.
    await kept.stop()
  }
  return played === undefined ? interruptedExitCode(context.signal) : await sumUp(context, played, options, pages)
}

/** What became of an experiment. */
interface Outcome {
  /** As a whole, which is on stderr by then. */
  readonly failed: boolean
  /** Whether its folder holds runs of this command. */
  readonly kept: boolean
}

interface Played extends Prepared, Outcome {}

/** Runs them one after the other, and returns them in that order; undefined where it was interrupted. */
async function playAll (context: CliContext, names: readonly string[], options: ExperimentsOptions, pages: string): Promise<readonly Played[] | undefined> {
  const { signal } = context
  const expected = await earlierTimes(pages)
  const folders = await experimentFolders(context, options)
  const prepared: Prepared[] = []
  for (const name of names.length > 0 ? new Set(names) : await experimentNames(folders)) {
    prepared.push(await prepare(context, name, folders, options))
  }
  await makePagesDirectory(pagesOption(options), pages)
  if (signal.aborted) {
    return undefined
  }
  const played: Played[] = []
  for (const [index, experiment] of prepared.entries()) {
    const later = prepared.slice(index + 1).map(({ loaded }) => expected.get(loaded.experiment.name))
    const outcome = await play(context, experiment, { position: `${index + 1} of ${prepared.length}`, later })
    if (signal.aborted) {
      tellFinished(context, played, pages)
      if (outcome.kept) {
        tellInterrupted(context, experiment)
      }
      return undefined
    }
    played.push({ ...experiment, ...outcome })
  }
  return played
}

/** What the user named the folder for pages with. */
function pagesOption ({ pages }: ExperimentsOptions): string {
  return pages === undefined ? '--out' : '--pages'
}

/** Makes reports and summary, and tells how each experiment went; the exit code. */
async function sumUp (context: CliContext, played: readonly Played[], options: ExperimentsOptions, pages: string): Promise<number> {
  const { signal, stdout } = context
  const kept = played.filter(one => one.kept)
  if (kept.length === 0) {
    return ExitCode.failed
  }
  let entries: readonly MadePage[]
  try {
    entries = await makeSummary(kept.map(({ directory }) => directory), { pages, option: pagesOption(options), threads: options.jobs, signal })
  } catch (error) {
    tellFinished(context, played, pages)
    if (!signal.aborted) {
      throw error
    }
    return interruptedExitCode(signal)
  }
  const made = new Map(entries.map((entry, index) => [kept[index], entry]))
  const rows = played.map(one => rowOf(one, made.get(one)))
  stdout.write(`${table(['experiment', 'took', 'runs', 'thresholds'], rows)}\nSummary: ${fromHere(context, join(pages, SUMMARY_PAGE))}\n`)
  return played.every(({ failed }) => !failed) && entries.every(({ analysis }) => analysis.passed && analysis.holes.length === 0) ? ExitCode.ok : ExitCode.failed
}

/** How an experiment went: what its page says, where it has one. */
function rowOf ({ loaded, failed }: Played, entry: MadePage | undefined): string[] {
  const { name } = loaded.experiment
  if (entry === undefined) {
    return [name, '', 'failed', '']
  }
  const { results: { run }, analysis, runs } = entry
  const counts = [...failed ? ['failed'] : [], String(runs), ...analysis.holes.length === 0 ? [] : [`${analysis.holes.length} without a result`]]
  return [name, formatSpan(Date.parse(run.finishedAt) - Date.parse(run.startedAt)), counts.join(', '), thresholdsOf(analysis)]
}

/** Where the results of experiments that are over are, and what makes pages of them. */
function tellFinished (context: CliContext, played: readonly Played[], pages: string): void {
  const folders = played.filter(({ kept }) => kept).map(({ directory }) => fromHere(context, directory))
  if (folders.length > 0) {
    context.stderr.write(`Finished: ${folders.join(', ')}\n${commandLine(['twinwire', 'summary', ...folders, '--out', fromHere(context, pages)])} makes their reports and the summary.\n`)
  }
}

/** The same of the experiment that was under way. */
function tellInterrupted (context: CliContext, { directory }: Prepared): void {
  const folder = fromHere(context, directory)
  context.stderr.write(`Interrupted: ${folder}\n${commandLine(['twinwire', 'report', folder])} makes the report of what it has.\n`)
}

async function prepare (context: CliContext, name: string, folders: readonly URL[], options: ExperimentsOptions): Promise<Prepared> {
  const loaded = await loadExperiment(name, folders)
  const parameters = parseParameters(loaded.experiment, [])
  const { plan, machinery } = await planOrLeaveOut(context, loaded, parameters, options)
  return {
    loaded,
    parameters,
    plan,
    machinery,
    directory: await prepareResultsDirectory(context.workingDirectory, join(options.out, name))
  }
}

/** Where the machine has not the network that an experiment's real peers need, that is no reason to run nothing. */
async function planOrLeaveOut ({ machinery, stderr }: CliContext, { experiment }: LoadedExperiment, parameters: RunParameters, options: ExperimentsOptions): Promise<Pick<Prepared, 'plan' | 'machinery'>> {
  const planned = { ...options, validates: true, set: [] }
  const plan = planRun(experiment, parameters, planned)
  try {
    return { plan, machinery: await machineryFor(plan, machinery) }
  } catch (error) {
    if (!(error instanceof TwinwireError && error.code === 'ERR_UNSUPPORTED')) {
      throw error
    }
    stderr.write(`${experiment.name} runs without real peers: ${error.message}\n`)
    const without = planRun(experiment, parameters, { ...planned, tcpSeeds: 0 })
    return { plan: without, machinery: await machineryFor(without, machinery) }
  }
}

/** Where an experiment stands among all. */
interface Place {
  readonly position: string
  /** What those after it took the last time, ms, where that is known. */
  readonly later: ReadonlyArray<number | undefined>
}

/** Never rejects: what the others measure is not lost where one fails. */
async function play ({ signal, stderr }: CliContext, { loaded, parameters, plan, machinery, directory }: Prepared, { position, later }: Place): Promise<Outcome> {
  const { name } = loaded.experiment
  const laterMs = later.reduce<number>((sum, timeMs) => sum + (timeMs ?? 0), 0)
  const unknown = later.includes(undefined)
  const after = later.length === 0 ? '' : `, the others ${laterMs === 0 ? 'not known yet' : `${unknown ? 'more than' : 'about'} ${formatSpan(laterMs)}`}`
  const progress = new Progress({ output: stderr, clock: systemClock, stages: plan.stages, heading: () => `${name} (${position}${after})`, estimate: () => '' })
  let kept = false
  try {
    await progress.during(signal, async () => await conduct({
      machinery,
      signal,
      loaded,
      parameters,
      plan,
      directory,
      observer: {
        added: stages => progress.add(stages),
        finished: (unit, result, tookMs) => progress.finished(unit, result.error !== undefined, tookMs),
        repeated: (unit, tookMs) => progress.finished(unit, false, tookMs),
        written ({ units }) {
          kept = units.length > 0
        }
      }
    }))
    return { failed: false, kept }
  } catch (error) {
    const { code, message } = runError(error)
    stderr.write(`error [${code}]: ${name} failed: ${message}\n`)
    return { failed: true, kept }
  }
}

/** What each experiment took when the pages were made, ms; nothing where there are none. */
async function earlierTimes (pages: string): Promise<ReadonlyMap<string, number>> {
  try {
    const { experiments } = JSON.parse(await readFile(join(pages, SUMMARY_DATA), 'utf8')) as { experiments: ReadonlyArray<{ name: string, tookSeconds: number }> }
    return new Map(experiments.map(({ name, tookSeconds }) => [name, tookSeconds * 1000]))
  } catch {
    // An estimate is no reason to fail.
    return new Map()
  }
}

function thresholdsOf ({ thresholds, agreementThresholds }: Analysis): string {
  const checked = [...thresholds, ...agreementThresholds].filter(check => check.checked)
  const held = checked.filter(({ holds }) => holds).length
  return checked.length === 0 ? 'none' : `${held} of ${checked.length} ${held === 1 ? 'holds' : 'hold'}`
}
