import type { TcpOptions } from './options.ts'

/** Segments of room beyond what was read, so that losses in slow start do not close the window. */
const SPARE_SEGMENTS = 16
/** Segments smaller than this do not let the window grow towards the limit. */
const SMALL_BYTES = 128

/**
 * How much a receiver offers: dynamic right-sizing (Fisk and Feng, 2001) as Linux does it. At first little; the offer grows
 * by two segments for each that arrives, up to a limit, which is twice what the application read in the last round trip and
 * more where that grew, so that the sender may double its rate.
 */
export class ReceiveWindow {
  /** What is offered where nothing waits to be read. */
  bytes: number
  readonly #options: Readonly<TcpOptions>
  #limitBytes: number
  /** The smoothed round trip, queues included, by echoed timestamps, each taken once; infinite before the first. */
  #rttNs = Infinity
  #lastEchoNs = -1
  #roundStartNs = -1
  #roundBytes = 0
  /** The most read in a round so far. */
  #mostBytes: number

  constructor (options: Readonly<TcpOptions>) {
    this.#options = options
    const { receiveBufferBytes, initialReceiveWindowBytes, receiveAutotuning } = options
    this.bytes = receiveAutotuning ? Math.min(initialReceiveWindowBytes, receiveBufferBytes) : receiveBufferBytes
    this.#limitBytes = this.bytes
    this.#mostBytes = options.initialWindowSegments * options.mssBytes
  }

  /** A segment within the window arrived. */
  onSegment (nowNs: number, length: number, echoNs: number): void {
    if (!this.#options.receiveAutotuning) {
      return
    }
    if (length >= this.#options.mssBytes && echoNs > this.#lastEchoNs) {
      this.#lastEchoNs = echoNs
      const rttNs = nowNs - echoNs
      this.#rttNs = this.#rttNs === Infinity ? rttNs : this.#rttNs + (rttNs - this.#rttNs) / 8
    }
    if (length >= SMALL_BYTES && this.bytes < this.#limitBytes) {
      this.bytes = Math.min(this.#limitBytes, this.bytes + 2 * this.#options.mssBytes)
    }
  }

  /** The application took so much. */
  onRead (nowNs: number, byteCount: number): void {
    if (!this.#options.receiveAutotuning) {
      return
    }
    if (this.#roundStartNs < 0) {
      this.#roundStartNs = nowNs
    }
    this.#roundBytes += byteCount
    if (nowNs - this.#roundStartNs < this.#rttNs) {
      return
    }
    if (this.#roundBytes > this.#mostBytes) {
      const growth = (this.#roundBytes - this.#mostBytes) / this.#mostBytes
      const wantedBytes = 2 * this.#roundBytes + SPARE_SEGMENTS * this.#options.mssBytes
      const limitBytes = Math.min(this.#options.receiveBufferBytes, Math.floor(wantedBytes * (1 + 2 * growth)))
      this.#limitBytes = Math.max(this.#limitBytes, limitBytes)
      this.#mostBytes = this.#roundBytes
    }
    this.#roundStartNs = nowNs
    this.#roundBytes = 0
  }
}
