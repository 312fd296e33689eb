import type { Stream } from './port.ts'

/** What libp2p's streams say of their two directions, beyond the port. */
interface DirectedStream extends Stream {
  readonly readStatus?: string
  readonly remoteWriteStatus?: string
}

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
export function hasClosedWrite (stream: DirectedStream): boolean {
  return stream.remoteWriteStatus === 'closed'
}

function isReadable ({ readStatus }: DirectedStream): boolean {
  return readStatus !== 'closing' && readStatus !== 'closed'
}
