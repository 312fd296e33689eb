import { TwinwireError } from '../core/errors.ts'
import { isUnsupportedProtocol } from './unsupported-protocol.ts'
import type { Clock } from '../core/clock.ts'
import type { Connection, Stream } from './port.ts'

/** libp2p's ping: 32 bytes that come back as they are. */
const PING_PROTOCOL = '/ipfs/ping/1.0.0'
const PING_BYTES = 32

/**
 * The round trip of libp2p's ping on a stream of its own, in milliseconds; undefined where the peer is there but does not
 * speak it. Nothing depends on the bytes being unforeseeable: whoever answers is at the other end of an encrypted
 * connection.
 *
 * @throws what `signal` was aborted with, or what the stream ended with
 */
export async function ping (connection: Connection, clock: Clock, signal: AbortSignal): Promise<number | undefined> {
  let stream
  try {
    stream = await connection.newStream(PING_PROTOCOL, { signal })
  } catch (error) {
    if (isUnsupportedProtocol(error)) {
      return undefined
    }
    throw error
  }
  try {
    const startedMs = clock.now()
    await echoed(stream, signal)
    const rttMs = clock.now() - startedMs
    await stream.close({ signal })
    return rttMs
  } catch (error) {
    stream.abort(error instanceof Error ? error : new Error(String(error)))
    throw error
  }
}

/** Resolves when as many bytes came back as were sent. */
async function echoed (stream: Stream, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let missing = PING_BYTES
  const onMessage = ({ data }: { readonly data: { readonly byteLength: number } }): void => {
    missing -= data.byteLength
    if (missing <= 0) {
      resolve()
    }
  }
  const onEnd = (): void => reject(new TwinwireError('ERR_STREAM_CLOSED', 'the stream ended before the ping was answered'))
  const onAbort = (): void => reject(signal.reason)
  stream.addEventListener('remoteCloseWrite', onEnd)
  stream.addEventListener('close', onEnd)
  signal.addEventListener('abort', onAbort, { once: true })
  stream.addEventListener('message', onMessage)
  try {
    stream.send(new Uint8Array(PING_BYTES))
    await promise
  } finally {
    stream.removeEventListener('message', onMessage)
    stream.removeEventListener('remoteCloseWrite', onEnd)
    stream.removeEventListener('close', onEnd)
    signal.removeEventListener('abort', onAbort)
  }
}
