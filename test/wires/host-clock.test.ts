import test from 'ava'
import { sleep } from '../../src/core/clock.ts'
import { HostClock } from '../../src/wires/tcp/host-clock.ts'
import { monotonicNowMs } from '../../src/wires/tcp/monotonic.ts'

test('timers of a host are never early, as Node\'s are, which count whole milliseconds', async t => {
  const clock = new HostClock()
  clock.start(monotonicNowMs())
  const earlyMs = await Promise.all(Array.from({ length: 200 }, async (_, index) => {
    const dueMs = clock.now() + index / 7
    await sleep(clock, index / 7)
    return dueMs - clock.now()
  }))
  // What is due is reckoned before the timer is, so that nothing is left to rounding.
  t.true(Math.max(...earlyMs) <= 0)
})

test('what a host waits for without end does not come, and nothing is left of it when the clock stops', async t => {
  const clock = new HostClock()
  clock.start(monotonicNowMs())
  let fired = 0
  clock.setTimeout(() => { fired++ }, Infinity)
  clock.setTimeout(() => { fired++ }, 2 ** 31)
  const cancelled = clock.setTimeout(() => { fired++ }, 1)
  cancelled.cancel()
  await sleep(clock, 5)
  t.is(fired, 0)
  clock.stop()
})

test('it stands at zero until time zero', async t => {
  const clock = new HostClock()
  t.is(clock.now(), 0)
  clock.start(monotonicNowMs() + 20)
  t.is(clock.now(), 0)
  await sleep(clock, 25)
  t.true(clock.now() > 0)
})
