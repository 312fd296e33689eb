import { mock } from 'node:test'
import test from 'ava'
import { systemClock } from '../../src/core/clock.ts'

/** The largest delay that a timer of Node holds. */
const NODE_MAXIMUM_MS = 2 ** 31 - 1

test.beforeEach(() => mock.timers.enable({ apis: ['setTimeout'] }))
test.afterEach.always(() => mock.timers.reset())

/** Node's mock holds any delay; Node itself fires after 1 ms where it is above its maximum. */
function withNodesLimit (t: { readonly teardown: (action: () => void) => void }, delays: number[]): void {
  const mocked = globalThis.setTimeout
  globalThis.setTimeout = ((callback: () => void, delayMs: number) => {
    delays.push(delayMs)
    return mocked(callback, delayMs > NODE_MAXIMUM_MS ? 1 : delayMs)
  }) as typeof setTimeout
  t.teardown(() => { globalThis.setTimeout = mocked })
}

for (const delayMs of [0, 1, 2 ** 30, 2 ** 30 + 1, NODE_MAXIMUM_MS, NODE_MAXIMUM_MS + 1, 2 ** 32 + 7, 2 ** 33]) {
  test.serial(`a delay of ${delayMs} ms is kept to the millisecond`, t => {
    const delays: number[] = []
    withNodesLimit(t, delays)
    let fired = 0
    systemClock.setTimeout(() => { fired++ }, delayMs)
    if (delayMs > 0) {
      // In pieces, as the mock does not fire what is set while it moves on.
      passTo(delayMs - 1)
      t.is(fired, 0)
      mock.timers.tick(1)
    } else {
      mock.timers.tick(0)
    }
    t.is(fired, 1)
    t.true(delays.every(delay => delay <= NODE_MAXIMUM_MS))
  })
}

test.serial('an infinite delay never ends, and can be cancelled at any time, as can a long one', t => {
  const delays: number[] = []
  withNodesLimit(t, delays)
  const fail = (): void => t.fail()
  const timers = [systemClock.setTimeout(fail, Infinity), systemClock.setTimeout(fail, 2 ** 34)]
  passTo(2 ** 33)
  timers.forEach(timer => timer.cancel())
  const { length } = delays
  passTo(2 ** 35)
  t.is(delays.length, length)
})

test.serial('a negative delay counts as none', t => {
  let fired = 0
  systemClock.setTimeout(() => { fired++ }, -5)
  t.is(fired, 0)
  mock.timers.tick(0)
  t.is(fired, 1)
})

function passTo (durationMs: number): void {
  for (let left = durationMs; left > 0; left -= 2 ** 29) {
    mock.timers.tick(Math.min(left, 2 ** 29))
  }
}
