import type { Metric } from '../experiment/definition.ts'
import type { WireName } from '../experiment/unit.ts'
import type { ResultsData } from '../results/data.ts'
import { quantile } from '../stats/quantile.ts'
import type { Verdict } from '../stats/verdict.ts'
import type { AgreementCheck, Analysis, ArmFinding, Comparison, Finding, ThresholdCheck, WireAgreement } from './analysis.ts'
import { formatEffect, formatPercent, formatValue, plural } from './format.ts'

/** One comparison with what it is about. */
export interface Effect {
  readonly finding: Finding
  readonly arm: ArmFinding
  readonly comparison: Comparison
}

/** The wire whose verdicts lead: simulation has the seeds to be sure, where it was run. */
export function leadingWire ({ run }: ResultsData): WireName {
  return run.plan.some(({ wire }) => wire === 'sim') ? 'sim' : 'tcp'
}

/** All comparisons of a wire, in the experiment's order. */
export function effectsOf ({ findings }: Analysis, wire: WireName): Effect[] {
  return findings.filter((finding) => finding.wire === wire).flatMap((finding) =>
    finding.arms.flatMap((arm) => arm.comparison === undefined ? [] : [{ finding, arm, comparison: arm.comparison }]))
}

/** `Pool: first address dead, p99 first request -96% [-97, -95] (6.24 s -> 0.28 s): improved.` */
export function effectSentence ({ finding: { case: { title }, metric }, arm, comparison }: Effect): string {
  return `${upperFirst(arm.arm.title)}: ${lowerFirst(title)}, ${lowerFirst(metric.title)} ${formatEffect(comparison, metric.unit)} ` +
    `(${formatValue(comparison.baselineMean, metric.unit)} -> ${formatValue(comparison.armMean, metric.unit)}): ${verdictText(comparison)}.`
}

/** The verdict, and what an inconclusive one would need. */
export function verdictText ({ verdict, tooFewPairs, moreSeeds }: Comparison): string {
  const text = tooFewPairs ? 'too few seeds for a verdict' : verdict
  return moreSeeds === undefined ? text : `${text} (about ${plural(moreSeeds, 'more seed')})`
}

/** What was promised: `at most 90 ms`, `on real peers at least 20%`. */
export function limitText ({ wire, direction, limit, metricDefinition: { unit } }: ThresholdCheck): string {
  return `${wire === 'tcp' ? 'on real peers ' : ''}${direction === 'at-most' ? 'at most' : 'at least'} ${formatValue(limit, unit)}`
}

/** What was found of an agreement that was promised: `2.1 ms (242 ms simulated, 244 ms real)`. */
export function agreementFound ({ checked, medians }: AgreementCheck): string {
  if (medians === undefined) {
    return checked ? 'no run to check it with' : 'not run on both wires'
  }
  return `${formatValue(Math.abs(medians.sim - medians.tcp), 'ms')} (${formatValue(medians.sim, 'ms')} simulated, ${formatValue(medians.tcp, 'ms')} real)`
}

/** The absolute difference of a quantile: `+2.1 ms`. */
export function formatDifference ({ model, reference }: WireAgreement['quantiles'][number], unit: Metric['unit']): string {
  const difference = model - reference
  return `${difference > 0 ? '+' : ''}${formatValue(difference, unit)}`
}

/** What an arm did over all metrics: `6 improved, 1 regressed, 2 without meaningful change`. */
export function tally (effects: readonly Effect[]): string {
  const words: ReadonlyArray<readonly [Verdict, string]> = [
    ['improved', 'improved'], ['regressed', 'regressed'], ['no meaningful change', 'without meaningful change'], ['inconclusive', 'inconclusive']
  ]
  return words.flatMap(([verdict, text]) => {
    const count = effects.filter(({ comparison }) => comparison.verdict === verdict).length
    return count === 0 ? [] : [`${count} ${text}`]
  }).join(', ')
}

/** How far simulation and real peers agree, or that nobody looked. */
export function agreementSentence ({ agreements }: Analysis, { run }: ResultsData): string {
  const compared = agreements.flatMap((agreement) => {
    const median = medianOf(agreement)
    return median === undefined ? [] : [{ agreement, size: Math.abs(median.relative.estimate) }]
  }).sort((a, b) => b.size - a.size)
  if (compared.length === 0) {
    return `Not validated on real peers: run \`twinwire validate ${run.experiment.name}\`.`
  }
  const { agreement, size: largest } = compared[0]
  const typical = quantile(compared.map(({ size }) => size), 0.5)
  const median = medianOf(agreement)
  const worst = `${agreement.arm.title}, ${lowerFirst(agreement.case.title)}, ${lowerFirst(agreement.metric.title)}`
  return `Medians of simulation and real peers differ by ${unsigned(typical)} typically and by ${unsigned(largest)} at most, over ${plural(compared.length, 'comparison')}; ` +
    `worst: ${worst}${median === undefined ? '' : ` (${formatValue(median.model, agreement.metric.unit)} simulated, ${formatValue(median.reference, agreement.metric.unit)} real)`}.`
}

export function medianOf ({ quantiles }: WireAgreement): WireAgreement['quantiles'][number] | undefined {
  return quantiles.find(({ probability }) => probability === 0.5)
}

function unsigned (share: number): string {
  return formatPercent(share).replace('+', '')
}

/** Titles begin sentences elsewhere; `NAT` and `p99` keep their letters. */
export function lowerFirst (text: string): string {
  return /^[A-Z][a-z]/.test(text) ? text[0].toLowerCase() + text.slice(1) : text
}

export function upperFirst (text: string): string {
  return text.slice(0, 1).toUpperCase() + text.slice(1)
}
