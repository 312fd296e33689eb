import type { Channel, ChannelHandler, CloseReason, Message } from './channel.ts'
import { Emitter } from './emitter.ts'
import { SessionError } from './errors.ts'
import type { Frame } from './frame.ts'
import { frameBytes } from './frame.ts'
import type { CloseDetails } from './message-stream.ts'
import { takesMore } from './send-buffer.ts'
import { settled } from './settled.ts'
import { closeError } from './upgrade.ts'
import { securedOffset } from './wire-format.ts'

/** The last bytes of a frame, or all of it. */
interface SecuredFrame extends Message {
  readonly frame: Frame
}

interface SecureChannelEvents {
  frame: Frame
  drain: unknown
  close: CloseDetails
}

/**
 * A connection's two streams below yamux: that of TCP, and Noise's on top of it (`AbstractMultiaddrConnection` of
 * @libp2p/utils 7, `EncryptedMessageStream` of noise 17). Each of the two has a buffer of its own while the socket is
 * full. What waits in Noise's is encrypted together when its turn comes, so that its frames share Noise messages.
 */
export class SecureChannel extends Emitter<SecureChannelEvents> implements ChannelHandler {
  status: 'open' | 'closing' | 'closed' | 'aborted' = 'open'

  readonly #channel: Channel
  /** Noise's stream: frames in the clear. */
  #frames: Frame[] = []
  #framesWait = false
  /** TCP's stream: what Noise made of them. */
  #secured: SecuredFrame[] = []
  #securedWait = false

  constructor (channel: Channel) {
    super()
    this.#channel = channel
    channel.handler = this
  }

  /**
   * False where whoever sends should pause; the frame is queued all the same.
   *
   * @throws StreamStateError where the connection is being closed, which aborts it, or is gone
   */
  send (frame: Frame): boolean {
    if (this.#ended) {
      throw new SessionError('StreamStateError', 'Cannot write to a stream that is closed')
    }
    this.#frames.push(frame)
    return this.#encrypt()
  }

  /**
   * Ends the connection in order, once what waits has gone to TCP.
   *
   * @throws the signal's reason, or what ended the connection meanwhile
   */
  async close (signal?: AbortSignal): Promise<void> {
    if (this.status !== 'open') {
      return
    }
    this.status = 'closing'
    if (this.#securedWait) {
      await this.#drained(signal)
    }
    this.#channel.socket.close()
    this.#end('closed', {})
  }

  abort (error: Error): void {
    if (this.#ended) {
      return
    }
    this.#frames = []
    this.#secured = []
    // First, for the socket answers at once that it was aborted.
    this.status = 'aborted'
    this.#channel.socket.abort()
    this.emit('close', { error, local: true })
  }

  onConnected (): void {}

  onMessage (message: Message): void {
    if (!this.#ended) {
      this.emit('frame', (message as SecuredFrame).frame)
    }
  }

  onDrain (): void {
    if (!this.#securedWait || this.#ended) {
      return
    }
    this.#securedWait = false
    queueMicrotask(() => this.#write())
    if (this.#framesWait) {
      this.#framesWait = false
      queueMicrotask(() => this.#encryptLater())
    }
    this.emit('drain', {})
  }

  onRemoteClose (): void {
    // Node's sockets do not stay half open: the end is answered with an end.
    this.#channel.socket.close()
    this.#end('closed', {})
  }

  onClosed (reason: CloseReason): void {
    if (reason === 'closed' || reason === 'aborted') {
      this.#end('closed', {})
    } else {
      // A socket's error is an abort to libp2p, and its own doing.
      this.#end('aborted', { error: closeError(reason), local: true })
    }
  }

  get #ended (): boolean {
    return this.status === 'closed' || this.status === 'aborted'
  }

  #encryptLater (): void {
    try {
      this.#encrypt()
    } catch {
      // The connection is aborted: all have been told.
    }
  }

  #encrypt (): boolean {
    if (this.#framesWait) {
      return false
    }
    if (this.#frames.length === 0 || this.#ended) {
      return true
    }
    if (this.status === 'closing') {
      // TCP's stream takes no more, and Noise's ends with what it is told.
      const error = new SessionError('StreamStateError', 'Cannot write to a stream that is closing')
      this.abort(error)
      throw error
    }
    this.#secured.push(...secure(this.#frames))
    this.#frames = []
    const canSendMore = this.#write()
    this.#framesWait = !canSendMore
    return canSendMore
  }

  #write (): boolean {
    if (this.#securedWait) {
      return false
    }
    if (this.#secured.length === 0 || this.#ended) {
      return true
    }
    const messages = this.#secured
    this.#secured = []
    for (const message of messages) {
      this.#channel.send(message)
    }
    const canSendMore = takesMore(this.#channel.socket)
    this.#securedWait = !canSendMore
    return canSendMore
  }

  async #drained (signal?: AbortSignal): Promise<void> {
    await settled<void>(signal, (resolve, reject) => {
      const onDrain = (): void => resolve()
      const onClose = ({ error }: CloseDetails): void => reject(error ?? new SessionError('StreamStateError', 'The connection closed'))
      this.addEventListener('drain', onDrain)
      this.addEventListener('close', onClose)
      return () => {
        this.removeEventListener('drain', onDrain)
        this.removeEventListener('close', onClose)
      }
    })
  }

  #end (status: 'closed' | 'aborted', details: CloseDetails): void {
    if (!this.#ended) {
      this.status = status
      this.emit('close', details)
    }
  }
}

/** Frames that Noise encrypts in one go, each with the bytes that must have come before it can be read. */
function secure (frames: readonly Frame[]): SecuredFrame[] {
  const plaintextBytes = frames.reduce((sum, frame) => sum + frameBytes(frame), 0)
  let uptoBytes = 0
  let offset = 0
  return frames.map(frame => {
    uptoBytes += frameBytes(frame)
    const previous = offset
    offset = securedOffset(uptoBytes, plaintextBytes)
    return { bytes: offset - previous, frame }
  })
}
