import type { ModuleName } from '../experiment/definition.ts'
import type { WireName } from '../experiment/unit.ts'
import { pairsOf, WIRES } from '../experiment/wire-pair.ts'
import type { WirePair } from '../experiment/wire-pair.ts'
import { seedsOf, tookSecondsOf, wiresOf } from '../results/data.ts'
import type { ResultsData, RunDescription } from '../results/data.ts'
import type { Interval } from '../stats/interval.ts'
import { agreementFigures } from './agreement-figures.ts'
import type { Analysis } from './analysis.ts'
import type { Belief } from './beliefs.ts'
import type { ClaimOutcome, ClaimReading } from './claims.ts'
import type { ArmFinding, Bounds, ComparisonVerdict, Finding } from './findings.ts'
import { effectClause, headline, leadOf } from './headline.ts'
import type { Lead } from './headline.ts'
import { effectTally, rivalTally } from './effect-tally.ts'
import type { EffectTally } from './effect-tally.ts'
import { largestGainText } from './largest-gain.ts'
import type { LargestGain } from './largest-gain.ts'
import { effectText, moduleClauses } from './module-sentences.ts'
import { moduleTotals } from './module-totals.ts'
import type { EntryEffect, ModuleTotal } from './module-totals.ts'
import { moduleVerdicts } from './module-verdicts.ts'
import type { ModuleSubject } from './module-verdicts.ts'
import { brokenAgreement, brokenThreshold } from './sentences.ts'
import { sixDigits } from './six-digits.ts'

/** One experiment, what was concluded of its results, and where its report is. */
export interface SummaryEntry {
  /** Its runs' samples are not needed, and are large. */
  readonly results: Pick<ResultsData, 'run'>
  readonly analysis: Analysis
  /** Of its report, as a link from the summary. */
  readonly href: string
}

/** An estimate with its 95% interval: `[estimate, low, high]`; an end that is not known is null. */
export type Numbers = readonly [number, number | null, number | null]

/** Everything that was concluded, for programs: numbers in the metric's unit, changes relative, all to six digits. */
export interface SummaryData {
  /** All experiments together, in real time: as long as any of them was under way, so that what they ran beside each other counts once, and the time between two commands not at all. */
  readonly tookSeconds: number
  /** What all experiments together say of each module, and of all five. */
  readonly modules: readonly ModuleSummary[]
  readonly experiments: readonly ExperimentSummary[]
}

export interface ModuleSummary {
  readonly module: ModuleSubject
  /** How many experiments have an arm with this and nothing else. */
  readonly experiments: number
  /** Against each experiment's own baseline, outside cases where nothing can be gained, and outside sweeps where there is anything else. */
  readonly goals: EffectTally
  /** Of these goals those that it was held to rivals in, too. */
  readonly rivals: EffectTally
  readonly costs: EffectTally
  /** Goals and costs alike, where nothing can be gained. */
  readonly withoutGain: EffectTally
  readonly gain?: NamedEffect
  readonly loss?: NamedEffect
  readonly cost?: NamedEffect
}

export interface LeadSummary {
  readonly arm: string
  /** Nobody declared it: it has most of the goals. */
  readonly mostOfAll?: true
  readonly against: string
  readonly goals: EffectTally
  readonly rivals: EffectTally
  readonly costs: EffectTally
  readonly withoutGain: EffectTally
  readonly gain?: { readonly text: string, readonly remark?: string }
}

/** The largest of its kind. */
export interface NamedEffect {
  readonly experiment: string
  readonly report: string
  readonly text: string
  /** `, which a rival has, too` */
  readonly remark?: string
}

export interface ExperimentSummary {
  readonly name: string
  readonly title: string
  readonly report: string
  readonly command: string
  /** Hash of the definition that ran; absent in results of before there was one. */
  readonly definition?: string
  /** In real time, in part with other experiments beside it where they ran together. */
  readonly tookSeconds: number
  /** No threshold of either kind is broken. */
  readonly passed: boolean
  /** What of its thresholds does not hold, where it was found and what was promised; those between two wires are limits of agreement. */
  readonly broken: ReadonlyArray<{ readonly kind: 'threshold' | 'agreement', readonly text: string }>
  readonly verdict: string
  /** What that sentence counts; absent where it counts nothing, for there are too few runs, or nothing improved. */
  readonly lead?: LeadSummary
  /** Of each module that has an arm of its own. */
  readonly modules: ReadonlyArray<{ readonly module: ModuleSubject, readonly verdict: string }>
  readonly seeds: Readonly<Partial<Record<WireName, number>>>
  readonly holes: number
  readonly claims: readonly ClaimSummary[]
  /** By wire, case, metric and arm. */
  readonly metrics: readonly MetricSummary[]
  /** Of times: medians over all that was compared. */
  readonly agreement: ReadonlyArray<WirePair & { readonly comparisons: number, readonly median: number, readonly p99: number | null, readonly p99Comparisons: number }>
  /** Of each kind of sample in each arm. */
  readonly agreements: ReadonlyArray<WirePair & { readonly case: string, readonly sample: string, readonly arm: string, readonly p50: number | null, readonly p90: number | null, readonly p99: number | null, readonly gap: number }>
  readonly beliefs: ReadonlyArray<{ readonly case: string, readonly metric: string, readonly belief: Belief }>
}

export interface ClaimSummary {
  readonly promise: string
  readonly reading: string
  readonly case: string
  readonly metric: string
  readonly arm: string
  readonly armTitle: string
  readonly target: { readonly change: number } | { readonly value: number }
  readonly outcome: ClaimOutcome
  /** True where it is met, and by the baseline as well. */
  readonly byBaseline?: true
  /** The leading wire first. */
  readonly readings: ReadonlyArray<{ readonly wire: WireName, readonly outcome: ClaimOutcome, readonly found: Numbers, /** The baseline's value is a bound: the change is this or better. */ readonly isBound?: true, readonly baselineMean?: number, readonly armMean: number }>
}

export interface MetricSummary {
  readonly wire: WireName
  readonly case: string
  readonly metric: string
  readonly unit: string
  readonly better: 'lower' | 'higher'
  readonly role: 'goal' | 'cost'
  readonly baseline: string
  readonly noGain?: readonly ModuleName[]
  readonly arms: readonly ArmSummary[]
}

export interface ArmSummary {
  readonly arm: string
  readonly runs: number
  readonly mean: Numbers
  readonly median: number
  /** Absent for the baseline, and where nothing can be compared. Means are over the paired runs. */
  readonly comparison?: { readonly verdict: ComparisonVerdict, /** What share failed where a mean is a bound. */ readonly bounds?: Bounds, readonly pairs: number, readonly baselineMean: number, readonly armMean: number, readonly relative: Numbers | null, readonly adjustedPValue: number }
}

/** The same entries give the same object, its keys in the same order. */
export function summaryData (entries: readonly SummaryEntry[]): SummaryData {
  return { tookSeconds: underWayMs(entries.map(({ results: { run } }) => run)) / 1000, modules: moduleTotals(entries).map(moduleSummary), experiments: entries.map(experimentSummary) }
}

function moduleSummary ({ subject, entries, goals, rivalled, costs, withoutGain, gain, loss, cost }: ModuleTotal): ModuleSummary {
  return {
    module: subject,
    experiments: entries.length,
    goals: effectTally(goals),
    rivals: rivalTally(rivalled),
    costs: effectTally(costs),
    withoutGain: effectTally(withoutGain),
    ...(gain === undefined ? {} : { gain: { ...namedEffect(gain.effect), ...remarkOf(gain) } }),
    ...(loss === undefined ? {} : { loss: namedEffect(loss) }),
    ...(cost === undefined ? {} : { cost: namedEffect(cost) })
  }
}

function namedEffect (effect: EntryEffect): NamedEffect {
  return { experiment: effect.entry.results.run.experiment.name, report: effect.entry.href, text: effectText(effect) }
}

/** How long any of them was under way. */
function underWayMs (runs: readonly RunDescription[]): number {
  const spans = runs.map(({ startedAt, finishedAt }) => ({ startMs: Date.parse(startedAt), endMs: Date.parse(finishedAt) })).sort((a, b) => a.startMs - b.startMs)
  let coveredToMs = -Infinity
  let totalMs = 0
  for (const { startMs, endMs } of spans) {
    totalMs += Math.max(0, endMs - Math.max(startMs, coveredToMs))
    coveredToMs = Math.max(coveredToMs, endMs)
  }
  return totalMs
}

function leadSummary ({ arm, mostOfAll, against, goals, rivalled, costs, withoutGain, gain }: Lead, analysis: Analysis): LeadSummary {
  return {
    arm: arm.title,
    ...(mostOfAll ? { mostOfAll } : {}),
    against,
    goals: effectTally(goals),
    rivals: rivalTally(rivalled),
    costs: effectTally(costs),
    withoutGain: effectTally(withoutGain),
    ...(gain === undefined ? {} : { gain: { text: effectClause(gain.effect, analysis), ...remarkOf(gain) } })
  }
}

function remarkOf (gain: LargestGain): { readonly remark?: string } {
  const remark = largestGainText(gain)
  return remark === '' ? {} : { remark }
}

function experimentSummary ({ results, analysis, href }: SummaryEntry): ExperimentSummary {
  const { command, definition, experiment: { name, title } } = results.run
  const lead = leadOf(results, analysis)
  return {
    name,
    title,
    report: href,
    command,
    ...(definition === undefined ? {} : { definition }),
    tookSeconds: tookSecondsOf(results.run),
    passed: analysis.passed,
    broken: [
      ...analysis.thresholds.filter(({ holds }) => !holds).map((check) => ({ kind: 'threshold' as const, text: brokenThreshold(check) })),
      ...analysis.agreementThresholds.filter(({ holds }) => !holds).map((check) => ({ kind: 'agreement' as const, text: brokenAgreement(check) }))
    ],
    verdict: headline(results, analysis),
    ...(lead === undefined ? {} : { lead: leadSummary(lead, analysis) }),
    modules: moduleVerdicts(results, analysis).map((verdict) => ({ module: verdict.subject, verdict: moduleClauses(verdict) })),
    seeds: Object.fromEntries(WIRES.map((wire) => [wire, seedsOf(results, wire).length]).filter(([, count]) => count !== 0)),
    holes: analysis.holes.length,
    claims: analysis.claims.map(({ promise, reading, case: caseName, metric, arm, armTitle, target, outcome, byBaseline, leading, elsewhere }) => ({
      promise, reading, case: caseName, metric, arm, armTitle, target, outcome, ...(byBaseline === undefined ? {} : { byBaseline }), readings: [...(leading === undefined ? [] : [leading]), ...elsewhere].map(claimReading)
    })),
    metrics: analysis.findings.filter(({ arms }) => arms.length > 0).map(metricSummary),
    agreement: pairsOf(wiresOf(results)).flatMap((pair) => {
      const figures = agreementFigures(analysis, pair)
      return figures === undefined ? [] : [{ ...pair, comparisons: figures.comparisons, median: sixDigits(figures.median), p99: figures.p99 === undefined ? null : sixDigits(figures.p99), p99Comparisons: figures.p99Comparisons }]
    }),
    agreements: analysis.agreements.map(({ case: caseDescription, metric, arm, model, reference, quantiles: [p50, p90, p99], maximumGap }) => ({
      model, reference, case: caseDescription.name, sample: metric.sample, arm: arm.name, p50: known(p50.relative.estimate), p90: known(p90.relative.estimate), p99: known(p99.relative.estimate), gap: sixDigits(maximumGap)
    })),
    beliefs: analysis.beliefs.map(({ case: caseDescription, metric, belief }) => ({ case: caseDescription.name, metric: metric.name, belief }))
  }
}

function claimReading ({ wire, outcome, found, isBound, baselineMean, armMean }: ClaimReading): ClaimSummary['readings'][number] {
  return { wire, outcome, found: numbers(found), ...(isBound === undefined ? {} : { isBound }), ...(baselineMean === undefined ? {} : { baselineMean: sixDigits(baselineMean) }), armMean: sixDigits(armMean) }
}

function metricSummary ({ wire, case: { name, noGain }, metric, baseline, arms }: Finding): MetricSummary {
  return { wire, case: name, metric: metric.name, unit: metric.unit, better: metric.better, role: metric.role ?? 'goal', baseline, ...(noGain === undefined ? {} : { noGain }), arms: arms.map(armSummary) }
}

function armSummary ({ arm, runs, mean, median, comparison }: ArmFinding): ArmSummary {
  const summary = { arm: arm.name, runs: runs.length, mean: numbers(mean), median: sixDigits(median.estimate) }
  if (comparison === undefined) {
    return summary
  }
  const { verdict, bounds, pairs, baselineMean, armMean, relative, adjustedPValue } = comparison
  return { ...summary, comparison: { verdict, ...(bounds === undefined ? {} : { bounds: roundedBounds(bounds) }), pairs, baselineMean: sixDigits(baselineMean), armMean: sixDigits(armMean), relative: relative === undefined || bounds !== undefined ? null : numbers(relative), adjustedPValue: sixDigits(adjustedPValue) } }
}

function roundedBounds ({ baseline, arm }: Bounds): Bounds {
  return { ...(baseline === undefined ? {} : { baseline: sixDigits(baseline) }), ...(arm === undefined ? {} : { arm: sixDigits(arm) }) }
}

function numbers ({ estimate, low, high }: Interval): Numbers {
  return [sixDigits(estimate), known(low), known(high)]
}

/** JSON has no infinity. */
function known (value: number): number | null {
  return Number.isFinite(value) ? sixDigits(value) : null
}
