import { LossDetector } from './loss-detector.ts'
import { ShiftDetector } from './shift-detector.ts'
import type { Change } from './cusum.ts'

/**
 * `loss`: a share of the attempts fails. `delay`: round trips have grown against what was usual. `bandwidth`: what is
 * delivered in a time has fallen. `partition`: a share of the peers fell silent at once; the node's alone.
 */
export type Condition = 'loss' | 'delay' | 'bandwidth' | 'partition'

/** What is found of one peer; a detector is made with its first sample. */
export class PeerConditions {
  #loss: LossDetector | undefined
  #delay: ShiftDetector | undefined
  #bandwidth: ShiftDetector | undefined

  attempt (lost: boolean, nowMs: number): Change | undefined {
    this.#loss ??= new LossDetector()
    return this.#loss.sample(lost, nowMs)
  }

  roundTrip (rttMs: number, nowMs: number): Change | undefined {
    this.#delay ??= new ShiftDetector(1)
    return this.#delay.sample(rttMs, nowMs)
  }

  delivery (rateBitsPerSecond: number, nowMs: number): Change | undefined {
    this.#bandwidth ??= new ShiftDetector(-1)
    return this.#bandwidth.sample(rateBitsPerSecond, nowMs)
  }

  /** The usual round trip; undefined before the first sample. */
  get usualRttMs (): number | undefined {
    return this.#delay?.baseline
  }

  /** Whether no condition holds. */
  get none (): boolean {
    return this.#loss?.active !== true && this.#delay?.active !== true && this.#bandwidth?.active !== true
  }

  /** Since when a condition holds; undefined where it does not, `unknown` where nothing was measured of it. */
  since (condition: Exclude<Condition, 'partition'>): number | undefined | 'unknown' {
    const detector = condition === 'loss' ? this.#loss : condition === 'delay' ? this.#delay : this.#bandwidth
    if (detector === undefined) {
      return 'unknown'
    }
    return detector.active ? detector.sinceMs : undefined
  }
}

/** Fewer peers say nothing of the node as a whole. */
const LEAST_PEERS = 3
/** The share of the peers at which a condition becomes the node's, and below which it is no longer. */
const ENTERING_SHARE = 0.5
const LEAVING_SHARE = 0.25

/** A condition of the node as a whole: enough of its peers have it at once. */
export class NodeCondition {
  #active = false
  #sinceMs = 0

  get active (): boolean {
    return this.#active
  }

  /** When enough peers had it, by the estimates of each. */
  get sinceMs (): number {
    return this.#sinceMs
  }

  /**
   * @param beginningsMs when it began at each peer that has it; is sorted
   * @param peers of which it is known whether they have it
   */
  update (beginningsMs: number[], peers: number, nowMs: number): Change | undefined {
    if (this.#active) {
      // With too few peers left there is nothing to say it of.
      return peers < LEAST_PEERS || beginningsMs.length < peers * LEAVING_SHARE ? this.#turn(nowMs, nowMs) : undefined
    }
    if (peers < LEAST_PEERS || beginningsMs.length < peers * ENTERING_SHARE) {
      return undefined
    }
    beginningsMs.sort((a, b) => a - b)
    return this.#turn(beginningsMs[Math.ceil(peers * ENTERING_SHARE) - 1], nowMs)
  }

  #turn (sinceMs: number, nowMs: number): Change {
    this.#active = !this.#active
    this.#sinceMs = sinceMs
    return { phase: this.#active ? 'entered' : 'left', detectionDelayMs: nowMs - sinceMs }
  }
}
