import { MINIMUM_WINDOW_BYTES, withinWindowBounds } from './window-bounds.ts'
import { WindowedExtreme } from './windowed-extreme.ts'
import type { AcknowledgedSample, SendWindow } from '../uplink.ts'

/** RFC 6817, section 2.5: TARGET must be 100 ms or less. */
export const LEDBAT_TARGET_MS = 100
/** Must be 1 or less: at 1 it grows no faster than TCP. */
const GAIN = 1
/** Segments that the window may be ahead of what is in flight. */
const ALLOWED_INCREASE = 1
/** BASE_HISTORY: minutes after which a longer path is believed. */
const BASE_HISTORY = 10
const MINUTE_MS = 60_000
/** CURRENT_FILTER: the least of the last few delays counts, so that one late acknowledgement does not. */
const CURRENT_FILTER = 4
/** The least congestion timeout (CTO), in milliseconds. */
const MINIMUM_CTO_MS = 1000

/**
 * LEDBAT (RFC 6817): a window for bulk that yields to whatever else uses the path, because it holds the queueing delay
 * that it sees at 100 ms and backs off where others queue.
 *
 * What it sees are round trips, in place of the one-way delays of the RFC, since nothing else is measured. So queueing on
 * the way back counts as well: bulk yields to downloads at this end too, and where the way back is what is congested it
 * sends less than it could.
 *
 * A queue that it holds itself for more than ten minutes without a pause becomes part of the base delay: a weakness of the
 * RFC's, which LEDBAT++ mends and this does not.
 *
 * Its unit, the RFC's MSS, is what one grant of the scheduler holds; its floor is one batch rather than 2 MSS.
 */
export class Ledbat implements SendWindow {
  readonly #segmentBytes: number
  readonly #targetMs: number
  readonly #baseDelays = new WindowedExtreme('least', MINUTE_MS, BASE_HISTORY)
  readonly #currentDelays = new Float64Array(CURRENT_FILTER).fill(Infinity)
  #samples = 0
  #windowBytes = MINIMUM_WINDOW_BYTES
  #srttMs = 0
  #rttVarMs = 0
  #reducedMs = -Infinity

  /**
   * @param segmentBytes what is sent at a time
   * @param targetMs the queueing delay to hold; at most 100, the RFC's
   */
  constructor (segmentBytes: number, targetMs: number) {
    this.#segmentBytes = segmentBytes
    this.#targetMs = Math.min(targetMs, LEDBAT_TARGET_MS)
  }

  get windowBytes (): number {
    return this.#windowBytes
  }

  /** Section 2.4.2, "on acknowledgement". An acknowledgement that outlasted the congestion timeout counts as a loss. */
  onAcknowledged ({ nowMs, bytes, rttMs, inFlightBytes, applicationLimited }: AcknowledgedSample): void {
    const overdue = this.#samples > 0 && rttMs > this.congestionTimeoutMs
    this.#baseDelays.add(nowMs, rttMs)
    this.#currentDelays[this.#samples++ % CURRENT_FILTER] = rttMs
    this.#updateTimeout(rttMs)
    if (overdue) {
      this.onLoss(nowMs)
      return
    }
    const queuingDelayMs = this.#currentDelays.reduce((least, delayMs) => Math.min(least, delayMs)) - this.#baseDelays.value(nowMs)
    const offTarget = (this.#targetMs - queuingDelayMs) / this.#targetMs
    if (offTarget > 0 && applicationLimited) {
      return
    }
    const grownBytes = this.#windowBytes + GAIN * offTarget * bytes * this.#segmentBytes / this.#windowBytes
    // Section 2.4.1: a window that was not filled says nothing about the path, and is not to be saved up. One that a whole
    // message more does not fit into is filled: the RFC's is one of bytes, of which any number fits.
    const usedBytes = applicationLimited ? inFlightBytes : Math.max(inFlightBytes, this.#windowBytes)
    const allowedBytes = usedBytes + ALLOWED_INCREASE * this.#segmentBytes
    this.#windowBytes = withinWindowBounds(Math.min(grownBytes, allowedBytes))
  }

  /** Section 2.4.2, "on data loss": halves the window, once a round trip at most. */
  onLoss (nowMs: number): void {
    if (nowMs - this.#reducedMs >= this.#srttMs) {
      this.#reducedMs = nowMs
      this.#windowBytes = withinWindowBounds(this.#windowBytes / 2)
    }
  }

  /** CTO: how long an acknowledgement may take before it counts as a loss, as in RFC 6298. */
  get congestionTimeoutMs (): number {
    return Math.max(MINIMUM_CTO_MS, this.#srttMs + 4 * this.#rttVarMs)
  }

  #updateTimeout (rttMs: number): void {
    if (this.#samples === 1) {
      this.#srttMs = rttMs
      this.#rttVarMs = rttMs / 2
    } else {
      this.#rttVarMs += (Math.abs(this.#srttMs - rttMs) - this.#rttVarMs) / 4
      this.#srttMs += (rttMs - this.#srttMs) / 8
    }
  }
}
