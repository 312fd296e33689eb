import { styleText } from 'node:util'
import { experimentNames, loadExperiment } from '../experiment/registry.ts'
import type { Arm, Case, Experiment } from '../experiment/definition.ts'
import { armsOf } from '../experiment/plan.ts'
import type { CliContext, Output } from './context.ts'
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

/** Writes what experiments there are, for a reader or as JSON. */
export async function list ({ machinery: { experimentsDirectory }, stdout }: CliContext, { json }: { readonly json: boolean }): Promise<void> {
  const experiments: ExperimentOutput[] = []
  for (const name of await experimentNames(experimentsDirectory)) {
    experiments.push(describe((await loadExperiment(name, experimentsDirectory)).experiment))
  }
  stdout.write(json
    ? `${JSON.stringify(experiments, undefined, 2)}\n`
    : `${experiments.map(experiment => asText(experiment, stdout)).join('\n\n')}\n`)
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
