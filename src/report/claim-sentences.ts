import type { Claim } from '../experiment/definition.ts'
import type { Interval } from '../stats/interval.ts'
import type { ClaimCheck, ClaimOutcome, ClaimReading } from './claims.ts'
import { formatChange, formatFromTo, formatInterval, formatValue, plural } from './format.ts'
import { WIRE_WORDS } from './wire-words.ts'

export const CLAIM_RULE = 'Met: the whole interval lies at the target or beyond. Partly met: the arm improved, and its interval does not reach the target. ' +
  'Not met: the target is missed and the arm is not shown to have improved; or less was promised, and the interval of the difference (for promises of more the other way round) says that it is more, whatever a ratio to a baseline near zero leaves room for. Open: the interval holds the target; or there are too few seeds to say whether the arm improved, and its interval leaves room for it; or the arm failed on seeds on which the baseline did not; or so much failed that what would have to be compared is a bound. Where it is the baseline\'s value alone, and no failure has a part in the arm\'s, the arm counts as better by at least as much as it is than the bound, and that may meet the target. ' +
  'Of a baseline of zero nothing can be taken away: a promise of less is not met there. Where a value is promised and the baseline\'s mean is there as well, that is said, for it is not the arm\'s doing.'

/** In the order in which they are counted. */
export const OUTCOME_TEXTS: Readonly<Record<ClaimOutcome, string>> = { met: 'met', partly: 'partly met', 'not met': 'not met', open: 'open' }
const OUTCOMES: readonly ClaimOutcome[] = ['met', 'partly', 'not met', 'open']

/** What was promised, as a limit: `at least 90% less`, `at most 50 ms`. */
export function targetText ({ target, metricDefinition: { unit, better } }: ClaimCheck): string {
  const most = better === 'lower' ? 'at most' : 'at least'
  return 'value' in target ? `${most} ${formatValue(target.value, unit)}` : changeText(target, better)
}

function changeText ({ change }: Extract<Claim['target'], { change: number }>, better: 'lower' | 'higher'): string {
  if (change === 0) {
    return better === 'lower' ? 'no more' : 'no less'
  }
  // Less by at least so much is at most the rest, and the other way round.
  const bound = (better === 'lower') === (change < 0) ? 'at least' : 'at most'
  return change >= 9 ? `${bound} ${Number((change + 1).toPrecision(3))} times as much` : `${bound} ${Number((Math.abs(change) * 100).toPrecision(3))}% ${change < 0 ? 'less' : 'more'}`
}

/** What was found of it: `-93% [-94, -92]`; from a baseline of zero, `0.4% [0.1, 0.9] from 0%`; from one that is a bound, `at least 92% less`. */
export function foundText ({ target, metricDefinition: { unit, better } }: ClaimCheck, { found, isBound, comparison, baselineMean = 0 }: ClaimReading): string {
  if ('value' in target) {
    return formatInterval(found, unit)
  }
  if (isBound === true) {
    return leastChangeText(found, better)
  }
  if (comparison?.bounds !== undefined) {
    return 'no size'
  }
  return comparison?.relative === undefined ? `${formatInterval(found, unit)} from ${formatValue(baselineMean, unit)}` : formatChange(found)
}

/** A change of which only the end toward no change is known: `at least 91.6% less`. */
export function leastChangeText ({ estimate, low, high }: Interval, better: 'lower' | 'higher'): string {
  const known = better === 'lower' ? high : low
  return Number.isFinite(known) ? changeText({ change: known }, better) : `${changeText({ change: estimate }, better)} [one run]`
}

/** `6.24 s -> 0.43 s` */
export function fromToText ({ metricDefinition }: ClaimCheck, { armMean, comparison }: ClaimReading): string {
  return comparison === undefined ? formatValue(armMean, metricDefinition.unit) : formatFromTo(comparison, metricDefinition)
}

/** What a wire beside the leading one says: `real: met, -92% [-94, -89]`. */
export function elsewhereText (check: ClaimCheck, reading: ClaimReading): string {
  return `${WIRE_WORDS[reading.wire]}: ${OUTCOME_TEXTS[reading.outcome]}, ${foundText(check, reading)}`
}

/** `2 of 5 claims met (1 by the baseline as well), 1 partly met, 2 not met` */
export function claimTally (claims: ReadonlyArray<Pick<ClaimCheck, 'outcome' | 'byBaseline'>>): string {
  const byBaseline = claims.filter((claim) => claim.byBaseline === true).length
  const met = byBaseline === 0 ? '' : ` (${byBaseline} by the baseline as well)`
  const counts = OUTCOMES.map((outcome) => ({ outcome, text: OUTCOME_TEXTS[outcome], count: claims.filter((claim) => claim.outcome === outcome).length }))
  return counts.filter(({ outcome, count }) => count > 0 || outcome === 'met')
    .map(({ text, count }, index) => index === 0 ? `${count} of ${plural(claims.length, 'claim')} ${text}${met}` : `${count} ${text}`).join(', ')
}
