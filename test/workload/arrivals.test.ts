import test from 'ava'
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
