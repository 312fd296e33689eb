import { TwinwireError } from '../core/errors.ts'
import { randomStream } from '../core/random.ts'
import type { RandomStream } from '../core/random.ts'
import type { Arm, Metric, Threshold } from '../experiment/definition.ts'
import type { WireName } from '../experiment/unit.ts'
import { compareUnits, holes } from '../results/data.ts'
import type { CaseDescription, Hole, ResultsData } from '../results/data.ts'
import { runValues } from '../results/run-values.ts'
import type { RunValue } from '../results/run-values.ts'
import { wiresOf } from '../results/summary.ts'
import { agreement } from '../stats/agreement.ts'
import type { Agreement } from '../stats/agreement.ts'
import { holm } from '../stats/holm.ts'
import { meanInterval, medianInterval } from '../stats/interval.ts'
import type { Interval } from '../stats/interval.ts'
import { pairedEffect } from '../stats/paired.ts'
import type { PairedEffect } from '../stats/paired.ts'
import { judge } from '../stats/verdict.ts'
import type { Judgement } from '../stats/verdict.ts'

/** Everything that is concluded from a run's results. The CLI prints it, the report shows it. */
export interface Analysis {
  readonly findings: readonly Finding[]
  /** Where both wires have results; otherwise empty. */
  readonly agreements: readonly WireAgreement[]
  readonly thresholds: readonly ThresholdCheck[]
  /** Runs that failed or never ran. They enter no number. */
  readonly holes: readonly Hole[]
  /** False where a threshold does not hold or could not be checked. */
  readonly passed: boolean
}

/** One metric of one case on one wire. */
export interface Finding {
  readonly wire: WireName
  readonly case: CaseDescription
  readonly metric: Metric
  readonly baseline: string
  /** In the experiment's order; arms without a single good run are left out. */
  readonly arms: readonly ArmFinding[]
}

export interface ArmFinding {
  readonly arm: Arm
  readonly runs: readonly RunValue[]
  /** Over runs. */
  readonly mean: Interval
  readonly median: Interval
  readonly samples: number
  readonly failures: number
  /** Against the baseline on the same seeds; absent for the baseline, where no seed is common, and where nothing ever succeeded in either. */
  readonly comparison?: Comparison
}

/** p-values are corrected (Holm) over all comparisons of the wire. */
export interface Comparison extends PairedEffect, Judgement {}

/** How far two wires agree on one metric's samples in one arm. */
export interface WireAgreement extends Agreement {
  readonly case: CaseDescription
  readonly metric: Metric
  readonly arm: Arm
}

export interface ThresholdCheck extends Threshold {
  readonly metricDefinition: Metric
  readonly caseTitle: string
  readonly armTitle: string
  /** Median over runs on the `sim` wire; absent where none ran well. */
  readonly value?: Interval
  readonly holds: boolean
}

/** Interval and permutation draws are the same whenever the same results are analysed. */
const ANALYSIS_SEED = 'analysis'

/** Derives everything that is concluded from results; the same results give the same analysis. */
export function analyse (results: ResultsData): Analysis {
  const random = randomStream(ANALYSIS_SEED)
  const findings = wiresOf(results).flatMap((wire) => findingsOf(results, wire, random.fork(wire)))
  const thresholds = results.run.experiment.thresholds.map((threshold) => checkThreshold(results, findings, threshold))
  return {
    findings,
    agreements: agreementsOf(results, random.fork('agreement')),
    thresholds,
    holes: holes(results),
    passed: thresholds.every(({ holds }) => holds)
  }
}

interface UnjudgedArm extends Omit<ArmFinding, 'comparison'> {
  readonly effect?: PairedEffect
}

function findingsOf (results: ResultsData, wire: WireName, random: RandomStream): Finding[] {
  const { arms, cases } = results.run.experiment
  const unjudged = cases.flatMap((caseDescription) => caseDescription.metrics.map((metric) => {
    const runs = runValues(results, wire, caseDescription.name, metric)
    const baseline = metric.baseline ?? arms[0].name
    const stream = random.fork(caseDescription.name).fork(metric.name)
    return {
      wire,
      case: caseDescription,
      metric,
      baseline,
      arms: arms.filter(({ name }) => runs.has(name)).map((arm) => armFinding(arm, runs, baseline, stream.fork(arm.name)))
    }
  }))
  const pValues = unjudged.flatMap(({ arms }) => arms.flatMap(({ effect }) => effect === undefined ? [] : [effect.pValue]))
  const adjusted = holm(pValues)[Symbol.iterator]()
  return unjudged.map((finding) => ({
    ...finding,
    arms: finding.arms.map(({ effect, ...arm }) => effect === undefined
      ? arm
      : {
          ...arm,
          comparison: {
            ...effect,
            ...judge(effect, {
              adjustedPValue: adjusted.next().value ?? 1,
              comparisons: pValues.length,
              better: finding.metric.better,
              minimumEffect: finding.metric.minimumEffect
            })
          }
        })
  }))
}

function armFinding (arm: Arm, byArm: ReadonlyMap<string, readonly RunValue[]>, baseline: string, random: RandomStream): UnjudgedArm {
  const runs = byArm.get(arm.name) ?? []
  const values = runs.map(({ value }) => value)
  const finding = {
    arm,
    runs,
    mean: meanInterval(values, random.fork('mean')),
    median: medianInterval(values, random.fork('median')),
    samples: runs.reduce((sum, { samples }) => sum + samples, 0),
    failures: runs.reduce((sum, { failures }) => sum + failures, 0)
  }
  const baselineRuns = byArm.get(baseline) ?? []
  const baselineBySeed = new Map(baselineRuns.map(({ seed, value }) => [seed, value]))
  // Failing sooner than another that always fails is no gain.
  const hopeless = [...runs, ...baselineRuns].every(({ samples, failures }) => samples === failures)
  const pairs = runs.flatMap(({ seed, value }) => {
    const other = baselineBySeed.get(seed)
    return other === undefined ? [] : [{ value, other }]
  })
  if (arm.name === baseline || pairs.length === 0 || hopeless) {
    return finding
  }
  return { ...finding, effect: pairedEffect(pairs.map(({ other }) => other), pairs.map(({ value }) => value), random.fork('effect')) }
}

function checkThreshold ({ run }: ResultsData, findings: readonly Finding[], threshold: Threshold): ThresholdCheck {
  const caseDescription = run.experiment.cases.find(({ name }) => name === threshold.case)
  const metricDefinition = caseDescription?.metrics.find(({ name }) => name === threshold.metric)
  const arm = run.experiment.arms.find(({ name }) => name === threshold.arm)
  if (caseDescription === undefined || metricDefinition === undefined || arm === undefined) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'a threshold names a case, metric or arm that the experiment does not have', {
      path: 'experiment.thresholds', found: `${threshold.case}, ${threshold.metric}, ${threshold.arm}`
    })
  }
  const description = { ...threshold, metricDefinition, caseTitle: caseDescription.title, armTitle: arm.title }
  const value = findings
    .find((finding) => finding.wire === 'sim' && finding.case === caseDescription && finding.metric === metricDefinition)
    ?.arms.find((finding) => finding.arm === arm)?.median
  if (value === undefined) {
    return { ...description, holds: false }
  }
  const holds = threshold.direction === 'at-most' ? value.estimate <= threshold.limit : value.estimate >= threshold.limit
  return { ...description, value, holds }
}

/** Over the seeds that ran well on both wires, so that both saw the same scenarios. */
function agreementsOf (results: ResultsData, random: RandomStream): WireAgreement[] {
  const { arms, cases } = results.run.experiment
  return cases.flatMap((caseDescription) => samplesOf(caseDescription).filter(({ wireSpecific }) => wireSpecific !== true).flatMap((metric) => arms.flatMap((arm) => {
    const model = runSamples(results, 'sim', caseDescription.name, arm.name, metric)
    const reference = runSamples(results, 'tcp', caseDescription.name, arm.name, metric)
    const common = [...reference.keys()].filter((seed) => model.has(seed))
    if (common.length === 0) {
      return []
    }
    const stream = random.fork(caseDescription.name).fork(metric.sample).fork(arm.name)
    return [{
      case: caseDescription,
      metric,
      arm,
      ...agreement(common.map((seed) => model.get(seed) ?? []), common.map((seed) => reference.get(seed) ?? []), stream)
    }]
  })))
}

/** One metric for each kind of sample, as several metrics may be made of one; shares of failures are no distribution. */
export function samplesOf ({ metrics }: CaseDescription): Metric[] {
  const measured = metrics.filter(({ statistic }) => statistic !== 'failed-share')
  return measured.filter(({ sample }, index) => measured.findIndex((other) => other.sample === sample) === index)
}

function runSamples ({ units }: ResultsData, wire: WireName, caseName: string, arm: string, metric: Metric): Map<string, number[]> {
  const bySeed = new Map<string, number[]>()
  for (const unit of [...units].sort(compareUnits)) {
    if (unit.wire === wire && unit.case === caseName && unit.arm === arm && unit.error === undefined) {
      const values = unit.samples.flatMap(({ metric: name, value }) => name === metric.sample ? [value] : [])
      if (values.length > 0) {
        bySeed.set(unit.seed, values)
      }
    }
  }
  return bySeed
}
