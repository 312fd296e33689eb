import test from 'ava'
import * as fc from 'fast-check'
import { Gcra } from '../../../src/optim/bandwidth/gcra.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

/** Of 8 kbit/s: a byte a millisecond. */
const RATE = 8e3

test('over any window T, bytes <= R T + burst + one message, whatever comes and when', t => {
  const message = fc.record({ gapMs: fc.integer({ min: 0, max: 100 }), bytes: fc.integer({ min: 1, max: 200 }) })
  fc.assert(fc.property(fc.array(message, { minLength: 1, maxLength: 30 }), fc.integer({ min: 0, max: 300 }), (messages, burstBytes) => {
    const gcra = new Gcra(RATE, burstBytes)
    const sent: Array<{ atMs: number, bytes: number }> = []
    let nowMs = 0
    for (const { gapMs, bytes } of messages) {
      nowMs += gapMs
      if (gcra.delayMs(nowMs) === 0) {
        gcra.take(nowMs, bytes)
        sent.push({ atMs: nowMs, bytes })
      }
    }
    return sent.every((first, i) => {
      let bytes = 0
      let largest = 0
      return sent.slice(i).every(last => {
        bytes += last.bytes
        largest = Math.max(largest, last.bytes)
        return bytes <= (last.atMs - first.atMs) + burstBytes + largest + 1e-6
      })
    })
  }))
  t.pass()
})

test('whoever waits as long as it is told conforms then, and loses nothing of the rate by it', t => {
  fc.assert(fc.property(fc.array(fc.integer({ min: 1, max: 500 }), { minLength: 2, maxLength: 30 }), fc.integer({ min: 0, max: 300 }), (sizes, burstBytes) => {
    const gcra = new Gcra(RATE, burstBytes)
    let nowMs = 0
    let bytes = 0
    for (const size of sizes) {
      nowMs += gcra.delayMs(nowMs)
      if (gcra.delayMs(nowMs) !== 0) {
        return false
      }
      // Work-conserving: what went before this is all that the rate and the burst allow.
      if (nowMs > 0 && Math.abs(bytes - burstBytes - nowMs) > 1e-6) {
        return false
      }
      gcra.take(nowMs, size)
      bytes += size
    }
    return true
  }))
  t.pass()
})

test('a message larger than the burst goes into debt rather than waiting for ever', t => {
  const gcra = new Gcra(RATE, 100)
  t.is(gcra.delayMs(0), 0)
  gcra.take(0, 1000)
  t.is(gcra.delayMs(0), 900)
  t.is(gcra.delayMs(900), 0)
})

test('a clock that jumps backwards changes nothing', t => {
  const gcra = new Gcra(RATE, 100)
  gcra.take(1e6, 300)
  t.is(gcra.delayMs(1e6 - 50_000), 200)
  t.is(gcra.delayMs(1e6 - 50_000 + 150), 50)
})

test('a clock that jumps forwards, or a long pause, mints at most the burst', t => {
  const gcra = new Gcra(RATE, 100)
  gcra.take(0, 300)
  t.is(gcra.delayMs(1e9), 0)
  gcra.take(1e9, 100)
  t.is(gcra.delayMs(1e9), 0)
  gcra.take(1e9, 10)
  t.is(gcra.delayMs(1e9), 10)
})

test('a refund gives back what was charged, and never mints', t => {
  const gcra = new Gcra(RATE, 0)
  gcra.take(0, 300)
  gcra.refund(100)
  t.is(gcra.delayMs(0), 200)
  gcra.refund(1e6)
  t.is(gcra.delayMs(0), 0)
  t.true(gcra.isAtRest(0))
  gcra.take(0, 10)
  t.is(gcra.delayMs(0), 10)
})

test('an infinite rate lets everything through', t => {
  const gcra = new Gcra(Infinity, 0)
  gcra.take(0, 1e12)
  t.is(gcra.delayMs(0), 0)
})
