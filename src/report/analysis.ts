import { randomStream } from '../core/random.ts'
import { holes, wiresOf } from '../results/data.ts'
import type { Hole, ResultsData } from '../results/data.ts'
import { beliefsOf } from './beliefs.ts'
import type { MetricBelief } from './beliefs.ts'
import { checkAgreement, checkThreshold } from './checks.ts'
import type { AgreementCheck, ThresholdCheck } from './checks.ts'
import { checkClaim } from './claims.ts'
import type { ClaimCheck } from './claims.ts'
import { findingsOf } from './findings.ts'
import type { Finding } from './findings.ts'
import { agreementsOf } from './wire-agreements.ts'
import type { WireAgreement } from './wire-agreements.ts'

/** Everything that is concluded from a run's results. The CLI prints it, the report shows it. */
export interface Analysis {
  readonly findings: readonly Finding[]
  /** For each two wires that have results; otherwise empty. */
  readonly agreements: readonly WireAgreement[]
  /** For each metric: whether what the most modelled wire says of it can be believed. */
  readonly beliefs: readonly MetricBelief[]
  /** What was promised of the optimisations, in the experiment's order. It decides nothing about `passed`. */
  readonly claims: readonly ClaimCheck[]
  readonly thresholds: readonly ThresholdCheck[]
  readonly agreementThresholds: readonly AgreementCheck[]
  /** Runs that failed or never ran. They enter no number. */
  readonly holes: readonly Hole[]
  /** False where a threshold of either kind does not hold, or nothing on the wires that were run could check it. */
  readonly passed: boolean
}

/** Interval and permutation draws are the same whenever the same results are analysed. */
export const ANALYSIS_SEED = 'analysis'

/** Derives everything that is concluded from results; the same results give the same analysis. */
export function analyse (results: ResultsData): Analysis {
  const random = randomStream(ANALYSIS_SEED)
  const findings = wiresOf(results).flatMap((wire) => findingsOf(results, wire, random.fork(wire)))
  const thresholds = results.run.experiment.thresholds.map((threshold) => checkThreshold(results, findings, threshold))
  const agreementThresholds = (results.run.experiment.agreement ?? []).map((threshold) => checkAgreement(results, threshold))
  return {
    findings,
    agreements: agreementsOf(results, random.fork('agreement')),
    beliefs: beliefsOf(results, random.fork('belief')),
    claims: (results.run.experiment.promises ?? []).map((claim) => checkClaim(results, findings, claim)),
    thresholds,
    agreementThresholds,
    holes: holes(results),
    passed: [...thresholds, ...agreementThresholds].every(({ holds }) => holds)
  }
}
