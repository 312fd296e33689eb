import type { SendWindow } from '../uplink.ts'
import type { BatchStream } from './batch-stream.ts'
import type { Arrival, BatchSender } from './in-flight.ts'

/** The stream that a flow sends on, and what of the flow is under way there. */
export class Carrier implements BatchSender {
  readonly stream: BatchStream
  readonly #window: SendWindow
  readonly #onArrival: (carrier: Carrier, arrival: Arrival, applicationLimited: boolean) => void
  #batches = 0
  #bytes = 0
  /** The window kept more from being sent, since something was last acknowledged. */
  #limited = false

  constructor (stream: BatchStream, window: SendWindow, onArrival: (carrier: Carrier, arrival: Arrival, applicationLimited: boolean) => void) {
    this.stream = stream
    this.#window = window
    this.#onArrival = onArrival
  }

  /** Batches that were not acknowledged. */
  get batches (): number {
    return this.#batches
  }

  /**
   * What may be sent before something is acknowledged; with nothing under way, any one batch. While nothing is read, no
   * acknowledgement comes, and it would be waited for in vain: the muxer's window is then the only one, and the asking
   * end has room for all of it.
   */
  get roomBytes (): number {
    return this.#bytes === 0 || this.stream.full
      ? Infinity
      : Math.min(this.#window.windowBytes - this.#bytes, MAXIMUM_UNACKNOWLEDGED_BYTES - this.stream.unacknowledgedBytes)
  }

  /** @param nextBytes what waits and would be next; 0 where nothing does */
  onSent (wireBytes: number, nextBytes: number): void {
    this.#batches++
    this.#bytes += wireBytes
    this.#limited = nextBytes > this.roomBytes
  }

  onAcknowledged (arrival: Arrival): void {
    const { nowMs, rttMs, batches, wireBytes } = arrival
    const applicationLimited = !this.#limited
    this.#window.onAcknowledged({ nowMs, bytes: wireBytes, rttMs, inFlightBytes: this.#bytes, applicationLimited })
    this.#batches -= batches
    this.#bytes -= wireBytes
    this.#limited = false
    this.#onArrival(this, arrival, applicationLimited)
  }
}

/** On one stream, a batch of each class excepted, so that a far side which stops reading need not keep more: libp2p resets a stream of which 4 MiB are unread. */
const MAXIMUM_UNACKNOWLEDGED_BYTES = 2 * 1024 * 1024
