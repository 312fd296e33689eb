import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../../src/core/random.ts'
import { Recovery } from '../../../src/optim/health/recovery.ts'
import type { RecoveryRecord } from '../../../src/optim/health/recovery.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

const options = { perSecond: 2, burst: 5, jitterMs: 1000, tries: 6, backoffMs: 5000, maximumBackoffMs: 300_000 }

function records (recovery: Recovery): (peer: string) => RecoveryRecord {
  const records = new Map<string, RecoveryRecord>()
  return peer => {
    const record = records.get(peer) ?? recovery.newRecord()
    records.set(peer, record)
    return record
  }
}

test('in every window of T seconds at most 5 + 2 T connections are replaced', t => {
  const steps = fc.array(fc.record({ gapMs: fc.nat(3000), dead: fc.array(fc.nat(30), { maxLength: 8 }) }), { maxLength: 20 })
  fc.assert(fc.property(steps, fc.nat(), (steps, seed) => {
    const recovery = new Recovery(options, randomStream(seed))
    const recordOf = records(recovery)
    const takenMs: number[] = []
    let nowMs = 0
    for (const { gapMs, dead } of steps) {
      nowMs += gapMs
      for (const peer of dead) {
        recovery.request(`p${peer}`, nowMs)
      }
      for (const _ of recovery.take(nowMs, recordOf)) {
        takenMs.push(nowMs)
      }
    }
    return takenMs.every((fromMs, first) => takenMs.every((toMs, last) => last < first || last - first + 1 <= 5 + 2 * (toMs - fromMs) / 1000 + 1e-9))
  }))
  t.pass()
})

test('a thousand peers that are dead at once are all replaced within 1000 / 2 s, and work never waits with a token left', t => {
  const recovery = new Recovery(options, randomStream(1))
  const recordOf = records(recovery)
  for (let peer = 0; peer < 1000; peer++) {
    recovery.request(`p${peer}`, 0)
  }
  let taken = 0
  let second = 0
  while (recovery.waiting > 0) {
    second++
    taken += recovery.take(second * 1000, recordOf).length
  }
  t.is(taken, 1000)
  // Five at first, two a second afterwards.
  t.is(second, 1 + Math.ceil((1000 - 5) / 2))
})

test('replacements of one peer are 5 s apart, then twice as long each time, within 20%', t => {
  const recovery = new Recovery(options, randomStream(1))
  const recordOf = records(recovery)
  const takenMs: number[] = []
  for (let nowMs = 0; takenMs.length < 8; nowMs += 100) {
    recovery.request('p', nowMs)
    if (recovery.take(nowMs, recordOf).length > 0) {
      takenMs.push(nowMs)
    }
  }
  for (const [n, gapMs] of takenMs.slice(1).map((atMs, index) => atMs - takenMs[index]).entries()) {
    const backoffMs = Math.min(5000 * 2 ** n, 300_000)
    // Jitter is waited for meanwhile, and the look is taken every 100 ms.
    t.true(gapMs >= backoffMs * 0.8 && gapMs <= backoffMs * 1.2 + 100, `${n}: ${gapMs}`)
  }
})

test('who waits is asked for once, and whoever came back waits no more', t => {
  const recovery = new Recovery(options, randomStream(1))
  recovery.request('a', 0)
  recovery.request('a', 0)
  recovery.request('b', 0)
  t.is(recovery.waiting, 2)
  recovery.cancel('b')
  t.deepEqual(recovery.take(1000, records(recovery)), ['a'])
  t.is(recovery.waiting, 0)
})
