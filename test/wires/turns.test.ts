import { setImmediate as immediate } from 'node:timers/promises'
import test from 'ava'
import { monotonicNowMs } from '../../src/wires/tcp/monotonic.ts'
import { Turns } from '../../src/wires/tcp/turns.ts'

test('work is done one at a time, in the order in which it came, and a failure is its own', async t => {
  const turns = new Turns()
  const log: string[] = []
  const work = (name: string) => async (): Promise<string> => {
    log.push(`${name} begins`)
    await immediate()
    log.push(`${name} ends`)
    if (name === 'b') {
      throw new Error('of b')
    }
    return name
  }
  const all = await Promise.allSettled(['a', 'b', 'c'].map(async name => await turns.take(work(name))))
  t.deepEqual(log, ['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends'])
  t.deepEqual(all.map(({ status }) => status), ['fulfilled', 'rejected', 'fulfilled'])
})

test('nobody has a turn once all have had theirs, those that came meanwhile among them', async t => {
  const turns = new Turns()
  await turns.none()
  const log: string[] = []
  void turns.take(async () => {
    await immediate()
    log.push('first')
    void turns.take(async () => {
      await immediate()
      log.push('second')
    })
  })
  await turns.none()
  t.deepEqual(log, ['first', 'second'])
})

test('turns that are to lie apart do, after one that failed as well', async t => {
  const turns = new Turns(20)
  const begunMs: number[] = []
  const endedMs: number[] = []
  const work = async (): Promise<void> => {
    begunMs.push(monotonicNowMs())
    await immediate()
    endedMs.push(monotonicNowMs())
    throw new Error('of this turn')
  }
  await Promise.allSettled([1, 2, 3].map(async () => { await turns.take(work) }))
  // A timer may be early by more than a millisecond, for it counts whole ones.
  t.true(begunMs.slice(1).every((ms, index) => ms - endedMs[index] >= 20 - 2))
})
