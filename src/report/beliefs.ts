import type { RandomStream } from '../core/random.ts'
import type { Arm, Metric } from '../experiment/definition.ts'
import type { WireName } from '../experiment/unit.ts'
import { isPair, pairOf } from '../experiment/wire-pair.ts'
import type { WirePair } from '../experiment/wire-pair.ts'
import { wiresOf } from '../results/data.ts'
import type { CaseDescription, ResultsData } from '../results/data.ts'
import { runValues } from '../results/run-values.ts'
import type { RunValue } from '../results/run-values.ts'
import type { PairedEffect } from '../stats/paired.ts'
import { quantile } from '../stats/quantile.ts'
import { singleRunsOf, transfer } from '../stats/transfer.ts'
import type { SingleRuns, Transfer } from '../stats/transfer.ts'
import { effectOf } from './findings.ts'

/**
 * What may be believed of what a modelled wire says of a metric, by what the most real wire says of it.
 *
 * - `all`: medians and effects agree;
 * - `effects`: effects agree, and so does every conclusion that rests on them; absolute values do not;
 * - `direction`: the same arms are better, by another measure;
 * - `nothing`: an effect points the other way, arms change places, or values differ and no effect says more;
 * - `open`: an effect may point the other way, and the runs are too few to tell;
 * - `unchecked`: no more real wire ran.
 */
export type Belief = 'all' | 'effects' | 'direction' | 'nothing' | 'open' | 'unchecked'

/** The model is the most modelled wire that ran, the reference the most real one: the same where nothing checks it. */
export interface MetricBelief extends WirePair {
  readonly case: CaseDescription
  readonly metric: Metric
  readonly belief: Belief
  /** In the experiment's order; arms without a seed that ran well on both are left out. */
  readonly arms: readonly ArmEvidence[]
  /** Arms that clearly change places: the first is lower on the model, the second on the reference. */
  readonly swapped?: readonly [Arm, Arm]
}

export interface ArmEvidence {
  readonly arm: Arm
  readonly seeds: number
  /** Medians over runs. */
  readonly model: number
  readonly reference: number
  /** Whether these count as the same. */
  readonly close: boolean
  /** `singleRuns` are the model's over all its seeds; absent where these are few. */
  readonly effect?: { readonly model: PairedEffect, readonly reference: PairedEffect, readonly singleRuns?: SingleRuns, readonly transfer: Transfer }
  /** Medians on all wires over the seeds that ran well on all, where a third lies between the two. */
  readonly split?: { readonly model: number, readonly between: number, readonly reference: number }
}

/** Values that differ by less than a tenth count as the same. */
export const CLOSE_VALUES = 0.1
/**
 * Shares count as the same within a quarter of the reference's, but never more than five points apart, and always within half a
 * point: of 300 requests one failure is a third of a point.
 */
export const CLOSE_SHARES = { ofReference: 0.25, atLeast: 0.005, atMost: 0.05 } as const

/** Of every metric that the wires do not differ in by design; both wires on the seeds that ran well on both. */
export function beliefsOf (results: ResultsData, random: RandomStream): MetricBelief[] {
  return results.run.experiment.cases.flatMap((caseDescription) => {
    const wires = wiresOf(results, caseDescription.name)
    return wires.length === 0
      ? []
      : caseDescription.metrics.filter(({ wireSpecific }) => wireSpecific !== true).map((metric) =>
        beliefOf(results, caseDescription, metric, wires, random.fork(caseDescription.name).fork(metric.name)))
  })
}

/**
 * On wires that have the metric's baseline, where any has: without it there are values and no effects.
 *
 * @param planned not empty
 */
function beliefOf (results: ResultsData, caseDescription: CaseDescription, metric: Metric, planned: readonly WireName[], random: RandomStream): MetricBelief {
  const measured = planned.map((wire) => ({ wire, byArm: runValues(results, wire, caseDescription.name, metric) })).filter(({ byArm }) => byArm.size > 0)
  const comparing = measured.filter(({ byArm }) => byArm.has(metric.baseline ?? results.run.experiment.arms[0].name))
  const ran = comparing.length === 0 ? measured : comparing
  const wires = ran.length === 0 ? planned.slice(0, 1) : ran.map(({ wire }) => wire)
  const pair = { model: wires[0], reference: wires[wires.length - 1] }
  const values = ran.map(({ byArm }) => byArm)
  const arms = wires.length === 1 ? [] : evidenceOf(results, { case: caseDescription, metric, ...pair, values }, random)
  const swapped = swappedArms(arms, metric, values)
  return { case: caseDescription, metric, ...pair, arms, belief: judgeBelief(arms, swapped !== undefined), ...(swapped === undefined ? {} : { swapped }) }
}

/** The rule, from the evidence alone. */
export function judgeBelief (arms: ReadonlyArray<Pick<ArmEvidence, 'close' | 'effect'>>, swapped: boolean): Belief {
  if (arms.length === 0) {
    return 'unchecked'
  }
  const found = new Set(arms.flatMap(({ effect }) => effect?.transfer ?? []))
  if (found.has('different')) {
    return 'nothing'
  }
  if (found.has('unsettled')) {
    return 'open'
  }
  const close = arms.every((arm) => arm.close)
  if (swapped || (found.size === 0 && !close)) {
    return 'nothing'
  }
  return found.has('direction') ? 'direction' : close ? 'all' : 'effects'
}

/**
 * How far another value may be from one of the reference and count as the same.
 *
 * @param runs of the reference, of the arms that are compared; of a share of failures one sample more or less of them is no difference
 */
function toleranceOf (value: number, { unit, statistic }: Metric, runs: readonly RunValue[]): number {
  if (unit !== 'share') {
    return CLOSE_VALUES * Math.abs(value)
  }
  const { ofReference, atLeast, atMost } = CLOSE_SHARES
  // A mean of such runs must not be another by rounding.
  const oneSample = statistic === 'failed-share' ? runs.reduce((largest, { samples }) => Math.max(largest, (1 + 1e-9) / samples), 0) : 0
  return Math.min(atMost, Math.max(atLeast, oneSample, ofReference * Math.abs(value)))
}

/** Of one wire. */
type RunsByArm = ReadonlyMap<string, readonly RunValue[]>

interface Subject extends WirePair {
  readonly case: CaseDescription
  readonly metric: Metric
  /** By arm, for each wire that ran, the most modelled first. */
  readonly values: readonly RunsByArm[]
}

function evidenceOf ({ run: { experiment: { arms, agreement = [] } } }: ResultsData, { case: { name: caseName }, metric, model, reference, values }: Subject, random: RandomStream): ArmEvidence[] {
  const ends = [values[0], values[values.length - 1]]
  const baseline = metric.baseline ?? arms[0].name
  return arms.flatMap((arm) => {
    const [onModel, onReference] = common(ends, arm.name)
    if (onModel.length === 0) {
      return []
    }
    const medians = { model: medianOf(onModel), reference: medianOf(onReference) }
    const promise = agreement.find((threshold) => threshold.case === caseName && threshold.metric === metric.name && threshold.arm === arm.name &&
      isPair(pairOf(threshold), { model, reference }))
    const close = Math.abs(medians.model - medians.reference) <= Math.max(toleranceOf(medians.reference, metric, onReference), promise?.limitMs ?? 0)
    const effect = arm.name === baseline ? undefined : effectEvidence(common(ends, arm.name, baseline), common(values.slice(0, 1), arm.name, baseline), metric, random.fork(arm.name))
    const onAll = values.length < 3 ? [] : common(values, arm.name).map(medianOf)
    return [{
      arm,
      seeds: onModel.length,
      ...medians,
      close,
      ...(effect === undefined ? {} : { effect }),
      ...(onAll.length === 0 || onAll.some(Number.isNaN) ? {} : { split: { model: onAll[0], between: onAll[1], reference: onAll[2] } })
    }]
  })
}

/** The runs of each arm on each wire (wire by wire, arms within) whose seeds ran well everywhere that is asked for. */
function common (wires: readonly RunsByArm[], ...arms: readonly string[]): RunValue[][] {
  const lists = wires.flatMap((byArm) => arms.map((arm) => byArm.get(arm) ?? []))
  const seeds = lists.map((runs) => new Set(runs.map(({ seed }) => seed)))
  return lists.map((runs) => runs.filter(({ seed }) => seeds.every((set) => set.has(seed))))
}

/** On the seeds that ran well on both wires, and of the model on all its seeds. */
function effectEvidence ([modelArm, modelBaseline, referenceArm, referenceBaseline]: RunValue[][], [allArm, allBaseline]: RunValue[][], metric: Metric, random: RandomStream): ArmEvidence['effect'] {
  const model = effectOf(modelBaseline, modelArm, random.fork('model'))
  const reference = effectOf(referenceBaseline, referenceArm, random.fork('reference'))
  if (model === undefined || reference === undefined) {
    return undefined
  }
  const singleRuns = singleRunsOf(valuesOf(allBaseline), valuesOf(allArm))
  const absoluteTolerance = metric.unit === 'share' ? toleranceOf(reference.baselineMean, metric, [...referenceArm, ...referenceBaseline]) : 0
  const context = { minimumEffect: metric.minimumEffect, absoluteTolerance, ...(singleRuns === undefined ? {} : { singleRuns }) }
  return { model, reference, ...(singleRuns === undefined ? {} : { singleRuns }), transfer: transfer(model, reference, context) }
}

/** Two arms that are told apart on both wires, the other way round. */
function swappedArms (arms: readonly ArmEvidence[], metric: Metric, values: readonly RunsByArm[]): readonly [Arm, Arm] | undefined {
  for (const a of arms) {
    for (const b of arms) {
      const runs = [a, b].flatMap(({ arm: { name } }) => values[values.length - 1].get(name) ?? [])
      if (b.model - a.model > toleranceOf(b.model, metric, runs) && a.reference - b.reference > toleranceOf(b.reference, metric, runs)) {
        return [a.arm, b.arm]
      }
    }
  }
  return undefined
}

function medianOf (runs: readonly RunValue[]): number {
  return runs.length === 0 ? NaN : quantile(valuesOf(runs), 0.5)
}

function valuesOf (runs: readonly RunValue[]): number[] {
  return runs.map(({ value }) => value)
}
