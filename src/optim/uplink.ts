import type { TrafficClass } from './traffic-class.ts'

/** What one class of one peer has to send: the unit that a scheduler shares the way out among. */
export interface Flow {
  readonly peer: string
  readonly class: TrafficClass
  /** Bytes that wait and could be sent now; 0 where nothing waits, or where the stream or its window has no room. */
  readonly backlogBytes: number
  /**
   * Sends about `grantBytes` now: less where less waits, more only where a single message is larger. Answers the bytes
   * that really went; 0 where none could. A flow that could not, or that has something again, says so with `ready`.
   */
  transmit(grantBytes: number): number
}

/** Decides when which flow may send. Never calls `transmit` of a flow from within that flow's `transmit`. */
export interface Uplink {
  /** The flow has a backlog. It is told to transmit, at once or when its turn comes, until it has none. */
  ready(flow: Flow): void
  /** The flow is gone; what was set aside for it is given back. */
  remove(flow: Flow): void
  /** The rate that the flow may count on, in bit/s; Infinity where nothing bounds it. */
  rateBitsPerSecond(flow: Flow): number
  /** A bound on what may lie unacknowledged below the scheduler, for a new flow of this class. */
  newWindow(trafficClass: TrafficClass): SendWindow
}

/** Bounds the bytes that a flow has handed to the transport and of which it is not known yet that they arrived. */
export interface SendWindow {
  /** In bytes; never below one batch. */
  readonly windowBytes: number
  /** Bytes have arrived: adapts the window. */
  onAcknowledged(sample: AcknowledgedSample): void
}

/** What an acknowledgement says. */
export interface AcknowledgedSample {
  readonly nowMs: number
  /** Newly acknowledged, in bytes on the wire. */
  readonly bytes: number
  /** From handing over until the acknowledgement, less what the far side says that it held it. */
  readonly rttMs: number
  /** Bytes that were unacknowledged before this sample. */
  readonly inFlightBytes: number
  /** True where the window was not what kept the flow from sending more. */
  readonly applicationLimited: boolean
}

/** What may lie unacknowledged where nothing adapts: the bandwidth-delay product of 100 Mbit/s and 80 ms. */
const FIXED_WINDOW_BYTES = 1_000_000
/** Transmitted at a time where nothing paces: what one batch may hold at most. */
const QUANTUM_BYTES = 64 * 1024

/** Lets every flow send at once: the uplink where there is no bandwidth manager. */
export class UnshapedUplink implements Uplink {
  readonly #ready: Flow[] = []
  #pumping = false

  ready (flow: Flow): void {
    this.#ready.push(flow)
    if (this.#pumping) {
      return
    }
    this.#pumping = true
    try {
      for (let next = this.#ready.shift(); next !== undefined; next = this.#ready.shift()) {
        while (next.backlogBytes > 0 && next.transmit(QUANTUM_BYTES) > 0) {
          // Until it has nothing left, or no room.
        }
      }
    } finally {
      this.#pumping = false
    }
  }

  remove (): void {}

  rateBitsPerSecond (): number {
    return Infinity
  }

  newWindow (): SendWindow {
    return { windowBytes: FIXED_WINDOW_BYTES, onAcknowledged () {} }
  }
}
