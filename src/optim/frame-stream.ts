import { TwinwireError } from '../core/errors.ts'
import { encodeFrame, FrameDecoder } from './frames.ts'
import { hasClosedWrite, pauseReading, resumeReading } from './readable.ts'
import type { Bytes, CloseEvent, Stream } from './port.ts'

/**
 * Handed to the stream at once; what is more waits for room, so that a large frame does not lie in memory twice. With
 * yamux's header and Noise's tag it is one message of Noise's (65,535 bytes), and within what a shaped stream is granted at
 * a time (64 KiB at most): of 64 KiB each would leave a rest of some bytes for a message of its own.
 */
const CHUNK_BYTES = 63 * 1024

/** What becomes of a stream's frames. After `onEnd` no frame is handed over any more; writing may still be possible. */
export interface FrameStreamHandlers {
  /** `frames` is the stream that it came on, which may be paused at once. */
  onFrame(payload: Uint8Array, frames: FrameStream): void
  /** No frame will come any more. Without an error, the remote end closed between two frames. */
  onEnd(error: Error | undefined): void
  /** The stream itself has ended: nothing can be read or written. */
  onGone?(): void
  /** Part of a frame came that is not whole yet. */
  onProgress?(): void
}

/** Reads and writes whole frames on a stream. It listens until the stream ends. */
export class FrameStream {
  readonly stream: Stream
  readonly #handlers: FrameStreamHandlers
  readonly #decoder: FrameDecoder
  #ended = false
  #paused = false
  /** Nothing more is sent by the remote end; what came before may be unread still. */
  #remoteClosed = false
  /** Set while a writer waits for room. */
  #room: PromiseWithResolvers<void> | undefined

  constructor (stream: Stream, limitBytes: number, handlers: FrameStreamHandlers) {
    this.stream = stream
    this.#handlers = handlers
    this.#decoder = new FrameDecoder(limitBytes)
    stream.addEventListener('drain', this.#onDrain)
    stream.addEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    stream.addEventListener('close', this.#onClose)
    // Last, for a stream hands over what it has kept as soon as somebody listens.
    stream.addEventListener('message', this.#onMessage)
    if (hasClosedWrite(stream)) {
      // Its event is past; what it sent before is handed over first.
      queueMicrotask(this.#onRemoteCloseWrite)
    }
  }

  /** True once no frame will come any more. */
  get ended (): boolean {
    return this.#ended
  }

  /**
   * Holds back what comes. Frames of what has come already are still handed over, and libp2p keeps 4 MiB unread, at more
   * it aborts the stream: a sender that its muxer lets get further ahead is not for whoever pauses.
   */
  pause (): void {
    if (!this.#paused && !this.#ended) {
      this.#paused = true
      pauseReading(this.stream)
    }
  }

  /** Ends that. Frames of what was held back may be handed over before it returns. */
  resume (): void {
    if (this.#paused && !this.#ended) {
      this.#paused = false
      resumeReading(this.stream)
      this.#endIfRead()
    }
  }

  /**
   * Resolves when the stream has taken all of the frame. One frame at a time.
   *
   * @throws ERR_STREAM_CLOSED or what ended the stream; what `signal` was aborted with
   */
  async write (payload: Uint8Array, signal?: AbortSignal): Promise<void> {
    await this.writeEncoded(encodeFrame(payload), signal)
  }

  /** The same of bytes that are whole frames already, one or several. */
  async writeEncoded (frames: Uint8Array, signal?: AbortSignal): Promise<void> {
    for (let position = 0; position < frames.length; position += CHUNK_BYTES) {
      if (this.stream.writableNeedsDrain) {
        await this.#hasRoom(signal)
      }
      this.stream.send(frames.subarray(position, position + CHUNK_BYTES))
    }
  }

  /**
   * Waits for the event and not for `onDrain()`, whose promise is made once: after the first time it has always
   * resolved already, and back-pressure is gone.
   */
  async #hasRoom (signal: AbortSignal | undefined): Promise<void> {
    signal?.throwIfAborted()
    const room = Promise.withResolvers<void>()
    const onAbort = (): void => room.reject(signal?.reason)
    this.#room = room
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      await room.promise
    } finally {
      this.#room = undefined
      signal?.removeEventListener('abort', onAbort)
    }
  }

  readonly #onMessage = ({ data }: { readonly data: Bytes }): void => {
    let payloads
    try {
      payloads = this.#decoder.push(data)
    } catch (error) {
      this.#end(error as Error)
      this.stream.abort(error as Error)
      return
    }
    if (payloads.length === 0) {
      this.#handlers.onProgress?.()
    }
    for (const payload of payloads) {
      if (!this.#ended) {
        this.#handlers.onFrame(payload, this)
      }
    }
    this.#endIfRead()
  }

  readonly #onDrain = (): void => {
    this.#room?.resolve()
  }

  readonly #onRemoteCloseWrite = (): void => {
    this.#remoteClosed = true
    this.#endIfRead()
  }

  #endIfRead (): void {
    if (this.#remoteClosed && this.stream.readBufferLength === 0 && !this.#paused) {
      this.#end(this.#decoder.empty ? undefined : cutError())
    }
  }

  readonly #onClose = ({ error }: CloseEvent): void => {
    this.stream.removeEventListener('drain', this.#onDrain)
    this.stream.removeEventListener('close', this.#onClose)
    this.#room?.reject(error ?? new TwinwireError('ERR_STREAM_CLOSED', 'the stream was closed while a frame was being written'))
    this.#end(error ?? (this.#decoder.empty ? undefined : cutError()))
    this.#handlers.onGone?.()
  }

  #end (error: Error | undefined): void {
    if (this.#ended) {
      return
    }
    this.#ended = true
    this.stream.removeEventListener('message', this.#onMessage)
    this.stream.removeEventListener('remoteCloseWrite', this.#onRemoteCloseWrite)
    this.#handlers.onEnd(error)
  }
}

function cutError (): TwinwireError {
  return new TwinwireError('ERR_STREAM_CLOSED', 'the stream was closed in the middle of a frame')
}
