import type { Family } from '../experiment/family.ts'
import { wiresOf } from '../results/data.ts'
import type { ResultsData } from '../results/data.ts'
import { warmUpCutMs } from '../results/warm-up.ts'
import { pairsNeeded } from '../stats/verdict.ts'
import type { Analysis } from './analysis.ts'
import { formatValue, plural } from './format.ts'
import { precisionSentence } from './precision.ts'
import { effectsOf, lowerFirst } from './sentences.ts'
import { WIRE_PLACES } from './wire-words.ts'

/** How the numbers of this report came about: seeds, when the run stopped, what was cut, and the correction. */
export function methodSentences (results: ResultsData, analysis: Analysis): string[] {
  const { plan, armOrder } = results.run
  return [
    `${join(plan.map(({ wire, seeds }) => `${plural(seeds.length, 'seed')} ${WIRE_PLACES[wire]}`))}; all arms of one seed meet the same network and the same arrivals${armOrder === 'drawn' ? ', and on real peers begin in an order drawn for each seed' : ''}.`,
    precisionSentence(results) ?? 'The number of seeds was fixed beforehand.',
    ...realArmsSentence(results),
    warmUpSentence(results),
    correctionSentence(results, analysis)
  ]
}

/** Which arms real peers have, where they have not all: the machine cannot carry the others, or has no time for them. */
function realArmsSentence ({ run: { plan, experiment: { arms, cases } } }: ResultsData): string[] {
  const some = plan.some(({ wire, seeds }) => wire === 'tcp' && seeds.length > 0) ? cases.filter(({ realArms }) => realArms !== undefined) : []
  const titleOf = (name: string): string => arms.find((arm) => arm.name === name)?.title ?? name
  return some.length === 0 ? [] : [`Real peers have some arms only in ${join(some.map(({ title, realArms = [] }) => `${lowerFirst(title)} (${realArms.map(titleOf).join(', ')})`))}.`]
}

function warmUpSentence (results: ResultsData): string {
  const cut = results.run.experiment.cases.filter(({ warmUpMs }) => warmUpMs !== undefined && warmUpMs !== 0)
  const rest = cut.length === results.run.experiment.cases.length ? '' : ' Of the other cases every sample that was recorded counts.'
  return cut.length === 0
    ? 'No warm-up is cut from what was recorded: hosts that wait for the network to settle begin to record after that.'
    : `Samples that were complete while a case warmed up are left out: ${cut.map(({ name, title, warmUpMs }) => {
      return `${lowerFirst(title)}, ${warmUpMs === 'mser-5' ? 'by MSER-5 ' : ''}the first ${formatValue(warmUpCutMs(results, name), 'ms')}`
    }).join('; ')}.${rest}`
}

function correctionSentence (results: ResultsData, { findings }: Analysis): string {
  const families = wiresOf(results).map((wire): Family => {
    const effects = effectsOf(findings.filter((finding) => finding.wire === wire))
    return { wire, seeds: Math.max(0, ...effects.map(({ comparison }) => comparison.pairs)), comparisons: effects.length }
  }).filter(({ comparisons }) => comparisons > 0)
  return families.length === 0
    ? 'Nothing was compared.'
    : [
        `p-values are corrected by Holm's method over all ${join(families.map(({ wire, comparisons }) => `${plural(comparisons, 'comparison')} ${WIRE_PLACES[wire]}`))}.`,
        ...families.flatMap((family) => tooFewSeedsSentence(family) ?? [])
      ].join(' ')
}

/** Where no comparison of a family can be significant, however clear the effects; undefined where one can. */
export function tooFewSeedsSentence ({ wire, seeds, comparisons }: Family): string | undefined {
  const needed = pairsNeeded(comparisons)
  return comparisons === 0 || seeds >= needed
    ? undefined
    : `${plural(seeds, 'seed')} ${WIRE_PLACES[wire]} ${seeds === 1 ? 'is' : 'are'} too few for any of ${plural(comparisons, 'comparison')} to be significant, however clear the effect: it takes ${needed}.`
}

function join (parts: readonly string[]): string {
  return parts.length < 2 ? parts.join('') : `${parts.slice(0, -1).join(', ')} and ${parts[parts.length - 1]}`
}
