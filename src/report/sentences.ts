import type { Metric } from '../experiment/definition.ts'
import type { WireName } from '../experiment/unit.ts'
import type { WirePair } from '../experiment/wire-pair.ts'
import { wiresOf } from '../results/data.ts'
import type { ResultsData } from '../results/data.ts'
import type { Analysis } from './analysis.ts'
import { verdictWord } from './badges.ts'
import type { AgreementCheck, Subject, ThresholdCheck } from './checks.ts'
import type { ArmFinding, Comparison, ComparisonVerdict, Finding } from './findings.ts'
import { formatEffect, formatFromTo, formatValue, plural } from './format.ts'
import { WIRE_PLACES, WIRE_WORDS } from './wire-words.ts'

/** One comparison with what it is about. */
export interface Effect {
  readonly finding: Finding
  readonly arm: ArmFinding
  readonly comparison: Comparison
}

/** The wire whose verdicts on a case lead, and the one that is drawn: the most modelled has the seeds to be sure. */
export function leadingWire (results: Pick<ResultsData, 'run'>, caseName?: string): WireName {
  return wiresOf(results, caseName)[0] ?? 'sim'
}

/** What leads of all metrics, in the experiment's order. */
export function leadingFindings (results: Pick<ResultsData, 'run'>, { findings }: Analysis): Finding[] {
  return results.run.experiment.cases.flatMap(({ name }) => {
    const wire = leadingWire(results, name)
    return findings.filter((finding) => finding.case.name === name && finding.wire === wire)
  })
}

/** All comparisons among findings, in their order. */
export function effectsOf (findings: readonly Finding[]): Effect[] {
  return findings.flatMap((finding) =>
    finding.arms.flatMap((arm) => arm.comparison === undefined ? [] : [{ finding, arm, comparison: arm.comparison }]))
}

/** `Pool: first address dead, p99 first request -96% [-97, -95] (6.24 s -> 0.28 s): improved.` */
export function effectSentence ({ finding: { case: { title }, metric }, arm, comparison }: Effect): string {
  return `${upperFirst(arm.arm.title)}: ${lowerFirst(title)}, ${lowerFirst(metric.title)} ${formatEffect(comparison, metric.unit)} ` +
    `(${formatFromTo(comparison, metric)}): ${verdictText(comparison, metric)}.`
}

/** The verdict, worded as a cost where it is one, and what an inconclusive one would need. */
export function verdictText (comparison: Pick<Comparison, 'verdict' | 'tooFewPairs' | 'lostSeeds' | 'moreSeeds'>, metric: Pick<Metric, 'role'> = {}): string {
  const { moreSeeds } = comparison
  const text = verdictWord(metric, comparison)
  return moreSeeds === undefined ? text : `${text} (about ${plural(moreSeeds, 'more seed')})`
}

/** What was promised: `at most 90 ms`, `on real peers at least 20%`. */
export function limitText ({ wire, direction, limit, metricDefinition: { unit } }: ThresholdCheck): string {
  return `${wire === undefined || wire === 'sim' ? '' : `${WIRE_PLACES[wire]} `}${direction === 'at-most' ? 'at most' : 'at least'} ${formatValue(limit, unit)}`
}

/** What was promised of two wires: `simulated within 8 ms of real`. */
export function agreementLimitText ({ model, reference, limitMs }: AgreementCheck): string {
  return `${WIRE_WORDS[model]} within ${formatValue(limitMs, 'ms')} of ${WIRE_WORDS[reference]}`
}

/** What was found of it: `2.1 ms (242 ms simulated, 244 ms real)`. */
export function agreementFound ({ reason, medians, ...pair }: AgreementCheck): string {
  if (medians === undefined) {
    return reason ?? 'no run to check it with'
  }
  return `${formatValue(Math.abs(medians.model - medians.reference), 'ms')} (${bothValues(medians, pair, 'ms')})`
}

/** What does not hold of a promise about one wire: `idle link, request, p99 of Full stack: 1.2 s, promised at most 1 s`. */
export function brokenThreshold (check: ThresholdCheck): string {
  return brokenText(check, check.value === undefined ? 'no run to check it with' : formatValue(check.value.estimate, check.metricDefinition.unit), limitText(check))
}

/** The same of a promise about two wires: `idle link, request, p99 of Plain: 25 ms (242 ms simulated, 217 ms real), promised simulated within 20 ms of real`. */
export function brokenAgreement (check: AgreementCheck): string {
  return brokenText(check, agreementFound(check), agreementLimitText(check))
}

function brokenText ({ caseTitle, metricDefinition: { title }, armTitle }: Subject, found: string, limit: string): string {
  return `${lowerFirst(caseTitle)}, ${lowerFirst(title)} of ${lowerFirst(armTitle)}: ${found}, promised ${limit}`
}

/** `242 ms simulated, 244 ms real` */
export function bothValues (values: Readonly<Record<keyof WirePair, number>>, { model, reference }: WirePair, unit: Metric['unit']): string {
  return `${formatValue(values.model, unit)} ${WIRE_WORDS[model]}, ${formatValue(values.reference, unit)} ${WIRE_WORDS[reference]}`
}

/** What an arm did over all metrics: `6 improved, 1 regressed, 2 without meaningful change`. */
export function tally (effects: readonly Effect[]): string {
  const words: ReadonlyArray<readonly [ComparisonVerdict, string]> = [
    ['improved', 'improved'], ['regressed', 'regressed'], ['no meaningful change', 'without meaningful change'], ['inconclusive', 'inconclusive'], ['saturated', 'saturated']
  ]
  return words.flatMap(([verdict, text]) => {
    const count = effects.filter(({ comparison }) => comparison.verdict === verdict).length
    return count === 0 ? [] : [`${count} ${text}`]
  }).join(', ')
}

/** What an arm pays: `more in 2, no meaningful change in 1`. */
export function costTally (costs: readonly Effect[]): string {
  const words: ReadonlyArray<readonly [ComparisonVerdict, string]> = [
    ['regressed', 'more in'], ['improved', 'less in'], ['no meaningful change', 'no meaningful change in'], ['inconclusive', 'inconclusive in'], ['saturated', 'saturated in']
  ]
  return words.flatMap(([verdict, text]) => {
    const count = costs.filter(({ comparison }) => comparison.verdict === verdict).length
    return count === 0 ? [] : [`${text} ${count}`]
  }).join(', ')
}

/** Latencies before shares of failures, which are often all or nothing; then the farther from no change the earlier. */
export function byStrength<One extends Effect> (effects: readonly One[]): One[] {
  const isShare = ({ finding: { metric } }: Effect): number => Number(metric.unit === 'share')
  return [...effects].sort((a, b) => (isShare(a) - isShare(b)) || (strength(b) - strength(a)))
}

/** The distance of a change from none, the same for halving and doubling. */
export function strength ({ comparison: { relative, bounds } }: Pick<Effect, 'comparison'>): number {
  return relative === undefined || bounds !== undefined ? 0 : Math.abs(Math.log(Math.max(1e-6, 1 + relative.estimate)))
}

/** Titles begin sentences elsewhere, `A fast line` among them; `NAT` and `p99` keep their letters. */
export function lowerFirst (text: string): string {
  return /^[A-Z][a-z ]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text
}

export function upperFirst (text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
