import { ByteQueue } from './byte-queue.ts'
import type { CloseDetails } from './message-stream.ts'
import type { SimStream } from './stream.ts'
import { SessionError } from './errors.ts'
import { settled } from './settled.ts'
import { RACE_TURNS, turns } from './turns.ts'
import { decodeLine, encodeNegotiation, MULTISTREAM_HEADER, NOT_AVAILABLE } from './wire-format.ts'

// `lpStream` of @libp2p/utils 7, `readString` of @libp2p/multistream-select 7.

/** From bytes that are there, through `byteStream.read` of the length and the line, `lpStream.read` and `readString`, beside the await of `next`. */
const READ_TURNS = 3
/** `byteStream.write` and `lpStream.write`. */
const WRITE_TURNS = 2

/**
 * The dialler's side of multistream-select on a new stream: one round trip.
 *
 * @throws UnsupportedProtocolError, UnexpectedEOFError, what ended the stream, or the signal's reason
 */
export async function selectProtocol (stream: SimStream, protocol: string, signal: AbortSignal | undefined): Promise<void> {
  using lines = new Lines(stream)
  if (!stream.send(encodeNegotiation(MULTISTREAM_HEADER, protocol))) {
    await drained(stream, signal)
  }
  await turns(WRITE_TURNS)
  if (await lines.next(signal) !== MULTISTREAM_HEADER || await lines.next(signal) !== protocol) {
    throw new SessionError('UnsupportedProtocolError', `Protocol selection failed - could not negotiate ${protocol}`)
  }
}

/**
 * The listener's side: answers until one of the protocols is agreed on, which is returned. `speaks` tells which those are.
 *
 * @throws UnexpectedEOFError, what ended the stream, or the signal's reason
 */
export async function awaitProtocol (stream: SimStream, speaks: (protocol: string) => boolean, signal: AbortSignal): Promise<string> {
  using lines = new Lines(stream)
  for (;;) {
    const line = await lines.next(signal)
    const spoken = line === MULTISTREAM_HEADER || speaks(line)
    if (!stream.send(encodeNegotiation(spoken ? line : NOT_AVAILABLE))) {
      await drained(stream, signal)
    }
    await turns(WRITE_TURNS)
    if (spoken && line !== MULTISTREAM_HEADER) {
      return line
    }
  }
}

/** Reads lines, one await each, so that streams that negotiate at one instant take turns as the real ones do. */
class Lines implements Disposable {
  readonly #stream: SimStream
  readonly #bytes = new ByteQueue()
  #waiting: { resolve(): void, reject(error: Error): void } | undefined

  constructor (stream: SimStream) {
    this.#stream = stream
    stream.addEventListener('message', this.#onMessage)
    stream.addEventListener('close', this.#onClose)
    stream.addEventListener('remoteCloseWrite', this.#onEnd)
  }

  async next (signal: AbortSignal | undefined): Promise<string> {
    for (;;) {
      const line = decodeLine(this.#bytes)
      if (line !== undefined) {
        await turns(READ_TURNS)
        return line
      }
      if (this.#stream.endOfFile) {
        throw new SessionError('UnexpectedEOFError', 'Unexpected EOF - stream closed while reading')
      }
      await settled<void>(signal, (resolve, reject) => {
        this.#waiting = { resolve, reject }
        return () => {}
      })
      await turns(RACE_TURNS)
    }
  }

  /** What was read too many is the application's. */
  [Symbol.dispose] (): void {
    this.#stream.removeEventListener('message', this.#onMessage)
    this.#stream.removeEventListener('close', this.#onClose)
    this.#stream.removeEventListener('remoteCloseWrite', this.#onEnd)
    this.#stream.unshift(this.#bytes.take(this.#bytes.byteLength))
  }

  readonly #onMessage = ({ data }: { readonly data: Uint8Array }): void => {
    this.#bytes.append(data)
    this.#wake()
  }

  /** As in the real one, an error is lost on those who do not wait at the time: they meet an end. */
  readonly #onClose = ({ error }: CloseDetails): void => this.#wake(error)

  readonly #onEnd = (): void => this.#wake()

  #wake (error?: Error): void {
    const waiting = this.#waiting
    this.#waiting = undefined
    if (error === undefined) {
      waiting?.resolve()
    } else {
      waiting?.reject(error)
    }
  }
}

async function drained (stream: SimStream, signal: AbortSignal | undefined): Promise<void> {
  await settled<void>(signal, (resolve, reject) => {
    const onDrain = (): void => resolve()
    const onClose = ({ error }: CloseDetails): void => reject(error ?? new SessionError('StreamStateError', 'The stream closed'))
    stream.addEventListener('drain', onDrain)
    stream.addEventListener('close', onClose)
    return () => {
      stream.removeEventListener('drain', onDrain)
      stream.removeEventListener('close', onClose)
    }
  })
}
