import type { CloseDetails, SimStream } from './stream.ts'
import { SessionError } from './errors.ts'
import { settled } from './settled.ts'
import { decodeNegotiation, encodeNegotiation, MULTISTREAM_HEADER, NOT_AVAILABLE } from './wire-format.ts'

/**
 * The dialler's side of multistream-select on a new stream: one round trip.
 *
 * @throws UnsupportedProtocolError, what ended the stream, or the signal's reason
 */
export async function selectProtocol (stream: SimStream, protocol: string, signal: AbortSignal | undefined): Promise<void> {
  await settled<void>(signal, (resolve, reject) => {
    const onClose = ({ error }: CloseDetails): void => reject(error ?? new SessionError('ConnectionClosedError', 'The stream closed during negotiation'))
    const stop = (): void => {
      stream.negotiator = undefined
      stream.removeEventListener('close', onClose)
    }
    stream.negotiator = data => {
      // The listener answers with two messages: the header, then the protocol or a refusal.
      for (const line of decodeNegotiation(data) ?? []) {
        if (line === protocol) {
          // At once, for what follows in the same instant is the application's.
          stream.negotiator = undefined
          stream.protocol = protocol
          resolve()
        } else if (line === NOT_AVAILABLE) {
          reject(new SessionError('UnsupportedProtocolError', `Protocol selection failed - could not negotiate ${protocol}`))
        }
      }
    }
    stream.addEventListener('close', onClose)
    stream.send(encodeNegotiation(MULTISTREAM_HEADER, protocol))
    return stop
  })
}

/**
 * The listener's side. `speaks` tells which protocols are spoken, `onSelected` is called at the instant one is agreed on.
 * Answers how to stop waiting.
 */
export function awaitProtocol (stream: SimStream, speaks: (protocol: string) => boolean, onSelected: (protocol: string) => void): () => void {
  const stop = (): void => {
    stream.negotiator = undefined
  }
  const answer = (line: string): void => {
    if (line === MULTISTREAM_HEADER) {
      stream.send(encodeNegotiation(line))
    } else if (speaks(line)) {
      stop()
      stream.send(encodeNegotiation(line))
      onSelected(line)
    } else {
      stream.send(encodeNegotiation(NOT_AVAILABLE))
    }
  }
  stream.negotiator = data => {
    try {
      decodeNegotiation(data)?.forEach(answer)
    } catch (error) {
      // The stream was closed from this end while the other still asked.
      stream.abort(error as Error)
    }
  }
  return stop
}
