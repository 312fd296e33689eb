import { AdaptiveTimeout as Upstream } from '@libp2p/utils'
import test from 'ava'
import * as fc from 'fast-check'
import { AdaptiveTimeout } from '../../src/core/adaptive-timeout.ts'

interface Attempt {
  readonly pauseMs: number
  readonly tookMs: number
  readonly aborted: boolean
}

const attempt: fc.Arbitrary<Attempt> = fc.record({ pauseMs: fc.nat(20_000), tookMs: fc.nat(40_000), aborted: fc.boolean() })

test.serial('after any attempts the next time-out is the one that js-libp2p would give it', t => {
  const { now } = Date
  let nowMs = 0
  Date.now = () => nowMs
  try {
    fc.assert(fc.property(fc.array(attempt, { maxLength: 20 }), fc.integer({ min: 1, max: 60_000 }), (attempts, minimumMs) => {
      const ours = new AdaptiveTimeout({ now: () => nowMs, setTimeout: () => ({ cancel () {} }) }, minimumMs)
      const theirs = new Upstream({ minTimeout: minimumMs })
      for (const { pauseMs, tookMs, aborted } of attempts) {
        nowMs += pauseMs
        const caller = new AbortController()
        const signal = theirs.getTimeoutSignal({ signal: caller.signal })
        t.is(ours.timeoutMs, signal.timeout)
        nowMs += tookMs
        if (aborted) {
          caller.abort()
        }
        theirs.cleanUp(signal)
        ours.ended(tookMs, aborted)
      }
    }), { numRuns: 300 })
  } finally {
    Date.now = now
  }
})
