import type { RandomStream } from '../core/random.ts'
import type { Arm, Metric } from '../experiment/definition.ts'
import type { WireName } from '../experiment/unit.ts'
import { carries } from '../experiment/wire-pair.ts'
import type { CaseDescription, ResultsData } from '../results/data.ts'
import { runValues } from '../results/run-values.ts'
import type { RunValue } from '../results/run-values.ts'
import { holm } from '../stats/holm.ts'
import { meanInterval, medianInterval } from '../stats/interval.ts'
import type { Interval } from '../stats/interval.ts'
import { pairedEffect } from '../stats/paired.ts'
import type { PairedEffect } from '../stats/paired.ts'
import { judge, pairsNeeded } from '../stats/verdict.ts'
import type { Judgement, JudgementContext, Verdict } from '../stats/verdict.ts'

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
  /** In more than half of its runs the value is a bound and no measurement. */
  readonly saturated: boolean
  /** Against the baseline on the same seeds; absent for the baseline, where no seed is common, and where nothing ever succeeded in either. */
  readonly comparison?: Comparison
}

/** What a comparison says; `saturated`: so many samples failed in either arm that its value is a bound, and a change has no size. */
export type ComparisonVerdict = Verdict | 'saturated'

/** p-values are corrected (Holm) over all comparisons of the wire. */
export interface Comparison extends PairedEffect, Omit<Judgement, 'verdict'> {
  readonly verdict: ComparisonVerdict
  /** What share of samples failed where an arm's value is a bound; absent: neither's is. */
  readonly bounds?: Bounds
  /** Inconclusive, as so few pairs could not be significant however clear the effect. */
  readonly tooFewPairs: boolean
  /**
   * Seeds on which the arm's run failed and the baseline's did not; absent: none. What is left may be its easier seeds: that
   * it improved, or changed nothing, is withheld as inconclusive.
   */
  readonly lostSeeds?: number
}

/** Of the arms of a comparison whose values are bounds the share of samples that failed. */
export interface Bounds {
  readonly baseline?: number
  readonly arm?: number
}

interface UnjudgedArm extends Omit<ArmFinding, 'comparison'> {
  readonly effect?: PairedEffect
  readonly lostSeeds: number
}

/** Every metric of every case that a wire carries. */
export function findingsOf (results: ResultsData, wire: WireName, random: RandomStream): Finding[] {
  const { arms, cases } = results.run.experiment
  const unjudged = cases.filter((theCase) => carries(wire, theCase)).flatMap((caseDescription) => caseDescription.metrics.map((metric) => {
    const runs = runValues(results, wire, caseDescription.name, metric)
    const baseline = metric.baseline ?? arms[0].name
    const stream = random.fork(caseDescription.name).fork(metric.name)
    const lostSeeds = (arm: string): number => lostSeedsOf(results, wire, caseDescription.name, arm, runs.get(arm) ?? [], runs.get(baseline) ?? [])
    return {
      wire,
      case: caseDescription,
      metric,
      baseline,
      arms: arms.filter(({ name }) => runs.has(name)).map((arm) => ({ ...armFinding(arm, runs, metric, baseline, stream.fork(arm.name)), lostSeeds: lostSeeds(arm.name) }))
    }
  }))
  const pValues = unjudged.flatMap(({ arms }) => arms.flatMap(({ effect }) => effect === undefined ? [] : [effect.pValue]))
  const adjusted = holm(pValues)[Symbol.iterator]()
  return unjudged.map((finding) => ({
    ...finding,
    arms: finding.arms.map(({ effect, lostSeeds, ...arm }) => effect === undefined
      ? arm
      : {
          ...arm,
          comparison: compare(effect, lostSeeds, boundsOf(finding.arms.find((one) => one.arm.name === finding.baseline), arm), {
            adjustedPValue: adjusted.next().value ?? 1,
            comparisons: pValues.length,
            better: finding.metric.better,
            minimumEffect: finding.metric.minimumEffect
          })
        })
  }))
}

/** Runs that never were are nobody's failure: a command that was cut short left them out. */
function lostSeedsOf ({ units }: ResultsData, wire: WireName, caseName: string, arm: string, runs: readonly RunValue[], baselineRuns: readonly RunValue[]): number {
  const [kept, baselineKept] = [runs, baselineRuns].map((own) => new Set(own.map(({ seed }) => seed)))
  return units.filter((unit) => unit.wire === wire && unit.case === caseName && unit.arm === arm && !kept.has(unit.seed) && baselineKept.has(unit.seed)).length
}

function compare (effect: PairedEffect, lostSeeds: number, bounds: Bounds | undefined, context: JudgementContext): Comparison {
  const judgement = judge(effect, context)
  if (bounds !== undefined) {
    return { ...effect, adjustedPValue: judgement.adjustedPValue, verdict: 'saturated', bounds, tooFewPairs: false, ...(lostSeeds > 0 ? { lostSeeds } : {}) }
  }
  if (lostSeeds > 0) {
    const { adjustedPValue, verdict } = judgement
    return { ...effect, adjustedPValue, verdict: verdict === 'regressed' ? verdict : 'inconclusive', tooFewPairs: false, lostSeeds }
  }
  return { ...effect, ...judgement, tooFewPairs: judgement.verdict === 'inconclusive' && effect.pairs < pairsNeeded(context.comparisons) }
}

type Failing = Pick<ArmFinding, 'saturated' | 'samples' | 'failures'>

function boundsOf (baseline: Failing | undefined, arm: Failing): Bounds | undefined {
  const failed = ({ failures, samples }: Failing): number => failures / samples
  return baseline?.saturated === true || arm.saturated
    ? { ...(baseline?.saturated === true ? { baseline: failed(baseline) } : {}), ...(arm.saturated ? { arm: failed(arm) } : {}) }
    : undefined
}

function armFinding (arm: Arm, byArm: ReadonlyMap<string, readonly RunValue[]>, { unit }: Metric, baseline: string, random: RandomStream): Omit<UnjudgedArm, 'lostSeeds'> {
  const runs = byArm.get(arm.name) ?? []
  const values = runs.map(({ value }) => value)
  const finding = {
    arm,
    runs,
    mean: possible(meanInterval(values, random.fork('mean')), values, unit),
    median: medianInterval(values, random.fork('median')),
    samples: runs.reduce((sum, { samples }) => sum + samples, 0),
    failures: runs.reduce((sum, { failures }) => sum + failures, 0),
    saturated: areBounds(runs)
  }
  const effect = arm.name === baseline ? undefined : effectOf(byArm.get(baseline) ?? [], runs, random.fork('effect'))
  return effect === undefined ? finding : { ...finding, effect }
}

/** Without what no run can have: less than nothing, or a share above one. Of one run nothing is known. */
function possible ({ estimate, low, high }: Interval, values: readonly number[], unit: Metric['unit']): Interval {
  const positive = Number.isFinite(low) && values.every((value) => value >= 0)
  const shares = Number.isFinite(high) && unit === 'share' && values.every((value) => value <= 1)
  return { estimate, low: positive ? Math.max(0, low) : low, high: shares ? Math.min(1, high) : high }
}

/** In more than half of the runs the value is a bound and no measurement. */
export function areBounds (runs: readonly RunValue[]): boolean {
  return runs.filter(({ saturated }) => saturated).length > runs.length / 2
}

/** An arm against the baseline; undefined where they have no seed in common, and where nothing ever succeeded in either. */
export function effectOf (baselineRuns: readonly RunValue[], runs: readonly RunValue[], random: RandomStream): PairedEffect | undefined {
  const baselineBySeed = new Map(baselineRuns.map(({ seed, value }) => [seed, value]))
  // Failing sooner than another that always fails is no gain.
  const hopeless = [...runs, ...baselineRuns].every(({ samples, failures }) => samples === failures)
  const pairs = runs.flatMap(({ seed, value }) => {
    const other = baselineBySeed.get(seed)
    return other === undefined ? [] : [{ value, other }]
  })
  return pairs.length === 0 || hopeless ? undefined : pairedEffect(pairs.map(({ other }) => other), pairs.map(({ value }) => value), random)
}
