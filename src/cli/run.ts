import { systemClock } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import { planSeeds, planUnits } from '../experiment/plan.ts'
import type { WirePlan } from '../experiment/plan.ts'
import { loadExperiment } from '../experiment/registry.ts'
import type { UnitResult } from '../experiment/unit.ts'
import { WIRES } from '../experiment/wire-pair.ts'
import { describeExperiment } from '../results/data.ts'
import type { StackOptions } from '../wires/stack.ts'
import type { TcpNetwork } from '../wires/tcp/host-networks.ts'
import type { CliContext } from './context.ts'
import { describeEnvironment } from './environment.ts'
import { experimentFolders } from './experiment-folders.ts'
import type { FolderOptions } from './experiment-folders.ts'
import { RunningEstimate } from './estimate.ts'
import { execute } from './execute.ts'
import type { Machinery } from './execute.ts'
import { runOutput } from './json-output.ts'
import { interruptedExitCode } from './interruption.ts'
import { ExitCode } from './options.ts'
import { parseParameters } from './parameters.ts'
import { settingsOf } from './parameters-file.ts'
import type { ParameterOptions } from './parameters-file.ts'
import { Progress } from './progress.ts'
import { fromHere, makeReport } from './report.ts'
import { defaultResultsDirectory, prepareResultsDirectory } from './results-directory.ts'
import { planStages } from './stages.ts'
import { describeVerdicts } from './verdicts.ts'

export interface RunOptions extends ParameterOptions, FolderOptions {
  readonly seed: string
  readonly seeds: number
  /** Of the wires beside simulation, which only `validate` has; 0 leaves one out. */
  readonly stackSeeds?: number
  readonly tcpSeeds?: number
  /** What the stack's Noise encrypts with. Default: `real`. */
  readonly stackCipher?: StackOptions['cipher']
  /** What joins real peers. Default: `relay`. */
  readonly tcpNetwork?: TcpNetwork
  readonly jobs: number
  readonly out?: string
  readonly json: boolean
}

/**
 * The commands `run` and `validate`: runs the experiment, keeps its results, makes the report, states the verdicts.
 *
 * @returns the process's exit code
 * @throws ERR_UNKNOWN_EXPERIMENT, ERR_EXPERIMENT_LOAD, ERR_UNSUPPORTED where none of these wires carries a case of the
 * experiment or the machine has not the network, and whatever is wrong with `--set` and `--out`, before anything runs
 */
export async function run (context: CliContext, name: string, options: RunOptions): Promise<number> {
  const { machinery, signal, stdout, stderr } = context
  const loaded = await loadExperiment(name, await experimentFolders(context, options))
  const { experiment } = loaded
  const settings = settingsOf(experiment, options, context.workingDirectory)
  const parameters = parseParameters(experiment, settings)
  const plan = planWires(options)
  const planned = planUnits(experiment, plan)
  if (planned.length === 0) {
    throw new TwinwireError('ERR_UNSUPPORTED', `no case of ${name} runs on ${plan.map(({ wire }) => wire).join(' or ')}`, {
      path: 'experiment', expected: `validate, with seeds on ${[...new Set(experiment.cases.flatMap(({ wires = WIRES }) => wires))].join(' or ')}`
    })
  }
  const stages = planStages(experiment, planned, options.jobs)
  const networked = withStackCipher(await withTcpNetwork(machinery, options.tcpNetwork), options.stackCipher)
  const startedAt = new Date()
  // Last, so that a command that cannot be carried out leaves nothing behind.
  const directory = await prepareResultsDirectory(context.workingDirectory, options.out ?? defaultResultsDirectory(name, startedAt))

  const estimate = new RunningEstimate(experiment)
  const progress = new Progress({ output: stderr, clock: systemClock, stages, estimate: () => estimate.toString() })
  const onInterrupt = (): void => progress.say('interrupted, stopping: what is finished is kept (once more to stop at once)')
  signal.addEventListener('abort', onInterrupt, { once: true })
  progress.start()
  let units: UnitResult[]
  let environment
  try {
    [units, environment] = await Promise.all([
      execute({
        loaded,
        parameters,
        stages,
        machinery: networked,
        signal,
        onFinished (unit, result, tookMs) {
          estimate.add(result)
          progress.finished(unit, result.error !== undefined, tookMs)
        }
      }),
      describeEnvironment()
    ])
  } finally {
    progress.stop()
    signal.removeEventListener('abort', onInterrupt)
  }

  const { writeResults } = await import('../results/files.ts')
  await writeResults(directory, {
    run: {
      command: reproduceCommand(name, { ...options, set: settings }),
      experiment: describeExperiment(experiment),
      parameters,
      plan,
      ...environment,
      startedAt: startedAt.toISOString(),
      finishedAt: new Date().toISOString()
    },
    units
  })
  const { results, analysis, path } = await makeReport(directory)
  const failed = !analysis.passed || analysis.holes.length > 0
  const exitCode = signal.aborted ? interruptedExitCode(signal) : failed ? ExitCode.failed : ExitCode.ok
  if (options.json) {
    stdout.write(`${JSON.stringify(runOutput(results, analysis, { experiment: name, directory, report: path, exitCode }), undefined, 2)}\n`)
  } else {
    stdout.write(`${describeVerdicts(results, analysis, stdout)}\nResults: ${fromHere(context, directory)}\nReport: ${fromHere(context, path)}\n`)
  }
  return exitCode
}

/** A machine that has no such network says so now, before anything runs. Loopback it has. */
async function withTcpNetwork (machinery: Machinery, network: TcpNetwork = 'relay'): Promise<Machinery> {
  if (network === 'relay') {
    return machinery
  }
  const wire = await machinery.createTcpWire(network)
  return { ...machinery, createTcpWire: async () => wire }
}

function withStackCipher (machinery: Machinery, cipher: StackOptions['cipher'] = 'real'): Machinery {
  return { ...machinery, createStackWire: async () => await machinery.createStackWire({ cipher }) }
}

function planWires ({ seed, seeds, stackSeeds = 0, tcpSeeds = 0 }: RunOptions): WirePlan[] {
  const repetitions = { sim: seeds, stack: stackSeeds, tcp: tcpSeeds }
  return WIRES.map(wire => ({ wire, seeds: planSeeds(seed, repetitions[wire]) })).filter(({ seeds }) => seeds.length > 0)
}

/** The command that gives these results: with the defaults spelled out, and without what has no influence on them. */
function reproduceCommand (name: string, { seed, seeds, stackSeeds, stackCipher = 'real', tcpSeeds, tcpNetwork = 'relay', set, experiments }: RunOptions): string {
  const validates = stackSeeds !== undefined || tcpSeeds !== undefined
  const words = ['twinwire', validates ? 'validate' : 'run', name, '--seed', seed, '--seeds', String(seeds)]
  if (validates) {
    words.push('--stack-seeds', String(stackSeeds ?? 0), '--tcp-seeds', String(tcpSeeds ?? 0))
  }
  if (stackCipher !== 'real') {
    words.push('--stack-cipher', stackCipher)
  }
  if (tcpNetwork !== 'relay') {
    words.push('--tcp-network', tcpNetwork)
  }
  if (experiments !== undefined) {
    words.push('--experiments', experiments)
  }
  for (const setting of set) {
    words.push('--set', setting)
  }
  return words.map(quote).join(' ')
}

/** As a POSIX shell needs it. */
function quote (word: string): string {
  return /^[\w./:=@%+-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`
}
