import { TwinwireError } from '../../core/errors.ts'
import type { ErrorCode } from '../../core/errors.ts'
import type { Refusal } from './events.ts'

/** What speaks for and against another attempt, the budget aside. */
export interface RetryQuestion {
  /** Undefined of an attempt that is overdue. */
  readonly error: unknown
  /** The request is idempotent, or nothing of it has left. */
  readonly repeatable: boolean
  readonly attemptsLeft: number
  /** Until the deadline, from when the attempt would begin. */
  readonly timeLeftMs: number
}

/** Why there must be no further attempt; undefined where there may. */
export function refusalOf ({ error, repeatable, attemptsLeft, timeLeftMs }: RetryQuestion): Refusal | undefined {
  if (error !== undefined && !isRetryable(error)) {
    return 'futile'
  }
  if (!repeatable) {
    return 'not-idempotent'
  }
  if (attemptsLeft <= 0) {
    return 'attempts'
  }
  return timeLeftMs > 0 ? undefined : 'deadline'
}

/** Conditions that a further attempt would meet again, or make worse. */
const FUTILE_CODES: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'ERR_ABORTED',
  'ERR_BATCH_INVALID',
  'ERR_BUDGET_EXHAUSTED',
  'ERR_DEADLINE',
  'ERR_FRAME_INVALID',
  'ERR_FRAME_TOO_LARGE',
  'ERR_INVALID_OPTION',
  'ERR_INVALID_STATE',
  'ERR_NO_ADDRESS',
  // Pushing back is what a limit is for.
  'ERR_OVERLOADED',
  'ERR_PEER_EJECTED',
  'ERR_PEER_MISMATCH',
  'ERR_QUEUE_FULL',
  // The far side's handler has answered, if with a failure.
  'ERR_REMOTE_FAILED',
  'ERR_STOPPED',
  'ERR_TOO_MANY_WAITERS',
  'ERR_UNKNOWN_OPTION',
  'ERR_UNSUPPORTED',
  'ERR_UNSUPPORTED_PROTOCOL'
])

/**
 * The same of libp2p's errors, by name. Its `EncryptionFailedError` is not among them: its upgrader makes it of whatever
 * ends a handshake and keeps the message only, so that another peer's identity looks like a reset, a time-out or an
 * abort. Most of these pass; the others cost what attempts and budget allow.
 */
const FUTILE_NAMES: ReadonlySet<string> = new Set([
  'AbortError',
  // Its connection gater, asked about the connection instead of the dial.
  'ConnectionInterceptedError',
  'DialDeniedError',
  'InvalidMultiaddrError',
  'InvalidParametersError',
  'InvalidPeerIdError',
  'NoValidAddressesError',
  'NotFoundError',
  'NotStartedError',
  // Of transports that do the handshake themselves.
  'UnexpectedPeerError',
  'UnsupportedProtocolError'
])

/**
 * Whether another attempt may do better where this one failed. Unknown errors of a network count as passing ones; bugs do
 * not. What libp2p says of several addresses passes where one of them may.
 */
function isRetryable (error: unknown): boolean {
  if (error instanceof AggregateError && error.errors.length > 0) {
    return error.errors.some(isRetryable)
  }
  if (error instanceof TwinwireError) {
    return !FUTILE_CODES.has(error.code)
  }
  return error instanceof Error && !BUGS.some(bug => error instanceof bug) && !FUTILE_NAMES.has(error.name)
}

const BUGS = [TypeError, RangeError, ReferenceError, SyntaxError]

/** An error's stable code, or its name where it has none. */
export function reasonOf (error: unknown): string {
  if (error instanceof TwinwireError) {
    return error.code
  }
  return error instanceof Error ? error.name : typeof error
}
