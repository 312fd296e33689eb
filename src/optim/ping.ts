import { timeoutSignal } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import { isUnsupportedProtocol } from './unsupported-protocol.ts'
import type { Clock } from '../core/clock.ts'
import type { Connection, Stream } from './port.ts'

/** libp2p's ping: 32 bytes that come back as they are. */
export const PING_PROTOCOL = '/ipfs/ping/1.0.0'
const PING_BYTES = 32
/** As long as libp2p gives a stream to close. */
const CLOSE_TIMEOUT_MS = 1000

/** When to give up. */
export interface PingSignals {
  /** Ends the wait for the answer. */
  readonly signal: AbortSignal
  /** Ends the closing of the stream, which goes on when the answer is there. */
  readonly closing: AbortSignal
}

/**
 * The round trip of libp2p's ping on a stream of its own, in milliseconds; undefined where the peer is there but does not
 * speak it. Relayed connections are asked as well, as by libp2p's own ping. Nothing depends on the bytes being
 * unforeseeable: whoever answers is at the other end of an encrypted connection.
 *
 * @throws what `signal` was aborted with, or what the stream ended with
 */
export async function ping (connection: Connection, clock: Clock, { signal, closing }: PingSignals): Promise<number | undefined> {
  let stream
  try {
    stream = await connection.newStream(PING_PROTOCOL, { signal, runOnLimitedConnection: true })
  } catch (error) {
    if (isUnsupportedProtocol(error)) {
      return undefined
    }
    throw error
  }
  const startedMs = clock.now()
  try {
    await echoed(stream, signal)
  } catch (error) {
    abort(stream, error)
    throw error
  }
  const rttMs = clock.now() - startedMs
  // Not waited for: whatever becomes of the stream, the peer has answered.
  void close(stream, clock, closing)
  return rttMs
}

async function close (stream: Stream, clock: Clock, signal: AbortSignal): Promise<void> {
  using limit = timeoutSignal(clock, CLOSE_TIMEOUT_MS, signal)
  try {
    await stream.close({ signal: limit.signal })
  } catch (error) {
    abort(stream, error)
  }
}

function abort (stream: Stream, error: unknown): void {
  stream.abort(error instanceof Error ? error : new Error(String(error)))
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
