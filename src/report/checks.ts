import { TwinwireError } from '../core/errors.ts'
import type { AgreementThreshold, Metric, Threshold } from '../experiment/definition.ts'
import type { WireName } from '../experiment/unit.ts'
import { pairOf, WIRES } from '../experiment/wire-pair.ts'
import type { WirePair } from '../experiment/wire-pair.ts'
import { wiresOf } from '../results/data.ts'
import type { ResultsData } from '../results/data.ts'
import { runValues } from '../results/run-values.ts'
import type { Interval } from '../stats/interval.ts'
import { quantile } from '../stats/quantile.ts'
import type { Finding } from './findings.ts'

/** What a promise is about. */
export interface Subject {
  readonly metricDefinition: Metric
  readonly caseTitle: string
  readonly armTitle: string
}

/** What a promise was found to be worth. */
export interface Check extends Subject {
  /** False where a wire that it is about was not asked for, and where parameters were changed, as it is stated for their defaults; it counts as holding then. */
  readonly checked: boolean
  /** Why it was not; absent where it was. */
  readonly reason?: string
  readonly holds: boolean
}

export interface ThresholdCheck extends Threshold, Check {
  /** Median over runs on the threshold's wire; absent where none ran well. */
  readonly value?: Interval
}

export interface AgreementCheck extends AgreementThreshold, WirePair, Check {
  readonly model: WireName
  readonly reference: WireName
  /** Medians over the runs whose seeds ran well on both wires; absent where there are none. */
  readonly medians?: { readonly model: number, readonly reference: number }
}

/** A promise about one wire, against the median over its runs. */
export function checkThreshold (results: ResultsData, findings: readonly Finding[], threshold: Threshold): ThresholdCheck {
  const { wire = 'sim', limit, direction } = threshold
  const description = { ...threshold, ...subjectOf(results, threshold, 'thresholds') }
  const reason = reasonNotToCheck(results, threshold.case, [wire])
  if (reason !== undefined) {
    return { ...description, checked: false, reason, holds: true }
  }
  const value = findings
    .find((finding) => finding.wire === wire && finding.case.name === threshold.case && finding.metric.name === threshold.metric)
    ?.arms.find(({ arm }) => arm.name === threshold.arm)?.median
  if (value === undefined) {
    return { ...description, checked: true, holds: false }
  }
  return { ...description, checked: true, value, holds: direction === 'at-most' ? value.estimate <= limit : value.estimate >= limit }
}

/** A promise about two wires, against the medians over the runs whose seeds ran well on both. */
export function checkAgreement (results: ResultsData, threshold: AgreementThreshold): AgreementCheck {
  const subject = subjectOf(results, threshold, 'agreement')
  const { model, reference } = pairOf(threshold)
  const description = { ...threshold, model, reference, ...subject }
  if (subject.metricDefinition.unit !== 'ms') {
    throw new TwinwireError('ERR_INVALID_OPTION', 'an agreement is promised for a metric that is no time', {
      path: 'experiment.agreement', expected: 'a metric in ms', found: `${threshold.metric} in ${subject.metricDefinition.unit}`
    })
  }
  if (WIRES.indexOf(model) >= WIRES.indexOf(reference)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'an agreement is promised of a wire with one that is no more real', {
      path: 'experiment.agreement', expected: `of ${WIRES.join(', ')} an earlier model and a later reference`, found: `${model} and ${reference}`
    })
  }
  const reason = reasonNotToCheck(results, threshold.case, [model, reference])
  if (reason !== undefined) {
    return { ...description, checked: false, reason, holds: true }
  }
  const valuesOn = (wire: WireName): Map<string, number> =>
    new Map(runValues(results, wire, threshold.case, subject.metricDefinition).get(threshold.arm)?.map(({ seed, value }) => [seed, value]))
  const values = { model: valuesOn(model), reference: valuesOn(reference) }
  const common = [...values.model.keys()].filter((seed) => values.reference.has(seed))
  if (common.length === 0) {
    return { ...description, checked: true, holds: false }
  }
  const medianOver = (bySeed: ReadonlyMap<string, number>): number => quantile(common.flatMap((seed) => bySeed.get(seed) ?? []), 0.5)
  const medians = { model: medianOver(values.model), reference: medianOver(values.reference) }
  return { ...description, checked: true, medians, holds: Math.abs(medians.model - medians.reference) <= threshold.limitMs }
}

/** A limit is derived from the parameters' defaults: of a run with others it says nothing, however it came out. */
function reasonNotToCheck (results: ResultsData, caseName: string, about: readonly WireName[]): string | undefined {
  const wires = wiresOf(results, caseName)
  if (!about.every((wire) => wires.includes(wire))) {
    return about.length === 1 ? 'its wire was not run' : 'not run on both wires'
  }
  const { changedParameters = [] } = results.run
  return changedParameters.length === 0 ? undefined : `stated for the defaults, and changed ${changedParameters.length === 1 ? 'is' : 'are'} ${changedParameters.join(', ')}`
}

/**
 * What a promise is about, by name.
 *
 * @throws ERR_INVALID_OPTION where the experiment does not have it
 */
export function subjectOf ({ run: { experiment } }: Pick<ResultsData, 'run'>, promise: Pick<Threshold, 'case' | 'metric' | 'arm'>, field: string): Subject {
  const caseDescription = experiment.cases.find(({ name }) => name === promise.case)
  const metricDefinition = caseDescription?.metrics.find(({ name }) => name === promise.metric)
  const arm = experiment.arms.find(({ name }) => name === promise.arm)
  if (caseDescription === undefined || metricDefinition === undefined || arm === undefined) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'a promise names a case, metric or arm that the experiment does not have', {
      path: `experiment.${field}`, found: `${promise.case}, ${promise.metric}, ${promise.arm}`
    })
  }
  return { metricDefinition, caseTitle: caseDescription.title, armTitle: arm.title }
}
