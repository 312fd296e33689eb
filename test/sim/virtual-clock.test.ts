import test from 'ava'
import { sleep, timeoutSignal } from '../../src/core/clock.ts'
import { Kernel } from '../../src/sim/kernel.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'

function virtual (): { kernel: Kernel, clock: VirtualClock } {
  const kernel = new Kernel()
  return { kernel, clock: new VirtualClock(kernel) }
}

test('now counts milliseconds from a zero that can be set', t => {
  const { kernel, clock } = virtual()
  kernel.run(2.5e6)
  t.is(clock.now(), 2.5)
  clock.zeroNs = kernel.nowNs
  t.is(clock.now(), 0)
  kernel.run(3e6)
  t.is(clock.now(), 0.5)
  t.is(new VirtualClock(kernel, 1e6).now(), 2)
})

test('timers fire in the order of their times, equal ones in the order of setting', t => {
  const { kernel, clock } = virtual()
  const fired: Array<[string, number]> = []
  const set = (name: string, delayMs: number): void => { clock.setTimeout(() => { fired.push([name, clock.now()]) }, delayMs) }
  set('c', 2)
  set('a', 0.5)
  set('d', 2)
  set('b', 1)
  kernel.run()
  t.deepEqual(fired, [['a', 0.5], ['b', 1], ['c', 2], ['d', 2]])
})

test('a delay of 0, or less, fires at this instant but not before the call returns', t => {
  const { kernel, clock } = virtual()
  let fired = 0
  clock.setTimeout(() => { fired++ }, 0)
  clock.setTimeout(() => { fired++ }, -5)
  t.is(fired, 0)
  kernel.run()
  t.is(fired, 2)
  t.is(clock.now(), 0)
})

test('a delay that is no finite number is refused, and leaves no timer', t => {
  const { kernel, clock } = virtual()
  t.throws(() => clock.setTimeout(() => {}, NaN))
  t.throws(() => clock.setTimeout(() => {}, Infinity))
  t.is(kernel.pending, 0)
})

test('a cancelled timer does not fire; cancelling one that fired, or again, does nothing', t => {
  const { kernel, clock } = virtual()
  const fired: string[] = []
  const first = clock.setTimeout(() => { fired.push('first') }, 1)
  const second = clock.setTimeout(() => { fired.push('second') }, 1)
  first.cancel()
  first.cancel()
  t.is(kernel.pending, 1)
  kernel.run()
  // The third takes the place in which the first and second were kept.
  clock.setTimeout(() => { fired.push('third') }, 1)
  clock.setTimeout(() => { fired.push('fourth') }, 1)
  first.cancel()
  second.cancel()
  kernel.run()
  t.deepEqual(fired, ['second', 'third', 'fourth'])
})

test('a timer can be set anew in its own callback', t => {
  const { kernel, clock } = virtual()
  const times: number[] = []
  const tick = (): void => {
    times.push(clock.now())
    if (times.length < 3) {
      clock.setTimeout(tick, 10)
    }
  }
  clock.setTimeout(tick, 10)
  kernel.run()
  t.deepEqual(times, [10, 20, 30])
})

test('a callback wakes the kernel: what awaits it goes on before time does', async t => {
  const { kernel, clock } = virtual()
  const woke: number[] = []
  const done = (async () => {
    for (let i = 0; i < 3; i++) {
      await sleep(clock, 1)
      woke.push(clock.now())
    }
  })()
  clock.setTimeout(() => {}, 1.5)
  await kernel.runAsync(() => woke.length === 3)
  await done
  t.deepEqual(woke, [1, 2, 3])
})

test('sleep and time-out signals leave no timer behind when aborted or disposed of', async t => {
  const { kernel, clock } = virtual()
  const controller = new AbortController()
  const sleeping = sleep(clock, 1000, controller.signal)
  controller.abort(new Error('enough'))
  await t.throwsAsync(sleeping, { message: 'enough' })
  timeoutSignal(clock, 1000)[Symbol.dispose]()
  t.is(kernel.pending, 0)
})
