import type { Clock } from '../core/clock.ts'
import type { AttemptContext } from './timeouts/request.ts'

/** An attempt, and what is to be known of it when it ends. Its methods may be called without it. */
export interface WatchedAttempt extends AttemptContext {
  /** When it was handed to the transport; before that, when it began. */
  readonly sentMs: number
  /** Since then. */
  readonly elapsedMs: number
  /** The id of the connection that it was made on, where that is known. */
  connection: string | undefined
}

/** Passes everything on, and notes when the attempt was sent. */
export function watched (context: AttemptContext, clock: Clock): WatchedAttempt {
  let sentMs = clock.now()
  return {
    signal: context.signal,
    attemptId: context.attemptId,
    attempt: context.attempt,
    connection: undefined,
    connecting: context.connecting,
    opening: context.opening,
    progress: context.progress,
    whenKept: context.whenKept,
    sent () {
      sentMs = clock.now()
      context.sent()
    },
    get timeoutMs () {
      return context.timeoutMs
    },
    get overdue () {
      return context.overdue
    },
    get sentMs () {
      return sentMs
    },
    get elapsedMs () {
      return clock.now() - sentMs
    }
  }
}
