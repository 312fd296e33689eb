import test from 'ava'
import { sleep } from '../../src/core/clock.ts'
import { Kernel } from '../../src/sim/kernel.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'

const never = (): boolean => false

test('the continuation of a promise that an event settled runs before the clock advances', async t => {
  const kernel = new Kernel()
  const seen: string[] = []
  const gate = Promise.withResolvers<void>()
  const open = kernel.define(() => {
    kernel.wake()
    gate.resolve()
  }, 'event')
  const later = kernel.define(() => { seen.push(`event at ${kernel.nowNs}`) }, 'event')
  kernel.schedule(1, open, 0)
  kernel.schedule(1, later, 0)
  kernel.schedule(2, later, 0)
  const waiting = (async () => {
    await gate.promise
    for (let i = 0; i < 50; i++) {
      await Promise.resolve()
    }
    seen.push(`continued at ${kernel.nowNs}`)
    kernel.schedule(kernel.nowNs, later, 0)
  })()
  await kernel.runAsync(never, 3)
  await waiting
  t.deepEqual(seen, ['continued at 1', 'event at 1', 'event at 1', 'event at 2'])
  t.is(kernel.nowNs, 3)
})

test('events that wake nobody are dispatched without a turn of the event loop between them', async t => {
  const kernel = new Kernel()
  let turns = 0
  const turnsSeen: number[] = []
  const event = kernel.define(() => {
    setImmediate(() => { turns++ })
    turnsSeen.push(turns)
  }, 'event')
  for (let i = 0; i < 100; i++) {
    kernel.schedule(i, event, 0)
  }
  await kernel.runAsync(never, 100)
  t.deepEqual(turnsSeen, Array.from({ length: 100 }, () => 0))
})

test('promises that were pending before the run are let run first', async t => {
  const kernel = new Kernel()
  const clock = new VirtualClock(kernel)
  let done = false
  void Promise.resolve().then(() => sleep(clock, 5)).then(() => { done = true })
  await kernel.runAsync(() => done)
  t.is(clock.now(), 5)
})

test('a run stops as soon as it is finished, and leaves the rest', async t => {
  const kernel = new Kernel()
  const clock = new VirtualClock(kernel)
  let done = false
  clock.setTimeout(() => { done = true }, 1)
  clock.setTimeout(() => {}, 2)
  await kernel.runAsync(() => done)
  t.is(clock.now(), 1)
  t.is(kernel.pending, 1)
})

test('a run in which no event is left while something still waits is a deadlock', async t => {
  const kernel = new Kernel()
  const nothing = kernel.define(() => {}, 'event')
  kernel.schedule(2e6, nothing, 0)
  kernel.cancel(kernel.schedule(3e6, nothing, 0))
  const error = await t.throwsAsync(kernel.runAsync(never), { code: 'ERR_DEADLOCK' })
  t.regex(error?.message ?? '', /at 2 ms/)
})

test('what an event throws rejects the run, which can be started again', async t => {
  const kernel = new Kernel()
  const fail = kernel.define(() => { throw new Error('from an event') }, 'event')
  const nothing = kernel.define(() => {}, 'event')
  kernel.schedule(1, fail, 0)
  kernel.schedule(2, nothing, 0)
  await t.throwsAsync(kernel.runAsync(never, 5), { message: 'from an event' })
  t.is(kernel.pending, 1)
  await kernel.runAsync(never, 5)
  t.is(kernel.dispatched, 2)
})

test('a queue that promises fill without end ends in an error', async t => {
  const kernel = new Kernel({ maxPending: 100 })
  const clock = new VirtualClock(kernel)
  const grow = (): void => {
    clock.setTimeout(grow, 1)
    clock.setTimeout(grow, 1)
  }
  grow()
  await t.throwsAsync(kernel.runAsync(never), { code: 'ERR_EVENT_LIMIT' })
})

test('a kernel that is running refuses a second run', async t => {
  const kernel = new Kernel()
  const first = kernel.runAsync(never, 5)
  await t.throwsAsync(kernel.runAsync(never, 5), { code: 'ERR_INVALID_STATE' })
  t.throws(() => kernel.run(), { code: 'ERR_INVALID_STATE' })
  await first
  kernel.run(6)
  t.is(kernel.nowNs, 6)
})
