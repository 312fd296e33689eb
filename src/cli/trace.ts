import { TwinwireError } from '../core/errors.ts'
import type { Experiment } from '../experiment/definition.ts'
import { armsOf, planSeeds } from '../experiment/plan.ts'
import { loadExperiment } from '../experiment/registry.ts'
import { runUnit } from '../experiment/run-unit.ts'
import type { UnitKey } from '../experiment/unit.ts'
import { SimWire } from '../wires/sim.ts'
import type { CliContext } from './context.ts'
import { experimentFolders } from './experiment-folders.ts'
import type { FolderOptions } from './experiment-folders.ts'
import { interruptedExitCode } from './interruption.ts'
import { checkName, ExitCode } from './options.ts'
import { parseParameters } from './parameters.ts'
import { settingsOf } from './parameters-file.ts'
import type { ParameterOptions } from './parameters-file.ts'
import { TraceFiles } from './trace-files.ts'
import type { TraceFlags } from './trace-files.ts'

export interface TraceOptions extends TraceFlags, ParameterOptions, FolderOptions {
  readonly case?: string
  readonly arm?: string
  readonly seed: string
  readonly repetition: number
}

/**
 * The command `trace`: one simulation of an experiment, the same that `run` makes of its case, arm, seed and repetition,
 * with its network traced to files. Those of a run that failed inside are kept: they show why. Those of one that was cut
 * short are not.
 *
 * @returns the process's exit code
 * @throws ERR_UNKNOWN_EXPERIMENT, ERR_EXPERIMENT_LOAD, and whatever is wrong with the options, before anything runs
 */
export async function trace (context: CliContext, name: string, options: TraceOptions): Promise<number> {
  const { signal, stdout, stderr } = context
  const loaded = await loadExperiment(name, await experimentFolders(context, options))
  const unit = unitOf(loaded.experiment, options)
  const parameters = parseParameters(loaded.experiment, settingsOf(loaded.experiment, options, context.workingDirectory))
  const files = new TraceFiles(context.workingDirectory, options)
  if (files.count === 0) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'there is nothing to trace to', {
      path: 'command line', expected: 'one or more of --pcap, --perfetto, --probe, --flows', found: 'none'
    })
  }
  try {
    const wire = new SimWire({
      onNetwork: (network, labels) => files.observe({
        network, labels, linkOf: ({ localNode, remoteNode }) => network.linkBetween(localNode, remoteNode)
      })
    })
    const { samples, error, traceHash } = await runUnit({ loaded, parameters, unit, wire, signal })
    if (signal.aborted) {
      stderr.write('interrupted\n')
      return interruptedExitCode(signal)
    }
    files.commit()
    stdout.write(`${unit.case}, ${unit.arm}, seed ${unit.seed}: ${samples.length} samples, trace hash ${traceHash ?? 'none'}\n`)
    if (error !== undefined) {
      stderr.write(`the run failed [${error.code}]: ${error.message}\n`)
      return ExitCode.failed
    }
    return ExitCode.ok
  } finally {
    files.discard()
  }
}

function unitOf (experiment: Experiment, { case: caseName, arm, seed, repetition }: TraceOptions): UnitKey {
  const chosen = chosenOf('--case', caseName, experiment.cases.map(({ name }) => name))
  const theCase = experiment.cases.find(({ name }) => name === chosen) ?? experiment.cases[0]
  return {
    wire: 'sim',
    case: theCase.name,
    arm: chosenOf('--arm', arm, armsOf(theCase, experiment)),
    seed: planSeeds(seed, repetition + 1)[repetition]
  }
}

/** The first where none is named. */
function chosenOf (option: string, name: string | undefined, names: readonly string[]): string {
  return name === undefined ? names[0] : checkName(option, name, names)
}
