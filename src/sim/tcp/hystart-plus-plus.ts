import { NS_PER_MS } from '../../core/units.ts'
import type { AckSample } from './congestion.ts'
import type { SlowStartExit } from './slow-start-exit.ts'

/** RFC 9406 4.3, under the RFC's names: MIN_RTT_THRESH, MAX_RTT_THRESH, MIN_RTT_DIVISOR, N_RTT_SAMPLE. */
const LEAST_RISE_NS = 4 * NS_PER_MS
const MOST_RISE_NS = 16 * NS_PER_MS
const RISE_DIVISOR = 8
const ROUND_SAMPLES = 8
/** CSS_GROWTH_DIVISOR and CSS_ROUNDS. */
const CONSERVATIVE_DIVISOR = 4
const CONSERVATIVE_ROUNDS = 5
/** L of a sender that is not paced: what one acknowledgement adds to the window at most, in segments. */
const MOST_GROWTH_SEGMENTS = 8

/**
 * HyStart++ (RFC 9406): where the least round trip of a round rises above that of the round before, slow start goes on at a
 * quarter of its pace (conservative slow start). After five such rounds it ends; where a round trip falls below that of
 * the rise, it was jitter, and slow start resumes.
 */
export class HyStartPlusPlus implements SlowStartExit {
  /** RFC 9406 4.3: later slow starts end at the threshold that the first one found. */
  readonly firstOnly = true
  /** The round ends when this is acknowledged. */
  #windowEnd = 0
  #lastRoundNs = Infinity
  #roundNs = Infinity
  #samples = 0
  #conservative = false
  #baselineNs = Infinity
  #conservativeRounds = 0

  begin (_nowNs: number): void {}

  reset (): void {}

  full ({ acknowledgedSequence, nextSequence, rttNs }: AckSample): boolean {
    if (acknowledgedSequence > this.#windowEnd) {
      this.#windowEnd = nextSequence
      this.#lastRoundNs = this.#roundNs
      this.#roundNs = Infinity
      this.#samples = 0
      if (this.#conservative && ++this.#conservativeRounds === CONSERVATIVE_ROUNDS) {
        return true
      }
    }
    this.#roundNs = Math.min(this.#roundNs, rttNs)
    this.#samples++
    if (this.#samples >= ROUND_SAMPLES) {
      this.#judge()
    }
    return false
  }

  growth (segments: number): number {
    const most = Math.min(segments, MOST_GROWTH_SEGMENTS)
    return this.#conservative ? most / CONSERVATIVE_DIVISOR : most
  }

  #judge (): void {
    if (this.#conservative) {
      this.#conservative = this.#roundNs >= this.#baselineNs
    } else if (this.#lastRoundNs !== Infinity) {
      const riseNs = Math.max(LEAST_RISE_NS, Math.min(this.#lastRoundNs / RISE_DIVISOR, MOST_RISE_NS))
      if (this.#roundNs >= this.#lastRoundNs + riseNs) {
        this.#conservative = true
        this.#baselineNs = this.#roundNs
        this.#conservativeRounds = 0
      }
    }
  }
}
