import type { AgreementThreshold, Metric, Threshold } from '../experiment/definition.ts'
import type { UnitError, UnitKey, WireName } from '../experiment/unit.ts'
import type { Analysis, Comparison, Finding } from '../report/analysis.ts'
import type { Interval } from '../stats/interval.ts'
import type { Verdict } from '../stats/verdict.ts'

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
  readonly findings: readonly FindingOutput[]
  /** The simulation against real peers; empty for `run`. */
  readonly agreements: readonly AgreementOutput[]
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
  readonly comparison?: Pick<Comparison, 'pairs' | 'difference' | 'relative' | 'adjustedPValue' | 'tooFewPairs' | 'moreSeeds'> & { readonly verdict: Verdict }
}

export interface AgreementOutput {
  readonly case: string
  readonly metric: string
  readonly arm: string
  /** `relative` is sim over tcp, minus 1. */
  readonly quantiles: ReadonlyArray<{ readonly probability: number, readonly sim: number, readonly tcp: number, readonly relative: Interval }>
  /** The largest distance between the two distribution functions, 0 to 1. */
  readonly maximumGap: number
}

export interface ThresholdOutput extends Threshold {
  /** The median over the wire's runs; absent where none ran well. */
  readonly value?: Interval
  /** False where its wire was not run; it counts as holding then. */
  readonly checked: boolean
  readonly holds: boolean
}

export interface AgreementThresholdOutput extends AgreementThreshold {
  /** Over the runs of the seeds that ran well on both wires; absent where there are none. */
  readonly medians?: { readonly sim: number, readonly tcp: number }
  /** False where not both wires were run; it counts as holding then. */
  readonly checked: boolean
  readonly holds: boolean
}

/** The object for `JSON.stringify`, from what was concluded and where it was put. */
export function runOutput (analysis: Analysis, place: Pick<RunOutput, 'experiment' | 'directory' | 'report' | 'exitCode'>): RunOutput {
  return {
    ...place,
    status: analysis.holes.length === 0 ? 'complete' : 'partial',
    findings: analysis.findings.map(finding),
    agreements: analysis.agreements.map(({ case: { name }, metric, arm, quantiles, maximumGap }) => ({
      case: name,
      metric: metric.name,
      arm: arm.name,
      quantiles: quantiles.map(({ probability, model, reference, relative }) => ({ probability, sim: model, tcp: reference, relative })),
      maximumGap
    })),
    thresholds: analysis.thresholds.map(({ case: caseName, metric, arm, wire, limit, direction, value, checked, holds }) => ({
      case: caseName, metric, arm, ...(wire === undefined ? {} : { wire }), limit, direction, ...(value === undefined ? {} : { value }), checked, holds
    })),
    agreementThresholds: analysis.agreementThresholds.map(({ case: caseName, metric, arm, limitMs, medians, checked, holds }) => ({
      case: caseName, metric, arm, limitMs, ...(medians === undefined ? {} : { medians }), checked, holds
    })),
    holes: analysis.holes
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

function comparisonOutput ({ pairs, difference, relative, verdict, adjustedPValue, tooFewPairs, moreSeeds }: Comparison): NonNullable<ArmOutput['comparison']> {
  return {
    pairs,
    difference,
    ...(relative === undefined ? {} : { relative }),
    verdict,
    adjustedPValue,
    tooFewPairs,
    ...(moreSeeds === undefined ? {} : { moreSeeds })
  }
}
