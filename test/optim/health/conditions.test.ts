import test from 'ava'
import * as fc from 'fast-check'
import { NodeCondition } from '../../../src/optim/health/conditions.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

test('two peers are too few for a condition of the node', t => {
  t.is(new NodeCondition().update([0, 0], 2, 1000), undefined)
})

test('a condition becomes the node\'s when half of its peers have it, as of when enough had it', t => {
  const condition = new NodeCondition()
  t.is(condition.update([100], 4, 1000), undefined)
  // The second of four made it half.
  t.deepEqual(condition.update([700, 100], 4, 1000), { phase: 'entered', detectionDelayMs: 300 })
  t.is(condition.sinceMs, 700)
})

test('between a quarter and a half of the peers a condition of the node stays as it is', t => {
  fc.assert(fc.property(fc.array(fc.record({ peers: fc.nat(12), affected: fc.nat(12) }), { maxLength: 20 }), updates => {
    const condition = new NodeCondition()
    let active = false
    for (const [nowMs, { peers, affected }] of updates.entries()) {
      const having = Math.min(peers, affected)
      const change = condition.update(Array.from({ length: having }, () => 0), peers, nowMs)
      const share = peers < 3 ? 0 : having / peers
      const expected: boolean = share >= 0.5 || (active && share >= 0.25)
      if (condition.active !== expected || (change === undefined) !== (active === expected)) {
        return false
      }
      active = expected
    }
    return true
  }))
  t.pass()
})
