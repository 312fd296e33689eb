import { show, TwinwireError } from '../../core/errors.ts'
import type { PeerId } from '../port.ts'
import type { AttemptKind } from './events.ts'

/** A request as the enforcer sees it: whom it asks, what for, and what is allowed on the way. */
export interface TimedRequest {
  readonly peer: PeerId
  /** Requests of one operation are expected to take alike: a protocol, or a protocol and a method. */
  readonly operation: string
  /** True where the far side may get it twice without harm. Only such are sent again after they may have arrived. */
  readonly idempotent: boolean
  /** All attempts together; without it nothing but answers, errors and the caller ends a request. */
  readonly deadlineMs?: number
  /** Payload bytes of the request. Default 0. */
  readonly bytes?: number
  /** Payload bytes that the reply is expected to have. Default 0. */
  readonly expectedReplyBytes?: number
  /** How long the far side is known to work on it. Default 0. */
  readonly serverTimeMs?: number
  /**
   * False where an attempt may be settled by the reply to an earlier one, because attempts share a stream and replies
   * name none, or because the far side answers a retry with the work that it had begun for the attempt before. Karn's rule then discards what a request with more than one attempt would teach. Default true: each
   * attempt has a stream of its own or replies carry its id.
   */
  readonly repliesNameAttempts?: boolean
  readonly signal?: AbortSignal
}

/** What an attempt is given. */
export interface AttemptContext {
  /** Aborted when the attempt is given up: with `ERR_TIMEOUT` where it was overdue, else with why the request ended. */
  readonly signal: AbortSignal
  /** Unique within one `AdaptiveTimeouts`; for protocols whose replies name what they answer. */
  readonly attemptId: number
  /** 1 for the first. */
  readonly attempt: number
  /** Why it is made. A hedge is of use only where it goes another way than the attempt beside it. */
  readonly kind: AttemptKind
  /** How long this attempt may take, from when it is sent. */
  readonly timeoutMs: number
  /** True once it has been under way for longer than its timeout. */
  readonly overdue: boolean
  /** True once its request's deadline has passed without an answer. */
  readonly expired: boolean
  /**
   * Stops the attempt's clock: nothing of the request has left yet. Connecting is neither timed nor measured here, as it
   * takes other round trips and has time limits of its own, and failing at it leaves a request free to be repeated.
   */
  readonly connecting: () => void
  /**
   * Like `connecting`, where a connection is there and only a stream has to be opened on it. That takes one round trip,
   * so it is timed (four times as long as the request would be), but nothing is learnt from it.
   */
  readonly opening: () => void
  /**
   * Starts the attempt's clock from zero: from here on the request may have arrived. An attempt that calls neither of
   * the others was sent when it began.
   */
  readonly sent: () => void
  /**
   * The far side may answer this attempt with what it began for an earlier one of which this was said, too: the answer
   * then tells no round trip (Karn).
   */
  readonly shared: () => void
  /**
   * The far side has said that it has the request: from here on silence is the time that it takes, and no loss. Another
   * attempt is then made as a hedge.
   */
  readonly arrived: () => void
  /** Part of the answer came, not all of it: the attempt's timeout begins again. */
  readonly progress: () => void
  /** Registers what is called when the attempt is overdue but goes on. */
  readonly whenKept: (callback: () => void) => void
}

/** One try. Settles with the answer, or rejects; must end soon after its signal is aborted. */
export type Attempt<T> = (context: AttemptContext) => Promise<T>

/**
 * @throws ERR_INVALID_OPTION for a number that cannot be meant
 */
export function checkRequest ({ deadlineMs, bytes, expectedReplyBytes, serverTimeMs }: Pick<TimedRequest, 'deadlineMs' | 'bytes' | 'expectedReplyBytes' | 'serverTimeMs'>): void {
  check('deadlineMs', deadlineMs, value => value > 0, 'a positive number')
  check('bytes', bytes, value => value >= 0, 'a number of at least 0')
  check('expectedReplyBytes', expectedReplyBytes, value => value >= 0, 'a number of at least 0')
  check('serverTimeMs', serverTimeMs, value => value >= 0, 'a number of at least 0')
}

function check (path: string, value: number | undefined, right: (value: number) => boolean, expected: string): void {
  if (value !== undefined && !(Number.isFinite(value) && right(value))) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the request is not valid', { path, expected, found: show(value) })
  }
}
