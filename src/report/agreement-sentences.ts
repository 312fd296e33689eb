import type { WirePair } from '../experiment/wire-pair.ts'
import { wiresOf } from '../results/data.ts'
import type { ResultsData } from '../results/data.ts'
import { quantile } from '../stats/quantile.ts'
import type { Analysis } from './analysis.ts'
import { formatPercent, plural } from './format.ts'
import { bothValues, lowerFirst } from './sentences.ts'
import type { WireAgreement } from './wire-agreements.ts'
import { WIRE_NOUNS } from './wire-words.ts'

const SIM_STACK: WirePair = { model: 'sim', reference: 'stack' }
const STACK_TCP: WirePair = { model: 'stack', reference: 'tcp' }

/** The order in which pairs are worth a sentence. */
const LEADING: readonly WirePair[] = [{ model: 'sim', reference: 'tcp' }, STACK_TCP, SIM_STACK]

/** How far the wires agree at the median and where the rest comes from, or that nobody looked. */
export function agreementSentence ({ agreements }: Analysis, results: ResultsData): string {
  const leading = LEADING.find((pair) => differencesOf(ofPair(agreements, pair)).length > 0)
  if (leading === undefined) {
    return wiresOf(results).length > 1
      ? 'Not validated: no seed ran well on two wires.'
      : `Not validated on real peers: run \`twinwire validate ${results.run.experiment.name}\`.`
  }
  const compared = differencesOf(ofPair(agreements, leading))
  const { agreement, size: largest } = compared.reduce((worst, one) => one.size > worst.size ? one : worst)
  const [{ model, reference }] = agreement.quantiles
  const sentence = `Medians of ${WIRE_NOUNS[leading.model]} and ${WIRE_NOUNS[leading.reference]} differ by ${typical(compared)} typically and by ${unsigned(largest)} at most, over ${plural(compared.length, 'comparison')}; ` +
    `worst: ${agreement.arm.title}, ${lowerFirst(agreement.case.title)}, ${lowerFirst(agreement.metric.title)} (${bothValues({ model, reference }, leading, agreement.metric.unit)}).`
  const [sessions, kernel] = [SIM_STACK, STACK_TCP].map((pair) => differencesOf(ofPair(agreements, pair)))
  return sessions.length === 0 || kernel.length === 0
    ? sentence
    : `${sentence} The session model errs by ${typical(sessions)} typically (the simulation against the stack); computing and the kernel make ${typical(kernel)} (the stack against real peers).`
}

function ofPair (agreements: readonly WireAgreement[], { model, reference }: WirePair): WireAgreement[] {
  return agreements.filter((agreement) => agreement.model === model && agreement.reference === reference)
}

function differencesOf (agreements: readonly WireAgreement[]): Array<{ agreement: WireAgreement, size: number }> {
  return agreements.map((agreement) => ({ agreement, size: Math.abs(agreement.quantiles[0].relative.estimate) })).filter(({ size }) => Number.isFinite(size))
}

function typical (compared: ReadonlyArray<{ readonly size: number }>): string {
  return unsigned(quantile(compared.map(({ size }) => size), 0.5))
}

export function unsigned (share: number): string {
  return formatPercent(share).replace(/^[+-]/, '')
}
