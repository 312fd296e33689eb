import { TwinwireError } from '../core/errors.ts'
import { isUnsupportedProtocol } from './unsupported-protocol.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { AttemptObservation } from './health/observations.ts'
import type { WatchedAttempt } from './watched-attempt.ts'

/**
 * What the end of an attempt says of the peer. Undefined where it says nothing: the caller gave up, our own queues are
 * full, the arguments were wrong, or nobody knows where the peer is.
 */
export function outcomeOf (error: unknown, attempt: WatchedAttempt): AttemptObservation['outcome'] | undefined {
  if (isUnsupportedProtocol(error) || hasCode(error, 'ERR_REMOTE_FAILED')) {
    return 'answered'
  }
  if (attempt.overdue) {
    return attempt.expired ? 'timeout' : 'overdue'
  }
  if (attempt.signal.aborted) {
    return undefined
  }
  if (error instanceof TwinwireError) {
    // A kept stream that had ended before anything was sent on it is of the past; one that was just opened is not.
    return FAILURES.has(error.code) && (error.code !== 'ERR_STREAM_CLOSED' || attempt.wasSent || attempt.onFreshStream) ? 'failed' : undefined
  }
  // A reset among them: on a stream of its own, a handler that throws cannot be told from a peer that refuses everything.
  return error instanceof Error && !BUGS.some(bug => error instanceof bug) && !OUR_NAMES.has(error.name) ? 'failed' : undefined
}

function hasCode (error: unknown, code: ErrorCode): boolean {
  return error instanceof TwinwireError && error.code === code
}

/** What a peer, or the way to it, is to blame for. */
const FAILURES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_BATCH_INVALID', 'ERR_CHECKSUM', 'ERR_CONNECTION_CLOSED', 'ERR_CONNECTION_REFUSED', 'ERR_CONNECTION_RESET', 'ERR_DIAL_FAILED', 'ERR_FRAME_INVALID',
  'ERR_OVERLOADED', 'ERR_PEER_MISMATCH', 'ERR_STREAM_CLOSED', 'ERR_TIMEOUT'
])

/** Errors of libp2p that are about this node: its gater, its limits, its state, what it was given. */
const OUR_NAMES: ReadonlySet<string> = new Set([
  'AbortError', 'ConnectionInterceptedError', 'DialDeniedError', 'InvalidMultiaddrError', 'InvalidParametersError', 'InvalidPeerIdError', 'LimitedConnectionError',
  'NotFoundError', 'NotStartedError', 'NoValidAddressesError', 'TooManyOutboundProtocolStreamsError'
])

const BUGS = [TypeError, RangeError, ReferenceError, SyntaxError]
