import type { TcpOptions } from './options.ts'

/** The first buffer, 128 KiB of memory of which 158/256 is payload, lets the window grow this much beyond what it is at first. */
const FIRST_GROWTH = 80_896 / 65_160
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
  /**
   * The round trip by echoed timestamps, each taken once: a shorter one counts at once, longer ones are smoothed, so that
   * rounds begin with flights. Infinite before the first.
   */
  rttNs = Infinity
  #lastEchoNs = -1
  #roundStartNs = 0
  #roundBytes = 0
  /** The most read in a round so far. */
  #mostBytes: number

  constructor (options: Readonly<TcpOptions>) {
    this.#options = options
    const { receiveBufferBytes, initialReceiveWindowBytes, receiveAutotuning } = options
    this.bytes = receiveAutotuning ? Math.min(initialReceiveWindowBytes, receiveBufferBytes) : receiveBufferBytes
    this.#limitBytes = Math.min(Math.floor(this.bytes * FIRST_GROWTH), receiveBufferBytes)
    this.#mostBytes = options.initialWindowSegments * options.mssBytes
  }

  /** The connection stands: the first round begins. */
  begin (nowNs: number): void {
    this.#roundStartNs = nowNs
  }

  /** A segment within the window arrived. True where the offer grew, which the sender should learn soon. */
  onSegment (nowNs: number, length: number, echoNs: number): boolean {
    if (!this.#options.receiveAutotuning) {
      return false
    }
    if (length >= this.#options.mssBytes && echoNs > this.#lastEchoNs) {
      this.#lastEchoNs = echoNs
      const rttNs = nowNs - echoNs
      this.rttNs = rttNs < this.rttNs ? rttNs : this.rttNs + (rttNs - this.rttNs) / 8
    }
    if (length < SMALL_BYTES || this.bytes >= this.#limitBytes) {
      return false
    }
    this.bytes = Math.min(this.#limitBytes, this.bytes + 2 * this.#options.mssBytes)
    return true
  }

  /** The application took so much. */
  onRead (nowNs: number, byteCount: number): void {
    if (!this.#options.receiveAutotuning) {
      return
    }
    this.#roundBytes += byteCount
    if (nowNs - this.#roundStartNs < this.rttNs) {
      return
    }
    if (this.#roundBytes > this.#mostBytes) {
      const growth = (this.#roundBytes - this.#mostBytes) / this.#mostBytes
      const wantedBytes = 2 * this.#roundBytes
      const limitBytes = Math.min(this.#options.receiveBufferBytes, Math.floor(wantedBytes * (1 + 2 * growth)))
      this.#limitBytes = Math.max(this.#limitBytes, limitBytes)
      this.#mostBytes = this.#roundBytes
    }
    this.#roundStartNs = nowNs
    this.#roundBytes = 0
  }
}
