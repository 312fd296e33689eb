import { TwinwireError } from '../../core/errors.ts'

/**
 * Requests sent on a stream before the responder's settings have come, which takes no longer than the stream to open. A
 * responder that takes fewer refuses the others.
 */
export const INITIAL_REQUESTS = 32

/** The far side broke the protocol. */
export function violation (message: string): TwinwireError {
  return new TwinwireError('ERR_BATCH_INVALID', message)
}

/** What was under way on a stream that has ended may have arrived, and nobody will tell. */
export function lostError (cause: Error): TwinwireError {
  return new TwinwireError('ERR_STREAM_CLOSED', 'the stream ended before it was answered, and it may have arrived', { cause })
}

export function stoppedError (): TwinwireError {
  return new TwinwireError('ERR_STOPPED', 'message batching was stopped')
}
