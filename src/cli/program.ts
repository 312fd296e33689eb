import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { Command, Option } from 'commander'
import { addCompareCommand } from './compare.ts'
import type { CliContext } from './context.ts'
import { withFolderOption } from './experiment-folders.ts'
import type { FolderOptions } from './experiment-folders.ts'
import { experiments } from './experiments.ts'
import type { ExperimentsOptions } from './experiments.ts'
import { init } from './init.ts'
import { list } from './list.ts'
import type { ListOptions } from './list.ts'
import { countOf, DEFAULT_SEED, ExitCode, FILE_NAME, fromZeroOf, shareOf, textOf } from './options.ts'
import { withParameterOptions } from './parameters-file.ts'
import { addPathCommand } from './path.ts'
import { report } from './report.ts'
import { DEFAULT_REPETITIONS } from './run-plan.ts'
import { run } from './run.ts'
import type { RunOptions } from './run.ts'
import { schema } from './schema.ts'
import { summary } from './summary.ts'
import { trace } from './trace.ts'
import type { TraceOptions } from './trace.ts'
import { withTraceOptions } from './trace-files.ts'
import { addVerifyCommand } from './verify.ts'

/** The tour is to be over within 3 minutes on two cores; real peers take one of them a seed. */
const TOUR_STACK_SEEDS = 1
const TOUR_TCP_SEEDS = 1

/** Far beyond what any question needs, and still a plan that fits in memory. */
const MAXIMUM_SEEDS = 10_000
/** Each takes seconds of real time. */
const MAXIMUM_TCP_SEEDS = 1_000
/** Each is a thread. */
const MAXIMUM_JOBS = 256

/**
 * The command line. Bad use throws a `CommanderError` or a `TwinwireError`; otherwise `finish` is told the exit code.
 */
export function createProgram (context: CliContext, version: string, finish: (exitCode: number) => void): Command {
  const program = new Command('twinwire')
    .description('Does a networking optimisation help js-libp2p, where, by how much, and can the simulation that says so be believed?')
    .version(version)
    .exitOverride()
    .configureOutput({
      writeOut: text => context.stdout.write(text),
      writeErr: text => context.stderr.write(text),
      // Errors are put into one line of our own format.
      outputError: () => {}
    })
    .addHelpText('after', EXIT_CODES)

  program.command('start')
    .description('the tour: lists the experiments, validates connection-setup, says where the report is')
    .action(async () => {
      await list(context, { json: false })
      context.stdout.write('\n')
      finish(await run(context, 'connection-setup', {
        seed: DEFAULT_SEED,
        seeds: DEFAULT_REPETITIONS.sim,
        validates: true,
        stackSeeds: TOUR_STACK_SEEDS,
        tcpSeeds: TOUR_TCP_SEEDS,
        jobs: availableParallelism(),
        set: [],
        json: false
      }))
    })

  withFolderOption(program.command('init'))
    .argument('<name>', 'lower-case words joined by dashes: my-question')
    .description('writes a commented experiment that runs as it is')
    .action(async (name: string, options: FolderOptions) => {
      await init(context, name, options)
      finish(ExitCode.ok)
    })

  withFolderOption(program.command('list'))
    .description('lists the experiments with their cases, arms and parameters')
    .option('--json', 'an array of objects on stdout', false)
    .action(async (options: ListOptions) => finish(await list(context, options)))

  withRunOptions(program.command('run'))
    .description('runs an experiment in simulation, states the verdicts, leaves results and a report')
    .action(async (name: string, options: RunOptions) => finish(await run(context, name, { ...options, validates: false })))

  withValidationOptions(withRunOptions(program.command('validate')))
    .description('the same, then also with the whole libp2p stack over simulated TCP and on real peers over TCP, and states whether the simulation can be believed')
    .action(async (name: string, options: RunOptions) => finish(await run(context, name, { ...options, validates: true })))

  withSeedOptions(withValidationOptions(withFolderOption(program.command('experiments'))))
    .argument('[names...]', 'experiments, as listed (default: all)')
    .description('validates several experiments, and makes their reports and a summary over them')
    .option('--out <dir>', 'folder for the results, a folder for each', textOf('--out', 'the name of a folder'), join('results', 'experiments'))
    .option('--pages <dir>', 'folder for the reports and the summary (default: that of the results)', textOf('--pages', 'the name of a folder'))
    .action(async (names: string[], options: ExperimentsOptions) => finish(await experiments(context, names, options)))

  program.command('summary')
    .argument('<dirs...>', 'folders that runs left, each of another experiment')
    .description('makes the reports of several experiments and the summary over them again from the results alone')
    .requiredOption('--out <dir>', 'folder for the pages', textOf('--out', 'the name of a folder'))
    .action(async (directories: string[], options: { out: string }) => {
      await summary(context, directories, options)
      finish(ExitCode.ok)
    })

  withFolderOption(program.command('schema'))
    .argument('<experiment>', 'its name, as listed')
    .description("a JSON Schema of an experiment's parameters on stdout, for a file that --parameters reads")
    .action(async (name: string, options: FolderOptions) => {
      await schema(context, name, options)
      finish(ExitCode.ok)
    })

  program.command('report')
    .argument('<dir>', 'a folder that a run left')
    .description('makes report.html again from the results alone')
    .option('--out <file>', 'where to put it (default: report.html in the folder)', textOf('--out', FILE_NAME))
    .action(async (directory: string, options: { out?: string }) => {
      await report(context, directory, options)
      finish(ExitCode.ok)
    })

  withTraceOptions(withParameterOptions(withFolderOption(program.command('trace'))))
    .argument('<experiment>', 'its name, as listed')
    .description('runs one simulation of an experiment again and writes down what happened in its network')
    .option('--case <name>', "as listed (default: the experiment's first)")
    .option('--arm <name>', "as listed (default: the case's first)")
    .option('--seed <text>', 'root of all chance, as in run', textOf('--seed'), DEFAULT_SEED)
    .option('--repetition <n>', "which of run's repetitions, from 0", fromZeroOf('--repetition', MAXIMUM_SEEDS - 1), 0)
    .action(async (name: string, options: TraceOptions) => finish(await trace(context, name, options)))

  addCompareCommand(program, context, finish)
  addPathCommand(program, context, finish)
  addVerifyCommand(program, context, finish)

  return program
}

function withRunOptions (command: Command): Command {
  return withSeedOptions(withParameterOptions(withFolderOption(command)).argument('<experiment>', 'its name, as listed'))
    .option('--precision <share>', "goes on with more seeds until the experiment's targets are known to within this, as half of a 95% interval: 0.05 is five points (default: as the experiment says, where --seeds does not fix the number)", shareOf('--precision'))
    .option('--maximum-seeds <n>', 'where to stop going on for precision (default: as the experiment says)', countOf('--maximum-seeds', MAXIMUM_SEEDS))
    .option('--out <dir>', 'folder for the results (default: results/<experiment>-<time>)', textOf('--out', 'the name of a folder'))
    .option('--watch', 'writes results and report again while seeds come in; a browser follows (not while real peers are measured)', false)
    .option('--json', 'verdicts as one JSON object on stdout', false)
}

function withSeedOptions (command: Command): Command {
  return command
    .option('--seed <text>', 'root of all chance: the same seed gives the same simulation', textOf('--seed'), DEFAULT_SEED)
    .option('--seeds <n>', `repetitions in simulation, each with a seed of its own that all arms share; fixed where stated ${orDefault(DEFAULT_REPETITIONS.sim)}`, countOf('--seeds', MAXIMUM_SEEDS))
    .option('--jobs <n>', 'simulations at a time (default: one a core)', countOf('--jobs', MAXIMUM_JOBS), availableParallelism())
}

function withValidationOptions (command: Command): Command {
  return command
    .option('--stack-seeds <n>', `repetitions of the whole stack over simulated TCP; 0 leaves it out ${orDefault(DEFAULT_REPETITIONS.stack)}`, fromZeroOf('--stack-seeds', MAXIMUM_SEEDS))
    .addOption(new Option('--stack-cipher <cipher>', "what the stack encrypts with: null sends the same bytes at the same times for half the processor's time").choices(['real', 'null']).default('real'))
    .option('--tcp-seeds <n>', `repetitions on real peers; 0 leaves them out ${orDefault(DEFAULT_REPETITIONS.tcp)}`, fromZeroOf('--tcp-seeds', MAXIMUM_TCP_SEEDS))
    .addOption(new Option('--tcp-network <network>', `what joins real peers: a relay on loopback, or Linux network namespaces (as root) ${orDefault('relay')}`).choices(['relay', 'namespaces']))
}

function orDefault (value: number | string): string {
  return `(default: as the experiment says, otherwise ${value})`
}

const EXIT_CODES = `
Exit codes: 0 all is well; 1 a stated threshold does not hold, something regressed (compare), two runs that should be the
same are not, a run failed, or an experiment's file cannot be loaded; 2 the command cannot be carried out as given; 130
interrupted, 143 terminated (what was finished is kept).`
