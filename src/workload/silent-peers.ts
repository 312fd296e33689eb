import type { Clock } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import type { Requester } from './requester.ts'

/**
 * Remembers that a peer was silent, as applications do by hand that have others to ask: for `forMs` after a request was given
 * up unanswered the peer is asked nothing, so that the caller goes on to the next at once. Whoever gives up for a reason of
 * his own, soon after he asked, calls a peer silent as well, and an answer to another request takes nothing back.
 *
 * @throws TwinwireError ERR_PEER_EJECTED meanwhile
 */
export function refusingSilent (requester: Requester, clock: Clock, forMs: number): Requester {
  let silentUntilMs = -Infinity
  return {
    ...requester,
    async request (payload, signal, options) {
      if (clock.now() < silentUntilMs) {
        throw new TwinwireError('ERR_PEER_EJECTED', `the peer was silent within the last ${forMs} ms`)
      }
      try {
        return await requester.request(payload, signal, options)
      } catch (error) {
        if (signal.aborted) {
          silentUntilMs = clock.now() + forMs
        }
        throw error
      }
    }
  }
}
