import { styleText } from 'node:util'
import { experimentNames, loadExperiment } from '../experiment/registry.ts'
import type { Arm, Case, Experiment } from '../experiment/definition.ts'
import { armsOf } from '../experiment/plan.ts'
import { TwinwireError } from '../core/errors.ts'
import type { CliContext, Output } from './context.ts'
import { experimentFolders } from './experiment-folders.ts'
import type { FolderOptions } from './experiment-folders.ts'
import { ExitCode } from './options.ts'
import { describeParameters } from './parameters.ts'
import type { ParameterDescription } from './parameters.ts'
import { table } from './table.ts'

/** One element of the array that `list --json` writes to stdout. */
export interface ExperimentOutput {
  readonly name: string
  readonly title: string
  readonly question: string
  /** The first is the baseline. */
  readonly arms: ReadonlyArray<Pick<Arm, 'name' | 'title'>>
  /** Each with the names of the arms that take part in it. */
  readonly cases: ReadonlyArray<Required<Pick<Case, 'name' | 'title' | 'arms'>>>
  /** What `--set` can change. */
  readonly parameters: readonly ParameterDescription[]
}

export interface ListOptions extends FolderOptions {
  readonly json: boolean
}

/**
 * Writes what experiments there are, for a reader or as JSON. One that cannot be loaded hides no other: a line on stderr
 * says what is wrong with it.
 *
 * @returns the process's exit code
 */
export async function list (context: CliContext, { json, ...options }: ListOptions): Promise<number> {
  const { stdout, stderr } = context
  const folders = await experimentFolders(context, options)
  const experiments: ExperimentOutput[] = []
  let exitCode: number = ExitCode.ok
  for (const name of await experimentNames(folders)) {
    try {
      experiments.push(describe((await loadExperiment(name, folders)).experiment))
    } catch (error) {
      if (!(error instanceof TwinwireError)) {
        throw error
      }
      stderr.write(`error [${error.code}]: ${error.message}\n`)
      exitCode = ExitCode.failed
    }
  }
  stdout.write(json
    ? `${JSON.stringify(experiments, undefined, 2)}\n`
    : `${experiments.map(experiment => asText(experiment, stdout)).join('\n\n')}\n`)
  return exitCode
}

function describe (experiment: Experiment): ExperimentOutput {
  const { name, title, question, arms, cases } = experiment
  return {
    name,
    title,
    question,
    arms: arms.map(({ name, title }) => ({ name, title })),
    cases: cases.map(theCase => ({ name: theCase.name, title: theCase.title, arms: armsOf(theCase, experiment) })),
    parameters: describeParameters(experiment)
  }
}

function asText ({ name, title, question, arms, cases, parameters }: ExperimentOutput, output: Output): string {
  const section = (heading: string, rows: string[][]): string => indent(table([heading, ''], rows))
  return [
    `${styleText('bold', name, { stream: output })}: ${title}`,
    indent(question),
    section('case', cases.map(theCase => [theCase.name, theCase.arms.length < arms.length ? `${theCase.title} (${theCase.arms.join(', ')} only)` : theCase.title])),
    section('arm', arms.map(({ name, title }, index) => [name, index === 0 ? `${title} (baseline)` : title])),
    section('--set', parameters.map(parameter => [`${parameter.name}=${parameter.default}`, parameter.description]))
  ].join('\n\n')
}

function indent (text: string): string {
  return text.replaceAll(/^(?=.)/gm, '  ')
}
