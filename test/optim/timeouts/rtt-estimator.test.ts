import test from 'ava'
import * as fc from 'fast-check'
import { allowanceMs, attemptTimeoutMs, roundTripMs } from '../../../src/optim/timeouts/attempt-timeout.ts'
import { populationRttMs } from '../../../src/optim/timeouts/population.ts'
import { retransmissionTimeoutMs, RttEstimator } from '../../../src/optim/timeouts/rtt-estimator.ts'

fc.configureGlobal({ seed: 1 })

const G_MS = 10

function timeoutOf (estimator: RttEstimator, k = 4): number {
  const { srttMs = NaN, rttVarMs = NaN } = estimator
  return retransmissionTimeoutMs(srttMs, rttVarMs, G_MS, k)
}

test('the first sample R gives SRTT = R, RTTVAR = R/2, RTO = 3R (RFC 6298, 2.2)', t => {
  const estimator = new RttEstimator()
  t.is(estimator.srttMs, undefined)
  estimator.sample(100)
  t.is(estimator.srttMs, 100)
  t.is(estimator.rttVarMs, 50)
  t.is(timeoutOf(estimator), 300)
})

test('the second sample moves RTTVAR by a quarter and SRTT by an eighth, in this order (RFC 6298, 2.3)', t => {
  const estimator = new RttEstimator()
  estimator.sample(100)
  estimator.sample(180)
  t.is(estimator.rttVarMs, 0.75 * 50 + 0.25 * 80)
  t.is(estimator.srttMs, 0.875 * 100 + 0.125 * 180)
})

test('constant RTT: the timeout converges to R + G and is never below R', t => {
  fc.assert(fc.property(fc.double({ min: 0.01, max: 10_000, noNaN: true }), rttMs => {
    const estimator = new RttEstimator()
    for (let i = 0; i < 100; i++) {
      estimator.sample(rttMs)
      // Rounding is the reason for G: it keeps the timeout clear of R by more than any rounding.
      if (timeoutOf(estimator) < rttMs + G_MS * 0.999) {
        return false
      }
    }
    // RTTVAR shrinks by 3/4 a sample: R/2 * 0.75^99 is below 10^-8 for R = 10 s.
    return timeoutOf(estimator) < rttMs + G_MS + 1e-6
  }), { numRuns: 10_000 })
  t.pass()
})

test('a 10x RTT step is within the timeout after 1 sample with K = 4, and after 2 with K = 2', t => {
  for (const [k, samples] of [[4, 1], [2, 2]]) {
    const estimator = new RttEstimator()
    for (let i = 0; i < 200; i++) {
      estimator.sample(50)
    }
    t.true(timeoutOf(estimator, k) < 500)
    // K = 4: 50 + 450/8 + 4 * 450/4 = 556. K = 2: 331, then more.
    for (let i = 0; i < samples; i++) {
      t.true(timeoutOf(estimator, k) < 500)
      estimator.sample(500)
    }
    t.true(timeoutOf(estimator, k) > 500)
  }
})

test('after any 10x RTT step, from whatever RTT and history, the timeout is beyond the new RTT after 1 sample (K = 4) or 2 (K = 2)', t => {
  fc.assert(fc.property(fc.double({ min: 0.1, max: 5_000, noNaN: true }), fc.integer({ min: 1, max: 40 }), (rttMs, answers) => {
    return [[4, 1], [2, 2]].every(([k, samples]) => {
      const estimator = new RttEstimator()
      for (let i = 0; i < answers; i++) {
        estimator.sample(rttMs)
      }
      for (let i = 0; i < samples; i++) {
        estimator.sample(10 * rttMs)
      }
      // K = 4, from a settled R: R + 9R/8 + 9R = 11.1 R. K = 2: after the second sample 3.1 R + 2 (27/16 + 63/32) R = 10.4 R.
      return timeoutOf(estimator, k) > 10 * rttMs
    })
  }), { numRuns: 10_000 })
  t.pass()
})

test('the backoff is what a naive count of it is: raised once for what was under way together, cleared by any valid answer', t => {
  const step = fc.record({ act: fc.constantFrom('overdue', 'overdue', 'answer', 'clear'), gapMs: fc.integer({ min: 0, max: 30 }), agoMs: fc.integer({ min: 0, max: 60 }) })
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), steps => {
    const estimator = new RttEstimator()
    let nowMs = 1_000
    let expected = 0
    let raisedMs = -Infinity
    for (const { act, gapMs, agoMs } of steps) {
      nowMs += gapMs
      if (act === 'overdue') {
        estimator.raiseBackoff(nowMs - agoMs, nowMs)
        if (nowMs - agoMs >= raisedMs && expected < 30) {
          expected++
          raisedMs = nowMs
        }
      } else {
        if (act === 'answer') {
          estimator.sample(agoMs)
        } else {
          estimator.clearBackoff()
        }
        expected = 0
      }
      if (estimator.backoff !== expected) {
        return false
      }
    }
    return true
  }), { numRuns: 10_000 })
  t.pass()
})

test('the timeout doubles once for all requests that were under way together, and clears on a valid sample', t => {
  const estimator = new RttEstimator()
  estimator.sample(100)
  for (let i = 0; i < 100; i++) {
    estimator.raiseBackoff(0, 300)
  }
  t.is(estimator.backoff, 1)
  estimator.raiseBackoff(300, 900)
  t.is(estimator.backoff, 2)
  estimator.sample(100)
  t.is(estimator.backoff, 0)
})

test('a timeout never exceeds the remaining deadline, and never ends before the allowance', t => {
  const positive = fc.double({ min: 0, max: 1e6, noNaN: true })
  fc.assert(fc.property(positive, positive, positive, (waitMs, allowedMs, remainingMs) => {
    const timeoutMs = attemptTimeoutMs(waitMs, allowedMs, remainingMs)
    return timeoutMs <= remainingMs && (timeoutMs === remainingMs || timeoutMs >= allowedMs)
  }), { numRuns: 10_000 })
  t.is(attemptTimeoutMs(100, 0, -5), 0)
})

test('the allowance is the serialisation time and the far side\'s time', t => {
  // 125,000 B = 1 Mbit; at 1 Mbit/s one second.
  t.is(allowanceMs({ bytes: 125_000, rateBitsPerSecond: 1e6, serverTimeMs: 20 }), 1020)
})

test('an answer within its allowance tells no round trip', t => {
  t.is(roundTripMs(120, 20), 100)
  t.is(roundTripMs(15, 20), undefined)
  t.is(roundTripMs(0, 0), 0)
})

test('a new peer starts from the population: the sqrt(n)-th smallest, zero-based as in geth', t => {
  t.is(populationRttMs([]), undefined)
  t.is(populationRttMs([70]), 70)
  t.is(populationRttMs([90, 10, 40]), 40)
  t.is(populationRttMs(Array.from({ length: 100 }, (_, i) => 100 - i)), 11)
})
