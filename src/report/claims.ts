import type { Claim, Metric } from '../experiment/definition.ts'
import type { WireName } from '../experiment/unit.ts'
import { WIRES } from '../experiment/wire-pair.ts'
import type { ResultsData } from '../results/data.ts'
import type { Interval } from '../stats/interval.ts'
import { subjectOf } from './checks.ts'
import type { Subject } from './checks.ts'
import type { ArmFinding, Comparison, Finding } from './findings.ts'

/** What became of a promise; the rule is `Claim`'s. */
export type ClaimOutcome = 'met' | 'partly' | 'not met' | 'open'

/** What one wire says of a claim. */
export interface ClaimReading {
  readonly wire: WireName
  readonly outcome: ClaimOutcome
  /** What is held to the target: the relative change, or the arm's mean; the mean, too, where the baseline is zero, or too near to it, and no change has a size. */
  readonly found: Interval
  /** True where the baseline's value is a bound, on the safe side: of `found` only the end toward no change is known, and the change is that or better. */
  readonly isBound?: true
  /** Absent where the arm is compared with nothing. */
  readonly baselineMean?: number
  readonly armMean: number
  /** Absent where the arm is compared with nothing. */
  readonly comparison?: Comparison
}

export interface ClaimCheck extends Claim, Subject {
  /** Of the leading wire; `open` where nothing could be read. */
  readonly outcome: ClaimOutcome
  /** True where it is met, and the baseline's mean is there as well: a value that was promised is not the arm's doing. */
  readonly byBaseline?: true
  /** On the wire that the claim is about; absent where no run of it says anything. */
  readonly leading?: ClaimReading
  /** On the other wires, from the most modelled to the most real. */
  readonly elsewhere: readonly ClaimReading[]
}

/**
 * Holds a promise to what was found.
 *
 * @throws ERR_INVALID_OPTION where it names what the experiment does not have
 */
export function checkClaim (results: ResultsData, findings: readonly Finding[], claim: Claim): ClaimCheck {
  const subject = subjectOf(results, claim, 'promises')
  const readings = WIRES.flatMap((wire) => {
    const finding = findings.find((one) => one.wire === wire && one.case.name === claim.case && one.metric.name === claim.metric)
    const arm = finding?.arms.find((one) => one.arm.name === claim.arm)
    return arm === undefined ? [] : readingOf(claim, subject.metricDefinition, wire, arm)
  })
  const leading = readings.find(({ wire }) => claim.wire === undefined || wire === claim.wire)
  return {
    ...claim,
    ...subject,
    outcome: leading?.outcome ?? 'open',
    ...(leading?.outcome === 'met' && isMetByBaseline(claim, leading, subject.metricDefinition) ? { byBaseline: true as const } : {}),
    ...(leading === undefined ? {} : { leading }),
    elsewhere: readings.filter((reading) => reading !== leading)
  }
}

/** A share or a count that is promised, and that the baseline has already, as far as it was measured. */
function isMetByBaseline ({ target }: Claim, { baselineMean, comparison }: ClaimReading, { better }: Metric): boolean {
  return 'value' in target && baselineMean !== undefined && comparison?.bounds?.baseline === undefined && (better === 'lower' ? baselineMean <= target.value : baselineMean >= target.value)
}

function readingOf ({ target }: Claim, metric: Metric, wire: WireName, arm: ArmFinding): ClaimReading[] {
  const { mean, saturated, comparison } = arm
  if ('value' in target) {
    const outcome = claimOutcome(mean, target.value, metric.better, comparison)
    return [reading(wire, saturated ? 'open' : outcome, mean, mean, comparison)]
  }
  if (comparison === undefined) {
    return []
  }
  const least = leastGain(arm, comparison, metric)
  if (least !== undefined) {
    return [{ ...reading(wire, claimOutcome(least, target.change, metric.better, comparison), least, mean, comparison), isBound: true }]
  }
  const outcome = comparison.verdict === 'saturated' ? 'open' : isWorse(target.change, comparison, metric.better) ? 'not met' : claimOutcome(changeOf(comparison), target.change, metric.better, comparison)
  return [reading(wire, outcome, comparison.relative ?? mean, mean, comparison)]
}

function reading (wire: WireName, outcome: ClaimOutcome, found: Interval, mean: Interval, comparison: Comparison | undefined): ClaimReading {
  return {
    wire,
    outcome,
    found,
    armMean: comparison?.armMean ?? mean.estimate,
    ...(comparison === undefined ? {} : { baselineMean: comparison.baselineMean, comparison })
  }
}

/**
 * The change where the baseline's value is a bound and the arm's is measured in every run. By convention what failed is worse
 * than the bound, which is what it took to fail or the slowest success of any arm on the seed: so the arm is better by at least
 * as much as it is than that, and the interval against the bound holds to one side.
 */
function leastGain ({ runs }: ArmFinding, { bounds, relative }: Comparison, { better }: Metric): Interval | undefined {
  if (bounds?.baseline === undefined || relative === undefined || runs.some(({ measured }) => !measured)) {
    return undefined
  }
  return better === 'lower' ? { ...relative, low: -Infinity } : { ...relative, high: Infinity }
}

/** A gain was promised, and the arm is worse for certain: a ratio to a baseline near zero may have the target in its interval all the same. */
function isWorse (promisedChange: number, { difference: { low, high } }: Comparison, better: Metric['better']): boolean {
  return better === 'lower' ? promisedChange <= 0 && low > 0 : promisedChange >= 0 && high < 0
}

/**
 * From a baseline of zero nothing can be taken away, and whatever comes is infinitely more. Of one that is too near to zero
 * for a ratio all may be taken away, or nothing.
 */
function changeOf ({ relative, baselineMean, difference: { estimate, low, high } }: Comparison): Interval {
  const fromZero = (value: number): number => value > 0 ? Infinity : value < 0 && baselineMean > 0 ? -1 : 0
  return relative ?? { estimate: fromZero(estimate), low: fromZero(low), high: Math.max(0, fromZero(high)) }
}

/** The rule, from the interval, the target and the comparison's verdict alone. */
export function claimOutcome ({ low, high }: Interval, target: number, better: Metric['better'], comparison?: Pick<Comparison, 'verdict' | 'tooFewPairs' | 'lostSeeds' | 'difference'>): ClaimOutcome {
  const [near, far] = better === 'lower' ? [high, low] : [-low, -high]
  const wanted = better === 'lower' ? target : -target
  const withheld = comparison?.lostSeeds !== undefined
  if (near <= wanted) {
    return withheld ? 'open' : 'met'
  }
  if (far <= wanted || comparison?.verdict === 'saturated' || (comparison !== undefined && (withheld || comparison.tooFewPairs) && mayHaveImproved(comparison, better))) {
    return 'open'
  }
  return comparison?.verdict === 'improved' ? 'partly' : 'not met'
}

function mayHaveImproved ({ difference: { low, high } }: Pick<Comparison, 'difference'>, better: Metric['better']): boolean {
  return better === 'lower' ? low < 0 : high > 0
}
