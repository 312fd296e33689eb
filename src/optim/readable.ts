import type { Stream } from './port.ts'

/** What libp2p's streams have beyond the port, where they are read. */
interface ReadStream extends Stream {
  readonly readStatus?: string
  readonly remoteWriteStatus?: string
  maxReadBufferLength?: number
}

/** As far as yamux's own window grows. */
export const MUXER_WINDOW_BYTES = 16 * 1024 * 1024

/** Pauses a stream, unless reading is over: a libp2p stream throws then, which is once the far side has ended it and all is read. */
export function pauseReading (stream: Stream): void {
  if (isReadable(stream)) {
    stream.pause()
  }
}

/** Resumes a stream, unless reading is over. What came meanwhile may be handed over before this returns. */
export function resumeReading (stream: Stream): void {
  if (isReadable(stream)) {
    stream.resume()
  }
}

/** Whether the far side has ended it for writing already, as far as the stream says: whoever begins to listen gets no event then. */
export function hasClosedWrite (stream: ReadStream): boolean {
  return stream.remoteWriteStatus === 'closed'
}

/** While it is not read, all that the muxer's window lets the far side send finds room: at 4 MiB libp2p would reset it. */
export function keepWindowUnread (stream: ReadStream): void {
  if (stream.maxReadBufferLength !== undefined) {
    stream.maxReadBufferLength = Math.max(stream.maxReadBufferLength, MUXER_WINDOW_BYTES)
  }
}

function isReadable ({ readStatus }: ReadStream): boolean {
  return readStatus !== 'closing' && readStatus !== 'closed'
}
