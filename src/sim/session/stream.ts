import type { ByteQueue } from './byte-queue.ts'
import { SessionError } from './errors.ts'
import { MessageStream } from './message-stream.ts'
import { YAMUX_HEADER_BYTES } from './wire-format.ts'

export type { CloseDetails, StreamStatus } from './message-stream.ts'
export type Direction = 'inbound' | 'outbound'

/** The part of the muxer that a stream acts on. */
export interface StreamTransport {
  readonly nowMs: number
  /** Round trip as measured by yamux's ping in whole milliseconds, -1 before the first. */
  readonly rttMs: number
  /**
   * False while the connection wants a pause; the frame is queued all the same.
   *
   * @throws StreamStateError where the connection takes no more
   */
  sendData(streamId: number, flags: number, data: ByteQueue): boolean
  sendWindowUpdate(streamId: number, flags: number, delta: number): void
}

export const YAMUX_SYN = 1
export const YAMUX_ACK = 2
export const YAMUX_FIN = 4
export const YAMUX_RST = 8

// @chainsafe/libp2p-yamux 8: config.ts and constants.ts.
const INITIAL_WINDOW_BYTES = 256 * 1024
const MAX_WINDOW_BYTES = 16 * 1024 * 1024
/** The window grows when it was used up within this many round trips. */
const GROWTH_ROUND_TRIPS = 4

/**
 * A yamux stream: flow control, half close and reset as js-libp2p's (@chainsafe/libp2p-yamux 8), so that the same frames
 * go over the wire at the same times.
 */
export class SimStream extends MessageStream {
  readonly id: string
  readonly streamId: number
  readonly direction: Direction
  protocol = ''

  readonly #transport: StreamTransport
  #state: 'init' | 'syn-received' | 'established' | 'paused'
  #sendWindowBytes = INITIAL_WINDOW_BYTES
  #receiveWindowBytes = INITIAL_WINDOW_BYTES
  #receiveCapacityBytes = INITIAL_WINDOW_BYTES
  #epochStartMs: number

  constructor (transport: StreamTransport, streamId: number, direction: Direction) {
    super()
    this.#transport = transport
    this.streamId = streamId
    this.id = String(streamId)
    this.direction = direction
    this.maxMessageBytes = INITIAL_WINDOW_BYTES - YAMUX_HEADER_BYTES
    this.#state = direction === 'outbound' ? 'init' : 'syn-received'
    this.#epochStartMs = transport.nowMs
    // Nothing is opened or held back any more.
    this.addEventListener('close', () => { this.#state = 'established' })
  }

  /**
   * From the muxer: a data frame.
   *
   * @throws ReceiveWindowExceededError
   */
  onDataFrame (flags: number, data: ByteQueue): void {
    this.#onFlags(flags)
    if (this.#receiveCapacityBytes < data.byteLength) {
      throw new SessionError('ReceiveWindowExceededError', 'Receive window exceeded')
    }
    this.#receiveCapacityBytes -= data.byteLength
    this.onData(data)
    this.updateWindow()
  }

  /** From the muxer: a window update frame. */
  onWindowUpdate (flags: number, delta: number): void {
    this.#onFlags(flags)
    this.#sendWindowBytes += delta
    // It follows the window only when that is updated: an exhausted window ends in a frame of 12 bytes.
    this.maxMessageBytes = Math.max(0, this.#sendWindowBytes - YAMUX_HEADER_BYTES)
    if (this.maxMessageBytes > 0 && this.writeBufferLength > 0) {
      this.drain()
    }
  }

  /** Sends a window update where one is due, doubling the window while its use keeps up with the path. */
  updateWindow (): void {
    const { nowMs, rttMs } = this.#transport
    if (this.#state === 'paused') {
      this.#epochStartMs = nowMs
      return
    }
    const flags = this.#takeOpeningFlag()
    if (flags === 0 && rttMs > -1 && nowMs - this.#epochStartMs <= rttMs * GROWTH_ROUND_TRIPS) {
      this.#receiveWindowBytes = Math.min(this.#receiveWindowBytes * 2, MAX_WINDOW_BYTES)
    }
    if (this.#receiveCapacityBytes >= this.#receiveWindowBytes && flags === 0) {
      return
    }
    const delta = this.#receiveWindowBytes - this.#receiveCapacityBytes
    this.#receiveCapacityBytes = this.#receiveWindowBytes
    this.#epochStartMs = nowMs
    this.#transport.sendWindowUpdate(this.streamId, flags, delta)
  }

  protected override sendData (data: ByteQueue): boolean {
    while (data.byteLength > 0) {
      const byteLength = Math.min(this.#sendWindowBytes, data.byteLength)
      if (byteLength === 0) {
        return false
      }
      const canSendMore = this.#transport.sendData(this.streamId, this.#takeOpeningFlag(), data.split(byteLength))
      this.#sendWindowBytes -= byteLength
      if (!canSendMore) {
        return false
      }
    }
    return true
  }

  protected override sendReset (): void {
    this.#transport.sendWindowUpdate(this.streamId, YAMUX_RST, 0)
  }

  protected override sendCloseWrite (): void {
    this.#transport.sendWindowUpdate(this.streamId, this.#takeOpeningFlag() | YAMUX_FIN, 0)
  }

  protected override sendPause (): void {
    this.#state = 'paused'
  }

  protected override sendResume (): void {
    this.#state = 'established'
    this.updateWindow()
  }

  #onFlags (flags: number): void {
    if ((flags & YAMUX_FIN) !== 0) {
      this.onRemoteCloseWrite()
    }
    if ((flags & YAMUX_RST) !== 0) {
      this.onRemoteReset()
    }
  }

  #takeOpeningFlag (): number {
    const flag = this.#state === 'init' ? YAMUX_SYN : this.#state === 'syn-received' ? YAMUX_ACK : 0
    if (flag !== 0) {
      this.#state = 'established'
    }
    return flag
  }
}
