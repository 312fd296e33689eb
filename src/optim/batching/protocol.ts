import { TwinwireError } from '../../core/errors.ts'
import type { Batch } from './wire/items.ts'

/**
 * Requests that every responder takes on one stream before the first is answered: what an initiator goes by until the
 * responder's settings have come.
 */
export const INITIAL_REQUESTS = 32

/**
 * Whether it is one of those that are counted, and acknowledged: a batch that carries nothing but settings or an
 * acknowledgement is not, or acknowledgements would be acknowledged for ever.
 */
export function isCounted ({ items }: Batch): boolean {
  return items.length > 1 || (items.length === 1 && items[0].kind !== 'settings')
}

/** Names an attempt at a request, or (attempt 0) a message, among all on its stream. */
export function keyOf (id: number, attempt: number): string {
  return `${id}.${attempt}`
}

/** The far side broke the protocol. */
export function violation (message: string): TwinwireError {
  return new TwinwireError('ERR_BATCH_INVALID', message)
}

/** What was under way on a stream that has ended may have arrived, and nobody will tell. */
export function lostError (cause: Error): TwinwireError {
  return new TwinwireError('ERR_STREAM_CLOSED', 'the stream ended before it was answered, and it may have arrived', { cause })
}
