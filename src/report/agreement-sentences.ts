import { isPair, LEADING_PAIRS } from '../experiment/wire-pair.ts'
import type { WirePair } from '../experiment/wire-pair.ts'
import { wiresOf } from '../results/data.ts'
import type { ResultsData } from '../results/data.ts'
import { quantile } from '../stats/quantile.ts'
import { agreementFigures, leadingFigures } from './agreement-figures.ts'
import type { AgreementFigures } from './agreement-figures.ts'
import type { Analysis } from './analysis.ts'
import { CLOSE_VALUES } from './beliefs.ts'
import { formatPercent, formatValue, plural } from './format.ts'
import { bothValues, lowerFirst } from './sentences.ts'
import type { WireAgreement } from './wire-agreements.ts'
import { WIRE_NOUNS } from './wire-words.ts'

const SIM_STACK: WirePair = { model: 'sim', reference: 'stack' }
const STACK_TCP: WirePair = { model: 'stack', reference: 'tcp' }

/** How far the wires agree in times, where they agree least and where the rest comes from, or that nobody looked. */
export function agreementSentence (analysis: Analysis, results: ResultsData): string {
  const { agreements } = analysis
  const leading = LEADING_PAIRS.find((pair) => differencesOf(ofPair(agreements, pair)).length > 0)
  if (leading === undefined) {
    const wires = wiresOf(results)
    if (wires.length > 1) {
      return 'Not validated: no seed ran well on two wires.'
    }
    return wires[0] === 'tcp'
      ? 'Measured on real peers alone: nothing was simulated.'
      : `Not validated on real peers: run \`twinwire validate ${results.run.experiment.name}\`.`
  }
  const compared = differencesOf(ofPair(agreements, leading))
  const { agreement, size: largest } = compared.reduce((worst, one) => one.size > worst.size ? one : worst)
  const [{ model, reference }] = agreement.quantiles
  const figures = leadingFigures(analysis)
  const parts = [
    figures === undefined
      ? `Medians of ${WIRE_NOUNS[leading.model]} and ${WIRE_NOUNS[leading.reference]} differ by ${typical(compared)} typically, over ${plural(compared.length, 'comparison')}.`
      : timesSentence(figures),
    `The largest difference of medians, of whatever unit, is ${unsigned(largest)}: ${agreement.arm.title}, ${lowerFirst(agreement.case.title)}, ${lowerFirst(agreement.metric.title)} (${bothValues({ model, reference }, leading, agreement.metric.unit)}).`
  ]
  const [sessions, kernel] = [SIM_STACK, STACK_TCP].map((pair) => agreementFigures(analysis, pair))
  if (sessions !== undefined && kernel !== undefined) {
    parts.push(`In times at the median the simulation differs from the stack by ${unsigned(sessions.median)} (over ${sessions.comparisons}; the session model), the stack from real peers by ${unsigned(kernel.median)} (over ${kernel.comparisons}; computing and the kernel).`)
  }
  if (!agreements.some(({ reference }) => reference === 'tcp')) {
    parts.push('No real peers ran.')
  }
  return parts.join(' ')
}

/** `Times at the median differ by 3.7% (median over 38 comparisons of the simulation with real peers; within 10%), at p99 by 8.1%.` */
export function timesSentence ({ model, reference, comparisons, median, p99, p99Comparisons, close }: AgreementFigures): string {
  return `Times at the median differ by ${unsigned(median)} (median over ${plural(comparisons, 'comparison')} of ${WIRE_NOUNS[model]} with ${WIRE_NOUNS[reference]}; ${close ? 'within' : 'more than'} ${formatValue(CLOSE_VALUES, 'share')})${p99 === undefined ? '' : `, at p99 by ${unsigned(p99)}${p99Comparisons === comparisons ? '' : ` (over ${p99Comparisons})`}`}.`
}

function ofPair (agreements: readonly WireAgreement[], pair: WirePair): WireAgreement[] {
  return agreements.filter((agreement) => isPair(agreement, pair))
}

function differencesOf (agreements: readonly WireAgreement[]): Array<{ agreement: WireAgreement, size: number }> {
  return agreements.filter(({ failedAt }) => !failedAt.has(0.5)).map((agreement) => ({ agreement, size: Math.abs(agreement.quantiles[0].relative.estimate) })).filter(({ size }) => Number.isFinite(size))
}

function typical (compared: ReadonlyArray<{ readonly size: number }>): string {
  return unsigned(quantile(compared.map(({ size }) => size), 0.5))
}

export function unsigned (share: number): string {
  return formatPercent(share).replace(/^[+-]/, '')
}
