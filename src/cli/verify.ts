import { mkdtemp, rm } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { systemClock } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import type { Experiment } from '../experiment/definition.ts'
import { planSeeds, planUnits } from '../experiment/plan.ts'
import { loadExperiment } from '../experiment/registry.ts'
import type { UnitKey, WireName } from '../experiment/unit.ts'
import type { CliContext } from './context.ts'
import { experimentFolders, withFolderOption } from './experiment-folders.ts'
import type { FolderOptions } from './experiment-folders.ts'
import { firstDifference } from './first-difference.ts'
import { interruptedExitCode } from './interruption.ts'
import { checkName, countOf, DEFAULT_SEED, ExitCode, FILE_NAME, textOf } from './options.ts'
import { parseParameters } from './parameters.ts'
import { settingsOf, withParameterOptions } from './parameters-file.ts'
import type { ParameterOptions } from './parameters-file.ts'
import { Progress } from './progress.ts'
import { planStages } from './stages.ts'
import { compareRuns, describeComparison, holds, isDifferent } from './verify-output.ts'
import type { DifferenceOutput, VerifyOutput } from './verify-output.ts'
import { compiledProgram, ownProgram, versionOfNode } from './verify-program.ts'
import type { LoadedProgram } from './verify-program.ts'
import { runSide } from './verify-side.ts'
import type { SharedTask, Side } from './verify-side.ts'
import type { VerifiedRun } from './verify-task.ts'

/** Time is virtual on them, so that a run can be the same twice. */
const WIRES: readonly WireName[] = ['sim', 'stack']

const DEFAULT_SEEDS = 2
const MAXIMUM_SEEDS = 10_000
/** Each is a thread. */
const MAXIMUM_JOBS = 256

export interface VerifyOptions extends ParameterOptions, FolderOptions {
  readonly seed: string
  readonly seeds: number
  readonly wire: string
  readonly case?: string
  readonly arm?: string
  /** Of the second process; the first has 1. */
  readonly jobs: number
  readonly node?: string
  readonly json: boolean
}

/**
 * The command `verify`: runs an experiment in two processes that have run nothing before, one run at a time in the first
 * and several in the second, and compares the runs' trace hashes. Where two differ, both processes do the same again with
 * a log of the events of the first such run, and the first event that differs is stated.
 *
 * @returns the process's exit code
 * @throws ERR_UNKNOWN_EXPERIMENT, ERR_EXPERIMENT_LOAD, and whatever is wrong with the options, before anything runs
 */
export async function verify (context: CliContext, name: string, options: VerifyOptions): Promise<number> {
  const { signal, stdout, stderr } = context
  const { experiment, rolesModule } = await loadExperiment(name, await experimentFolders(context, options))
  const parameters = parseParameters(experiment, settingsOf(experiment, options, context.workingDirectory))
  const units = chooseUnits(experiment, options)
  const sides = await prepareSides(context, options, new URL('.', rolesModule))
  const task = { experiment: name, parameters, units }

  const results = await runBoth(context, experiment, sides, task)
  const runs = units.map((unit, index) => compareRuns(unit, results[0][index], results[1][index]))
  const index = runs.findIndex(isDifferent)
  const difference = index === -1 || signal.aborted ? undefined : await locateDifference(context, sides, task, index)
  if (signal.aborted) {
    stderr.write('interrupted\n')
    return interruptedExitCode(signal)
  }
  const allHold = runs.every(holds)
  const output: VerifyOutput = {
    experiment: name,
    sides: [sideOutput(sides[0]), sideOutput(sides[1])],
    holds: allHold,
    exitCode: allHold ? ExitCode.ok : ExitCode.failed,
    runs,
    ...(difference === undefined ? {} : { difference })
  }
  stdout.write(options.json ? `${JSON.stringify(output, undefined, 2)}\n` : describeComparison(output, stdout))
  return output.exitCode
}

export function addVerifyCommand (program: Command, context: CliContext, finish: (exitCode: number) => void): void {
  withParameterOptions(withFolderOption(program.command('verify')))
    .argument('<experiment>', 'its name, as listed')
    .description('runs an experiment in two fresh processes, compares what happened, and shows the first event that differs')
    .option('--seed <text>', 'root of all chance, as in run', textOf('--seed'), DEFAULT_SEED)
    .option('--seeds <n>', 'repetitions', countOf('--seeds', MAXIMUM_SEEDS), DEFAULT_SEEDS)
    .option('--wire <name>', `${WIRES.join(', ')} or all: a wire where time is virtual`, 'all')
    .option('--case <name>', 'as listed (default: all)')
    .option('--arm <name>', 'as listed (default: all)')
    .option('--jobs <n>', 'runs at a time in the second process; the first has 1 (default: one a core, at least 2)',
      countOf('--jobs', MAXIMUM_JOBS), Math.max(2, availableParallelism()))
    .option('--node <path>', 'another Node.js for the second process; both run the compiled package then (npm run build)', textOf('--node', FILE_NAME))
    .option('--json', 'the comparison as one JSON object on stdout', false)
    .action(async (name: string, options: VerifyOptions) => finish(await verify(context, name, options)))
}

function chooseUnits (experiment: Experiment, { seed, seeds, wire, case: caseName, arm }: VerifyOptions): UnitKey[] {
  const wires = wire === 'all' ? WIRES : WIRES.filter(known => known === checkName('--wire', wire, [...WIRES, 'all']))
  if (caseName !== undefined) {
    checkName('--case', caseName, experiment.cases.map(({ name }) => name))
  }
  if (arm !== undefined) {
    checkName('--arm', arm, experiment.arms.map(({ name }) => name))
  }
  const units = planUnits(experiment, wires.map(wire => ({ wire, seeds: planSeeds(seed, seeds) })))
    .filter(unit => (caseName ?? unit.case) === unit.case && (arm ?? unit.arm) === unit.arm)
  if (units.length === 0) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'there is nothing to run', { path: '--arm', expected: `an arm that takes part in the case ${caseName}`, found: `${arm}` })
  }
  return units
}

type BothSides = readonly [Side, Side]

async function prepareSides ({ machinery }: CliContext, { jobs, node }: VerifyOptions, folder: URL): Promise<BothSides> {
  const own = { nodePath: process.execPath, nodeVersion: process.versions.node }
  const other = node === undefined ? own : { nodePath: node, nodeVersion: await versionOfNode(node) }
  const program = programFor(folder, machinery, node === undefined ? ownProgram(machinery) : await compiledProgram())
  return [{ ...own, program, jobs: 1 }, { ...other, program, jobs }]
}

/** An experiment that comes with twinwire was compiled with it; another one lies where it was found. */
function programFor (folder: URL, { experimentsDirectory }: CliContext['machinery'], program: LoadedProgram): LoadedProgram {
  return folder.href === experimentsDirectory.href ? program : { ...program, experimentsDirectory: folder }
}

function sideOutput ({ nodeVersion, jobs }: Side): VerifyOutput['sides'][0] {
  return { node: nodeVersion, jobs }
}

/** Both at once: a machine that is busy with something else must change nothing. */
async function runBoth (context: CliContext, experiment: Experiment, sides: BothSides, task: SharedTask): Promise<[VerifiedRun[], VerifiedRun[]]> {
  // Each side's units are objects of its own, because progress tells units by their identity.
  const [first, second] = sides.map(side => {
    const units = task.units.map(unit => ({ ...unit }))
    return { side, task: { ...task, units }, stages: planStages(experiment, task.parameters, units, side) }
  })
  const progress = new Progress({ output: context.stderr, clock: systemClock, stages: [...first.stages, ...second.stages], estimate: () => '' })
  progress.start()
  try {
    return await Promise.all([first, second].map(async ({ side, task }) =>
      await runSide(side, task, context, (unit, { error }, tookMs) => progress.finished(unit, error !== undefined, tookMs)))) as [VerifiedRun[], VerifiedRun[]]
  } finally {
    progress.stop()
  }
}

/** A difference may hang on how runs were spread over threads, which is not the same each time. */
const ATTEMPTS = 3

/** After the same runs as before, and as many at a time: what made the difference may be what an earlier one left behind. */
async function locateDifference (context: CliContext, sides: BothSides, task: SharedTask, index: number): Promise<DifferenceOutput> {
  const directory = await mkdtemp(join(tmpdir(), 'twinwire-verify-'))
  try {
    const units = task.units.slice(0, index + 1)
    const logs = sides.map((_, side) => join(directory, `events-${side}`))
    for (let attempt = 1; attempt <= ATTEMPTS && !context.signal.aborted; attempt++) {
      context.stderr.write('not the same: both once more, with a log of events\n')
      const again = await Promise.all(sides.map(async (side, i) =>
        await runSide(side, { ...task, units, eventLog: { unit: index, path: logs[i] } }, context, () => {})))
      const logged = again.every(runs => runs[index].traceHash !== undefined)
      const events = logged ? firstDifference(logs[0], logs[1]) : undefined
      if (events !== undefined) {
        return { ...task.units[index], events }
      }
    }
    return task.units[index]
  } finally {
    await rm(directory, { recursive: true, force: true })
  }
}
