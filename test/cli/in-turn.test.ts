import test from 'ava'
import { inTurn } from '../../src/cli/in-turn.ts'

const never = new AbortController().signal

/** Works on items that end when they are told; tells which are under way. */
function desk (): { readonly underWay: Set<string>, work: (item: string) => Promise<void>, end: (item: string, error?: Error) => Promise<void> } {
  const ends = new Map<string, PromiseWithResolvers<void>>()
  const underWay = new Set<string>()
  return {
    underWay,
    async work (item) {
      const end = Promise.withResolvers<void>()
      ends.set(item, end)
      underWay.add(item)
      await end.promise
      underWay.delete(item)
    },
    async end (item, error) {
      const end = ends.get(item)
      if (error === undefined) {
        end?.resolve()
      } else {
        end?.reject(error)
      }
      await new Promise(resolve => setImmediate(resolve))
    }
  }
}

const WEIGHTS: Readonly<Record<string, number>> = { a: 3, b: 2, c: 1, d: 4 }
const room = { capacity: 4, weightOf: (item: string) => WEIGHTS[item] }

test('the first in order that there is room for is next, and no more goes on than there is room for', async t => {
  const { underWay, work, end } = desk()
  const all = inTurn(['a', 'b', 'c', 'd'], room, never, work)
  // b does not fit beside a, and c does.
  t.deepEqual([...underWay], ['a', 'c'])
  await end('a')
  t.deepEqual([...underWay], ['c', 'b'])
  await end('c')
  await end('b')
  t.deepEqual([...underWay], ['d'])
  await end('d')
  await all
})

test('after an abort nothing is begun, and what is under way is waited for', async t => {
  const { underWay, work, end } = desk()
  const controller = new AbortController()
  let over = false
  const all = inTurn(['a', 'b', 'c'], room, controller.signal, work).then(() => { over = true })
  controller.abort()
  await end('a')
  t.deepEqual([...underWay], ['c'])
  t.false(over)
  await end('c')
  await all
  t.is(underWay.size, 0)
})

test('what the work throws ends it, also where something else ends at the same instant', async t => {
  for (const first of ['a', 'c']) {
    const { work, end } = desk()
    const all = inTurn(['a', 'c', 'd'], room, never, work)
    const thrown = t.throwsAsync(all, { message: 'of c' })
    const second = first === 'a' ? 'c' : 'a'
    await Promise.all([first, second].map(async item => await end(item, item === 'c' ? new Error('of c') : undefined)))
    await thrown
  }
})

test('what weighs more than there is room for goes alone', async t => {
  const { underWay, work, end } = desk()
  const all = inTurn(['c', 'd', 'b'], { ...room, capacity: 2 }, never, work)
  t.deepEqual([...underWay], ['c'])
  await end('c')
  // It fits as little beside others as before, and there are none.
  t.deepEqual([...underWay], ['d'])
  await end('d')
  t.deepEqual([...underWay], ['b'])
  await end('b')
  await all
})
