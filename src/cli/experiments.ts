import { join, resolve } from 'node:path'
import { TwinwireError } from '../core/errors.ts'
import { experimentNames, loadExperiment } from '../experiment/registry.ts'
import type { LoadedExperiment } from '../experiment/registry.ts'
import type { Analysis } from '../report/analysis.ts'
import { plural } from '../report/format.ts'
import { tookSecondsOf } from '../results/data.ts'
import type { RunParameters } from '../wires/wire.ts'
import { commandLine } from './command-line.ts'
import { machineryFor } from './conduct.ts'
import type { CliContext } from './context.ts'
import { experimentFolders } from './experiment-folders.ts'
import type { FolderOptions } from './experiment-folders.ts'
import { formatSpan } from './format-span.ts'
import { interruptedExitCode } from './interruption.ts'
import { KeptWires } from './kept-wires.ts'
import { ExitCode } from './options.ts'
import type { MadePage } from './page-worker.ts'
import { parseParameters } from './parameters.ts'
import { ExperimentInParts, playInTurn, playShared } from './experiment-in-parts.ts'
import type { PreparedExperiment } from './experiment-in-parts.ts'
import { fromHere } from './report.ts'
import { makePagesDirectory, prepareResultsDirectory } from './results-directory.ts'
import { planRun } from './run-plan.ts'
import type { PlanOptions } from './run-plan.ts'
import { makeSummary, SUMMARY_PAGE } from './summary.ts'
import { table } from './table.ts'
import { WholeEstimate } from './whole-estimate.ts'

export interface ExperimentsOptions extends Omit<PlanOptions, 'validates' | 'set' | 'precision' | 'maximumSeeds'>, FolderOptions {
  /** Gets a folder with the results of each. */
  readonly out: string
  /** Gets the reports and the summary. Default: `out`. */
  readonly pages?: string
}

/**
 * The command `experiments`: runs all experiments, or those named, each as `validate` does, and makes their reports and the
 * summary over them. All that is in virtual time comes first, one experiment after the other; then the real runs that share
 * the machine, those of all experiments together; then the others, alone on it. An experiment that fails as a whole, as
 * where its real peers cannot be made, is said on stderr and marked in the table; the summary has what it has.
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
  let played: readonly ExperimentInParts[] | undefined
  try {
    played = await playAll({ ...context, machinery: kept.machinery }, names, options, pages)
  } finally {
    // Before reports take the memory that real peers have.
    await kept.stop()
  }
  return played === undefined ? interruptedExitCode(context.signal) : await sumUp(context, played, options, pages)
}

/** Runs them, and returns them in the order of their names; undefined where it was interrupted. */
async function playAll (context: CliContext, names: readonly string[], options: ExperimentsOptions, pages: string): Promise<readonly ExperimentInParts[] | undefined> {
  const { signal } = context
  const folders = await experimentFolders(context, options)
  const played: ExperimentInParts[] = []
  for (const name of names.length > 0 ? new Set(names) : await experimentNames(folders)) {
    played.push(new ExperimentInParts(context, await prepare(context, name, folders, options)))
  }
  await makePagesDirectory(pagesOption(options), pages)
  if (signal.aborted) {
    return undefined
  }
  const estimate = await WholeEstimate.of(pages, played.map(({ name }) => name))
  await playInTurn(context, played, one => one.virtualStages, (name, position) => `${name} in virtual time (${position}${estimate.left})`, async (one, progress) => await one.playVirtual(progress))
  await playShared(context, played, count => `real peers that share the machine (${plural(count, 'experiment')}${estimate.left})`)
  await playInTurn(context, played, one => one.aloneStages, (name, position) => `real peers of ${name} (${position}${estimate.left})`, async (one, progress) => await one.playAlone(progress))
  if (signal.aborted) {
    tellResults(context, played, pages)
    return undefined
  }
  return played
}

/** What the user named the folder for pages with. */
function pagesOption ({ pages }: ExperimentsOptions): string {
  return pages === undefined ? '--out' : '--pages'
}

/** Makes reports and summary, and tells how each experiment went; the exit code. */
async function sumUp (context: CliContext, played: readonly ExperimentInParts[], options: ExperimentsOptions, pages: string): Promise<number> {
  const { signal, stdout } = context
  const kept = played.filter(one => one.kept)
  if (kept.length === 0) {
    return ExitCode.failed
  }
  let entries: readonly MadePage[]
  try {
    entries = await makeSummary(kept.map(({ directory }) => directory), { pages, option: pagesOption(options), threads: options.jobs, signal })
  } catch (error) {
    tellResults(context, played, pages)
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
function rowOf ({ name, failed }: ExperimentInParts, entry: MadePage | undefined): string[] {
  if (entry === undefined) {
    return [name, '', 'failed', '']
  }
  const { results: { run }, analysis, runs } = entry
  const counts = [...failed ? ['failed'] : [], String(runs), ...analysis.holes.length === 0 ? [] : [`${analysis.holes.length} without a result`]]
  return [name, formatSpan(tookSecondsOf(run) * 1000), counts.join(', '), thresholdsOf(analysis)]
}

/** Where the results are that no summary was made of, and what makes it. */
function tellResults (context: CliContext, played: readonly ExperimentInParts[], pages: string): void {
  const folders = played.filter(({ kept }) => kept).map(({ directory }) => fromHere(context, directory))
  if (folders.length > 0) {
    context.stderr.write(`Results: ${folders.join(', ')}\n${commandLine(['twinwire', 'summary', ...folders, '--out', fromHere(context, pages)])} makes reports and the summary of what they have.\n`)
  }
}

async function prepare (context: CliContext, name: string, folders: readonly URL[], options: ExperimentsOptions): Promise<PreparedExperiment> {
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
async function planOrLeaveOut ({ machinery, stderr }: CliContext, { experiment }: LoadedExperiment, parameters: RunParameters, options: ExperimentsOptions): Promise<Pick<PreparedExperiment, 'plan' | 'machinery'>> {
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

function thresholdsOf ({ thresholds, agreementThresholds }: Analysis): string {
  const checked = [...thresholds, ...agreementThresholds].filter(check => check.checked)
  const held = checked.filter(({ holds }) => holds).length
  return checked.length === 0 ? 'none' : `${held} of ${checked.length} ${held === 1 ? 'holds' : 'hold'}`
}
