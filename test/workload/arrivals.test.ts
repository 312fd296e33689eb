import test from 'ava'
import type { Clock } from '../../src/core/clock.ts'
import { randomStream } from '../../src/core/random.ts'
import { Kernel } from '../../src/sim/kernel.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'
import { openLoop, poissonArrivals } from '../../src/workload/arrivals.ts'

test('Poisson arrivals have the asked rate and exponential gaps', t => {
  const rate = 50
  const seconds = 2000
  const times = poissonArrivals(randomStream('arrivals'), rate, seconds * 1000)
  // A Poisson count's deviation is the root of its mean: five of them.
  t.true(Math.abs(times.length - rate * seconds) < 5 * Math.sqrt(rate * seconds))
  const gaps = times.map((time, i) => time - (times[i - 1] ?? 0))
  const mean = gaps.reduce((sum, gap) => sum + gap, 0) / gaps.length
  const longerThanMean = gaps.filter(gap => gap > mean).length / gaps.length
  // P(gap > mean) = 1/e for an exponential; five binomial deviations.
  t.true(Math.abs(longerThanMean - 1 / Math.E) < 5 * Math.sqrt(0.2325 / gaps.length))
})

test('an open loop starts each request at its time although none is answered', async t => {
  const kernel = new Kernel()
  const clock = new VirtualClock(kernel)
  const started: number[] = []
  let done = false
  const loop = openLoop(clock, [5, 10, 10, 40], async () => {
    started.push(clock.now())
    await new Promise<void>(resolve => clock.setTimeout(resolve, 1000))
  }).then(() => { done = true })
  await kernel.runAsync(() => done)
  await loop
  t.deepEqual(started, [5, 10, 10, 40])
  t.is(clock.now(), 1040)
})

test('an open loop starts nothing before its time, though timers are early', async t => {
  const kernel = new Kernel()
  const exact = new VirtualClock(kernel)
  // As Node's timers, which count whole milliseconds from the last turn of the event loop on.
  const early: Clock = { now: () => exact.now(), setTimeout: (callback, delayMs) => exact.setTimeout(callback, Math.max(0.4, delayMs - 1.6)) }
  const lateMs: number[] = []
  let done = false
  const loop = openLoop(early, [5.3, 10.1, 10.2, 40.7], async scheduledMs => {
    lateMs.push(early.now() - scheduledMs)
  }).then(() => { done = true })
  await kernel.runAsync(() => done)
  await loop
  // Nothing is waited for again that is closer than a microsecond, and the last wait is the shortest there is.
  t.true(lateMs.every(ms => ms > -1e-3 && ms <= 0.4))
})

test('an open loop that is cut short rejects with the reason and starts nothing more', async t => {
  const kernel = new Kernel()
  const clock = new VirtualClock(kernel)
  const controller = new AbortController()
  const reason = new Error('enough')
  let started = 0
  let outcome: unknown
  void openLoop(clock, [5, 50], async () => { started++ }, controller.signal).catch((error: unknown) => { outcome = error })
  clock.setTimeout(() => controller.abort(reason), 20)
  await kernel.runAsync(() => outcome !== undefined)
  t.is(outcome, reason)
  t.is(started, 1)
  t.is(kernel.pending, 0)
})
