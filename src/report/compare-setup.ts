import { isDeepStrictEqual } from 'node:util'
import { show } from '../core/errors.ts'
import type { Metric } from '../experiment/definition.ts'
import { armsOf, armsOnWire } from '../experiment/plan.ts'
import type { WireName } from '../experiment/unit.ts'
import { wiresOf } from '../results/data.ts'
import type { CaseDescription, ExperimentDescription, ResultsData, RunDescription } from '../results/data.ts'
import { plural } from './format.ts'

/** One case of two results on a wire that both have, with what of it can be compared. */
export interface CommonCase {
  readonly wire: WireName
  readonly before: CaseDescription
  readonly after: CaseDescription
  readonly metrics: readonly Metric[]
  readonly arms: readonly string[]
}

/** A metric of which both have another definition: its values are different things. */
export interface RefusedMetric {
  readonly case: string
  readonly metric: string
  /** `unit ms -> s` */
  readonly reason: string
}

/** What of two set-ups differs, a sentence each: `parameters differ: rttMs 80 -> 120`. */
export function setupDifferences (a: ResultsData, b: ResultsData): string[] {
  const before = a.run
  const after = b.run
  const wires = wiresOf(a).filter(wire => wiresOf(b).includes(wire))
  return [
    ...sentence('experiments', changed(before.experiment.name, after.experiment.name)),
    ...sentence('parameters', changedFields(before.parameters, after.parameters)),
    ...sentence('versions', changedFields(before.versions, after.versions)),
    ...sentence('commits', changed(commitOf(before), commitOf(after))),
    // Simulated time does not know the machine.
    ...wires.includes('tcp') ? sentence('machines', changed(machineOf(before), machineOf(after))) : [],
    ...wires.flatMap(wire => sentence(`seeds on ${wire}`, changedSeeds(seedsOf(a, wire), seedsOf(b, wire)))),
    ...armDifferences(before.experiment, after.experiment)
  ]
}

/** The seeds of a wire's plan. */
export function seedsOf ({ run }: ResultsData, wire: WireName): readonly string[] {
  return run.plan.filter(plan => plan.wire === wire).flatMap(({ seeds }) => seeds)
}

/** What both have, in the order of the second. */
export function commonCases (a: ResultsData, b: ResultsData): CommonCase[] {
  return b.run.experiment.cases.flatMap(after => {
    const before = caseOf(a, after.name)
    if (before === undefined) {
      return []
    }
    const metrics = after.metrics.filter(metric => before.metrics.some(({ name }) => name === metric.name) && definitionDifference(before, after, metric.name) === undefined)
    return wiresOf(b, after.name).filter(wire => wiresOf(a, after.name).includes(wire)).map(wire => ({
      wire, before, after, metrics, arms: armsOn(b, after, wire).filter(arm => armsOn(a, before, wire).includes(arm))
    }))
  })
}

export function refusedMetrics (a: ResultsData, b: ResultsData): RefusedMetric[] {
  return b.run.experiment.cases.flatMap(after => {
    const before = caseOf(a, after.name)
    return before === undefined ? [] : after.metrics.flatMap(({ name }) => {
      const reason = definitionDifference(before, after, name)
      return reason === undefined ? [] : [{ case: after.name, metric: name, reason }]
    })
  })
}

/** What the first has and the second has not: `wire tcp`, `case silent-death`, `arm pool of cold-dial`, `arm pool of churn on tcp`. */
export function missingFrom (whole: ResultsData, other: ResultsData): string[] {
  return [
    ...wiresOf(whole).filter(wire => !wiresOf(other).includes(wire)).map(wire => `wire ${wire}`),
    ...whole.run.experiment.cases.flatMap(theCase => {
      const counterpart = caseOf(other, theCase.name)
      if (counterpart === undefined) {
        return [`case ${theCase.name}`]
      }
      return [
        ...theCase.metrics.filter(({ name }) => !counterpart.metrics.some(metric => metric.name === name)).map(({ name }) => `metric ${name} of ${theCase.name}`),
        ...armsIn(whole, theCase).filter(arm => !armsIn(other, counterpart).includes(arm)).map(arm => `arm ${arm} of ${theCase.name}`),
        ...wiresOf(whole, theCase.name).filter(wire => wiresOf(other, theCase.name).includes(wire)).flatMap(wire => (
          armsOn(whole, theCase, wire).filter(arm => armsIn(other, counterpart).includes(arm) && !armsOn(other, counterpart, wire).includes(arm)).map(arm => `arm ${arm} of ${theCase.name} on ${wire}`)
        ))
      ]
    })
  ]
}

function caseOf ({ run }: ResultsData, name: string): CaseDescription | undefined {
  return run.experiment.cases.find(theCase => theCase.name === name)
}

function armsIn ({ run: { experiment } }: ResultsData, theCase: CaseDescription): readonly string[] {
  return armsOf(theCase, experiment)
}

function armsOn ({ run: { experiment } }: ResultsData, theCase: CaseDescription, wire: WireName): readonly string[] {
  return armsOnWire(theCase, experiment, wire)
}

/** All that makes a value what it is. Undefined where both have the same, or one has no such metric. */
function definitionDifference (before: CaseDescription, after: CaseDescription, name: string): string | undefined {
  const [old, current] = [before, after].map(({ metrics }) => metrics.find(metric => metric.name === name))
  if (old === undefined || current === undefined) {
    return undefined
  }
  const meaning = ({ unit, statistic, sample, better }: Metric, { warmUpMs }: CaseDescription): Fields => ({ unit, statistic, sample, better, warmUpMs })
  return changedFields(meaning(old, before), meaning(current, after))
}

type Fields = Readonly<Record<string, unknown>>

function changedFields (before: Fields, after: Fields): string | undefined {
  const names = [...new Set([...Object.keys(before), ...Object.keys(after)])].filter(name => !isDeepStrictEqual(before[name], after[name]))
  return names.length === 0 ? undefined : names.map(name => `${name} ${plain(before[name])} -> ${plain(after[name])}`).join(', ')
}

function changed (before: string, after: string): string | undefined {
  return before === after ? undefined : `${before} -> ${after}`
}

function changedSeeds (before: readonly string[], after: readonly string[]): string | undefined {
  if (isDeepStrictEqual(before, after)) {
    return undefined
  }
  const common = after.filter(seed => before.includes(seed)).length
  return `${before.length} -> ${after.length}, ${common} in common`
}

function sentence (subject: string, change: string | undefined): string[] {
  return change === undefined ? [] : [`${subject} differ: ${change}`]
}

function armDifferences (before: ExperimentDescription, after: ExperimentDescription): string[] {
  return after.arms.flatMap(({ name, modules }) => {
    const old = before.arms.find(arm => arm.name === name)
    return old === undefined ? [] : sentence(`modules of ${name}`, changed(old.modules?.join(' + ') ?? 'none', modules?.join(' + ') ?? 'none'))
  })
}

function commitOf ({ git }: RunDescription): string {
  return git === undefined ? 'none known' : `${git.commit.slice(0, 12)}${git.dirty ? ' (with changes that are not committed)' : ''}`
}

function machineOf ({ machine: { cpu, cores, os } }: RunDescription): string {
  return `${cpu}, ${plural(cores, 'core')}, ${os}`
}

function plain (value: unknown): string {
  return value === undefined ? 'none' : typeof value === 'string' ? value : show(value)
}
