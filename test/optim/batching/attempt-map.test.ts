import test from 'ava'
import * as fc from 'fast-check'
import { AttemptMap } from '../../../src/optim/batching/attempt-map.ts'

const key = fc.record({ id: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.constant(2 ** 53 - 1)), attempt: fc.integer({ min: 0, max: 3 }) })
const action = fc.oneof(
  fc.record({ kind: fc.constant('set' as const), key, value: fc.nat() }),
  fc.record({ kind: fc.constant('delete' as const), key }),
  fc.record({ kind: fc.constant('clear' as const), key })
)

test('it holds what a map by the text of id and attempt holds, whatever is set and deleted', t => {
  fc.assert(fc.property(fc.array(action, { maxLength: 60 }), actions => {
    const map = new AttemptMap<number>()
    const naive = new Map<string, number>()
    for (const action of actions) {
      const { key: { id, attempt } } = action
      const text = `${id}.${attempt}`
      if (action.kind === 'set') {
        map.set(id, attempt, action.value)
        naive.set(text, action.value)
      } else if (action.kind === 'delete') {
        if (map.delete(id, attempt) !== naive.delete(text)) {
          return false
        }
      } else if (id === 0) {
        map.clear()
        naive.clear()
      }
      if (map.size !== naive.size || map.has(id, attempt) !== naive.has(text) || map.get(id, attempt) !== naive.get(text)) {
        return false
      }
    }
    const byNumber = (a: number, b: number): number => a - b
    return JSON.stringify(map.values().sort(byNumber)) === JSON.stringify([...naive.values()].sort(byNumber))
  }), { numRuns: 10_000 })
  t.pass()
})
