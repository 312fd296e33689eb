import { TwinwireError } from '../core/errors.ts'
import { randomStream } from '../core/random.ts'
import type { RandomStream } from '../core/random.ts'
import type { AgreementThreshold, Metric, Threshold } from '../experiment/definition.ts'
import type { UnitResult, WireName } from '../experiment/unit.ts'
import { WIRES } from '../experiment/wire-pair.ts'
import { holes } from '../results/data.ts'
import type { ResultsData, RunDescription } from '../results/data.ts'
import { runValues } from '../results/run-values.ts'
import type { RunValue } from '../results/run-values.ts'
import { holm } from '../stats/holm.ts'
import { CONFIDENCE } from '../stats/interval.ts'
import type { Interval } from '../stats/interval.ts'
import { pairedEffect } from '../stats/paired.ts'
import { leastPermutationPValue, unpairedEffect } from '../stats/unpaired.ts'
import { judge } from '../stats/verdict.ts'
import type { Judgement } from '../stats/verdict.ts'
import { checkAgreement, checkThreshold } from './checks.ts'
import type { AgreementCheck, ThresholdCheck } from './checks.ts'
import { commonCases, missingFrom, refusedMetrics, seedsOf, setupDifferences } from './compare-setup.ts'
import type { CommonCase, RefusedMetric } from './compare-setup.ts'
import { areBounds, findingsOf } from './findings.ts'

/** What two results say of each other: two versions of the code, or two configurations of one experiment. */
export interface ComparedRuns {
  readonly before: ComparedSide
  readonly after: ComparedSide
  /** What of the set-up differs, a sentence each. It is compared all the same. */
  readonly differences: readonly string[]
  readonly onlyBefore: readonly string[]
  readonly onlyAfter: readonly string[]
  readonly refused: readonly RefusedMetric[]
  /** Arms of which runs fail after that went well before. What is left of them may be their easier seeds. */
  readonly failing: readonly FailingRuns[]
  /** Where the simulation did the same, event by event, and no run has failed since: there is nothing to test. */
  readonly identical: readonly IdenticalRuns[]
  /** By wire, in the experiment's order. */
  readonly changes: readonly Change[]
  /** What has values on one side only, because no run went well on the other, or because nothing ever succeeded. */
  readonly uncompared: readonly Uncompared[]
  readonly thresholds: readonly CheckChange[]
}

export interface ComparedSide {
  readonly run: RunDescription
  /** Runs that failed or never ran. They enter no number. */
  readonly holes: number
}

interface Subject {
  readonly wire: WireName
  readonly case: string
  readonly metric: Metric
  readonly arm: string
}

export interface IdenticalRuns extends Pick<Subject, 'wire' | 'case' | 'arm'> {
  readonly seeds: number
}

export interface FailingRuns extends Pick<Subject, 'wire' | 'case' | 'arm'> {
  readonly seeds: number
  /** Of those that went well before. */
  readonly of: number
  /** The first one's. */
  readonly code: string
}

/** p-values are corrected (Holm) over all changes of the wire. That nothing worsened is withheld, as inconclusive, of an arm of which runs fail now. */
export interface Change extends Subject, Judgement, Estimate {
  /** Inconclusive, as so few runs could not be significant however clear the change. */
  readonly tooFewPairs: boolean
}

interface Estimate {
  /** Paired where both ran the same seeds in virtual time, so that they met the same network. */
  readonly paired: boolean
  readonly runsBefore: number
  readonly runsAfter: number
  /** Over runs; of paired ones over the seeds that ran well on both sides. */
  readonly meanBefore: number
  readonly meanAfter: number
  /** After minus before, in the metric's unit. */
  readonly difference: Interval
  /** After over before, minus 1. Absent where the mean before is not above zero by twice its standard error, and where one side is a bound. */
  readonly relative?: Interval
  /** The side on which so much failed that its value is a bound: the direction is known then, and no size. */
  readonly bound?: 'before' | 'after'
  readonly pValue: number
}

export interface Uncompared extends Subject {
  /**
   * `lost`: no run went well after, though some did before. `gained`: the other way round. `hopeless`: no request ever
   * succeeded. `saturated`: on both sides so much failed that neither value is more than a bound.
   */
  readonly reason: 'lost' | 'gained' | 'hopeless' | 'saturated'
}

/** A threshold that both experiments state, perhaps with another limit. */
export type CheckChange =
  | { readonly kind: 'threshold', readonly before: ThresholdCheck, readonly after: ThresholdCheck }
  | { readonly kind: 'agreement', readonly before: AgreementCheck, readonly after: AgreementCheck }

/** Interval and permutation draws are the same whenever the same results are compared. */
const COMPARISON_SEED = 'compare'

/**
 * Compares two results: how the second differs from the first.
 *
 * @throws ERR_INVALID_OPTION where they have nothing in common
 */
export function compareResults (before: ResultsData, after: ResultsData): ComparedRuns {
  const random = randomStream(COMPARISON_SEED)
  const common = commonCases(before, after)
  const failing = common.flatMap(theCase => failingRuns(before, after, theCase))
  const identical = common.flatMap(theCase => identicalRuns(before, after, theCase)).filter(same => !failing.some(one => isOfArm(one, same)))
  const estimates = common.flatMap(theCase => {
    const arms = theCase.arms.filter(arm => !identical.some(same => same.wire === theCase.wire && same.case === theCase.after.name && same.arm === arm))
    return estimatesOf(before, after, { ...theCase, arms }, random.fork(theCase.wire).fork(theCase.after.name))
  })
  const refused = refusedMetrics(before, after)
  if (estimates.length + identical.length === 0) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the results have nothing in common that could be compared', {
      path: 'command line',
      expected: 'a wire, case, metric and arm that both have',
      found: refused.length > 0
        ? `metrics that are defined differently: ${refused.map(({ case: name, metric, reason }) => `${name} ${metric} (${reason})`).join('; ')}`
        : `${before.run.experiment.name} and ${after.run.experiment.name}`
    })
  }
  return {
    before: { run: before.run, holes: holes(before).length },
    after: { run: after.run, holes: holes(after).length },
    differences: setupDifferences(before, after),
    onlyBefore: missingFrom(before, after),
    onlyAfter: missingFrom(after, before),
    refused,
    failing,
    identical,
    changes: WIRES.flatMap(wire => judged(estimates.filter(estimate => 'pValue' in estimate).filter(estimate => estimate.wire === wire), failing)),
    uncompared: estimates.filter(estimate => 'reason' in estimate),
    thresholds: checkChanges(before, after, random.fork('thresholds'))
  }
}

/** Whether an automaton should stop: something became worse, or fails, or a threshold that held does not any more. */
export function hasRegressed ({ changes, failing, uncompared, thresholds }: ComparedRuns): boolean {
  return failing.length > 0 || changes.some(({ verdict }) => verdict === 'regressed') || uncompared.some(({ reason }) => reason === 'lost') || thresholds.some(isBroken)
}

/** A threshold that held before, and does not after. */
export function isBroken ({ before, after }: CheckChange): boolean {
  return before.checked && before.holds && !after.holds
}

function isOfArm (one: Pick<Subject, 'wire' | 'case' | 'arm'>, other: Pick<Subject, 'wire' | 'case' | 'arm'>): boolean {
  return one.wire === other.wire && one.case === other.case && one.arm === other.arm
}

/** Runs that never were are nobody's failure: a command that was cut short left them out. */
function failingRuns (before: ResultsData, after: ResultsData, { wire, after: { name: caseName }, arms }: CommonCase): FailingRuns[] {
  return arms.flatMap(arm => {
    const own = ({ units }: ResultsData): UnitResult[] => units.filter(unit => unit.wire === wire && unit.case === caseName && unit.arm === arm)
    const well = new Set(own(before).filter(({ error }) => error === undefined).map(({ seed }) => seed))
    const failed = own(after).filter(({ seed, error }) => error !== undefined && well.has(seed))
    const code = failed[0]?.error?.code
    return code === undefined ? [] : [{ wire, case: caseName, arm, seeds: failed.length, of: well.size, code }]
  })
}

/** Of the arms that did the same on every seed that both ran well: what was recorded is part of the trace, too. */
function identicalRuns (before: ResultsData, after: ResultsData, { wire, after: { name: caseName }, arms }: CommonCase): IdenticalRuns[] {
  const tracesOf = ({ units }: ResultsData, arm: string): Map<string, string | undefined> =>
    new Map(units.filter(unit => unit.wire === wire && unit.case === caseName && unit.arm === arm && unit.error === undefined).map(({ seed, traceHash }) => [seed, traceHash]))
  return arms.flatMap(arm => {
    const old = tracesOf(before, arm)
    const common = [...tracesOf(after, arm)].filter(([seed]) => old.has(seed))
    const same = common.length > 0 && common.every(([seed, traceHash]) => traceHash !== undefined && traceHash === old.get(seed))
    return same ? [{ wire, case: caseName, arm, seeds: common.length }] : []
  })
}

type Unjudged = Subject & Estimate

function estimatesOf (before: ResultsData, after: ResultsData, { wire, after: { name: caseName }, metrics, arms }: CommonCase, random: RandomStream): Array<Unjudged | Uncompared> {
  // A failure counts as the worst success that any arm had with its seed, on either side: failing fast must not look good.
  const units = [...unitsOf(before, 'before', wire, caseName), ...unitsOf(after, 'after', wire, caseName)]
  return metrics.flatMap(metric => {
    const values = runValues({ ...after, units }, wire, caseName, metric)
    return arms.flatMap((arm): Array<Unjudged | Uncompared> => {
      const subject = { wire, case: caseName, metric: strictest(before, caseName, metric), arm }
      const [old, current] = [values.get(`before ${arm}`) ?? [], values.get(`after ${arm}`) ?? []]
      if (old.length === 0 && current.length === 0) {
        return []
      }
      if (old.length === 0 || current.length === 0) {
        return [{ ...subject, reason: old.length === 0 ? 'gained' : 'lost' }]
      }
      // Failing sooner than one that always fails is no gain.
      if ([...old, ...current].every(({ samples, failures }) => samples === failures)) {
        return [{ ...subject, reason: 'hopeless' }]
      }
      if (areBounds(old) && areBounds(current)) {
        return [{ ...subject, reason: 'saturated' }]
      }
      return [{ ...subject, ...estimate(old, current, sharesSeeds(before, after, wire), random.fork(metric.name).fork(arm)) }]
    })
  })
}

function unitsOf ({ units }: ResultsData, side: string, wire: WireName, caseName: string): UnitResult[] {
  return units.filter(unit => unit.wire === wire && unit.case === caseName).map(unit => ({ ...unit, arm: `${side} ${unit.arm}` }))
}

/** Whichever minimum effect is the smaller: neither experiment wanted to miss a change beyond its own. */
function strictest ({ run }: ResultsData, caseName: string, metric: Metric): Metric {
  const old = run.experiment.cases.find(({ name }) => name === caseName)?.metrics.find(({ name }) => name === metric.name)
  return { ...metric, minimumEffect: Math.min(metric.minimumEffect, old?.minimumEffect ?? Infinity) }
}

/** Real peers are not ruled by a seed, so that nothing pairs two runs of them that were made at different times. */
function sharesSeeds (before: ResultsData, after: ResultsData, wire: WireName): boolean {
  const [shorter, longer] = [seedsOf(before, wire), seedsOf(after, wire)].sort((a, b) => a.length - b.length)
  return wire !== 'tcp' && shorter.every(seed => longer.includes(seed))
}

function estimate (old: readonly RunValue[], current: readonly RunValue[], shared: boolean, random: RandomStream): Estimate {
  const oldBySeed = new Map(old.map(({ seed, value }) => [seed, value]))
  const pairs = current.flatMap(({ seed, value }) => oldBySeed.has(seed) ? [{ before: oldBySeed.get(seed) ?? NaN, after: value }] : [])
  const paired = shared && pairs.length > 0
  const [before, after] = paired
    ? [pairs.map(({ before }) => before), pairs.map(({ after }) => after)]
    : [old.map(({ value }) => value), current.map(({ value }) => value)]
  const { baselineMean, armMean, difference, relative, pValue } = (paired ? pairedEffect : unpairedEffect)(before, after, random)
  const bound = areBounds(old) ? 'before' as const : areBounds(current) ? 'after' as const : undefined
  return {
    paired, runsBefore: before.length, runsAfter: after.length, meanBefore: baselineMean, meanAfter: armMean, difference, pValue,
    ...bound !== undefined ? { bound } : relative === undefined ? {} : { relative }
  }
}

function judged (estimates: readonly Unjudged[], failing: readonly FailingRuns[]): Change[] {
  const adjusted = holm(estimates.map(({ pValue }) => pValue))
  return estimates.map((estimate, index) => {
    const { paired, runsBefore, runsAfter, meanBefore, difference, relative, pValue, metric: { better, minimumEffect } } = estimate
    const pairs = Math.min(runsBefore, runsAfter)
    const judgement = judge({ pairs, baselineMean: meanBefore, difference, pValue, ...relative === undefined ? {} : { relative } }, {
      adjustedPValue: adjusted[index], comparisons: estimates.length, better, minimumEffect
    })
    const leastPValue = paired ? 2 ** (1 - pairs) : leastPermutationPValue(runsBefore, runsAfter)
    if (judgement.verdict !== 'regressed' && failing.some(one => isOfArm(one, estimate))) {
      return { ...estimate, adjustedPValue: judgement.adjustedPValue, verdict: 'inconclusive', tooFewPairs: false }
    }
    return { ...estimate, ...judgement, tooFewPairs: judgement.verdict === 'inconclusive' && leastPValue * estimates.length >= 1 - CONFIDENCE }
  })
}

function checkChanges (before: ResultsData, after: ResultsData, random: RandomStream): CheckChange[] {
  const thresholdsBefore = before.run.experiment.thresholds
  const both = after.run.experiment.thresholds.flatMap(threshold => {
    const old = thresholdsBefore.find(old => thresholdKey(old) === thresholdKey(threshold))
    return old === undefined ? [] : [{ old, threshold }]
  })
  const wires = [...new Set(both.map(({ threshold: { wire = 'sim' } }) => wire))]
  const findings = (results: ResultsData) => wires.flatMap(wire => findingsOf(results, wire, random.fork(wire)))
  const [findingsBefore, findingsAfter] = [findings(before), findings(after)]
  const agreementsBefore = before.run.experiment.agreement ?? []
  return [
    ...both.map(({ old, threshold }) => ({
      kind: 'threshold' as const, before: checkThreshold(before, findingsBefore, old), after: checkThreshold(after, findingsAfter, threshold)
    })),
    ...(after.run.experiment.agreement ?? []).flatMap(threshold => {
      const old = agreementsBefore.find(old => agreementKey(old) === agreementKey(threshold))
      return old === undefined ? [] : [{ kind: 'agreement' as const, before: checkAgreement(before, old), after: checkAgreement(after, threshold) }]
    })
  ]
}

function thresholdKey ({ wire = 'sim', case: caseName, metric, arm, direction }: Threshold): string {
  return JSON.stringify([wire, caseName, metric, arm, direction])
}

function agreementKey ({ model = 'sim', reference = 'tcp', case: caseName, metric, arm }: AgreementThreshold): string {
  return JSON.stringify([model, reference, caseName, metric, arm])
}
