import { NS_PER_MS } from '../../core/units.ts'
import type { TcpOptions } from './options.ts'

/** So many acknowledgements of the same number leave at once: the sender may need them to find the loss. */
const UNCOMPRESSED = 3
/** Linux's tcp_comp_sack_delay_ns; shorter round trips allow 5% of theirs. */
const MOST_DELAY_NS = 1 * NS_PER_MS
const ROUND_TRIP_SHARE = 0.05
/** Linux's tcp_comp_sack_nr: so many segments wait for one acknowledgement. */
const MOST_SEGMENTS = 44
/** Linux's TCP_SACK_BLOCKS_EXPECTED: beyond so many blocks one acknowledgement might not have room for all the news. */
const EXPECTED_BLOCKS = 2

/**
 * How long the acknowledgement of a segment that arrived out of order waits for more of them, as in Linux ("tcp: add SACK
 * compression", 2018): while a hole is open a receiver would otherwise acknowledge each segment by itself.
 */
export class SackCompression {
  readonly #on: boolean
  /** The acknowledgement number, and how many acknowledgements of it left at once. */
  #acknowledgement = -1
  #sent = 0
  /** Segments that wait. */
  #waiting = 0

  constructor (options: Readonly<TcpOptions>) {
    this.#on = options.sack && options.sackCompression
  }

  /**
   * For a segment beyond a hole: 0 where its acknowledgement should leave at once, else the longest that it may wait.
   * `blocksBefore` are the SACK blocks that would be reported before its own.
   */
  delayNs (acknowledgement: number, blocksBefore: number, rttNs: number): number {
    if (!this.#on || this.#waiting >= MOST_SEGMENTS || (this.#waiting > 0 && blocksBefore >= EXPECTED_BLOCKS)) {
      return 0
    }
    if (acknowledgement !== this.#acknowledgement) {
      this.#acknowledgement = acknowledgement
      this.#sent = 0
    }
    if (this.#sent < UNCOMPRESSED) {
      this.#sent++
      return 0
    }
    this.#waiting++
    return Math.min(MOST_DELAY_NS, Math.ceil(rttNs * ROUND_TRIP_SHARE))
  }

  /** An acknowledgement leaves: it is that of all that waited. */
  onSent (): void {
    this.#waiting = 0
  }
}
