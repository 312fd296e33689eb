import { Emitter } from './emitter.ts'
import { SessionError } from './errors.ts'
import { settled } from './settled.ts'
import { YAMUX_HEADER_BYTES } from './wire-format.ts'

export type StreamStatus = 'open' | 'closing' | 'closed' | 'aborted' | 'reset'
export type Direction = 'inbound' | 'outbound'

export interface CloseDetails {
  readonly error?: Error
  readonly local?: boolean
}

interface SimStreamEvents {
  message: { readonly data: Uint8Array }
  drain: unknown
  idle: unknown
  remoteCloseWrite: unknown
  close: CloseDetails
}

/** The part of the muxer that a stream acts on. */
export interface StreamTransport {
  readonly nowMs: number
  /** Round trip as measured by yamux's ping in whole milliseconds, -1 before the first. */
  readonly rttMs: number
  /** False while the connection wants a pause. */
  readonly writable: boolean
  sendData(streamId: number, flags: number, data: Uint8Array): void
  sendWindowUpdate(streamId: number, flags: number, delta: number): void
  forget(stream: SimStream): void
}

export const YAMUX_SYN = 1
export const YAMUX_ACK = 2
export const YAMUX_FIN = 4
export const YAMUX_RST = 8

// libp2p/yamux 8: config.ts and constants.ts.
const INITIAL_WINDOW_BYTES = 256 * 1024
const MAX_WINDOW_BYTES = 16 * 1024 * 1024
const MAX_READ_BUFFER_BYTES = 4 * 1024 * 1024
/** The window grows when it was used up within this many round trips. */
const GROWTH_ROUND_TRIPS = 4

const EMPTY = new Uint8Array(0)

/**
 * A yamux stream: flow control, half close and reset as js-libp2p's (@chainsafe/libp2p-yamux 8), so that the same frames
 * go over the wire at the same times.
 */
export class SimStream extends Emitter<SimStreamEvents> {
  readonly id: string
  readonly streamId: number
  readonly direction: Direction
  protocol = ''
  status: StreamStatus = 'open'
  writableNeedsDrain = false

  readonly #transport: StreamTransport
  #negotiator: ((data: Uint8Array) => void) | undefined
  #opening: 'to-send' | 'to-acknowledge' | 'done'
  #sendWindowBytes = INITIAL_WINDOW_BYTES
  /** As in the real one, it follows the window only when that is updated: an exhausted window ends in a frame of 12 bytes. */
  #maxFrameBytes = INITIAL_WINDOW_BYTES - YAMUX_HEADER_BYTES
  #receiveWindowBytes = INITIAL_WINDOW_BYTES
  #receiveCapacityBytes = INITIAL_WINDOW_BYTES
  #epochStartMs: number
  #paused = false
  #writeClosing = false
  #writeClosed = false
  #remoteWriteClosed = false
  #readBuffer: Uint8Array[] = []
  #readBufferBytes = 0
  #writeBuffer: Uint8Array[] = []
  #writeBufferBytes = 0

  constructor (transport: StreamTransport, streamId: number, direction: Direction) {
    super()
    this.#transport = transport
    this.streamId = streamId
    this.id = String(streamId)
    this.direction = direction
    this.#opening = direction === 'outbound' ? 'to-send' : 'to-acknowledge'
    this.#epochStartMs = transport.nowMs
  }

  get readBufferLength (): number {
    return this.#readBufferBytes
  }

  get writeBufferLength (): number {
    return this.#writeBufferBytes
  }

  /** Everything that arrives goes to `negotiator` until it is taken away. */
  set negotiator (negotiator: ((data: Uint8Array) => void) | undefined) {
    this.#negotiator = negotiator
  }

  /**
   * False where the caller should wait for `drain`; the bytes are queued all the same.
   *
   * @throws StreamStateError after `close` or the stream's end
   */
  send (data: Uint8Array): boolean {
    if (this.#writeClosing || this.status !== 'open') {
      throw new SessionError('StreamStateError', `Cannot write to a stream that is ${this.status === 'open' ? 'closing' : this.status}`)
    }
    if (data.byteLength > 0) {
      this.#writeBuffer.push(data.slice())
      this.#writeBufferBytes += data.byteLength
    }
    return this.#flush()
  }

  /** Resolves when all that was sent has left for the connection and the end is on its way. */
  async close (options?: { signal?: AbortSignal }): Promise<void> {
    if (this.#writeClosing || this.status !== 'open') {
      return
    }
    this.#writeClosing = true
    if (this.#writeBufferBytes > 0) {
      await this.#idle(options?.signal)
    }
    this.#transport.sendWindowUpdate(this.streamId, this.#takeOpeningFlag() | YAMUX_FIN, 0)
    this.#writeClosed = true
    this.#endIfBothClosed()
  }

  abort (error: Error): void {
    if (this.#ended()) {
      return
    }
    this.#transport.sendWindowUpdate(this.streamId, YAMUX_RST, 0)
    this.#end('aborted', { error, local: true })
  }

  pause (): void {
    this.#paused = true
  }

  resume (): void {
    if (!this.#paused) {
      return
    }
    this.#paused = false
    this.#deliver()
    this.updateWindow()
  }

  override addEventListener<Type extends keyof SimStreamEvents> (type: Type, listener: (event: SimStreamEvents[Type]) => void, options?: { once?: boolean }): void {
    super.addEventListener(type, listener, options)
    if (type === 'message' && this.#readBufferBytes > 0) {
      queueMicrotask(() => this.#deliver())
    }
  }

  /** From the muxer: a data frame. */
  onData (flags: number, data: Uint8Array): void {
    this.#receiveCapacityBytes -= data.byteLength
    if (this.#negotiator !== undefined) {
      this.updateWindow()
      this.#negotiator(data)
    } else if (!this.#ended()) {
      this.#readBuffer.push(data)
      this.#readBufferBytes += data.byteLength
      this.#deliver()
      this.updateWindow()
      if (this.#readBufferBytes > MAX_READ_BUFFER_BYTES) {
        this.abort(new SessionError('StreamStateError', `Read buffer length of ${this.#readBufferBytes} exceeded limit of ${MAX_READ_BUFFER_BYTES}`))
      }
    }
    this.#onFlags(flags)
  }

  /** From the muxer: a window update frame. */
  onWindowUpdate (flags: number, delta: number): void {
    this.#sendWindowBytes += delta
    this.#maxFrameBytes = Math.max(0, this.#sendWindowBytes - YAMUX_HEADER_BYTES)
    this.#onFlags(flags)
    if (this.#writeBufferBytes > 0) {
      this.onWritable()
    }
  }

  /** From the muxer: the connection takes more again, or the window opened. */
  onWritable (): void {
    if (this.#ended()) {
      return
    }
    const waited = this.writableNeedsDrain
    this.writableNeedsDrain = false
    if (this.#flush() && waited) {
      this.emit('drain', {})
    }
  }

  /** From the muxer: the connection is gone. */
  onConnectionClosed (error: Error | undefined): void {
    if (error === undefined) {
      this.#end('closed', {})
    } else {
      this.#end('aborted', { error, local: false })
    }
  }

  /** Sends a window update where one is due, doubling the window while its use keeps up with the path. */
  updateWindow (): void {
    const nowMs = this.#transport.nowMs
    if (this.#paused) {
      this.#epochStartMs = nowMs
      return
    }
    const flags = this.#takeOpeningFlag()
    const rttMs = this.#transport.rttMs
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

  #onFlags (flags: number): void {
    if ((flags & YAMUX_FIN) !== 0 && !this.#remoteWriteClosed) {
      this.#remoteWriteClosed = true
      this.emit('remoteCloseWrite', {})
      this.#endIfBothClosed()
    }
    if ((flags & YAMUX_RST) !== 0) {
      this.#end('reset', { error: new SessionError('StreamResetError', 'The stream has been reset'), local: false })
    }
  }

  #takeOpeningFlag (): number {
    const flag = this.#opening === 'to-send' ? YAMUX_SYN : this.#opening === 'to-acknowledge' ? YAMUX_ACK : 0
    this.#opening = 'done'
    return flag
  }

  #flush (): boolean {
    while (this.#transport.writable) {
      const byteLength = Math.min(this.#maxFrameBytes, this.#sendWindowBytes, this.#writeBufferBytes)
      if (byteLength === 0) {
        break
      }
      this.#sendWindowBytes -= byteLength
      this.#transport.sendData(this.streamId, this.#takeOpeningFlag(), this.#takeWritten(byteLength))
    }
    if (this.#writeBufferBytes === 0) {
      this.emit('idle', {})
    }
    this.writableNeedsDrain = this.#writeBufferBytes > 0 || !this.#transport.writable
    return !this.writableNeedsDrain
  }

  /** The next bytes of the write buffer, across the borders of writes. */
  #takeWritten (byteLength: number): Uint8Array {
    const parts: Uint8Array[] = []
    for (let missing = byteLength; missing > 0;) {
      const [head] = this.#writeBuffer
      if (head.byteLength <= missing) {
        parts.push(head)
        this.#writeBuffer.shift()
      } else {
        parts.push(head.subarray(0, missing))
        this.#writeBuffer[0] = head.subarray(missing)
      }
      missing -= Math.min(missing, head.byteLength)
    }
    this.#writeBufferBytes -= byteLength
    return parts.length === 1 ? parts[0] : concatenate(parts, byteLength)
  }

  #deliver (): void {
    if (this.#paused || this.#readBufferBytes === 0 || this.listenerCount('message') === 0) {
      return
    }
    const data = this.#readBuffer.length === 1 ? this.#readBuffer[0] : concatenate(this.#readBuffer, this.#readBufferBytes)
    this.#readBuffer = []
    this.#readBufferBytes = 0
    this.emit('message', { data })
  }

  async #idle (signal?: AbortSignal): Promise<void> {
    await settled<void>(signal, (resolve, reject) => {
      const onIdle = (): void => resolve()
      const onClose = ({ error }: CloseDetails): void => reject(error ?? new SessionError('StreamStateError', 'The stream closed'))
      this.addEventListener('idle', onIdle)
      this.addEventListener('close', onClose)
      return () => {
        this.removeEventListener('idle', onIdle)
        this.removeEventListener('close', onClose)
      }
    })
  }

  #endIfBothClosed (): void {
    if (this.#writeClosed && this.#remoteWriteClosed) {
      this.#end('closed', {})
    }
  }

  #ended (): boolean {
    return this.status === 'closed' || this.status === 'aborted' || this.status === 'reset'
  }

  #end (status: 'closed' | 'aborted' | 'reset', details: CloseDetails): void {
    if (this.#ended()) {
      return
    }
    this.status = status
    this.#writeClosing = true
    this.#writeBuffer = []
    this.#writeBufferBytes = 0
    if (status === 'aborted') {
      this.#readBuffer = []
      this.#readBufferBytes = 0
    }
    this.#transport.forget(this)
    this.emit('close', details)
  }
}

function concatenate (parts: readonly Uint8Array[], byteLength: number): Uint8Array {
  const whole = byteLength === 0 ? EMPTY : new Uint8Array(byteLength)
  let offset = 0
  for (const part of parts) {
    whole.set(part, offset)
    offset += part.byteLength
  }
  return whole
}
