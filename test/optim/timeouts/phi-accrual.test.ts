import test from 'ava'
import * as fc from 'fast-check'
import { PhiAccrual } from '../../../src/optim/timeouts/phi-accrual.ts'

fc.configureGlobal({ seed: 1 })

const akka = { threshold: 8, minimumDeviationMs: 100, acceptablePauseMs: 3000 }

test('a peer that answers every second is suspect only after the pause and a few deviations', t => {
  const detector = new PhiAccrual(akka)
  detector.awaitFrom(0)
  for (let second = 1; second <= 200; second++) {
    detector.signOfLife(second * 1000)
  }
  // Mean 1000 ms + pause 3000 ms: one half is longer, so phi = log10 2.
  t.true(Math.abs(detector.phi(200_000 + 4000) - Math.log10(2)) < 1e-6)
  t.false(detector.isSuspect(200_000 + 4000))
  // Phi 8 is 5.6 deviations of 100 ms.
  t.false(detector.isSuspect(200_000 + 4000 + 500))
  t.true(detector.isSuspect(200_000 + 4000 + 600))
})

test('silence counts only while something is awaited', t => {
  const detector = new PhiAccrual(akka)
  t.is(detector.phi(1e9), 0)
  detector.awaitFrom(0)
  detector.signOfLife(100)
  detector.rest()
  t.is(detector.phi(1e9), 0)
  detector.awaitFrom(1e9)
  t.false(detector.isSuspect(1e9 + 1000))
})

test('a sign of life ends the suspicion', t => {
  const detector = new PhiAccrual(akka)
  detector.awaitFrom(0)
  t.true(detector.isSuspect(60_000))
  detector.signOfLife(60_000)
  t.false(detector.isSuspect(60_001))
})

test('suspicion never falls while a silence lasts', t => {
  const gaps = fc.array(fc.integer({ min: 0, max: 5000 }), { maxLength: 20 })
  fc.assert(fc.property(gaps, fc.array(fc.integer({ min: 0, max: 3000 }), { maxLength: 10 }), (before, after) => {
    const detector = new PhiAccrual(akka)
    let nowMs = 0
    detector.awaitFrom(nowMs)
    for (const gapMs of before) {
      nowMs += gapMs
      detector.signOfLife(nowMs)
    }
    let phi = detector.phi(nowMs)
    for (const gapMs of after) {
      nowMs += gapMs
      const next = detector.phi(nowMs)
      if (!(next >= phi - 1e-9)) {
        return false
      }
      phi = next
    }
    return true
  }), { numRuns: 10_000 })
  t.pass()
})
