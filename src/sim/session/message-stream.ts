import { transientBytes } from '../../core/transient-bytes.ts'
import { ByteQueue } from './byte-queue.ts'
import { Emitter } from './emitter.ts'
import { SessionError } from './errors.ts'
import { settled } from './settled.ts'

export type StreamStatus = 'open' | 'closing' | 'closed' | 'aborted' | 'reset'

export interface CloseDetails {
  readonly error?: Error
  readonly local?: boolean
}

interface MessageStreamEvents {
  message: { readonly data: Uint8Array }
  drain: unknown
  idle: unknown
  remoteCloseWrite: unknown
  close: CloseDetails
}

// @libp2p/utils 7, abstract-message-stream.ts.
const MAX_READ_BUFFER_BYTES = 4 * 1024 * 1024

/**
 * The two buffers of a stream and its states, as `AbstractMessageStream` and `AbstractStream` of @libp2p/utils 7 have
 * them. When events come, and what is sent before whoever hears them can act, decides where frames begin and end: so the
 * order is theirs, microtasks included.
 */
export abstract class MessageStream extends Emitter<MessageStreamEvents> {
  status: StreamStatus = 'open'
  writableNeedsDrain = false
  /** What is sent in one piece at most. */
  protected maxMessageBytes = Infinity

  #readStatus: 'readable' | 'paused' | 'closed' = 'readable'
  #writeStatus: 'writable' | 'closing' | 'closed' = 'writable'
  #remoteWriteStatus: 'writable' | 'closed' = 'writable'
  readonly #readBuffer = new ByteQueue()
  readonly #writeBuffer = new ByteQueue()
  #sending = false
  /** Of `onDrain`: made once and never renewed, as in the real one. */
  #drained: Promise<void> | undefined

  /** Takes from `data` what can be sent now; false where the rest, and all that follows, is to wait for `drain`. */
  protected abstract sendData (data: ByteQueue): boolean
  protected abstract sendReset (): void
  protected abstract sendCloseWrite (): void
  protected abstract sendPause (): void
  protected abstract sendResume (): void

  get readBufferLength (): number {
    return this.#readBuffer.byteLength
  }

  get writeBufferLength (): number {
    return this.#writeBuffer.byteLength
  }

  /**
   * False where the caller should wait for `drain`; the bytes are queued all the same.
   *
   * @throws StreamStateError after `close` or the stream's end
   */
  send (data: Uint8Array): boolean {
    if (this.#writeStatus !== 'writable') {
      throw new SessionError('StreamStateError', `Cannot write to a stream that is ${this.#writeStatus}`)
    }
    // Its own, for the sender may write to what it gave.
    const copy = transientBytes(data.byteLength)
    copy.set(data)
    this.#writeBuffer.append(copy)
    return this.#processSendQueue()
  }

  /**
   * Resolves when more can be sent; but only once: what is called after the first `drain` has its promise, which is
   * fulfilled already, whatever `writableNeedsDrain` says.
   *
   * @throws the signal's reason, or what ended the stream
   */
  async onDrain (options?: { signal?: AbortSignal }): Promise<void> {
    if (!this.writableNeedsDrain) {
      return
    }
    this.#drained ??= this.#once('drain')
    const drained = this.#drained
    await settled<void>(options?.signal, (resolve, reject) => {
      drained.then(resolve, reject)
      return () => {}
    })
  }

  /**
   * Resolves when all that was sent has left for the connection, which takes more again, and the end is on its way.
   *
   * @throws the signal's reason, or what ended the stream before
   */
  async close (options?: { signal?: AbortSignal }): Promise<void> {
    if (this.#writeStatus !== 'writable') {
      return
    }
    this.#writeStatus = 'closing'
    if (this.#sending || this.#writeBuffer.byteLength > 0) {
      await this.#once('idle', options?.signal)
    }
    if (this.writableNeedsDrain) {
      await this.#once('drain', options?.signal)
    }
    this.sendCloseWrite()
    await Promise.resolve()
    this.#writeStatus = 'closed'
    if (this.#remoteWriteStatus === 'closed') {
      this.onTransportClosed()
    }
  }

  abort (error: Error): void {
    if (this.#ended()) {
      return
    }
    this.status = 'aborted'
    this.#readBuffer.clear()
    if (this.#writeBuffer.byteLength > 0) {
      this.#writeBuffer.clear()
      this.emit('idle', {})
    }
    this.#closeBothWays()
    this.#readStatus = 'closed'
    this.sendReset()
    this.emit('close', { error, local: true })
  }

  /** @throws StreamStateError where nothing more can be read */
  pause (): void {
    if (this.#readStatus === 'closed') {
      throw new SessionError('StreamStateError', 'Cannot pause a stream that is closing/closed')
    }
    if (this.#readStatus !== 'paused') {
      this.#readStatus = 'paused'
      this.sendPause()
    }
  }

  /** @throws StreamStateError where nothing more can be read */
  resume (): void {
    if (this.#readStatus === 'closed') {
      throw new SessionError('StreamStateError', 'Cannot resume a stream that is closing/closed')
    }
    if (this.#readStatus !== 'readable') {
      this.#readStatus = 'readable'
      this.#dispatchReadBuffer()
      this.sendResume()
    }
  }

  override addEventListener<Type extends keyof MessageStreamEvents> (type: Type, listener: (event: MessageStreamEvents[Type]) => void, options?: { once?: boolean }): void {
    super.addEventListener(type, listener, options)
    if (type === 'message' && this.#readBuffer.byteLength > 0) {
      queueMicrotask(() => this.#dispatchReadBuffer())
    }
  }

  /**
   * Puts bytes back that were read too many, for whoever listens next. Only while nobody does: with a listener, the real
   * one hands them over after a timer.
   */
  unshift (data: Uint8Array): void {
    if (this.#readStatus !== 'closed') {
      this.#readBuffer.prepend(data)
    }
  }

  /** The remote end sends no more, and all that it sent has been handed over. */
  get endOfFile (): boolean {
    return this.#remoteWriteStatus === 'closed' && this.#readBuffer.byteLength === 0
  }

  /** The transport is gone; what has arrived can still be read. */
  onTransportClosed (error?: Error): void {
    if (this.#readStatus === 'readable' && this.#readBuffer.byteLength === 0) {
      this.#readStatus = 'closed'
    }
    this.#closeBothWays()
    if (error !== undefined) {
      this.abort(error)
    } else if (!this.#ended()) {
      this.status = 'closed'
      this.emit('close', {})
    }
  }

  /** Some other stream filled the connection. */
  onMuxerNeedsDrain (): void {
    this.writableNeedsDrain = true
  }

  /** More can be sent. */
  drain (): void {
    if (this.writableNeedsDrain) {
      this.writableNeedsDrain = false
      queueMicrotask(() => this.#continueSending())
    }
    this.emit('drain', {})
  }

  protected onData (data: ByteQueue): void {
    if (data.byteLength > 0 && this.#readStatus !== 'closed') {
      for (const piece of data.pieces) {
        this.#readBuffer.append(piece)
      }
      this.#dispatchReadBuffer()
    }
  }

  protected onRemoteCloseWrite (): void {
    if (this.#remoteWriteStatus === 'closed') {
      return
    }
    this.#remoteWriteStatus = 'closed'
    this.emit('remoteCloseWrite', {})
    if (this.#writeStatus === 'closed') {
      this.onTransportClosed()
    }
  }

  protected onRemoteReset (): void {
    this.status = 'reset'
    this.#closeBothWays()
    if (this.#readBuffer.byteLength === 0) {
      this.#readStatus = 'closed'
    }
    this.emit('close', { error: new SessionError('StreamResetError', 'The stream has been reset'), local: false })
  }

  #continueSending (): void {
    try {
      this.#processSendQueue()
    } catch {
      // The connection ended, and told the stream so.
    }
  }

  #processSendQueue (): boolean {
    if (this.writableNeedsDrain) {
      return false
    }
    if (this.#writeBuffer.byteLength === 0 || this.#sending) {
      return true
    }
    if (this.#writeStatus === 'closed') {
      return false
    }
    this.#sending = true
    try {
      const canSendMore = this.#sendPieces()
      if (!canSendMore) {
        this.writableNeedsDrain = true
      }
      if (this.#writeBuffer.byteLength === 0) {
        this.emit('idle', {})
      }
      return canSendMore
    } finally {
      this.#sending = false
    }
  }

  #sendPieces (): boolean {
    while (this.#writeBuffer.byteLength > 0) {
      const byteLength = Math.min(this.maxMessageBytes, this.#writeBuffer.byteLength)
      if (byteLength === 0) {
        return false
      }
      const data = this.#writeBuffer.split(byteLength)
      if (!this.#sendPiece(data)) {
        return false
      }
    }
    return true
  }

  #sendPiece (data: ByteQueue): boolean {
    try {
      const canSendMore = this.sendData(data)
      this.#putBack(data)
      return canSendMore
    } catch (error) {
      this.#putBack(data)
      this.abort(error as Error)
      throw error
    }
  }

  #putBack (data: ByteQueue): void {
    if (data.byteLength === 0) {
      return
    }
    for (const piece of data.pieces.toReversed()) {
      this.#writeBuffer.prepend(piece)
    }
  }

  #dispatchReadBuffer (): void {
    if (this.listenerCount('message') > 0 && this.#readBuffer.byteLength > 0 && this.#readStatus !== 'paused') {
      const data = this.#readBuffer.take(this.#readBuffer.byteLength)
      if (this.#readStatus !== 'closed') {
        this.emit('message', { data })
      }
    }
    if (this.#readBuffer.byteLength === 0 && this.#remoteWriteStatus === 'closed') {
      this.#readStatus = 'closed'
    }
    if (this.#readBuffer.byteLength > MAX_READ_BUFFER_BYTES) {
      this.abort(new SessionError('StreamBufferError', `Read buffer length of ${this.#readBuffer.byteLength} exceeded limit of ${MAX_READ_BUFFER_BYTES}, read status is ${this.#readStatus}`))
    }
  }

  async #once (event: 'idle' | 'drain', signal?: AbortSignal): Promise<void> {
    await settled<void>(signal, (resolve, reject) => {
      const onEvent = (): void => resolve()
      const onClose = ({ error }: CloseDetails): void => reject(error ?? new SessionError('StreamStateError', 'The stream closed'))
      this.addEventListener(event, onEvent)
      this.addEventListener('close', onClose)
      return () => {
        this.removeEventListener(event, onEvent)
        this.removeEventListener('close', onClose)
      }
    })
  }

  #closeBothWays (): void {
    this.#writeStatus = 'closed'
    this.#remoteWriteStatus = 'closed'
  }

  #ended (): boolean {
    return this.status === 'closed' || this.status === 'aborted' || this.status === 'reset'
  }
}
