import { setImmediate as immediate } from 'node:timers/promises'
import test from 'ava'
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
