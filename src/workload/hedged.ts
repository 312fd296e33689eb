import type { Clock } from '../core/clock.ts'
import { sleep } from '../core/clock.ts'
import type { Requester } from './requester.ts'

/**
 * Asks a second time beside the first where there is no answer after `afterMs`, takes the answer that comes first and gives
 * the other attempt up: hedged requests as applications write them by hand (Dean and Barroso 2013, *The tail at scale*),
 * without a budget. What fails before that is not asked again.
 *
 * @throws what the first attempt failed with, where none is answered
 */
export function hedged (requester: Requester, clock: Clock, afterMs: number): Requester {
  return {
    ...requester,
    async request (payload, signal, options) {
      const over = new AbortController()
      const underWay = AbortSignal.any([signal, over.signal])
      let alone = true
      const first = requester.request(payload, underWay, options)
      first.catch(() => {
        if (alone) {
          over.abort()
        }
      })
      const second = async (): Promise<Uint8Array> => {
        await sleep(clock, afterMs, underWay)
        alone = false
        return await requester.request(payload, underWay, options)
      }
      try {
        return await Promise.any([first, second()])
      } catch (error) {
        throw error instanceof AggregateError ? error.errors[0] : error
      } finally {
        over.abort()
      }
    }
  }
}
