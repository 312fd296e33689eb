import { TwinwireError } from '../core/errors.ts'
import { FrameStream } from './frame-stream.ts'
import { MAXIMUM_FRAME_BYTES } from './frames.ts'
import type { Stream } from './port.ts'

/** How one request is seen through. */
export interface RequestStreamOptions {
  readonly signal?: AbortSignal
  /** Part of the reply came, not all of it. */
  readonly onProgress?: () => void
  /** The stream has taken all of the request. */
  readonly onWritten?: () => void
}

const attached = new WeakMap<Stream, RequestStream>()

/**
 * Asks on a stream that is kept: each request is one frame and so is its reply, one request at a time. Whoever uses the
 * same stream again meets the same reader, so that nothing of an earlier reply is lost or taken for the next one's.
 */
export class RequestStream {
  readonly #frames: FrameStream
  /** The reply that is awaited, until it comes. */
  #reply: PromiseWithResolvers<Uint8Array> | undefined
  #onProgress: (() => void) | undefined
  #busy = false
  /** Why the stream takes no more requests. */
  #unusable: Error | undefined
  /** It takes none either, and nothing went wrong: what most streams end with. */
  #remoteClosed = false

  private constructor (stream: Stream, limitBytes: number) {
    this.#frames = new FrameStream(stream, limitBytes, {
      onFrame: payload => this.#onFrame(payload),
      onEnd: error => this.#onEnd(error),
      onProgress: () => this.#onProgress?.()
    })
  }

  /** The one of this stream. `limitBytes` is the largest reply taken, and that of the first to attach counts. */
  static of (stream: Stream, limitBytes = MAXIMUM_FRAME_BYTES): RequestStream {
    let requestStream = attached.get(stream)
    if (requestStream === undefined) {
      requestStream = new RequestStream(stream, limitBytes)
      attached.set(stream, requestStream)
    }
    return requestStream
  }

  /** True where another request may be made: the stream is open, and every reply so far has come. */
  get usable (): boolean {
    return !this.#busy && this.#unusable === undefined && !this.#remoteClosed && this.#frames.stream.status === 'open'
  }

  /**
   * Sends one request and answers with its reply. A request that fails leaves the stream unusable, for its reply may
   * still come. `onProgress` is called for bytes of a reply that is not whole yet, `onWritten` when the stream has taken
   * all of the request.
   *
   * @throws ERR_INVALID_STATE where a request is outstanding, ERR_STREAM_CLOSED, ERR_FRAME_TOO_LARGE or
   * ERR_FRAME_INVALID for what came instead of a reply, the error that the stream ended with, or what `signal` was
   * aborted with
   */
  async request (payload: Uint8Array, { signal, onProgress, onWritten }: RequestStreamOptions = {}): Promise<Uint8Array> {
    signal?.throwIfAborted()
    if (this.#busy) {
      throw new TwinwireError('ERR_INVALID_STATE', 'a request is outstanding on this stream')
    }
    if (this.#unusable !== undefined) {
      throw this.#unusable
    }
    if (this.#remoteClosed) {
      throw remoteClosedError()
    }
    if (this.#frames.stream.status !== 'open') {
      throw new TwinwireError('ERR_STREAM_CLOSED', `the stream is ${this.#frames.stream.status}`)
    }
    const reply = Promise.withResolvers<Uint8Array>()
    const onAbort = (): void => reply.reject(signal?.reason)
    this.#reply = reply
    this.#onProgress = onProgress
    this.#busy = true
    signal?.addEventListener('abort', onAbort, { once: true })
    try {
      const [answer] = await Promise.all([reply.promise, this.#write(payload, signal, onWritten)])
      return answer
    } catch (error) {
      this.#unusable ??= new TwinwireError('ERR_STREAM_CLOSED', 'an earlier request on this stream failed', { cause: error })
      throw error
    } finally {
      this.#reply = undefined
      this.#onProgress = undefined
      this.#busy = false
      signal?.removeEventListener('abort', onAbort)
    }
  }

  async #write (payload: Uint8Array, signal: AbortSignal | undefined, onWritten: (() => void) | undefined): Promise<void> {
    await this.#frames.write(payload, signal)
    onWritten?.()
  }

  #onFrame (payload: Uint8Array): void {
    const reply = this.#reply
    this.#reply = undefined
    if (reply !== undefined) {
      reply.resolve(payload)
    } else if (this.#unusable === undefined) {
      this.#unusable = new TwinwireError('ERR_FRAME_INVALID', 'a frame came that answers no request')
      this.#frames.stream.abort(this.#unusable)
    }
  }

  #onEnd (error: Error | undefined): void {
    if (error === undefined && !this.#busy) {
      // An error is made only for who asks again.
      this.#remoteClosed = true
      return
    }
    this.#unusable ??= error ?? remoteClosedError()
    this.#reply?.reject(this.#unusable)
  }
}

function remoteClosedError (): TwinwireError {
  return new TwinwireError('ERR_STREAM_CLOSED', 'the remote end closed the stream')
}
