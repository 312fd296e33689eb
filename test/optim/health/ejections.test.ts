import test from 'ava'
import * as fc from 'fast-check'
import { Ejections } from '../../../src/optim/health/ejections.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

const envoy = { minimumPeers: 5, ejectedShare: 0.1, baseMs: 30_000, maximumMs: 300_000 }

test('of fewer than 5 peers nobody is ejected, of 5 to 19 one, of 20 two', t => {
  const ejections = new Ejections(envoy)
  t.deepEqual([0, 4, 5, 19, 20, 100].map(peers => ejections.cap(peers)), [0, 0, 1, 1, 2, 10])
  t.is(ejections.eject('a', 4, 0), undefined)
  t.deepEqual(ejections.eject('a', 5, 0), { forMs: 30_000, times: 1, yielded: undefined })
  t.is(ejections.eject('b', 19, 0), undefined)
})

test('the n-th ejection in a row lasts n times 30 s, at most 300 s, and a sweep forgives one', t => {
  const ejections = new Ejections(envoy)
  let nowMs = 0
  const lasting: number[] = []
  ejections.eject('a', 5, nowMs)
  for (let n = 2; n <= 12; n++) {
    nowMs += 300_000
    t.is(ejections.admit('a', nowMs), 'probe')
    const again = ejections.settle('a', false, nowMs, nowMs, false)
    lasting.push(typeof again === 'object' ? again.forMs : NaN)
  }
  t.deepEqual(lasting, [60, 90, 120, 150, 180, 210, 240, 270, 300, 300, 300].map(seconds => seconds * 1000))
  nowMs += 300_000
  ejections.admit('a', nowMs)
  t.is(ejections.settle('a', true, nowMs, nowMs, false), 'readmitted')
  for (let sweep = 0; sweep < 8; sweep++) {
    ejections.relax()
  }
  t.is(ejections.eject('a', 5, nowMs)?.forMs, 90_000)
})

test('half-open lets exactly one probe through, and only its own end decides', t => {
  const ejections = new Ejections(envoy)
  ejections.eject('a', 5, 0)
  t.is(ejections.admit('a', 29_999), 'ejected')
  t.is(ejections.admit('a', 30_000), 'probe')
  t.is(ejections.admit('a', 30_000), 'ejected')
  // One that was under way when the peer was ejected.
  t.is(ejections.settle('a', true, 0, 30_001, false), undefined)
  t.is(ejections.admit('a', 30_001), 'ejected')
  t.is(ejections.settle('a', true, 30_000, 30_050, false), 'readmitted')
  t.is(ejections.admit('a', 30_050), 'open')
})

test('a probe whose end nobody tells gives way to another after 30 s', t => {
  const ejections = new Ejections(envoy)
  ejections.eject('a', 5, 0)
  t.is(ejections.admit('a', 30_000), 'probe')
  t.is(ejections.admit('a', 59_999), 'ejected')
  t.is(ejections.admit('a', 60_000), 'probe')
})

test('a probe that this node spoilt leaves the peer half-open', t => {
  const ejections = new Ejections(envoy)
  ejections.eject('a', 5, 0)
  ejections.admit('a', 30_000)
  t.is(ejections.settle('a', false, 30_000, 31_000, true), undefined)
  t.is(ejections.admit('a', 31_000), 'probe')
})

test('whose time is over and whom nobody asks for makes room', t => {
  const ejections = new Ejections(envoy)
  ejections.eject('a', 5, 0)
  t.is(ejections.eject('b', 5, 29_999), undefined)
  t.is(ejections.eject('b', 5, 30_000)?.yielded, 'a')
  t.is(ejections.count, 1)
  t.is(ejections.admit('a', 30_000), 'open')
})

/** One step of a random schedule: time passes, then something happens to one of six peers. */
const step = fc.record({
  gapMs: fc.integer({ min: 0, max: 40_000 }),
  peer: fc.integer({ min: 0, max: 5 }).map(index => `p${index}`),
  known: fc.integer({ min: 3, max: 25 }),
  action: fc.constantFrom('eject', 'eject', 'admit', 'admit', 'answered', 'failed', 'relax', 'known')
})

test('the cap is never exceeded, nobody is in and out faster than the backoff, and each half-open peer has one probe', t => {
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), steps => {
    const ejections = new Ejections(envoy)
    const outUntilMs = new Map<string, number>()
    const probes = new Map<string, number>()
    let nowMs = 0
    let knownPeers = 25
    for (const { gapMs, peer, known, action } of steps) {
      nowMs += gapMs
      if (action === 'known') {
        // Only the cap lets anybody in before time.
        knownPeers = known
        for (const readmitted of ejections.keepCap(knownPeers)) {
          outUntilMs.delete(readmitted)
          probes.delete(readmitted)
        }
      } else if (action === 'eject') {
        const wasOut = outUntilMs.has(peer)
        const ejected = ejections.eject(peer, knownPeers, nowMs)
        if (ejected !== undefined) {
          if (wasOut || ejected.forMs !== Math.min(30_000 * ejected.times, 300_000)) {
            return false
          }
          if (ejected.yielded !== undefined) {
            if (nowMs < (outUntilMs.get(ejected.yielded) ?? Infinity)) {
              return false
            }
            outUntilMs.delete(ejected.yielded)
          }
          outUntilMs.set(peer, nowMs + ejected.forMs)
        }
      } else if (action === 'admit') {
        const untilMs = outUntilMs.get(peer)
        const probedMs = probes.get(peer)
        const expected = untilMs === undefined ? 'open' : nowMs < untilMs || (probedMs !== undefined && nowMs < probedMs + 30_000) ? 'ejected' : 'probe'
        if (ejections.admit(peer, nowMs) !== expected) {
          return false
        }
        if (expected === 'probe') {
          probes.set(peer, nowMs)
        }
      } else if (action === 'relax') {
        ejections.relax()
      } else {
        const settled = ejections.settle(peer, action === 'answered', nowMs, nowMs, false)
        if ((settled !== undefined) !== probes.has(peer)) {
          return false
        }
        probes.delete(peer)
        if (settled === 'readmitted') {
          outUntilMs.delete(peer)
        } else if (settled !== undefined) {
          outUntilMs.set(peer, nowMs + settled.forMs)
        }
      }
      if (ejections.count !== outUntilMs.size || ejections.count > ejections.cap(knownPeers)) {
        return false
      }
    }
    return true
  }))
  t.pass()
})
