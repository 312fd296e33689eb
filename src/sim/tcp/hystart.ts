import { NS_PER_MS } from '../../core/units.ts'
import type { AckSample } from './congestion.ts'
import type { SlowStartExit } from './slow-start-exit.ts'

/** Smaller windows are left to grow. */
const LEAST_WINDOW = 16
/** Acknowledgements this close together belong to one train. */
const TRAIN_GAP_NS = 2 * NS_PER_MS
/** What the sender's own bursts may add to a train's length. */
const BURST_NS = 1 * NS_PER_MS
/** Round trips looked at in each round before their least is believed. */
const ROUND_SAMPLES = 8
/** The rise of the round trip that means a queue: an eighth, within these bounds. */
const LEAST_RISE_NS = 4 * NS_PER_MS
const MOST_RISE_NS = 16 * NS_PER_MS

/**
 * Hybrid slow start, the original one as Linux has it (Ha and Rhee, "Taming the elephants", 2011): the path is full where
 * a round's acknowledgements come as a train as long as half of the round trip (all of it, with pacing), or where its round trips rise. (HyStart++
 * keeps the second alone.)
 */
export class HyStart implements SlowStartExit {
  readonly firstOnly = false
  #roundStartNs = 0
  #lastAckNs = 0
  /** The round ends when this is acknowledged. */
  #roundEnd = 0
  #samples = 0
  #roundRttNs = Infinity
  #found = false
  readonly #trainShare: number

  /** @param pacing whether segments are spread by the sender: over half of a round trip, which is not to be taken for the path's doing */
  constructor (pacing: boolean) {
    this.#trainShare = pacing ? 1 : 1 / 2
  }

  begin (nowNs: number): void {
    this.#roundStartNs = nowNs
    this.#lastAckNs = nowNs
  }

  reset (): void {
    this.#found = false
    this.#roundEnd = 0
  }

  full ({ nowNs, rttNs, acknowledgedSequence, nextSequence }: AckSample, cwnd: number, leastRttNs: number): boolean {
    if (this.#found) {
      return false
    }
    if (acknowledgedSequence > this.#roundEnd) {
      this.#roundStartNs = nowNs
      this.#lastAckNs = nowNs
      this.#roundEnd = nextSequence
      this.#samples = 0
      this.#roundRttNs = Infinity
    }
    if (cwnd < LEAST_WINDOW) {
      return false
    }
    if (nowNs - this.#lastAckNs <= TRAIN_GAP_NS) {
      this.#lastAckNs = nowNs
      this.#found = nowNs - this.#roundStartNs > (leastRttNs + BURST_NS) * this.#trainShare
    }
    this.#roundRttNs = Math.min(this.#roundRttNs, rttNs)
    if (this.#samples < ROUND_SAMPLES) {
      this.#samples++
    } else {
      this.#found ||= this.#roundRttNs > leastRttNs + Math.min(MOST_RISE_NS, Math.max(LEAST_RISE_NS, leastRttNs / 8))
    }
    return this.#found
  }

  growth (segments: number): number {
    return segments
  }
}
