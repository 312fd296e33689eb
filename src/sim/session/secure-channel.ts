import { PROGRAM_HIGH_WATER_BYTES } from '../tcp/send-buffer.ts'
import type { Channel, ChannelHandler, CloseReason, Message } from './channel.ts'
import { Emitter } from './emitter.ts'
import { SessionError } from './errors.ts'
import type { Frame } from './frame.ts'
import type { CloseDetails } from './message-stream.ts'
import { settled } from './settled.ts'
import { closeError } from './upgrade.ts'
import { NOISE_LENGTH_BYTES, NOISE_MAX_PLAINTEXT_BYTES, NOISE_TAG_BYTES, YAMUX_HEADER_BYTES } from './wire-format.ts'

/** From here on Noise encrypts piece by piece as it is given, and the tag is one more: each is a write, and any may be the one that fills the socket. */
const LARGE_BYTES = 1_200

/** What is written to the socket in one piece, and the frames that can be read when it has arrived. */
interface Piece extends Message {
  readonly frames: readonly Frame[]
}

const NO_FRAMES: readonly Frame[] = []

/** Before each of Noise's messages, a write of its own. */
const LENGTH: Piece = { bytes: NOISE_LENGTH_BYTES, frames: NO_FRAMES }

interface SecureChannelEvents {
  frame: Frame
  drain: unknown
  /** All that waited has gone to TCP. */
  idle: unknown
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
  #secured: Piece[] = []
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
    if (this.#secured.length > 0) {
      await this.#once('idle', signal)
    }
    if (this.#securedWait) {
      await this.#once('drain', signal)
    }
    this.#channel.socket.close()
    this.#end('closed', {})
  }

  abort (error: Error): void {
    if (this.#ended) {
      return
    }
    this.#frames = []
    if (this.#secured.length > 0) {
      this.#secured = []
      // As in libp2p, a close that waited for it goes on, and waits for a drain that never comes.
      this.emit('idle', {})
    }
    // First, for the socket answers at once that it was aborted.
    this.status = 'aborted'
    this.#channel.socket.abort()
    this.emit('close', { error, local: true })
  }

  onConnected (): void {}

  onMessage (message: Message): void {
    for (const frame of (message as Piece).frames) {
      if (!this.#ended) {
        this.emit('frame', frame)
      }
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
    const [frame] = this.#frames
    if (this.#frames.length === 1 && YAMUX_HEADER_BYTES + frame.data.byteLength < LARGE_BYTES) {
      // What most of them are.
      this.#secured.push(LENGTH, ciphertext(YAMUX_HEADER_BYTES + frame.data.byteLength, this.#frames))
    } else {
      this.#secured.push(...secure(this.#frames))
    }
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
    let canSendMore = true
    let sent = 0
    while (canSendMore && sent < this.#secured.length) {
      this.#channel.send(this.#secured[sent++])
      canSendMore = this.#channel.socket.unwrittenBytes < PROGRAM_HIGH_WATER_BYTES
    }
    this.#secured = sent === this.#secured.length ? [] : this.#secured.slice(sent)
    this.#securedWait = !canSendMore
    if (this.#secured.length === 0) {
      this.emit('idle', {})
    }
    return canSendMore
  }

  async #once (event: 'idle' | 'drain', signal?: AbortSignal): Promise<void> {
    await settled<void>(signal, (resolve, reject) => {
      const onEvent = (): void => resolve()
      const onClose = ({ error }: CloseDetails): void => reject(error ?? new SessionError('StreamStateError', 'The connection closed'))
      this.addEventListener(event, onEvent)
      this.addEventListener('close', onClose)
      return () => {
        this.removeEventListener(event, onEvent)
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

/** What Noise makes of frames that it encrypts in one go: messages of 64 KiB at most, whatever frames end where. */
function secure (frames: readonly Frame[]): Piece[] {
  const secured: Piece[] = []
  const clear = piecesOf(frames)
  let missing = clear.reduce((sum, { bytes }) => sum + bytes, 0)
  while (missing > 0) {
    const plaintextBytes = Math.min(missing, NOISE_MAX_PLAINTEXT_BYTES)
    missing -= plaintextBytes
    const parts = takeParts(clear, plaintextBytes)
    const readable = parts.flatMap(({ frames }) => frames)
    secured.push(LENGTH)
    if (plaintextBytes < LARGE_BYTES) {
      secured.push(ciphertext(plaintextBytes, readable))
    } else {
      for (const { bytes } of parts) {
        secured.push({ bytes, frames: NO_FRAMES })
      }
      secured.push({ bytes: NOISE_TAG_BYTES, frames: readable })
    }
  }
  return secured
}

/** Of one of Noise's messages, with its tag. */
function ciphertext (plaintextBytes: number, frames: readonly Frame[]): Piece {
  return { bytes: plaintextBytes + NOISE_TAG_BYTES, frames }
}

/** Headers and the pieces of data, the last of each frame with the frame. */
function piecesOf (frames: readonly Frame[]): Piece[] {
  const pieces: Piece[] = []
  for (const frame of frames) {
    let bytes = YAMUX_HEADER_BYTES
    for (const { byteLength } of frame.data.pieces) {
      pieces.push({ bytes, frames: NO_FRAMES })
      bytes = byteLength
    }
    pieces.push({ bytes, frames: [frame] })
  }
  return pieces
}

/** Removes the first `bytes`, cutting the last of the pieces where need be. */
function takeParts (pieces: Piece[], bytes: number): Piece[] {
  const taken: Piece[] = []
  for (let missing = bytes; missing > 0;) {
    const [next] = pieces
    if (next.bytes <= missing) {
      taken.push(next)
      pieces.shift()
      missing -= next.bytes
    } else {
      taken.push({ bytes: missing, frames: NO_FRAMES })
      pieces[0] = { bytes: next.bytes - missing, frames: next.frames }
      missing = 0
    }
  }
  return taken
}
