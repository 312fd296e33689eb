import type { AgreementThreshold, Claim, Metric, Precision, Threshold } from '../experiment/definition.ts'
import type { UnitError, UnitKey, WireName } from '../experiment/unit.ts'
import type { WirePair } from '../experiment/wire-pair.ts'
import type { Analysis } from '../report/analysis.ts'
import { beliefCause, beliefReason, BELIEF_TEXTS, beliefSentence } from '../report/belief-sentences.ts'
import type { Belief } from '../report/beliefs.ts'
import type { ClaimCheck, ClaimOutcome, ClaimReading } from '../report/claims.ts'
import type { Comparison, Finding } from '../report/findings.ts'
import { moduleSentence } from '../report/module-sentences.ts'
import { moduleVerdicts } from '../report/module-verdicts.ts'
import type { ModuleSubject } from '../report/module-verdicts.ts'
import { precisionsOf } from '../report/precision.ts'
import type { TargetPrecision } from '../report/precision.ts'
import type { ResultsData } from '../results/data.ts'
import type { Agreement } from '../stats/agreement.ts'
import type { Interval } from '../stats/interval.ts'

/**
 * What `run --json` and `validate --json` write to stdout: one JSON object. Numbers are in the metric's unit; changes
 * are relative (-0.38 is 38% less); intervals are 95%. JSON has no infinity: an end that is not known is null.
 */
export interface RunOutput {
  readonly experiment: string
  /** Absolute paths. */
  readonly directory: string
  readonly report: string
  /** `partial` where runs failed or were cut short: see `holes`. */
  readonly status: 'complete' | 'partial'
  /** The process's. */
  readonly exitCode: number
  /** What decided about the number of simulated seeds; absent where it was fixed. `halfWidth` is half of the 95% interval of the relative effect. */
  readonly precision?: Pick<Precision, 'halfWidth' | 'maximumSeeds'> & { readonly targets: readonly TargetPrecision[] }
  readonly findings: readonly FindingOutput[]
  /** A sentence for each module that has an arm of its own, and for the full stack. */
  readonly modules: readonly ModuleOutput[]
  /** What was promised of the optimisations; it decides nothing about `exitCode`. */
  readonly claims: readonly ClaimOutput[]
  /** A modelled wire against a more real one, for each two that were run; empty for `run`. */
  readonly agreements: readonly AgreementOutput[]
  /** Whether the simulation can be believed for this question, in words. */
  readonly believed: string
  readonly beliefs: readonly BeliefOutput[]
  readonly thresholds: readonly ThresholdOutput[]
  readonly agreementThresholds: readonly AgreementThresholdOutput[]
  readonly holes: ReadonlyArray<UnitKey & UnitError>
}

export interface FindingOutput {
  readonly wire: WireName
  readonly case: string
  readonly metric: string
  readonly unit: Metric['unit']
  readonly better: Metric['better']
  readonly baseline: string
  readonly arms: readonly ArmOutput[]
}

export interface ArmOutput {
  readonly arm: string
  readonly runs: number
  readonly samples: number
  readonly failures: number
  /** Over runs. */
  readonly mean: Interval
  readonly median: Interval
  /** Against the baseline on the same seeds; absent for the baseline itself, and where the two cannot be compared. */
  readonly comparison?: Pick<Comparison, 'pairs' | 'difference' | 'relative' | 'superiority' | 'standardised' | 'adjustedPValue' | 'tooFewPairs' | 'lostSeeds' | 'bounds' | 'moreSeeds' | 'verdict'>
}

export interface ModuleOutput {
  readonly module: ModuleSubject
  readonly sentence: string
}

export interface ClaimOutput extends Claim {
  readonly outcome: ClaimOutcome
  /**
   * On each wire that says something of it, the one that decides first: the relative change or the arm's mean, whichever
   * `target` is about. With `isBound` the change is that or better, and one end is null.
   */
  readonly found: ReadonlyArray<Pick<ClaimReading, 'wire' | 'outcome' | 'found' | 'isBound' | 'baselineMean' | 'armMean'>>
}

/** `relative` is model over reference, minus 1; `maximumGap` the largest distance between the distribution functions. */
export interface AgreementOutput extends WirePair, Pick<Agreement, 'quantiles' | 'maximumGap'> {
  readonly case: string
  readonly metric: string
  readonly arm: string
  /** How many ran well on every wire: the numbers are over these. */
  readonly seeds: number
}

/** The model is the most modelled wire that ran, the reference the most real one. */
export interface BeliefOutput extends WirePair {
  readonly case: string
  readonly metric: string
  readonly belief: Belief
  readonly text: string
  readonly reason: string
  /** Which step away from real peers makes the largest difference; absent unless all three wires ran. */
  readonly cause?: string
  readonly arms: ReadonlyArray<{ readonly arm: string, readonly seeds: number, readonly model: number, readonly reference: number }>
}

export interface ThresholdOutput extends Threshold {
  /** The median over the wire's runs; absent where none ran well. */
  readonly value?: Interval
  /** False where its wire was not run or parameters are not at their defaults; it counts as holding then. */
  readonly checked: boolean
  /** Why it was not; absent where it was. */
  readonly reason?: string
  readonly holds: boolean
}

export interface AgreementThresholdOutput extends Omit<AgreementThreshold, 'model' | 'reference'>, WirePair {
  /** Over the runs of the seeds that ran well on both wires; absent where there are none. */
  readonly medians?: Readonly<Record<keyof WirePair, number>>
  /** False where not both wires were run or parameters are not at their defaults; it counts as holding then. */
  readonly checked: boolean
  /** Why it was not; absent where it was. */
  readonly reason?: string
  readonly holds: boolean
}

/** The object for `JSON.stringify`, from what was concluded and where it was put. */
export function runOutput (results: ResultsData, analysis: Analysis, place: Pick<RunOutput, 'experiment' | 'directory' | 'report' | 'exitCode'>): RunOutput {
  return {
    ...place,
    status: analysis.holes.length === 0 ? 'complete' : 'partial',
    ...precisionOutput(results),
    findings: analysis.findings.map(finding),
    modules: moduleVerdicts(results, analysis).map(verdict => ({ module: verdict.subject, sentence: moduleSentence(verdict) })),
    claims: analysis.claims.map(claim),
    agreements: analysis.agreements.map(({ case: { name }, metric, arm, model, reference, seeds, quantiles, maximumGap }) => ({
      case: name, metric: metric.name, arm: arm.name, model, reference, seeds: seeds.length, quantiles, maximumGap
    })),
    believed: beliefSentence(analysis, results),
    beliefs: analysis.beliefs.map(belief => {
      const { case: { name }, metric, model, reference, arms } = belief
      const cause = beliefCause(belief)
      return {
        case: name,
        metric: metric.name,
        model,
        reference,
        belief: belief.belief,
        text: BELIEF_TEXTS[belief.belief],
        reason: beliefReason(belief),
        ...(cause === undefined ? {} : { cause }),
        arms: arms.map(({ arm, seeds, model, reference }) => ({ arm: arm.name, seeds, model, reference }))
      }
    }),
    thresholds: analysis.thresholds.map(({ case: caseName, metric, arm, wire, limit, direction, value, checked, reason, holds }) => ({
      case: caseName, metric, arm, ...(wire === undefined ? {} : { wire }), limit, direction, ...(value === undefined ? {} : { value }), checked, ...(reason === undefined ? {} : { reason }), holds
    })),
    agreementThresholds: analysis.agreementThresholds.map(({ case: caseName, metric, arm, model, reference, limitMs, medians, checked, reason, holds }) => ({
      case: caseName, metric, arm, model, reference, limitMs, ...(medians === undefined ? {} : { medians }), checked, ...(reason === undefined ? {} : { reason }), holds
    })),
    holes: analysis.holes
  }
}

function precisionOutput (results: ResultsData): Pick<RunOutput, 'precision'> {
  const { precision } = results.run
  if (precision === undefined) {
    return {}
  }
  const { halfWidth, maximumSeeds } = precision
  return { precision: { halfWidth, maximumSeeds, targets: precisionsOf(results, precision) } }
}

function claim ({ promise, reading, case: caseName, metric, arm, wire, target, outcome, leading, elsewhere }: ClaimCheck): ClaimOutput {
  return {
    promise,
    reading,
    case: caseName,
    metric,
    arm,
    ...(wire === undefined ? {} : { wire }),
    target,
    outcome,
    found: [...(leading === undefined ? [] : [leading]), ...elsewhere].map(({ wire, outcome, found, isBound, baselineMean, armMean }) =>
      ({ wire, outcome, found, ...(isBound === undefined ? {} : { isBound }), ...(baselineMean === undefined ? {} : { baselineMean }), armMean }))
  }
}

function finding ({ wire, case: { name }, metric, baseline, arms }: Finding): FindingOutput {
  return {
    wire,
    case: name,
    metric: metric.name,
    unit: metric.unit,
    better: metric.better,
    baseline,
    arms: arms.map(({ arm, runs, samples, failures, mean, median, comparison }) => ({
      arm: arm.name, runs: runs.length, samples, failures, mean, median, ...(comparison === undefined ? {} : { comparison: comparisonOutput(comparison) })
    }))
  }
}

function comparisonOutput ({ pairs, difference, relative, superiority, standardised, verdict, adjustedPValue, tooFewPairs, lostSeeds, bounds, moreSeeds }: Comparison): NonNullable<ArmOutput['comparison']> {
  return {
    pairs,
    difference,
    ...(relative === undefined ? {} : { relative }),
    superiority,
    ...(standardised === undefined ? {} : { standardised }),
    verdict,
    adjustedPValue,
    tooFewPairs,
    ...(lostSeeds === undefined ? {} : { lostSeeds }),
    ...(bounds === undefined ? {} : { bounds }),
    ...(moreSeeds === undefined ? {} : { moreSeeds })
  }
}
