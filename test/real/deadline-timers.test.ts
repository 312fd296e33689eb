import test from 'ava'
import { DeadlineTimers } from '../../src/wires/tcp/deadline-timers.ts'
import { monotonicNowMs } from '../../src/wires/tcp/monotonic.ts'

test('deadlines are met in order, never early, and at the median within 0.2 ms', async t => {
  const timers = new DeadlineTimers()
  const startMs = monotonicNowMs()
  const lateMs: number[] = []
  const order: number[] = []
  const delays = Array.from({ length: 200 }, (_, index) => (index * 137 % 200) * 2.3 + 0.37)
  await new Promise<void>(resolve => {
    for (const delayMs of delays) {
      const atMs = startMs + delayMs
      timers.schedule(atMs, {
        due () {
          lateMs.push(monotonicNowMs() - atMs)
          order.push(delayMs)
          if (order.length === delays.length) {
            resolve()
          }
        }
      })
    }
  })
  t.deepEqual(order, delays.toSorted((a, b) => a - b))
  lateMs.sort((a, b) => a - b)
  t.true(lateMs[0] >= 0)
  t.log(`late by p50 ${lateMs[100].toFixed(3)}, p90 ${lateMs[180].toFixed(3)}, p99 ${lateMs[198].toFixed(3)}, maximum ${lateMs[199].toFixed(3)} ms`)
  t.true(lateMs[100] < 0.2, `late by ${lateMs[100]} ms at the median`)
  t.is(timers.pending, 0)
  await timers.stop()
})

test('equal deadlines keep the order in which they were set', async t => {
  const timers = new DeadlineTimers()
  const atMs = monotonicNowMs() + 3
  const order: number[] = []
  await new Promise<void>(resolve => {
    for (let index = 0; index < 20; index++) {
      timers.schedule(atMs, {
        due () {
          order.push(index)
          if (index === 19) {
            resolve()
          }
        }
      })
    }
  })
  t.deepEqual(order, Array.from({ length: 20 }, (_, index) => index))
  await timers.stop()
})

test('an earlier deadline set later comes first, and cleared ones never come', async t => {
  const timers = new DeadlineTimers()
  const nowMs = monotonicNowMs()
  const order: string[] = []
  timers.schedule(nowMs + 60, { due: () => order.push('late') })
  timers.schedule(nowMs + 10, { due: () => order.push('early') })
  await new Promise(resolve => setTimeout(resolve, 30))
  timers.clear()
  t.is(timers.pending, 0)
  await new Promise(resolve => setTimeout(resolve, 50))
  t.deepEqual(order, ['early'])
  await timers.stop()
})
