import { styleText } from 'node:util'
import { isPair, pairsOf, WIRES } from '../experiment/wire-pair.ts'
import { agreementSentence } from '../report/agreement-sentences.ts'
import type { Analysis } from '../report/analysis.ts'
import { BELIEF_TEXTS, beliefCause, beliefReason, beliefSentence } from '../report/belief-sentences.ts'
import type { AgreementCheck, Check, ThresholdCheck } from '../report/checks.ts'
import { claimTally, foundText, OUTCOME_TEXTS, targetText } from '../report/claim-sentences.ts'
import type { ClaimCheck, ClaimOutcome } from '../report/claims.ts'
import type { ComparisonVerdict, Finding } from '../report/findings.ts'
import { formatEffect, formatPercent, formatValue, plural } from '../report/format.ts'
import { moduleSentence } from '../report/module-sentences.ts'
import { moduleVerdicts } from '../report/module-verdicts.ts'
import { precisionSentence } from '../report/precision.ts'
import { agreementFound, agreementLimitText, limitText, verdictText } from '../report/sentences.ts'
import { agreementRows, valuesByWire } from '../report/wire-agreements.ts'
import { WIRE_PLACES, WIRE_TITLES, WIRE_WORDS } from '../report/wire-words.ts'
import { seedsOf, wiresOf } from '../results/data.ts'
import type { Hole, ResultsData } from '../results/data.ts'
import type { Output } from './context.ts'
import { table } from './table.ts'
import type { Cell } from './table.ts'

type Style = Parameters<typeof styleText>[0]

/** Everything that was concluded, as text for a reader at a terminal; coloured where `output` is one. */
export function describeVerdicts (results: ResultsData, analysis: Analysis, output: Output): string {
  const { run } = results
  const paint = painter(output)
  const sections = [`${paint('bold')(run.experiment.title)}\n${run.experiment.question}`]
  for (const wire of wiresOf(results)) {
    const findings = analysis.findings.filter(finding => finding.wire === wire)
    if (findings.some(({ arms }) => arms.length > 0)) {
      sections.push(`${paint('bold')(`${WIRE_TITLES[wire]}, ${plural(seedsOf(results, wire).length, 'seed')}`)}\n${effects(findings, paint)}${wire === 'sim' ? precisionText(results) : ''}`)
    }
  }
  const modules = moduleVerdicts(results, analysis)
  if (modules.length > 0) {
    sections.push(`${paint('bold')('Modules')}\n${modules.map(moduleSentence).join('\n')}`)
  }
  if (analysis.claims.length > 0) {
    sections.push(`${paint('bold')(`Promises: ${claimTally(analysis.claims)}`)}\n${claims(analysis.claims, paint)}`)
  }
  if (analysis.agreements.length > 0) {
    sections.push(`${paint('bold')('Agreement of the wires, on the same seeds')}\n${agreements(analysis)}\n${agreementSentence(analysis, results)}`)
  }
  if (wiresOf(results).length > 1) {
    sections.push(`${paint('bold')('Can it be believed?')}\n${beliefs(analysis)}${beliefSentence(analysis, results)}`)
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

function precisionText (results: ResultsData): string {
  const sentence = precisionSentence(results)
  return sentence === undefined ? '' : `\n${sentence}`
}

/** Colours text in a style, where an output has colours. */
export type Paint = (style: Style) => (text: string) => string

export function painter (output: Output): Paint {
  return style => text => styleText(style, text, { stream: output })
}

export const VERDICT_STYLES: Readonly<Record<ComparisonVerdict, Style>> = {
  improved: 'green',
  regressed: 'red',
  'no meaningful change': 'dim',
  inconclusive: 'yellow',
  saturated: 'yellow'
}

function effects (findings: readonly Finding[], paint: Paint): string {
  const rows: Cell[][] = []
  for (const finding of findings) {
    for (const { arm, mean, samples, failures, saturated, comparison } of finding.arms) {
      const value = `${saturated ? finding.metric.better === 'lower' ? '> ' : '< ' : ''}${formatValue(mean.estimate, finding.metric.unit)}`
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

/** Each quantile on every wire; for each two of them the difference at the median and the largest gap of the distributions. */
function agreements ({ agreements }: Analysis): string {
  const wires = WIRES.filter(wire => agreements.some(({ model, reference }) => wire === model || wire === reference))
  const pairs = pairsOf(wires)
  const words = wires.map(wire => WIRE_WORDS[wire]).join(' / ')
  const rows = agreementRows(agreements).map(row => {
    const { case: { name }, metric, arm } = row
    const at = (quantile: number): string => {
      const values = valuesByWire(row, quantile)
      return wires.map(wire => values.has(wire) ? formatValue(values.get(wire) ?? NaN, metric.unit) : '-').join(' / ')
    }
    const compared = pairs.map(pair => {
      const found = row.pairs.find(one => isPair(one, pair))
      return found === undefined ? '' : `${formatPercent(found.quantiles[0].relative.estimate)}, ${found.maximumGap.toFixed(2)}`
    })
    return [name, metric.sample, arm.name, at(0), at(1), at(2), ...compared]
  })
  const heading = ['case', 'samples', 'arm', `p50: ${words}`, 'p90', 'p99', ...pairs.map(({ model, reference }) => `${model}-${reference}: p50, gap`)]
  return table(heading, withoutRepeats(rows, 2))
}

/** What cannot simply be believed, and why; the report has the others as well. */
function beliefs ({ beliefs }: Analysis): string {
  const doubted = beliefs.filter(({ belief }) => belief !== 'all' && belief !== 'unchecked')
  return doubted.length === 0
    ? ''
    : `${table(['case', 'metric', 'verdict', 'because', 'mostly due to'], withoutRepeats(doubted.map(belief =>
      [belief.case.name, belief.metric.name, BELIEF_TEXTS[belief.belief], beliefReason(belief), beliefCause(belief) ?? '']), 1))}\n`
}

const OUTCOME_STYLES: Readonly<Record<ClaimOutcome, Style>> = { met: 'green', partly: 'yellow', 'not met': 'red', open: 'dim' }

/** What was promised, how it is read, what was found of it on the wire that it is about, and what became of it. */
function claims (checks: readonly ClaimCheck[], paint: Paint): string {
  return table(['promise', 'read as', 'promised', 'found [95% interval]', 'outcome'], withoutRepeats(checks.map(check => [
    check.promise,
    check.reading,
    targetText(check),
    check.leading === undefined
      ? `nothing${check.wire === undefined ? '' : ` ${WIRE_PLACES[check.wire]}`}`
      : `${foundText(check, check.leading)} ${WIRE_PLACES[check.leading.wire]}`,
    { text: OUTCOME_TEXTS[check.outcome], paint: paint(OUTCOME_STYLES[check.outcome]) }
  ]), 1))
}

function threshold (check: ThresholdCheck, paint: Paint): string {
  const { metricDefinition: { unit }, value, reason = 'no run to check it with' } = check
  const found = value === undefined ? reason : `found ${formatValue(value.estimate, unit)}`
  return `${outcome(check, paint)}  ${check.case}: ${check.metric} of ${check.arm} ${limitText(check)}; ${found}`
}

function agreementThreshold (check: AgreementCheck, paint: Paint): string {
  const found = `${check.medians === undefined ? '' : 'found '}${agreementFound(check)}`
  return `${outcome(check, paint)}  ${check.case}: ${check.metric} of ${check.arm} ${agreementLimitText(check)}; ${found}`
}

function outcome ({ checked, holds }: Check, paint: Paint): string {
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
export function withoutRepeats (rows: ReadonlyArray<readonly Cell[]>, columns: number): Cell[][] {
  return rows.map((row, index) => row.map((cell, column) => {
    const above = index === 0 ? undefined : rows[index - 1]
    const repeated = column < columns && above !== undefined && row.slice(0, column + 1).every((cell, i) => cell === above[i])
    return repeated ? '' : cell
  }))
}
