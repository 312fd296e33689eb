import { NS_PER_MS, NS_PER_S } from '../../core/units.ts'
import type { CongestionController } from './congestion.ts'
import type { TcpOptions } from './options.ts'

/** Linux's sk_pacing_shift: a burst is what the rate brings in 1/1024 s. */
const BURSTS_PER_SECOND = 1024
/** The most that one burst takes: GSO_MAX_SIZE. */
const MOST_BURST_BYTES = 65_536
/** Short round trips let bursts be larger: by half as much for each such unit, 512 us (tcp_tso_rtt_log 9). */
const SHORT_RTT_NS = 512_000
/** After so many of them nothing is left of `MOST_BURST_BYTES`. */
const HALVINGS = 17
/** Below this rate a paced flow sends segments singly. */
const SINGLE_BYTES_PER_SECOND = 1_200_000 / 8
/** Where no controller paces, the rate is the window a round trip, and so much more in slow start and after. */
const SLOW_START_RATIO = 2
const AVOIDANCE_RATIO = 1.2
/** Linux's tcp_tso_win_divisor: a third of the window need not wait. */
const WINDOW_DIVISOR = 3
/** The initial window is not paced. */
const UNPACED_SEGMENTS = 10

/** What leaves together at a paced rate: at least 2 segments, or 1 where that would take long. */
export function burstSegments (bytesPerSecond: number, mssBytes: number, moreBytes = 0): number {
  const least = bytesPerSecond < SINGLE_BYTES_PER_SECOND ? 1 : 2
  const bytes = Math.min(MOST_BURST_BYTES, bytesPerSecond / BURSTS_PER_SECOND + moreBytes)
  return Math.max(least, Math.floor(bytes / mssBytes))
}

/** Where the sender stands: what `Pacer` decides by. */
export interface SendingState {
  readonly nowNs: number
  readonly srttNs: number
  readonly minRttNs: number
  readonly outstandingBytes: number
  /** What the congestion window and the peer's window leave room for. */
  readonly roomBytes: number
  readonly peerRoomBytes: number
  readonly unsentBytes: number
  /** When the oldest segment in flight was sent; infinite where there is none. */
  readonly headSentNs: number
  readonly recovering: boolean
}

/** Decides when the next segments may leave, the windows allowing it: in bursts, as Linux's TSO makes them, and paced. */
export class Pacer {
  /** Nothing leaves before. */
  nextNs = 0
  /** What was last meant to leave together. */
  burstSegments = 1
  readonly #options: Readonly<TcpOptions>
  readonly #congestion: CongestionController
  readonly #paces: boolean
  /** By the window, in bytes a second, when the present burst began. */
  #windowRate = Infinity
  /** What is left of the present burst, and whether it is of more than one segment. */
  #burstBytes = 0
  #manySegments = false
  #lastSentNs = 0
  #segments = 0

  constructor (options: Readonly<TcpOptions>, congestion: CongestionController) {
    this.#options = options
    this.#congestion = congestion
    this.#paces = options.pacing
  }

  /** Whether the rate holds the next burst back until `nextNs`. */
  holds (nowNs: number): boolean {
    return this.#burstBytes <= 0 && nowNs < this.nextNs
  }

  /** What began may go on. */
  get inBurst (): boolean {
    return this.#burstBytes > 0
  }

  /** Outside a burst: whether new data waits, so as to leave together with more once acknowledgements have opened the window further. */
  defers (state: SendingState): boolean {
    const { mssBytes, bursts } = this.#options
    if (this.#paces || bursts === 'autosized') {
      this.#windowRate = this.#rateOfWindow(state)
    }
    if (bursts === 'single') {
      this.#burstBytes = mssBytes
      return false
    }
    this.burstSegments = this.#burstSegments(state)
    const burstBytes = this.burstSegments * mssBytes
    const roomBytes = Math.min(state.roomBytes, state.peerRoomBytes)
    if (roomBytes < burstBytes && roomBytes < state.unsentBytes && this.#mayWait(state, roomBytes)) {
      return true
    }
    this.#burstBytes = Math.min(burstBytes, Math.max(1, Math.floor(roomBytes / mssBytes)) * mssBytes)
    this.#manySegments = this.#burstBytes > mssBytes && state.unsentBytes > mssBytes
    return false
  }

  /** A segment of `bytes` left; a copy is a burst by itself. */
  onSent (nowNs: number, bytes: number, copy: boolean): void {
    this.#burstBytes = copy ? 0 : this.#burstBytes - bytes
    this.#manySegments &&= !copy
    this.#lastSentNs = nowNs
    this.#segments++
    const { pacingBytesPerSecond } = this.#congestion
    const rate = this.#paces && pacingBytesPerSecond === Infinity ? this.#windowRate : pacingBytesPerSecond
    if (rate !== Infinity && this.#segments > UNPACED_SEGMENTS) {
      const durationNs = bytes * NS_PER_S / rate
      // Time that passed unused gives credit, of half a segment's at most.
      const creditNs = Math.max(0, nowNs - this.nextNs)
      this.nextNs = Math.max(this.nextNs, nowNs) + durationNs - Math.min(durationNs / 2, creditNs)
    }
  }

  /**
   * The burst is over and was one of several segments: its last bears PSH, so that a receiver whose application waits
   * acknowledges it at once.
   */
  get pushes (): boolean {
    return this.#burstBytes <= 0 && this.#manySegments
  }

  /** Nothing more may leave now: the burst is over, full or not. */
  endBurst (): void {
    this.#burstBytes = 0
  }

  /** Linux's tcp_tso_should_defer. */
  #mayWait (state: SendingState, roomBytes: number): boolean {
    return !state.recovering &&
      state.nowNs - this.#lastSentNs <= NS_PER_MS &&
      roomBytes < this.#congestion.cwndBytes / WINDOW_DIVISOR &&
      // The acknowledgement of the oldest segment is to be expected soon, and smooth clocking matters more than bursts.
      state.headSentNs + state.srttNs - state.nowNs <= Math.min(NS_PER_MS, state.srttNs / 2)
  }

  /** Linux's tcp_tso_autosize. */
  #burstSegments ({ minRttNs }: SendingState): number {
    const { pacingBytesPerSecond } = this.#congestion
    const { mssBytes } = this.#options
    const nearBytes = minRttNs < HALVINGS * SHORT_RTT_NS ? MOST_BURST_BYTES >> Math.floor(minRttNs / SHORT_RTT_NS) : 0
    if (pacingBytesPerSecond !== Infinity) {
      return burstSegments(pacingBytesPerSecond, mssBytes, nearBytes)
    }
    return Math.max(2, burstSegments(this.#windowRate, mssBytes, nearBytes))
  }

  /** Linux's tcp_update_pacing_rate. */
  #rateOfWindow ({ srttNs, outstandingBytes }: SendingState): number {
    const { cwndBytes, ssthreshBytes } = this.#congestion
    const ratio = cwndBytes < ssthreshBytes / 2 ? SLOW_START_RATIO : AVOIDANCE_RATIO
    return ratio * Math.max(cwndBytes, outstandingBytes) * NS_PER_S / srttNs
  }
}
