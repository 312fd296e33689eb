import { styleText } from 'node:util'
import type { WireName } from '../experiment/unit.ts'
import type { AgreementCheck, Analysis, Check, Finding, ThresholdCheck } from '../report/analysis.ts'
import { formatEffect, formatPercent, formatValue, plural } from '../report/format.ts'
import { agreementFound, agreementSentence, formatDifference, limitText, verdictText } from '../report/sentences.ts'
import type { Hole, ResultsData } from '../results/data.ts'
import type { Verdict } from '../stats/verdict.ts'
import type { Output } from './context.ts'
import { table } from './table.ts'
import type { Cell } from './table.ts'

type Style = Parameters<typeof styleText>[0]

/** Everything that was concluded, as text for a reader at a terminal; coloured where `output` is one. */
export function describeVerdicts (results: ResultsData, analysis: Analysis, output: Output): string {
  const { run } = results
  const paint = (style: Style) => (text: string): string => styleText(style, text, { stream: output })
  const sections = [`${paint('bold')(run.experiment.title)}\n${run.experiment.question}`]
  for (const { wire, seeds } of run.plan) {
    const findings = analysis.findings.filter(finding => finding.wire === wire)
    if (findings.some(({ arms }) => arms.length > 0)) {
      sections.push(`${paint('bold')(`${WIRE_TITLES[wire]}, ${plural(seeds.length, 'seed')}`)}\n${effects(findings, paint)}`)
    }
  }
  if (analysis.agreements.length > 0) {
    sections.push(`${paint('bold')('Agreement: simulation against real peers')}\n${agreements(analysis)}\n${agreementSentence(analysis, results)}`)
  }
  const checks = [
    ...analysis.thresholds.map(check => threshold(check, paint)),
    ...analysis.agreementThresholds.map(check => agreementThreshold(check, paint))
  ]
  if (checks.length > 0) {
    sections.push(`${paint('bold')('Thresholds')}\n${checks.join('\n')}`)
  }
  if (analysis.holes.length > 0) {
    sections.push(`${paint(['bold', 'red'])('Runs without a result')}\n${failures(analysis.holes)}`)
  }
  return `${sections.join('\n\n')}\n`
}

const WIRE_TITLES: Readonly<Record<WireName, string>> = {
  sim: 'Simulation', stack: 'The libp2p stack over simulated TCP', tcp: 'Real libp2p peers over TCP'
}

const VERDICT_STYLES: Readonly<Record<Verdict, Style>> = {
  improved: 'green',
  regressed: 'red',
  'no meaningful change': 'dim',
  inconclusive: 'yellow'
}

function effects (findings: readonly Finding[], paint: (style: Style) => (text: string) => string): string {
  const rows: Cell[][] = []
  for (const finding of findings) {
    for (const { arm, mean, samples, failures, comparison } of finding.arms) {
      const value = formatValue(mean.estimate, finding.metric.unit)
      rows.push([
        finding.case.name,
        finding.metric.name,
        arm.name,
        failures === 0 ? value : `${value} (${failures} of ${samples} failed)`,
        comparison === undefined ? '' : formatEffect(comparison, finding.metric.unit),
        comparison === undefined
          ? finding.arms.length > 1 && arm.name === finding.baseline ? 'baseline' : 'nothing to compare'
          : { text: verdictText(comparison), paint: paint(VERDICT_STYLES[comparison.verdict]) }
      ])
    }
  }
  return table(['case', 'metric', 'arm', 'mean', 'change [95% interval]', 'verdict'], withoutRepeats(rows, 2))
}

function agreements ({ agreements }: Analysis): string {
  const rows = agreements.map(({ case: { name }, metric, arm, quantiles, maximumGap }) => {
    const at = (wanted: number): string => {
      const found = quantiles.find(({ probability }) => probability === wanted)
      return found === undefined
        ? ''
        : `${formatValue(found.model, metric.unit)} / ${formatValue(found.reference, metric.unit)} (${formatDifference(found, metric.unit)}, ${formatPercent(found.relative.estimate)})`
    }
    return [name, metric.sample, arm.name, at(0.5), at(0.9), maximumGap.toFixed(2)]
  })
  return table(['case', 'samples', 'arm', 'p50: sim / tcp', 'p90: sim / tcp', 'largest gap of CDFs'], withoutRepeats(rows, 2))
}

function threshold (check: ThresholdCheck, paint: (style: Style) => (text: string) => string): string {
  const { metricDefinition: { unit }, value, checked } = check
  const found = value !== undefined ? `found ${formatValue(value.estimate, unit)}` : checked ? 'no run to check it with' : 'its wire was not run'
  return `${outcome(check, paint)}  ${check.case}: ${check.metric} of ${check.arm} ${limitText(check)}; ${found}`
}

function agreementThreshold (check: AgreementCheck, paint: (style: Style) => (text: string) => string): string {
  const found = `${check.medians === undefined ? '' : 'found '}${agreementFound(check)}`
  return `${outcome(check, paint)}  ${check.case}: ${check.metric} of ${check.arm} simulated within ${formatValue(check.limitMs, 'ms')} of real; ${found}`
}

function outcome ({ checked, holds }: Check, paint: (style: Style) => (text: string) => string): string {
  return !checked ? paint('dim')('not checked') : holds ? paint('green')('pass') : paint('red')('FAIL')
}

const STATED_HOLES = 10

function failures (holes: readonly Hole[]): string {
  const lines = holes.slice(0, STATED_HOLES).map(({ wire, case: caseName, arm, seed, code, message }) =>
    `${wire} ${caseName}, arm ${arm}, seed ${seed}: ${code}: ${message}`)
  if (holes.length > STATED_HOLES) {
    lines.push(`and ${holes.length - STATED_HOLES} more; all are in manifest.json`)
  }
  return lines.join('\n')
}

/** Leaves a cell of the first columns empty where it and those before it are as in the row above. */
function withoutRepeats (rows: ReadonlyArray<readonly Cell[]>, columns: number): Cell[][] {
  return rows.map((row, index) => row.map((cell, column) => {
    const above = index === 0 ? undefined : rows[index - 1]
    const repeated = column < columns && above !== undefined && row.slice(0, column + 1).every((cell, i) => cell === above[i])
    return repeated ? '' : cell
  }))
}
