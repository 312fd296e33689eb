import { isPair, LEADING_PAIRS } from '../experiment/wire-pair.ts'
import type { ResultsData } from '../results/data.ts'
import { FEWEST_MODEL_RUNS, FEWEST_REFERENCE_RUNS } from '../stats/transfer.ts'
import type { Transfer } from '../stats/transfer.ts'
import type { Analysis } from './analysis.ts'
import { agreementSentence, unsigned } from './agreement-sentences.ts'
import { CLOSE_SHARES, CLOSE_VALUES } from './beliefs.ts'
import type { ArmEvidence, Belief, MetricBelief } from './beliefs.ts'
import { formatEffect, formatPercent, formatValue, plural } from './format.ts'
import { bothValues, lowerFirst, upperFirst } from './sentences.ts'
import { WIRE_NOUNS, WIRE_WORDS } from './wire-words.ts'

/** What to do with what was simulated. */
export const BELIEF_TEXTS: Readonly<Record<Belief, string>> = {
  all: 'believe',
  effects: 'believe the effects, not the values',
  direction: 'believe the direction, not the size',
  nothing: 'do not believe',
  open: 'too few runs to tell',
  unchecked: 'not checked'
}

const CLOSE_SHARES_TEXT = `within ${CLOSE_SHARES.ofReference * 100}% of the reference, at least ${CLOSE_SHARES.atLeast * 100} points or what one sample makes, at most ${CLOSE_SHARES.atMost * 100} points`

/** The rule that the verdicts follow, for whoever wants to check one. */
export const BELIEF_RULE = `Believe: every median is within ${formatValue(CLOSE_VALUES, 'share')} (shares: ${CLOSE_SHARES_TEXT}) or a promised limit, and every effect on the same side of no change, within a tenth or with intervals that overlap, or on another side but no farther off than a tenth and the least that matters. ` +
  'The effects, not the values: only the medians are farther apart. The direction, not the size: the same arms are better, by another measure. ' +
  'Do not believe: an effect lies on the other side, two arms change places, or values are apart and no arms are compared. Too few runs: an effect lies on the other side, but the intervals overlap. ' +
  `Fewer than ${FEWEST_REFERENCE_RUNS} runs have no such interval: not to be believed is an effect that single runs of the model all have (over all its seeds, ${FEWEST_MODEL_RUNS} or more) and the real ones not at all, or the other way; else they are too few. A run like ${FEWEST_MODEL_RUNS} others lies beyond a given end of them once in ${FEWEST_MODEL_RUNS + 1}, which is not corrected over comparisons.`

/** How far wires can agree, and in what. */
const AGREED: ReadonlyArray<readonly [Belief, string]> = [['all', 'in medians and effects'], ['effects', 'in effects only'], ['direction', 'in the direction of effects only']]
const DOUBTED: ReadonlyArray<readonly [Belief, string]> = [['nothing', 'Not to be believed'], ['open', 'Too few runs to tell']]

/** How many metrics that do not agree are named. */
const NAMED = 3

/**
 * Whether what was simulated can be believed for this question, in a sentence or two: by what real peers say where they ran.
 * What is held to the stack alone is told apart, for the stack has the simulation's own TCP.
 */
export function beliefSentence (analysis: Analysis, results: ResultsData): string {
  const checked = analysis.beliefs.filter(({ belief }) => belief !== 'unchecked')
  const [leading, ...others] = LEADING_PAIRS.map((pair) => checked.filter((belief) => isPair(belief, pair))).filter(({ length }) => length > 0)
  return leading === undefined ? agreementSentence(analysis, results) : [conclusion(leading, others.flat()), ...others.map(further)].join(' ')
}

/**
 * @param checked of one pair of wires, not empty
 * @param others of other pairs: in doubt, they leave a part of the question open
 */
function conclusion (checked: readonly MetricBelief[], others: readonly MetricBelief[]): string {
  const [{ model, reference }] = checked
  const [who, whose, which] = [WIRE_NOUNS[model], WIRE_NOUNS[reference], plural(checked.length, 'metric')]
  const { agreed, doubted, has } = outcomes(checked)
  const inPart = others.some(({ belief }) => belief === 'nothing' || belief === 'open') ? ' in part' : ''
  if (isAll(checked)) {
    const all = others.length > 0 ? `the ${checked.length === 1 ? 'one metric' : which} that ${whose} ran ${checked.length === 1 ? 'agrees' : 'agree'}` : checked.length === 1 ? 'its metric agrees' : `all ${which} agree`
    return `${upperFirst(who)} can be believed for this question${inPart}: ${all} with ${whose} in medians and effects.`
  }
  if (agreed === '') {
    return `${upperFirst(who)} cannot be believed for this question: of ${which} none is known to agree with ${whose}.${doubted}`
  }
  const verdict = doubted !== '' || inPart !== ''
    ? `${upperFirst(who)} can be believed for this question in part`
    : has('direction') ? 'Which arm is better can be believed for this question, by how much not everywhere' : 'Effects can be believed for this question, values not everywhere'
  return `${verdict}: of ${which} ${who} agrees with ${whose} on ${agreed}.${doubted}`
}

/** @param checked of one pair of wires, not empty */
function further (checked: readonly MetricBelief[]): string {
  const [{ model, reference }] = checked
  const which = plural(checked.length, 'further metric')
  const { agreed, doubted } = outcomes(checked)
  const start = `Held to ${WIRE_NOUNS[reference]} alone${model === 'sim' && reference === 'stack' ? ', which has the same TCP' : ''}, ${WIRE_NOUNS[model]} agrees on`
  return isAll(checked) ? `${start} ${checked.length === 1 ? 'one' : `all ${checked.length}`} further in medians and effects.` : `${start} ${agreed === '' ? 'none' : agreed} of ${which}.${doubted}`
}

function isAll (checked: readonly MetricBelief[]): boolean {
  return checked.every(({ belief }) => belief === 'all')
}

function outcomes (checked: readonly MetricBelief[]): { readonly agreed: string, readonly doubted: string, readonly has: (belief: Belief) => boolean } {
  const byBelief = Map.groupBy(checked, ({ belief }) => belief)
  return {
    agreed: AGREED.flatMap(([belief, text]) => byBelief.has(belief) ? [`${byBelief.get(belief)?.length} ${text}`] : []).join(', '),
    doubted: DOUBTED.flatMap(([belief, text]) => byBelief.has(belief) ? [` ${text}: ${names(byBelief.get(belief) ?? [])}.`] : []).join(''),
    has: (belief) => byBelief.has(belief)
  }
}

function names (beliefs: readonly MetricBelief[]): string {
  const more = beliefs.length - NAMED
  return `${beliefs.slice(0, NAMED).map(({ case: { title }, metric }) => `${lowerFirst(title)}, ${lowerFirst(metric.title)}`).join('; ')}${more > 0 ? `; and ${more} more` : ''}`
}

/** What a verdict on a metric rests on. */
export function beliefReason (belief: MetricBelief): string {
  const { arms, metric: { unit }, swapped } = belief
  if (arms.length === 0) {
    return 'no two wires ran it well with the same seeds'
  }
  const effects = arms.filter(({ effect }) => effect !== undefined)
  const farthest = (wanted: Transfer): string => effects.flatMap(({ arm, effect }) => effect?.transfer === wanted
    ? [`${arm.title}: ${formatEffect(effect.model, unit)} ${WIRE_WORDS[belief.model]}, ${formatEffect(effect.reference, unit)} ${WIRE_WORDS[belief.reference]}${wanted === 'different' ? singleRunsText(effect, belief) : ''}`]
    : [])[0] ?? ''
  const worst = worstArm(arms)
  const values = `${arms.length === 1 ? '' : `${worst.arm.title}: `}${bothValues(worst, belief, unit)} (${difference(worst, belief)})`
  switch (belief.belief) {
    case 'all':
      return `${arms.length === 1 ? 'median differs' : `${arms.length} medians differ`} by ${difference(worst, belief, true)}${arms.length === 1 ? '' : ' at most'}${effects.length === 0 ? '' : `, ${effects.length === 1 ? 'the effect agrees' : `${effects.length} effects agree`}`}`
    case 'effects':
      return `${effects.length === 1 ? 'the effect agrees' : `${effects.length} effects agree`}; ${values}`
    case 'direction':
      return farthest('direction')
    case 'open':
      return farthest('unsettled')
    default:
      return farthest('different') || (swapped === undefined
        ? values
        : `${swapped[0].title} is below ${swapped[1].title} ${WIRE_WORDS[belief.model]}, above it ${WIRE_WORDS[belief.reference]}`)
  }
}

/** What so few runs of the reference were held to: `; all single runs simulated: -79% [-81, -74]`, from the smallest to the largest. */
function singleRunsText ({ reference, singleRuns }: NonNullable<ArmEvidence['effect']>, { model, metric: { unit } }: MetricBelief): string {
  return singleRuns === undefined || reference.pairs >= FEWEST_REFERENCE_RUNS ? '' : `; all single runs ${WIRE_WORDS[model]}: ${formatEffect(singleRuns, unit)}`
}

/**
 * Which step away from real peers makes a metric's largest difference: simulation and stack differ by the model of
 * sessions, stack and real peers by computing and the kernel. Undefined without all three, or a difference to explain.
 */
export function beliefCause ({ arms, metric }: Pick<MetricBelief, 'arms' | 'metric'>): string | undefined {
  const split = arms.length === 0 ? undefined : worstArm(arms).split
  if (split === undefined || split.model === split.reference) {
    return undefined
  }
  const sessions = split.model - split.between
  const kernel = split.between - split.reference
  const show = (part: number): string => metric.unit === 'share' || split.reference === 0
    ? `${part > 0 ? '+' : ''}${formatValue(part, metric.unit)}`
    : formatPercent(part / Math.abs(split.reference))
  const cause = Math.abs(sessions) >= 2 * Math.abs(kernel) ? 'the session model' : Math.abs(kernel) >= 2 * Math.abs(sessions) ? 'computing and the kernel' : 'both'
  return `${cause} (simulated against stack ${show(sessions)}, stack against real ${show(kernel)})`
}

/** @param arms not empty */
function worstArm (arms: readonly ArmEvidence[]): ArmEvidence {
  const distance = ({ model, reference }: ArmEvidence): number => model === reference ? 0 : Math.abs(model - reference) / Math.abs(reference)
  return arms.reduce((worst, arm) => distance(arm) > distance(worst) ? arm : worst)
}

function difference ({ model, reference }: ArmEvidence, { metric: { unit } }: MetricBelief, isUnsigned = false): string {
  const points = model - reference
  if (unit === 'share') {
    return `${isUnsigned || points <= 0 ? '' : '+'}${formatValue(isUnsigned ? Math.abs(points) : points, unit).replace('%', ' points')}`
  }
  const change = points === 0 ? 0 : points / Math.abs(reference)
  return isUnsigned ? unsigned(change) : formatPercent(change)
}
