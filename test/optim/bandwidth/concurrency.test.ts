import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../../src/core/random.ts'
import { ConcurrencyLimiter } from '../../../src/optim/bandwidth/concurrency-limiter.ts'
import { Gradient2 } from '../../../src/optim/bandwidth/gradient2.ts'
import { parseBandwidthOptions } from '../../../src/optim/bandwidth/options.ts'
import { Vegas } from '../../../src/optim/bandwidth/vegas.ts'
import { TRAFFIC_CLASSES } from '../../../src/optim/traffic-class.ts'
import type { ConcurrencyLimit } from '../../../src/optim/bandwidth/concurrency-limit.ts'
import type { ConcurrencyOptions } from '../../../src/optim/bandwidth/options.ts'
import type { Permit } from '../../../src/optim/bandwidth/concurrency-limiter.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

const ANSWERED = { rttMs: 10, outcome: 'answered' } as const

interface Setup {
  readonly limiter: ConcurrencyLimiter
  readonly events: string[]
}

function setUp (options: ConcurrencyOptions = {}): Setup {
  const { concurrency } = parseBandwidthOptions({ concurrency: options })
  if (concurrency === false) {
    throw new Error('unreachable')
  }
  const events: string[] = []
  return {
    events,
    limiter: new ConcurrencyLimiter(concurrency, randomStream(1), {
      onFull: (peer, trafficClass) => events.push(`full ${peer} ${trafficClass}`),
      onLimit: (peer, limit, from) => events.push(`limit ${peer} ${from} -> ${limit}`)
    })
  }
}

function feed (limit: ConcurrencyLimit, samples: number, rttMs: number, { inFlight = Infinity, dropped = false } = {}): void {
  for (let i = 0; i < samples; i++) {
    limit.onSample({ rttMs, inFlight, dropped })
  }
}

test('Gradient2 grows by 0.2 x 4 a sample while round trips stay, up to its maximum', t => {
  const limit = new Gradient2(200)
  feed(limit, 100, 50)
  t.is(limit.limit, Math.floor(20 + 100 * 0.8))
  feed(limit, 1000, 50)
  t.is(limit.limit, 200)
})

test('Gradient2 falls towards the fixed point of L = 0.9 L + 0.8 when round trips become ten times as long', t => {
  const limit = new Gradient2(200)
  feed(limit, 1000, 50)
  let estimate = 200
  for (let i = 0; i < 20; i++) {
    feed(limit, 1, 500)
    estimate = 0.9 * estimate + 0.8
    // The long average is 50 to 80 ms then: 1.5 x 80 / 500 is still below the least gradient.
    t.is(limit.limit, Math.floor(estimate))
  }
})

test('Gradient2 learns nothing of round trips while less than half of the limit is used, and forgets load in a few samples', t => {
  const limit = new Gradient2(200)
  feed(limit, 100, 50, { inFlight: 5 })
  t.is(limit.limit, 20)
  feed(limit, 3000, 1000)
  feed(limit, 30, 50)
  t.is(limit.limit, 200)
})

test('Gradient2 falls by a tenth for each drop, and never below 1', t => {
  const limit = new Gradient2(200)
  feed(limit, 1, 50, { dropped: true })
  t.is(limit.limit, 18)
  feed(limit, 200, 50, { dropped: true })
  t.is(limit.limit, 1)
})

test('Vegas grows by 6 log10 L without a queue, holds one between 3 and 6 log10 L, and shrinks above', t => {
  const limit = new Vegas(1000, randomStream(1))
  feed(limit, 1, 100)
  feed(limit, 1, 100)
  // log10 20 is 1, whole.
  t.is(limit.limit, 26)
  // 26 (1 - 100 / 118) is 3.97: ceil, 4 requests queue.
  feed(limit, 10, 118)
  t.is(limit.limit, 26)
  // 26 (1 - 100 / 105) is 1.24, so 2: a step up; 7.8, so 8: a step down.
  feed(limit, 1, 105)
  t.is(limit.limit, 27)
  feed(limit, 1, 143)
  t.is(limit.limit, 26)
  feed(limit, 1, 100, { dropped: true })
  t.is(limit.limit, 25)
  feed(limit, 10, 100, { inFlight: 5 })
  t.is(limit.limit, 25)
})

test('Vegas measures the least round trip anew: a path that became longer is believed after at most 30 L samples', t => {
  const limit = new Vegas(40, randomStream(1))
  feed(limit, 500, 50)
  t.is(limit.limit, 40)
  feed(limit, 5, 100)
  t.is(limit.limit, 35)
  feed(limit, 30 * 40 + 10, 100)
  t.is(limit.limit, 40)
})

test('limits stay whole, within 1 and their maximum, whatever they are fed', t => {
  const sample = fc.record({ rttMs: fc.double({ min: 0, max: 1e6, noNaN: true }), inFlight: fc.integer({ min: 1, max: 500 }), dropped: fc.boolean() })
  fc.assert(fc.property(fc.array(sample, { maxLength: 50 }), fc.integer({ min: 1, max: 300 }), (samples, maximum) => {
    const limits = [new Gradient2(maximum), new Vegas(maximum, randomStream(1))]
    return samples.every(sample => limits.every(limit => {
      limit.onSample(sample)
      return Number.isInteger(limit.limit) && limit.limit >= 1 && limit.limit <= maximum
    }))
  }))
  t.pass()
})

test('permits are conserved: as many are out as were given less given back, never more than the limit, and all who wait are served', async t => {
  const step = fc.record({ action: fc.constantFrom('acquire', 'acquire', 'try', 'release', 'twice', 'abort', 'limit'), which: fc.integer({ min: 0, max: 50 }), peer: fc.constantFrom('a', 'b') })
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 30 }), async steps => {
    const limits = { a: 2, b: 2 }
    const { limiter } = setUp({ limit: peer => ({ get limit () { return limits[peer as 'a' | 'b'] }, onSample () {} }), maximumWaiters: 6 })
    const out: Array<{ readonly peer: 'a' | 'b', readonly permit: Permit }> = []
    const waiting = new Set<AbortController>()
    let ended = 0
    let asked = 0
    let granted = 0
    for (const { action, which, peer } of steps) {
      const before = out.filter(entry => entry.peer === peer).length
      if (action === 'acquire') {
        asked++
        const controller = new AbortController()
        waiting.add(controller)
        void limiter.acquire(peer, { class: TRAFFIC_CLASSES[which % 3], signal: controller.signal }).then(permit => {
          granted++
          out.push({ peer, permit })
        }, () => ended++).finally(() => waiting.delete(controller))
      } else if (action === 'try') {
        const permit = limiter.tryAcquire(peer)
        if (permit !== undefined) {
          asked++
          granted++
          out.push({ peer, permit })
        }
      } else if (action === 'limit') {
        limits[peer] = 1 + which % 4
      } else if (action === 'abort') {
        [...waiting][which % Math.max(1, waiting.size)]?.abort(new Error('no more'))
      } else if (out.length > 0) {
        const [{ permit }] = out.splice(which % out.length, 1)
        permit.release(ANSWERED)
        if (action === 'twice') {
          permit.release(ANSWERED)
        }
      }
      for (let i = 0; i < 4; i++) {
        await Promise.resolve()
      }
      const after = out.filter(entry => entry.peer === peer).length
      // A limit that was lowered takes no permit back, but gives out none.
      if (limiter.permits !== out.length || (after > before && after > limits[peer]) || limiter.waiters !== waiting.size || limiter.waiters > 6) {
        return false
      }
      if (asked !== granted + ended + waiting.size) {
        return false
      }
    }
    while (out.length > 0) {
      out.pop()?.permit.release(ANSWERED)
      for (let i = 0; i < 4; i++) {
        await Promise.resolve()
      }
    }
    return limiter.permits === 0 && limiter.waiters === 0 && limiter.activePeers === 0 && asked === granted + ended
  }))
  t.pass()
})

test('waiters are served by class, then in order of arrival', async t => {
  const { limiter } = setUp({ limit: 'fixed', fixedLimit: 1 })
  const order: string[] = []
  const first = limiter.tryAcquire('a')
  const all = (['bulk', 'normal', 'urgent', 'normal'] as const).map(async (name, i) => {
    const permit = await limiter.acquire('a', { class: name })
    order.push(`${name} ${i}`)
    permit.release(ANSWERED)
  })
  t.is(limiter.tryAcquire('a'), undefined)
  first?.release(ANSWERED)
  await Promise.all(all)
  t.deepEqual(order, ['urgent 2', 'normal 1', 'normal 3', 'bulk 0'])
})

test('one peer at its limit keeps no other waiting', t => {
  const { limiter } = setUp({ limit: 'fixed', fixedLimit: 1 })
  t.truthy(limiter.tryAcquire('a'))
  t.is(limiter.tryAcquire('a'), undefined)
  t.truthy(limiter.tryAcquire('b'))
})

test('a full queue refuses with ERR_QUEUE_FULL and leaves those that wait waiting', async t => {
  const { limiter, events } = setUp({ limit: 'fixed', fixedLimit: 1, maximumWaiters: 1 })
  const first = limiter.tryAcquire('a')
  const waiting = limiter.acquire('a')
  await t.throwsAsync(limiter.acquire('a', { class: 'bulk' }), { code: 'ERR_QUEUE_FULL' })
  t.deepEqual(events, ['full a bulk'])
  first?.release(ANSWERED)
  t.truthy(await waiting)
})

test('what is aborted leaves the queue with its reason, and an aborted signal never enters it', async t => {
  const { limiter } = setUp({ limit: 'fixed', fixedLimit: 1 })
  limiter.tryAcquire('a')
  const controller = new AbortController()
  const waiting = limiter.acquire('a', { signal: controller.signal })
  controller.abort(new Error('no more'))
  await t.throwsAsync(waiting, { message: 'no more' })
  await t.throwsAsync(limiter.acquire('b', { signal: controller.signal }), { message: 'no more' })
  t.is(limiter.waiters, 0)
  t.is(limiter.activePeers, 1)
})

test('stopping rejects who waits with ERR_STOPPED, and permits that are out can still be given back', async t => {
  const { limiter } = setUp({ limit: 'fixed', fixedLimit: 1 })
  const permit = limiter.tryAcquire('a')
  const waiting = limiter.acquire('a')
  limiter.stop()
  await t.throwsAsync(waiting, { code: 'ERR_STOPPED' })
  await t.throwsAsync(limiter.acquire('b'), { code: 'ERR_STOPPED' })
  permit?.release(ANSWERED)
  t.is(limiter.activePeers, 0)
})

test('a limit is remembered while nothing is under way, for the peers heard of last, and its doubling is told', t => {
  const { limiter, events } = setUp({ maximumPeers: 2 })
  for (let i = 0; i < 30; i++) {
    const permits = Array.from({ length: limiter.limit('a') }, () => limiter.tryAcquire('a'))
    for (const permit of permits.slice(0, 1)) {
      permit?.release(ANSWERED)
    }
    for (const permit of permits.slice(1)) {
      permit?.release({ rttMs: 0, outcome: 'ignored' })
    }
  }
  t.is(limiter.activePeers, 0)
  t.is(limiter.limit('a'), 44)
  t.deepEqual(events, ['limit a 20 -> 40'])
  limiter.limit('b')
  limiter.limit('c')
  t.is(limiter.limit('a'), 20)
})
