import test from 'ava'
import * as fc from 'fast-check'
import { LocalHealth } from '../../../src/optim/health/local-health.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

const options = { lagMs: 250, decayMs: 2000, failingShare: 0.5 }

test('a deadline that comes in time is no lag', t => {
  const local = new LocalHealth(options)
  local.expect(1000)
  t.false(local.advance(1249))
  t.is(local.timeoutFactor, 1)
  t.is(local.awakeMs(1249), 1249)
})

test('the score is one point for 250 ms of lag and one more for each doubling, at most 7', t => {
  t.deepEqual([250, 499, 500, 1000, 2000, 4000, 8000, 16_000, 1e9].map(lateMs => {
    const local = new LocalHealth(options)
    local.expect(1000)
    local.advance(1000 + lateMs)
    return local.score
  }), [1, 1, 2, 3, 4, 5, 6, 7, 7])
})

test('a stall is void: awake time stands still in it, and what began before its end is excused', t => {
  const local = new LocalHealth(options)
  local.expect(1000)
  // An observation is handled before the deadline is.
  local.advance(31_000)
  local.advance(31_010)
  t.is(local.awakeMs(31_010), 1010)
  t.true(local.stalledSince(30_999))
  t.false(local.stalledSince(31_000))
})

test('from the highest score a node is well again after 14 s', t => {
  const local = new LocalHealth(options)
  local.expect(1000)
  local.advance(31_000)
  const scores = Array.from({ length: 14 }, (_, second) => {
    local.review(false, 32_000 + second * 1000)
    return local.score
  })
  t.deepEqual(scores, [7, 6, 6, 5, 5, 4, 4, 3, 3, 2, 2, 1, 1, 0])
})

test('peers that fail at once raise the score to 2 and no further', t => {
  const local = new LocalHealth(options)
  t.is(local.review(true, 0), 'peers-failing')
  t.is(local.review(true, 1000), 'peers-failing')
  t.is(local.review(true, 2000), undefined)
  t.is(local.score, 2)
})

test('many are at least three peers, and half of those in use', t => {
  const local = new LocalHealth(options)
  t.deepEqual([[2, 2], [3, 3], [3, 6], [3, 7], [50, 100]].map(([failing, inUse]) => local.isOurs(failing, inUse)), [false, true, true, false, true])
})

test('the score stays within 0 to 7 and awake time never runs backwards or faster than the clock', t => {
  const steps = fc.array(fc.record({ gapMs: fc.nat(40_000), arm: fc.boolean(), failing: fc.boolean() }), { maxLength: 30 })
  fc.assert(fc.property(steps, steps => {
    const local = new LocalHealth(options)
    let nowMs = 0
    let awakeMs = 0
    for (const { gapMs, arm, failing } of steps) {
      nowMs += gapMs
      local.advance(nowMs)
      local.review(failing, nowMs)
      const next = local.awakeMs(nowMs)
      if (local.score < 0 || local.score > 7 || next < awakeMs || next - awakeMs > gapMs) {
        return false
      }
      awakeMs = next
      if (arm) {
        local.expect(nowMs + 1000)
      }
    }
    return true
  }))
  t.pass()
})
