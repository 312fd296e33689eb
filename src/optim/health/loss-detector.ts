import { ChangeDetector } from './cusum.ts'
import type { Change } from './cusum.ts'

/** The share of attempts that may be lost, and the share that must be found. */
const TOLERATED_LOSS = 0.02
const FOUND_LOSS = 0.2

/** The log-likelihood ratio of one attempt, lost or not, under the two. */
const EVIDENCE_OF_LOSS = Math.log(FOUND_LOSS / TOLERATED_LOSS)
const EVIDENCE_OF_ANSWER = Math.log((1 - FOUND_LOSS) / (1 - TOLERATED_LOSS))

/**
 * Four losses close together. At the tolerated loss a false alarm comes once in about 115,000 attempts on average (the
 * ARL, which the tests compute); with 20% lost the change is found after about 31 attempts, with all lost after 4.
 */
const THRESHOLD = 9

/** Finds by a CUSUM of Bernoulli trials that a peer loses a share of the attempts. */
export class LossDetector extends ChangeDetector {
  constructor () {
    super(THRESHOLD)
  }

  sample (lost: boolean, nowMs: number): Change | undefined {
    return this.add(lost ? EVIDENCE_OF_LOSS : EVIDENCE_OF_ANSWER, nowMs)
  }
}
