import { timeoutSignal } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import { checkRequest } from './timeouts/request.ts'
import type { Clock, TimeoutSignal } from '../core/clock.ts'

/** For a request that states none. */
export const DEFAULT_DEADLINE_MS = 30_000

/**
 * Runs `action` with a signal that is aborted at the deadline or with `parent`.
 *
 * @throws ERR_DEADLINE, what `parent` was aborted with, what the action throws, or ERR_INVALID_OPTION
 */
export async function underDeadline<T> (clock: Clock, deadlineMs: number, parent: AbortSignal | undefined, action: (deadline: TimeoutSignal) => Promise<T>): Promise<T> {
  checkRequest({ deadlineMs })
  parent?.throwIfAborted()
  using deadline = timeoutSignal(clock, deadlineMs, parent)
  try {
    return await action(deadline)
  } catch (error) {
    if (deadline.timedOut) {
      throw new TwinwireError('ERR_DEADLINE', `no answer within ${deadlineMs} ms`, { cause: error })
    }
    throw parent?.aborted === true ? parent.reason : error
  }
}
