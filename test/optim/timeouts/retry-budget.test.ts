import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../../src/core/random.ts'
import { decorrelatedJitterMs } from '../../../src/optim/timeouts/decorrelated-jitter.ts'
import { LATENCY_WINDOW, LatencyWindow } from '../../../src/optim/timeouts/latency-window.ts'
import { RecentMap } from '../../../src/optim/recent-map.ts'
import { RatioBudget } from '../../../src/optim/timeouts/retry-budget.ts'
import { RetryThrottle } from '../../../src/optim/timeouts/retry-throttle.ts'

fc.configureGlobal({ seed: 1 })

test('a quiet node has its reserve, and each five requests grant one retry more', t => {
  const budget = new RatioBudget({ ratio: 0.2, reservePerSecond: 1, windowMs: 10_000 })
  t.is(budget.available(0), 10)
  for (let i = 0; i < 5; i++) {
    budget.deposit(0)
  }
  t.is(budget.available(0), 11)
})

test('what was withdrawn comes back when the window has passed, and what was deposited goes', t => {
  const budget = new RatioBudget({ ratio: 1, reservePerSecond: 1, windowMs: 10_000 })
  for (let i = 0; i < 100; i++) {
    budget.deposit(0)
  }
  t.is(budget.available(9_999), 110)
  t.is(budget.available(10_000), 10)
  for (let i = 0; i < 10; i++) {
    t.true(budget.tryWithdraw(10_000))
  }
  t.false(budget.tryWithdraw(19_999))
  t.is(budget.available(20_000), 10)
})

test('with each retry granted, those of its window <= ratio x requests of its window + reserve, whatever the schedule', t => {
  const windowMs = 1000
  const slotMs = windowMs / 10
  const schedule = fc.array(fc.record({ gapMs: fc.integer({ min: 0, max: 300 }), request: fc.boolean() }), { maxLength: 60 })
  fc.assert(fc.property(schedule, fc.constantFrom(0, 0.1, 0.2, 1), fc.integer({ min: 0, max: 5 }), (steps, ratio, reserve) => {
    const budget = new RatioBudget({ ratio, reservePerSecond: reserve, windowMs })
    const requests: number[] = []
    const retries: number[] = []
    let nowMs = 0
    for (const { gapMs, request } of steps) {
      nowMs += gapMs
      if (request) {
        requests.push(nowMs)
        budget.deposit(nowMs)
      } else if (budget.tryWithdraw(nowMs)) {
        retries.push(nowMs)
        // The window moves on in tenths: it holds the present tenth and the nine before. Time began at the first step.
        const originMs = steps[0].gapMs
        const windowStartMs = originMs + (Math.floor((nowMs - originMs) / slotMs) - 9) * slotMs
        const within = (times: number[]): number => times.filter(time => time >= windowStartMs).length
        if (within(retries) > ratio * within(requests) + reserve + 1e-6) {
          return false
        }
      }
    }
    return true
  }), { numRuns: 10_000 })
  t.pass()
})

test('gRPC\'s throttle: 10 tokens let 4 failures be retried, and 11 answers let a further one', t => {
  const throttle = new RetryThrottle({ tokens: 10, ratio: 0.1 })
  const granted = Array.from({ length: 10 }, () => {
    throttle.ended(false)
    return throttle.tryWithdraw()
  })
  // 9, 8, 7 and 6 are more than half of 10; 5 is not.
  t.deepEqual(granted, [true, true, true, true, false, false, false, false, false, false])
  let answers = 0
  while (!throttle.tryWithdraw()) {
    throttle.ended(true)
    answers++
  }
  // From 0 tokens, more than 5 at a tenth each; rounding may cost one.
  t.true(answers === 51 || answers === 52, String(answers))
})

test('the throttle agrees with A6 in 10,000 random histories, and grants each failure its retry at most', t => {
  fc.assert(fc.property(fc.array(fc.boolean(), { maxLength: 60 }), fc.integer({ min: 1, max: 12 }), fc.constantFrom(0.1, 0.25, 0.5), (outcomes, tokens, ratio) => {
    const throttle = new RetryThrottle({ tokens, ratio })
    // In hundredths, so that nothing is rounded.
    let hundredths = tokens * 100
    let retries = 0
    let answers = 0
    for (const answered of outcomes) {
      throttle.ended(answered)
      hundredths = answered ? Math.min(tokens * 100, hundredths + ratio * 100) : Math.max(0, hundredths - 100)
      answers += answered ? 1 : 0
      // At exactly half, floats may fall to either side.
      if (hundredths !== tokens * 50 && throttle.tryWithdraw() !== hundredths > tokens * 50) {
        return false
      }
      retries += !answered && throttle.tryWithdraw() ? 1 : 0
    }
    return retries <= tokens / 2 + ratio * answers
  }), { numRuns: 10_000 })
  t.pass()
})

test('a retry waits between the base and three times the wait before, and never above the cap', t => {
  const random = randomStream('jitter')
  let previousMs = 0
  for (let i = 0; i < 1000; i++) {
    const delayMs = decorrelatedJitterMs(previousMs, random, { baseMs: 10, capMs: 1000 })
    t.true(delayMs >= 10 && delayMs <= 1000 && delayMs <= 3 * Math.max(10, previousMs))
    previousMs = delayMs
  }
})

test('a quantile is the nearest rank of the last answers', t => {
  const window = new LatencyWindow()
  t.is(window.quantileMs(0.95), undefined)
  for (let i = 1; i <= 20; i++) {
    window.add(i)
  }
  t.is(window.count, 20)
  t.is(window.quantileMs(0.95), 19)
  t.is(window.quantileMs(1), 20)
  t.is(window.quantileMs(0), 1)
  for (let i = 0; i < LATENCY_WINDOW; i++) {
    window.add(7)
  }
  t.is(window.quantileMs(1), 7)
})

test('a recent map forgets what was not used for longest', t => {
  const map = new RecentMap<number>(2)
  map.obtain('a', () => 1)
  map.obtain('b', () => 2)
  map.obtain('a', () => 3)
  map.obtain('c', () => 4)
  t.is(map.size, 2)
  t.is(map.peek('a'), 1)
  t.is(map.peek('b'), undefined)
})
