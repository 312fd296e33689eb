import * as z from 'zod'
import { show, TwinwireError } from '../core/errors.ts'
import { nearestName } from '../core/nearest.ts'
import { parseOptions } from '../core/options.ts'
import type { Case, Experiment, Metric } from './definition.ts'
import { armsOf, armsOnWire } from './plan.ts'
import { caseShape, experimentShape, metricSchema } from './schema.ts'
import type { WireName } from './unit.ts'
import { carries, pairOf, WIRES } from './wire-pair.ts'

const seeds = z.int().min(0)

const definitionSchema = z.strictObject({
  ...experimentShape,
  parameters: z.custom((value) => value instanceof z.ZodObject, 'a zod object'),
  cases: z.array(z.strictObject({
    ...caseShape,
    scenario: z.custom((value) => typeof value === 'function', 'a function that makes the scenario'),
    metrics: z.array(metricSchema).min(1),
    busyProcessors: z.number().positive().exactOptional()
  })).min(1),
  repetitions: z.strictObject({ sim: seeds.exactOptional(), stack: seeds.exactOptional(), tcp: seeds.exactOptional() }).exactOptional(),
  tcpNetwork: z.enum(['relay', 'namespaces']).exactOptional()
})

/**
 * Checks what an experiment's file exports as `experiment`: that it has the shape of a definition, that names are unique
 * and well formed, and that every name that refers to something does.
 *
 * @param file that it came from, for the message
 * @throws ERR_INVALID_FILE for the first thing that is wrong, with its path in the definition
 */
export function checkExperiment (definition: unknown, file: string): asserts definition is Experiment {
  try {
    parseOptions(definitionSchema, definition, 'experiment')
    checkNames(definition as Experiment)
  } catch (error) {
    if (!(error instanceof TwinwireError)) {
      throw error
    }
    const { path = 'experiment', expected = '', found = '' } = error
    throw new TwinwireError('ERR_INVALID_FILE', "the experiment's definition is not valid", { path: `${file}: ${path}`, expected, found })
  }
}

function checkNames (experiment: Experiment): void {
  const { name, arms, subject, cases, parameters, sweeps = [], thresholds, agreement = [], promises = [], precision } = experiment
  wellFormed(name, 'experiment.name')
  checkParameters(parameters)
  checkList(arms, 'experiment.arms')
  checkList(cases, 'experiment.cases')
  checkList(sweeps, 'experiment.sweeps')
  sweeps.forEach(({ factors }, i) => unique(factors, `experiment.sweeps[${i}].factors`))
  cases.forEach((theCase, i) => checkCase(experiment, theCase, `experiment.cases[${i}]`))
  if (subject !== undefined) {
    oneOf(subject, arms.map((arm) => arm.name), 'experiment.subject')
    if (!cases.some((theCase) => armsOf(theCase, experiment).includes(subject) && theCase.metrics.some(({ baseline = arms[0].name }) => baseline !== subject))) {
      throw invalid('experiment.subject', 'an arm that is compared with a baseline', show(subject))
    }
  }
  thresholds.forEach((threshold, i) => checkSubject(experiment, threshold, `experiment.thresholds[${i}]`, threshold.wire))
  agreement.forEach((threshold, i) => {
    const path = `experiment.agreement[${i}]`
    const { model, reference } = pairOf(threshold)
    const { unit } = checkSubject(experiment, threshold, path, reference).metric
    if (unit !== 'ms') {
      throw invalid(`${path}.metric`, 'a metric in ms', `${threshold.metric} in ${unit}`)
    }
    if (WIRES.indexOf(model) >= WIRES.indexOf(reference)) {
      throw invalid(path, `of ${WIRES.join(', ')} an earlier model and a later reference`, `${model} and ${reference}`)
    }
  })
  promises.forEach((claim, i) => {
    const path = `experiment.promises[${i}]`
    const { metric } = checkSubject(experiment, claim, path, claim.wire)
    if ('change' in claim.target) {
      checkCompared(experiment, metric, claim.arm, `${path}.arm`)
    }
  })
  precision?.targets.forEach((target, i) => {
    const path = `experiment.precision.targets[${i}]`
    const { theCase, metric } = checkSubject(experiment, target, path)
    checkCompared(experiment, metric, target.arm, `${path}.arm`)
    if (!carries('sim', theCase)) {
      throw invalid(`${path}.case`, 'a case that runs on sim', `${target.case}, which runs on ${theCase.wires?.join(', ')}`)
    }
  })
}

/** `--set` and the list of experiments need a plain default of each. */
function checkParameters ({ shape }: z.ZodObject): void {
  for (const [name, schema] of Object.entries(shape)) {
    const { success, data } = schema.safeParse(undefined)
    if (!success || !['number', 'string', 'boolean'].includes(typeof data)) {
      throw invalid(`experiment.parameters.${name}`, 'a default that is a number, a text, true or false', success ? show(data) : 'none')
    }
  }
}

function checkCase (experiment: Experiment, theCase: Case, path: string): void {
  const known = experiment.arms.map(({ name }) => name)
  const { arms = [], metrics, sweep, busyProcessors } = theCase
  if (theCase.arms?.length === 0) {
    throw invalid(`${path}.arms`, 'an arm or more, or no list: all of them', 'none')
  }
  arms.forEach((arm, i) => { oneOf(arm, known, `${path}.arms[${i}]`) })
  checkOnce(arms, `${path}.arms`)
  checkRealArms(experiment, theCase, `${path}.realArms`)
  checkList(metrics, `${path}.metrics`)
  metrics.forEach(({ baseline }, i) => {
    if (baseline !== undefined) {
      oneOf(baseline, known, `${path}.metrics[${i}].baseline`)
      takesPart(experiment, theCase, baseline, `${path}.metrics[${i}].baseline`)
    }
  })
  if (busyProcessors !== undefined && !carries('tcp', theCase)) {
    throw invalid(`${path}.busyProcessors`, 'nothing where no real peers run', `${busyProcessors} where wires are ${theCase.wires?.join(', ')}`)
  }
  if (sweep !== undefined) {
    checkLevels(experiment, sweep, `${path}.sweep`)
  }
}

function checkRealArms (experiment: Experiment, theCase: Case, path: string): void {
  const { realArms, wires } = theCase
  if (realArms === undefined) {
    return
  }
  if (!carries('tcp', theCase)) {
    throw invalid(path, 'nothing where no real peers run', `${realArms.join(', ')} where wires are ${wires?.join(', ')}`)
  }
  if (realArms.length === 0) {
    throw invalid(path, 'an arm or more, or no list: all that take part', 'none')
  }
  realArms.forEach((arm, i) => { takesPart(experiment, theCase, arm, `${path}[${i}]`) })
  checkOnce(realArms, path)
}

function checkOnce (arms: readonly string[], path: string): void {
  arms.forEach((arm, i) => {
    if (arms.indexOf(arm) < i) {
      throw invalid(`${path}[${i}]`, 'each arm once', show(arm))
    }
  })
}

function checkLevels ({ sweeps = [] }: Experiment, { name, levels }: NonNullable<Case['sweep']>, path: string): void {
  oneOf(name, sweeps.map((sweep) => sweep.name), `${path}.name`)
  const factors = sweeps.find((sweep) => sweep.name === name)?.factors.map((factor) => factor.name) ?? []
  for (const level of Object.keys(levels)) {
    oneOf(level, factors, `${path}.levels.${level}`)
  }
  for (const factor of factors) {
    if (!Object.hasOwn(levels, factor)) {
      throw invalid(`${path}.levels`, `a level of each factor: ${factors.join(', ')}`, `none of ${factor}`)
    }
  }
}

interface Subject {
  readonly theCase: Case
  readonly metric: Metric
}

/** That case, metric and arm are there, and the arm takes part in the case, on a wire that is named as well. */
function checkSubject (experiment: Experiment, subject: { readonly case: string, readonly metric: string, readonly arm: string }, path: string, wire?: WireName): Subject {
  const theCase = find(experiment.cases, subject.case, `${path}.case`)
  const metric = find(theCase.metrics, subject.metric, `${path}.metric`)
  find(experiment.arms, subject.arm, `${path}.arm`)
  takesPart(experiment, theCase, subject.arm, `${path}.arm`, wire)
  return { theCase, metric }
}

function takesPart (experiment: Experiment, theCase: Case, arm: string, path: string, wire?: WireName): void {
  const arms = wire === undefined ? armsOf(theCase, experiment) : armsOnWire(theCase, experiment, wire)
  if (!arms.includes(arm)) {
    throw invalid(path, `an arm that takes part in ${theCase.name}${wire === undefined ? '' : ` on ${wire}`}: ${arms.join(', ')}`, show(arm))
  }
}

/** A change is against the baseline, which itself has none. */
function checkCompared ({ arms }: Experiment, { baseline = arms[0].name }: Metric, arm: string, path: string): void {
  if (arm === baseline) {
    throw invalid(path, 'an arm that is compared with the baseline', `${show(arm)}, the baseline itself`)
  }
}

type Named = ReadonlyArray<{ readonly name: string }>

function checkList (list: Named, path: string): void {
  list.forEach(({ name }, i) => wellFormed(name, `${path}[${i}].name`))
  unique(list, path)
}

function wellFormed (name: string, path: string): void {
  if (!/^[a-z0-9]+(?:-[a-z0-9]+)*$/.test(name)) {
    throw invalid(path, 'lower-case words joined by dashes', show(name))
  }
}

function unique (list: Named, path: string): void {
  list.forEach(({ name }, i) => {
    const first = list.findIndex((other) => other.name === name)
    if (first < i) {
      throw invalid(`${path}[${i}].name`, 'a name of its own', `${show(name)}, which ${path}[${first}] has too`)
    }
  })
}

function find<T extends { readonly name: string }> (list: readonly T[], name: string, path: string): T {
  oneOf(name, list.map((item) => item.name), path)
  return list[list.findIndex((item) => item.name === name)]
}

function oneOf (name: string, known: readonly string[], path: string): void {
  if (!known.includes(name)) {
    const nearest = nearestName(name, known)
    throw invalid(path, nearest === undefined ? `one of ${known.join(', ')}` : `${nearest} (known are ${known.join(', ')})`, show(name))
  }
}

function invalid (path: string, expected: string, found: string): TwinwireError {
  return new TwinwireError('ERR_INVALID_FILE', 'not valid', { path, expected, found })
}
