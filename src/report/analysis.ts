import { TwinwireError } from '../core/errors.ts'
import { randomStream } from '../core/random.ts'
import type { RandomStream } from '../core/random.ts'
import type { AgreementThreshold, Arm, Metric, Threshold } from '../experiment/definition.ts'
import type { WireName } from '../experiment/unit.ts'
import { compareUnits, holes } from '../results/data.ts'
import type { CaseDescription, Hole, ResultsData } from '../results/data.ts'
import { runValues } from '../results/run-values.ts'
import type { RunValue } from '../results/run-values.ts'
import { wiresOf } from '../results/summary.ts'
import { agreement } from '../stats/agreement.ts'
import type { Agreement } from '../stats/agreement.ts'
import { holm } from '../stats/holm.ts'
import { CONFIDENCE, meanInterval, medianInterval } from '../stats/interval.ts'
import type { Interval } from '../stats/interval.ts'
import { quantile } from '../stats/quantile.ts'
import { pairedEffect } from '../stats/paired.ts'
import type { PairedEffect } from '../stats/paired.ts'
import { judge } from '../stats/verdict.ts'
import type { Judgement, JudgementContext } from '../stats/verdict.ts'

/** Everything that is concluded from a run's results. The CLI prints it, the report shows it. */
export interface Analysis {
  readonly findings: readonly Finding[]
  /** Where both wires have results; otherwise empty. */
  readonly agreements: readonly WireAgreement[]
  readonly thresholds: readonly ThresholdCheck[]
  readonly agreementThresholds: readonly AgreementCheck[]
  /** Runs that failed or never ran. They enter no number. */
  readonly holes: readonly Hole[]
  /** False where a threshold of either kind does not hold, or nothing on the wires that were run could check it. */
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
export interface Comparison extends PairedEffect, Judgement {
  /** Inconclusive, as so few pairs could not be significant however clear the effect: 2^(1 - pairs) is the least p-value there is. */
  readonly tooFewPairs: boolean
}

/** How far two wires agree on one metric's samples in one arm. */
export interface WireAgreement extends Agreement {
  readonly case: CaseDescription
  readonly metric: Metric
  readonly arm: Arm
}

/** What a promise was found to be worth. */
export interface Check {
  readonly metricDefinition: Metric
  readonly caseTitle: string
  readonly armTitle: string
  /** False where a wire that it is about was not asked for; it counts as holding then. */
  readonly checked: boolean
  readonly holds: boolean
}

export interface ThresholdCheck extends Threshold, Check {
  /** Median over runs on the threshold's wire; absent where none ran well. */
  readonly value?: Interval
}

export interface AgreementCheck extends AgreementThreshold, Check {
  /** Medians over the runs whose seeds ran well on both wires; absent where there are none. */
  readonly medians?: { readonly sim: number, readonly tcp: number }
}

/** Interval and permutation draws are the same whenever the same results are analysed. */
const ANALYSIS_SEED = 'analysis'

/** Derives everything that is concluded from results; the same results give the same analysis. */
export function analyse (results: ResultsData): Analysis {
  const random = randomStream(ANALYSIS_SEED)
  const findings = wiresOf(results).flatMap((wire) => findingsOf(results, wire, random.fork(wire)))
  const thresholds = results.run.experiment.thresholds.map((threshold) => checkThreshold(results, findings, threshold))
  const agreementThresholds = (results.run.experiment.agreement ?? []).map((threshold) => checkAgreement(results, threshold))
  return {
    findings,
    agreements: agreementsOf(results, random.fork('agreement')),
    thresholds,
    agreementThresholds,
    holes: holes(results),
    passed: [...thresholds, ...agreementThresholds].every(({ holds }) => holds)
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
          comparison: compare(effect, {
            adjustedPValue: adjusted.next().value ?? 1,
            comparisons: pValues.length,
            better: finding.metric.better,
            minimumEffect: finding.metric.minimumEffect
          })
        })
  }))
}

function compare (effect: PairedEffect, context: JudgementContext): Comparison {
  const judgement = judge(effect, context)
  const leastPValue = Math.min(1, 2 ** (1 - effect.pairs) * context.comparisons)
  return { ...effect, ...judgement, tooFewPairs: judgement.verdict === 'inconclusive' && leastPValue >= 1 - CONFIDENCE }
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

function checkThreshold (results: ResultsData, findings: readonly Finding[], threshold: Threshold): ThresholdCheck {
  const { wire = 'sim', limit, direction } = threshold
  const description = { ...threshold, ...subjectOf(results, threshold, 'thresholds') }
  if (!wasAskedFor(results, wire)) {
    return { ...description, checked: false, holds: true }
  }
  const value = findings
    .find((finding) => finding.wire === wire && finding.case.name === threshold.case && finding.metric.name === threshold.metric)
    ?.arms.find(({ arm }) => arm.name === threshold.arm)?.median
  if (value === undefined) {
    return { ...description, checked: true, holds: false }
  }
  return { ...description, checked: true, value, holds: direction === 'at-most' ? value.estimate <= limit : value.estimate >= limit }
}

function checkAgreement (results: ResultsData, threshold: AgreementThreshold): AgreementCheck {
  const subject = subjectOf(results, threshold, 'agreement')
  const description = { ...threshold, ...subject }
  if (subject.metricDefinition.unit !== 'ms') {
    throw new TwinwireError('ERR_INVALID_OPTION', 'an agreement is promised for a metric that is no time', {
      path: 'experiment.agreement', expected: 'a metric in ms', found: `${threshold.metric} in ${subject.metricDefinition.unit}`
    })
  }
  if (!wasAskedFor(results, 'sim') || !wasAskedFor(results, 'tcp')) {
    return { ...description, checked: false, holds: true }
  }
  const [sim, tcp] = (['sim', 'tcp'] as const).map((wire) =>
    new Map(runValues(results, wire, threshold.case, subject.metricDefinition).get(threshold.arm)?.map(({ seed, value }) => [seed, value])))
  const medianOver = (values: ReadonlyMap<string, number>, others: ReadonlyMap<string, number>): number =>
    quantile([...values].flatMap(([seed, value]) => others.has(seed) ? [value] : []), 0.5)
  if (![...sim.keys()].some((seed) => tcp.has(seed))) {
    return { ...description, checked: true, holds: false }
  }
  const medians = { sim: medianOver(sim, tcp), tcp: medianOver(tcp, sim) }
  return { ...description, checked: true, medians, holds: Math.abs(medians.sim - medians.tcp) <= threshold.limitMs }
}

function subjectOf ({ run: { experiment } }: ResultsData, promise: Pick<Threshold, 'case' | 'metric' | 'arm'>, field: string): Pick<Check, 'metricDefinition' | 'caseTitle' | 'armTitle'> {
  const caseDescription = experiment.cases.find(({ name }) => name === promise.case)
  const metricDefinition = caseDescription?.metrics.find(({ name }) => name === promise.metric)
  const arm = experiment.arms.find(({ name }) => name === promise.arm)
  if (caseDescription === undefined || metricDefinition === undefined || arm === undefined) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'a threshold names a case, metric or arm that the experiment does not have', {
      path: `experiment.${field}`, found: `${promise.case}, ${promise.metric}, ${promise.arm}`
    })
  }
  return { metricDefinition, caseTitle: caseDescription.title, armTitle: arm.title }
}

function wasAskedFor ({ run }: ResultsData, wire: WireName): boolean {
  return run.plan.some((plan) => plan.wire === wire && plan.seeds.length > 0)
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
