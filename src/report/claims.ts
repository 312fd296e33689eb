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
  /** What is held to the target: the relative change, or the arm's mean. */
  readonly found: Interval
  /** Absent where the arm is compared with nothing. */
  readonly baselineMean?: number
  readonly armMean: number
  /** Absent where the arm is compared with nothing. */
  readonly comparison?: Comparison
}

export interface ClaimCheck extends Claim, Subject {
  /** Of the leading wire; `open` where nothing could be read. */
  readonly outcome: ClaimOutcome
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
    ...(leading === undefined ? {} : { leading }),
    elsewhere: readings.filter((reading) => reading !== leading)
  }
}

function readingOf ({ target }: Claim, metric: Metric, wire: WireName, { mean, comparison }: ArmFinding): ClaimReading[] {
  const found = 'change' in target ? comparison?.relative : mean
  return found === undefined
    ? []
    : [{
        wire,
        outcome: claimOutcome(found, 'change' in target ? target.change : target.value, metric.better, comparison),
        found,
        armMean: comparison?.armMean ?? mean.estimate,
        ...(comparison === undefined ? {} : { baselineMean: comparison.baselineMean, comparison })
      }]
}

/** The rule, from the interval, the target and the verdict alone. */
export function claimOutcome ({ low, high }: Interval, target: number, better: Metric['better'], comparison?: Pick<Comparison, 'verdict' | 'tooFewPairs'>): ClaimOutcome {
  const [near, far] = better === 'lower' ? [high, low] : [-low, -high]
  const wanted = better === 'lower' ? target : -target
  if (near <= wanted) {
    return 'met'
  }
  if (far <= wanted || comparison?.tooFewPairs === true) {
    return 'open'
  }
  return comparison?.verdict === 'improved' ? 'partly' : 'not met'
}
