import { systemClock } from '../core/clock.ts'
import { leadingFamilies } from '../experiment/family.ts'
import { loadExperiment } from '../experiment/registry.ts'
import { tooFewSeedsSentence } from '../report/method-sentences.ts'
import type { ResultsData } from '../results/data.ts'
import { conduct, machineryFor } from './conduct.ts'
import type { CliContext } from './context.ts'
import { experimentFolders } from './experiment-folders.ts'
import type { FolderOptions } from './experiment-folders.ts'
import { RunningEstimate } from './estimate.ts'
import { runOutput } from './json-output.ts'
import { interruptedExitCode } from './interruption.ts'
import { ExitCode } from './options.ts'
import { parseParameters } from './parameters.ts'
import { settingsOf } from './parameters-file.ts'
import type { ParameterOptions } from './parameters-file.ts'
import { Progress } from './progress.ts'
import { fromHere, makeReport, reportFile } from './report.ts'
import { defaultResultsDirectory, prepareResultsDirectory } from './results-directory.ts'
import { planRun } from './run-plan.ts'
import type { PlanOptions } from './run-plan.ts'
import { describeVerdicts } from './verdicts.ts'
import { Watcher } from './watch.ts'

export interface RunOptions extends PlanOptions, ParameterOptions, FolderOptions {
  readonly out?: string
  readonly json: boolean
  /** Whether results and report are written while seeds come in. */
  readonly watch?: boolean
}

/**
 * The commands `run` and `validate`: runs the experiment, keeps its results, makes the report, states the verdicts.
 *
 * @returns the process's exit code
 * @throws ERR_UNKNOWN_EXPERIMENT, ERR_EXPERIMENT_LOAD, ERR_UNSUPPORTED where none of these wires carries a case of the
 * experiment or the machine has not the network, and whatever is wrong with the options, before anything runs
 */
export async function run (context: CliContext, name: string, options: RunOptions): Promise<number> {
  const { signal, stdout, stderr } = context
  const loaded = await loadExperiment(name, await experimentFolders(context, options))
  const { experiment } = loaded
  const settings = settingsOf(experiment, options, context.workingDirectory)
  const parameters = parseParameters(experiment, settings)
  const plan = planRun(experiment, parameters, { ...options, set: settings })
  const machinery = await machineryFor(plan, context.machinery)
  // Last, so that a command that cannot be carried out leaves nothing behind.
  const directory = await prepareResultsDirectory(context.workingDirectory, options.out ?? defaultResultsDirectory(name, new Date()))
  for (const family of leadingFamilies(experiment, plan.wires)) {
    // Seeds that are added for precision count as well.
    const seeds = family.wire === 'sim' ? Math.max(family.seeds, plan.precision?.maximumSeeds ?? 0) : family.seeds
    const sentence = tooFewSeedsSentence({ ...family, seeds })
    if (sentence !== undefined) {
      stderr.write(`note: ${sentence}\n`)
    }
  }

  const estimate = new RunningEstimate(experiment)
  const progress = new Progress({ output: stderr, clock: systemClock, stages: plan.stages, estimate: () => estimate.toString() })
  let soFar: (() => ResultsData) | undefined
  const watcher = new Watcher({
    clock: systemClock,
    async write () {
      if (soFar !== undefined) {
        await writeReportSoFar(directory, soFar())
      }
    },
    onError: error => progress.say(`the report so far could not be written: ${error instanceof Error ? error.message : String(error)}`)
  })
  const folder = { written: false }
  if (options.watch === true) {
    stderr.write(`Report so far: ${fromHere(context, reportFile(directory))}\n`)
  }
  await progress.during(signal, async () => {
    try {
      await conduct({
        machinery,
        signal,
        loaded,
        parameters,
        plan,
        directory,
        observer: {
          added: stages => progress.add(stages),
          finished (unit, result, tookMs, resultsSoFar) {
            estimate.add(result)
            progress.finished(unit, result.error !== undefined, tookMs)
            soFar = resultsSoFar
            if (options.watch === true) {
              watcher.changed()
            }
          },
          repeated: (unit, tookMs) => progress.finished(unit, false, tookMs),
          quiet: async () => await watcher.stop(),
          written () {
            folder.written = true
          }
        }
      })
    } finally {
      await watcher.stop()
    }
  })

  if (!folder.written) {
    // It was interrupted: only then does nothing end, well or not.
    stderr.write(`nothing is finished: ${fromHere(context, directory)} still has the results of an earlier run\n`)
    return interruptedExitCode(signal)
  }
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

async function writeReportSoFar (directory: string, results: ResultsData): Promise<void> {
  const { writeResults } = await import('../results/files.ts')
  await writeResults(directory, results)
  await makeReport(directory, reportFile(directory), true)
}
