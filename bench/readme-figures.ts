import type { Metric } from '../src/experiment/definition.ts'
import { formatChange, formatPercent, formatValue, plural, typeset } from '../src/report/format.ts'
import type { ClaimSummary, ExperimentSummary, Numbers, SummaryData } from '../src/report/summary-data.ts'
import { WIRE_PLACES } from '../src/report/wire-words.ts'
import { quantile } from '../src/stats/quantile.ts'
import type { Marks } from './marked-section.ts'

/** Where in README they stand. */
export const README_MARKS: Marks = { begin: '<!-- figures of reports/summary.json: npm run readme -->', end: '<!-- end of figures -->', name: 'README.md' }

const MARKS = { met: '✓ met', partly: '◐ partly', 'not met': '✕ not met', open: '? open' } as const

/** The part of README that is made of the published results, as Markdown. Links are relative to the repository's root. */
export function readmeFigures ({ experiments }: SummaryData): string {
  return [promises(experiments), verdicts(experiments), belief(experiments)].filter(part => part !== '').join('\n\n')
}

function promises (experiments: readonly ExperimentSummary[]): string {
  const claims = experiments.flatMap(experiment => experiment.claims.map(claim => ({ experiment, claim })))
  if (claims.length === 0) {
    return ''
  }
  const rows = [...Map.groupBy(claims, ({ claim }) => claim.promise).values()].flatMap(group => group.map(({ experiment, claim }, index) =>
    row([index === 0 ? claim.promise : '', `[${claim.reading}](reports/${experiment.report}#promises)`, found(experiment, claim), MARKS[claim.outcome]])))
  return [row(['what was promised', 'read as', 'found', '']), row(['---', '---', '---', '---']), ...rows].join('\n')
}

/** From the baseline to the arm, and the change with its interval. */
function found ({ metrics }: ExperimentSummary, { case: caseName, metric, arm: armName, readings: [leading] }: ClaimSummary): string {
  if (leading === undefined) {
    return 'no run'
  }
  const unit = (metrics.find(one => one.case === caseName && one.metric === metric)?.unit ?? 'count') as Metric['unit']
  const arm = formatValue(leading.armMean, unit)
  if (leading.baselineMean === undefined) {
    return `${arm} ${WIRE_PLACES[leading.wire]}`
  }
  const comparison = metrics.find(one => one.wire === leading.wire && one.case === caseName && one.metric === metric)?.arms.find(one => one.arm === armName)?.comparison
  const change = comparison?.relative === undefined || comparison.relative === null ? '' : ` (${formatChange(intervalOf(comparison.relative))})`
  return typeset(`${formatValue(leading.baselineMean, unit)} -> ${arm}${change} ${WIRE_PLACES[leading.wire]}`)
}

function verdicts (experiments: readonly ExperimentSummary[]): string {
  return [
    row(['experiment', 'verdict', 'runs']),
    row(['---', '---', '---']),
    ...experiments.map(({ name, report, verdict, seeds }) =>
      row([`[${name}](reports/${report})`, typeset(verdict), (['sim', 'stack', 'tcp'] as const).flatMap(wire => seeds[wire] === undefined ? [] : [`${seeds[wire]} ${WIRE_PLACES[wire]}`]).join(', ')]))
  ].join('\n')
}

function belief (experiments: readonly ExperimentSummary[]): string {
  const figures = experiments.flatMap(({ agreement }) => agreement.filter(({ model, reference }) => model === 'sim' && reference === 'tcp'))
  if (figures.length === 0) {
    return 'No real peers ran.'
  }
  const medians = figures.map(({ median }) => median)
  const tails = figures.flatMap(({ p99 }) => p99 ?? [])
  const within = medians.filter(median => Math.abs(median) <= 0.1).length
  return `Of ${plural(figures.length, 'experiment')} that ran in simulation and on real peers, times at the median are within 10% in ${within} (each experiment's figure is its median over what was compared; over all of them it is ${size(quantile(medians, 0.5))}, at most ${size(Math.max(...medians))})${tails.length === 0 ? '' : `; at p99 they differ by ${size(quantile(tails, 0.5))} typically and by ${size(Math.max(...tails))} at most`}.`
}

function size (difference: number): string {
  return formatPercent(difference).replace(/^\+/, '')
}

function intervalOf ([estimate, low, high]: Numbers): { estimate: number, low: number, high: number } {
  return { estimate, low: low ?? -Infinity, high: high ?? Infinity }
}

function row (cells: readonly string[]): string {
  return `| ${cells.map(cell => cell.replaceAll('|', '\\|')).join(' | ')} |`
}
