import { getEventListeners } from 'node:events'
import test from 'ava'
import * as fc from 'fast-check'
import { sleep } from '../../../src/core/clock.ts'
import { TwinwireError } from '../../../src/core/errors.ts'
import { randomStream } from '../../../src/core/random.ts'
import { MemoryRecorder } from '../../../src/core/recorder.ts'
import { AdaptiveTimeouts } from '../../../src/optim/timeouts/adaptive-timeouts.ts'
import { checkRequest } from '../../../src/optim/timeouts/request.ts'
import { inVirtualTime, peerNamed } from './virtual-time.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { TimeoutEvent } from '../../../src/optim/timeouts/events.ts'
import type { AdaptiveTimeoutsOptions } from '../../../src/optim/timeouts/options.ts'
import type { Attempt, AttemptContext, TimedRequest } from '../../../src/optim/timeouts/request.ts'

fc.configureGlobal({ seed: 1 })

const peer = peerNamed('peer')
const get: TimedRequest = { peer, operation: 'get', idempotent: true, deadlineMs: 30_000 }
const put: TimedRequest = { peer, operation: 'put', idempotent: false, deadlineMs: 30_000 }

interface Rig {
  readonly timeouts: AdaptiveTimeouts
  readonly events: TimeoutEvent[]
}

function rig (clock: Clock, options: AdaptiveTimeoutsOptions = {}): Rig {
  const recorder = new MemoryRecorder<TimeoutEvent>()
  const timeouts = new AdaptiveTimeouts({ clock, random: randomStream('test'), host: 'me', recorder }, options)
  return { timeouts, events: recorder.events }
}

/** An attempt answered after `delayMs`, or as long as its turn says. */
function answering (clock: Clock, ...delaysMs: number[]): Attempt<number> {
  return async ({ signal, attempt }) => {
    await sleep(clock, delaysMs[Math.min(attempt, delaysMs.length) - 1], signal)
    return attempt
  }
}

const silent = async ({ signal }: AttemptContext): Promise<never> => await new Promise((_resolve, reject) => {
  signal.addEventListener('abort', () => reject(signal.reason), { once: true })
})

/** Lets the estimates converge to a constant round trip. */
async function learn (timeouts: AdaptiveTimeouts, clock: Clock, rttMs: number, request = get, answers = 50): Promise<void> {
  for (let i = 0; i < answers; i++) {
    await timeouts.run(request, answering(clock, rttMs))
  }
}

function ofType<Type extends TimeoutEvent['type']> (events: TimeoutEvent[], type: Type): Array<Extract<TimeoutEvent, { type: Type }>> {
  return events.filter((event): event is Extract<TimeoutEvent, { type: Type }> => event.type === type)
}

test('constant RTT: no attempt is ever overdue or repeated, whatever the RTT', async t => {
  await fc.assert(fc.asyncProperty(fc.double({ min: 0.001, max: 900, noNaN: true }), async rttMs => {
    await inVirtualTime(async ({ clock }) => {
      const { timeouts } = rig(clock)
      await learn(timeouts, clock, rttMs)
      const { attempts, requests, overdue, hedges } = timeouts.metrics
      t.deepEqual([attempts, requests, overdue, hedges], [50, 50, 0, 0])
    })
  }), { numRuns: 30 })
})

test('a fast peer\'s timeout stays at the floor of 25 ms', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock)
    await learn(timeouts, clock, 0.1)
    await timeouts.run(get, async ({ timeoutMs }) => t.is(timeoutMs, 25))
    // 24 ms of a stalled event loop are no loss.
    await timeouts.run(get, answering(clock, 24))
    t.is(timeouts.metrics.overdue, 0)
  })
})

test('an overdue idempotent attempt is followed by a retry after RTO and jitter', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts, events } = rig(clock)
    await learn(timeouts, clock, 100)
    const startMs = clock.now()
    t.is(await timeouts.run(get, answering(clock, 1e6, 100)), 2)
    // RTO = 100 + G (10), then 10 to 30 ms of jitter, then one round trip.
    const elapsedMs = clock.now() - startMs
    t.true(elapsedMs >= 110 + 10 + 100 && elapsedMs <= 110 + 30 + 101, String(elapsedMs))
    t.deepEqual(ofType(events, 'timeouts:judged').map(({ verdict }) => verdict), ['lost'])
  })
})

test('an overdue attempt goes on beside its retry: a late answer is taken, and the timeout learns of it', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts, events } = rig(clock)
    await learn(timeouts, clock, 100)
    const startMs = clock.now()
    // RTO = 110; the retry, 10 to 30 ms later, would be answered at 220 at the soonest.
    t.is(await timeouts.run(get, answering(clock, 180, 100)), 1)
    t.is(Math.round(clock.now() - startMs), 180)
    t.deepEqual(ofType(events, 'timeouts:judged').map(({ verdict }) => verdict), ['spurious'])
    await sleep(clock, 500)
    t.is(timeouts.metrics.running, 0)
    // RTTVAR was next to nothing, and takes a quarter of 80; then the retry's 100.
    const { rttVarMs = 0 } = timeouts.conditions(peer, 'get')
    t.true(rttVarMs > 0.75 * 80 / 4, String(rttVarMs))
  })
})

test('an overdue attempt is given up when what took its place is overdue as well, the last goes on', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts, events } = rig(clock, { hedging: false })
    await learn(timeouts, clock, 100)
    const ends: number[] = []
    let underWay = 0
    let most = 0
    await t.throwsAsync(timeouts.run({ ...get, deadlineMs: 5000 }, async context => {
      most = Math.max(most, ++underWay)
      context.signal.addEventListener('abort', () => {
        underWay--
        ends.push(context.attempt)
      }, { once: true })
      return await silent(context)
    }), { code: 'ERR_DEADLINE' })
    t.deepEqual(ends, [1, 2, 3])
    t.is(most, 2)
    t.deepEqual(ofType(events, 'timeouts:attempt-overdue').map(({ kept }) => kept), [false, false, true])
    t.is(timeouts.metrics.running, 0)
  })
})

test('what only a stream was being opened for is given up at once for another', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock)
    await learn(timeouts, clock, 100)
    const startMs = clock.now()
    let abortedMs = NaN
    await timeouts.run(get, async context => {
      if (context.attempt === 2) {
        return
      }
      context.opening()
      context.signal.addEventListener('abort', () => { abortedMs = clock.now() }, { once: true })
      await silent(context)
    })
    // Four times the RTO of 110.
    t.is(Math.round(abortedMs - startMs), 440)
  })
})

test('a request that the far side has is slow and not lost: what follows is a hedge, it goes on, and nothing backs off', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts, events } = rig(clock)
    await learn(timeouts, clock, 100)
    const slowOnce = (slowMs: number): Attempt<number> => async ({ attempt, kind, arrived, shared, signal }) => {
      if (kind !== 'hedge') {
        shared()
        clock.setTimeout(arrived, 50)
      }
      await sleep(clock, attempt === 1 ? slowMs : 100, signal)
      return attempt
    }
    t.is(await timeouts.run(get, slowOnce(1000)), 2)
    t.is(timeouts.conditions(peer, 'get').backoff, 0)
    t.deepEqual([timeouts.metrics.hedges, timeouts.metrics.retries], [1, 0])
    // And where the first is faster after all, it is what answers.
    t.is(await timeouts.run(get, slowOnce(150)), 1)
    t.true(ofType(events, 'timeouts:attempt-answered').every(({ valid }) => valid))
  })
})

test('with hedging off, or after the one hedge, what follows a request that the far side has is a retry', async t => {
  await inVirtualTime(async ({ clock }) => {
    for (const [hedging, kinds] of [[false, ['first', 'retry', 'retry']], [undefined, ['first', 'hedge', 'retry']]] as const) {
      const { timeouts, events } = rig(clock, hedging === undefined ? {} : { hedging })
      await learn(timeouts, clock, 100)
      await t.throwsAsync(timeouts.run({ ...get, deadlineMs: 5000 }, async context => {
        context.arrived()
        return await silent(context)
      }), { code: 'ERR_DEADLINE' })
      t.deepEqual(ofType(events, 'timeouts:attempt-started').slice(50).map(({ kind }) => kind), kinds)
      t.is(timeouts.metrics.running, 0)
    }
  })
})

test('the error of the last attempt ends the request, unless the far side has an earlier one', async t => {
  await inVirtualTime(async ({ clock }) => {
    for (const has of [false, true]) {
      const { timeouts } = rig(clock, { maximumAttempts: 2 })
      await learn(timeouts, clock, 100)
      const startMs = clock.now()
      const answer = timeouts.run(get, async ({ attempt, arrived, signal }) => {
        if (attempt === 2) {
          throw new TwinwireError('ERR_CONNECTION_RESET', 'reset')
        }
        if (has) {
          arrived()
        }
        await sleep(clock, 1000, signal)
        return attempt
      })
      if (has) {
        t.is(await answer, 1)
      } else {
        await t.throwsAsync(answer, { code: 'ERR_CONNECTION_RESET' })
        t.true(clock.now() - startMs <= 110 + 30 + 1)
      }
      t.is(timeouts.metrics.running, 0)
    }
  })
})

test('a request that is not idempotent is never sent twice: it goes on until its answer, which counts', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts, events } = rig(clock)
    await learn(timeouts, clock, 100, put)
    t.is(await timeouts.run(put, answering(clock, 1000)), 1)
    t.is(timeouts.metrics.attempts, 51)
    t.deepEqual(ofType(events, 'timeouts:attempt-overdue').map(({ kept }) => kept), [true])
    t.deepEqual(ofType(events, 'timeouts:judged').map(({ verdict }) => verdict), ['spurious'])
    // 100 + 900/8 + ...: learnt from the late answer.
    t.true((timeouts.conditions(peer, 'put').srttMs ?? 0) > 200)
  })
})

test('a request that provably never left is repeated, idempotent or not', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock)
    const answer = await timeouts.run(put, async ({ attempt, connecting, sent }) => {
      connecting()
      if (attempt === 1) {
        throw new TwinwireError('ERR_DIAL_FAILED', 'no route')
      }
      sent()
      return attempt
    })
    t.is(answer, 2)
  })
})

test('once it was sent, a failed request is repeated only where it is idempotent', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock)
    const reset: Attempt<number> = async ({ attempt, connecting, sent }) => {
      connecting()
      sent()
      if (attempt === 1) {
        throw new TwinwireError('ERR_CONNECTION_RESET', 'reset')
      }
      return attempt
    }
    await t.throwsAsync(timeouts.run(put, reset), { code: 'ERR_CONNECTION_RESET' })
    t.is(await timeouts.run(get, reset), 2)
  })
})

test('what another attempt would meet again is not repeated', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts, events } = rig(clock)
    await t.throwsAsync(timeouts.run(get, async () => { throw new TwinwireError('ERR_NO_ADDRESS', 'none') }), { code: 'ERR_NO_ADDRESS' })
    await t.throwsAsync(timeouts.run(get, () => { throw new TypeError('a bug') }), { instanceOf: TypeError })
    t.is(timeouts.metrics.attempts, 2)
    t.deepEqual(ofType(events, 'timeouts:retry-refused').map(({ reason }) => reason), ['futile', 'futile'])
  })
})

test('connecting is neither timed nor measured', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock)
    await timeouts.run(get, async ({ connecting, sent, signal }) => {
      connecting()
      await sleep(clock, 5000, signal)
      sent()
      await sleep(clock, 40, signal)
    })
    t.is(timeouts.metrics.overdue, 0)
    t.is(timeouts.conditions(peer, 'get').srttMs, 40)
  })
})

test('opening a stream is timed, and repeated whatever the request, but teaches nothing', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts, events } = rig(clock)
    await learn(timeouts, clock, 100, put)
    const before = { ...timeouts.conditions(peer, 'put') }
    let reason: unknown
    const answer = await timeouts.run(put, async ({ attempt, opening, connecting, sent, signal }) => {
      if (attempt === 1) {
        opening()
        signal.addEventListener('abort', () => { reason = signal.reason }, { once: true })
        await sleep(clock, 5000, signal)
      }
      connecting()
      sent()
      return attempt
    })
    t.is(answer, 2)
    t.like(reason, { code: 'ERR_TIMEOUT' })
    t.is(ofType(events, 'timeouts:judged').length, 0)
    t.is(timeouts.conditions(peer, 'put').backoff, before.backoff)
  })
})

test('a caller\'s abort changes no estimate', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock)
    await learn(timeouts, clock, 100)
    const before = { ...timeouts.conditions(peer, 'get') }
    for (const afterMs of [0, 1, 50, 99, 109, 115]) {
      const controller = new AbortController()
      const answer = timeouts.run({ ...get, idempotent: false, signal: controller.signal }, answering(clock, 300))
      const aborted = t.throwsAsync(answer, { message: 'enough' })
      await sleep(clock, afterMs)
      // From the timeout (110 ms) on the peer is known to be late, whoever hangs up: its backoff alone may stand.
      controller.abort(new Error('enough'))
      await aborted
    }
    await sleep(clock, 1000)
    const { backoff: _before, ...rest } = before
    const { backoff: _after, ...after } = { ...timeouts.conditions(peer, 'get') }
    t.deepEqual(after, rest)
    t.is(timeouts.metrics.running, 0)
  })
})

test('an abort before the timeout leaves the backoff alone as well', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock)
    await learn(timeouts, clock, 100)
    const before = { ...timeouts.conditions(peer, 'get') }
    const controller = new AbortController()
    const aborted = t.throwsAsync(timeouts.run({ ...get, signal: controller.signal }, answering(clock, 300)), { name: 'AbortError' })
    await sleep(clock, 100)
    controller.abort()
    await aborted
    await sleep(clock, 1000)
    t.deepEqual({ ...timeouts.conditions(peer, 'get') }, before)
  })
})

test('Karn: with several attempts a sample counts only where the reply names its attempt', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts, events } = rig(clock)
    for (const repliesNameAttempts of [true, false]) {
      const request = { ...get, operation: String(repliesNameAttempts), repliesNameAttempts }
      await learn(timeouts, clock, 100, request)
      const before = timeouts.conditions(peer, request.operation).srttMs
      await timeouts.run(request, answering(clock, 1e6, 60))
      const { srttMs, backoff } = timeouts.conditions(peer, request.operation)
      // Within rounding: 7/8 * 100 + 1/8 * 60.
      t.is(Math.round(srttMs ?? 0), repliesNameAttempts ? 95 : 100)
      t.is(srttMs === before, !repliesNameAttempts)
      // The doubling of the first attempt's timeout clears on a valid sample, and on no other.
      t.is(backoff, repliesNameAttempts ? 0 : 1)
    }
    t.deepEqual(ofType(events, 'timeouts:attempt-answered').filter(({ valid }) => !valid).length, 1)
    await timeouts.run({ ...get, operation: 'false', repliesNameAttempts: false }, answering(clock, 100))
    t.is(timeouts.conditions(peer, 'false').backoff, 0)
  })
})

test('attempts <= (1 + ratio) requests + reserve, even when everything fails', async t => {
  const failure = fc.constantFrom('error', 'silence')
  await fc.assert(fc.asyncProperty(fc.array(fc.record({ gapMs: fc.integer({ min: 0, max: 200 }), failure }), { minLength: 1, maxLength: 150 }), async schedule => {
    await inVirtualTime(async ({ clock }) => {
      const { timeouts } = rig(clock, { initialMs: 50, maximumAttempts: 10 })
      const startMs = clock.now()
      const requests: Array<Promise<unknown>> = []
      for (const { gapMs, failure } of schedule) {
        await sleep(clock, gapMs)
        requests.push(timeouts.run({ ...get, deadlineMs: 2000 }, failure === 'silence' ? silent : async () => { throw new TwinwireError('ERR_CONNECTION_RESET', 'reset') }))
      }
      await Promise.allSettled(requests)
      const windows = Math.ceil((clock.now() - startMs) / 10_000)
      const { attempts, requests: made, answered } = timeouts.metrics
      t.is(answered, 0)
      // The reserve is 10 a second over a window of 10 s.
      t.true(attempts <= 1.2 * made + 100 * windows, `${attempts} attempts of ${made} requests`)
    })
  }), { numRuns: 20 })
})

test('a timeout never exceeds the remaining deadline', async t => {
  const deadlines = fc.integer({ min: 1, max: 5000 })
  await fc.assert(fc.asyncProperty(deadlines, fc.constantFrom('fixed', 'rtt', 'adaptive', 'aggressive', 'conservative'), async (deadlineMs, strategy) => {
    await inVirtualTime(async ({ clock }) => {
      const { timeouts } = rig(clock, { strategy })
      const startMs = clock.now()
      await t.throwsAsync(timeouts.run({ ...get, deadlineMs }, context => {
        t.true(clock.now() + context.timeoutMs <= startMs + deadlineMs + 1e-6)
        return silent(context)
      }), { code: 'ERR_DEADLINE' })
      t.true(Math.abs(clock.now() - startMs - deadlineMs) < 1e-6)
    })
  }), { numRuns: 50 })
})

test('a 10x RTT step costs one request its timeouts; the next is not overdue', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock, { strategy: 'rtt' })
    await learn(timeouts, clock, 50)
    // 60 ms, then 120 ms, then the last attempt, which is kept: answered after 500 ms.
    t.is(await timeouts.run(get, answering(clock, 500)), 3)
    await sleep(clock, 1000)
    const { overdue } = timeouts.metrics
    await learn(timeouts, clock, 500, get, 20)
    t.is(timeouts.metrics.overdue, overdue)
    t.is(timeouts.metrics.spurious, 3)
  })
})

test('a slow request among fast ones gets a second attempt beside it, at the 95th percentile', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock, { strategy: 'fixed', fixedMs: 2000 })
    await learn(timeouts, clock, 20)
    const startMs = clock.now()
    t.is(await timeouts.run(get, answering(clock, 1500, 20)), 2)
    // p95 (20) and granularity (10), then the hedge's own 20 ms.
    t.is(Math.round(clock.now() - startMs), 50)
    t.is(timeouts.metrics.hedges, 1)
    t.is(timeouts.metrics.running, 1)
    await sleep(clock, 1500)
    t.is(timeouts.metrics.running, 0)
  })
})

test('the attempt that lost to a hedge is still learnt from', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts, events } = rig(clock, { strategy: 'fixed', fixedMs: 2000 })
    await learn(timeouts, clock, 20)
    await timeouts.run(get, answering(clock, 500, 20))
    await sleep(clock, 2000)
    t.deepEqual(ofType(events, 'timeouts:attempt-answered').slice(-2).map(({ elapsedMs }) => Math.round(elapsedMs)), [20, 500])
  })
})

test('no hedge without enough samples, of what is not idempotent, or where it is switched off', async t => {
  await inVirtualTime(async ({ clock }) => {
    for (const [options, request, answers] of [[{}, get, 19], [{}, put, 50], [{ hedging: false }, get, 50]] as const) {
      const { timeouts } = rig(clock, { strategy: 'fixed', fixedMs: 2000, ...options })
      await learn(timeouts, clock, 20, request, answers)
      await timeouts.run(request, answering(clock, 1500))
      t.is(timeouts.metrics.hedges, 0)
    }
  })
})

test('hedges are paid from the retry budget', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock, { strategy: 'fixed', fixedMs: 20_000, retryBudget: { ratio: 0.1, reservePerSecond: 0, windowMs: 1e9 } })
    await learn(timeouts, clock, 20, get, 100)
    for (let i = 0; i < 100; i++) {
      await timeouts.run(get, answering(clock, 1500, 1500))
    }
    t.true(timeouts.metrics.hedges <= 0.1 * 200)
    t.true(timeouts.metrics.hedges > 0)
  })
})

test('the size of a request is added to its timeout and taken off its sample', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock, { rateBitsPerSecond: 1e6, initialMs: 400 })
    const large = { ...get, bytes: 25_000, serverTimeMs: 50 }
    // 25 kB are 200 ms at 1 Mbit/s; the far side takes 50.
    await timeouts.run(large, async ({ signal, timeoutMs }) => {
      t.is(timeoutMs, 650)
      await sleep(clock, 330, signal)
    })
    t.is(timeouts.conditions(peer, 'get').srttMs, 80)
  })
})

test('a new peer starts from the population; others are not touched by what it learns', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock)
    for (const [name, rttMs] of [['a', 100], ['b', 40], ['c', 60]] as const) {
      await learn(timeouts, clock, rttMs, { ...get, peer: peerNamed(name) })
    }
    // The sqrt(3)-th of 40, 60, 100 is 60; a first sample's timeout is three times it.
    t.is(Math.round(timeouts.conditions(peerNamed('new'), 'get').priorMs), 180)
    // Nobody has answered a put yet.
    t.is(timeouts.conditions(peerNamed('new'), 'put').priorMs, 1000)
  })
})

test('spurious timeouts make the adaptive strategy patient with that peer alone, and good service undoes it', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts, events } = rig(clock, { hedging: false })
    const random = randomStream('delays')
    await learn(timeouts, clock, 10, { ...get, peer: peerNamed('other') })
    // One answer in eight is late by far more than the others vary.
    for (let i = 0; i < 400; i++) {
      await timeouts.run(get, answering(clock, random.next() < 1 / 8 ? 90 : 20))
    }
    t.is(ofType(events, 'timeouts:tier-changed')[0]?.to, 'conservative')
    await learn(timeouts, clock, 20, get, 300)
    t.is(timeouts.conditions(peer, 'get').tier, 'rtt')
    t.is(timeouts.conditions(peerNamed('other'), 'get').tier, 'rtt')
  })
})

test('a policy of one\'s own decides, within floor and ceiling', async t => {
  await inVirtualTime(async ({ clock }) => {
    const waits = [1, 77, 1e9, NaN]
    const { timeouts } = rig(clock, { strategy: { name: 'mine', timeoutMs: () => waits[0] }, ceilingMs: 1000 })
    for (const expected of [25, 77, 1000]) {
      await timeouts.run(get, async ({ timeoutMs }) => t.is(timeoutMs, expected))
      waits.shift()
    }
    await t.throwsAsync(timeouts.run(get, async () => {}), { code: 'ERR_INVALID_OPTION', message: /mine/ })
    t.is(timeouts.metrics.running, 0)
  })
})

test('suspicion grows with a silence that is awaited, and an answer or any sign of life ends it', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock)
    await learn(timeouts, clock, 100)
    await sleep(clock, 60_000)
    t.is(timeouts.suspicion(peer), 0)
    const answer = timeouts.run(put, answering(clock, 20_000))
    await sleep(clock, 19_000)
    t.true(timeouts.isSuspect(peer))
    timeouts.signOfLife(peer)
    t.false(timeouts.isSuspect(peer))
    await answer
    t.is(timeouts.suspicion(peer), 0)
  })
})

test('the state of gone peers is freed', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock, { maximumPeers: 10 })
    for (let i = 0; i < 50; i++) {
      await timeouts.run({ ...get, peer: peerNamed(`peer ${i}`) }, answering(clock, 5))
    }
    t.is(timeouts.metrics.peers, 10)
    t.is(timeouts.conditions(peerNamed('peer 49'), 'get').srttMs, 5)
    t.is(timeouts.conditions(peerNamed('peer 0'), 'get').srttMs, undefined)
  })
})

test('stop rejects what runs with ERR_STOPPED, aborts its attempts, and leaves no timer', async t => {
  await inVirtualTime(async time => {
    const { clock } = time
    const { timeouts } = rig(clock)
    let aborted: unknown
    const running = t.throwsAsync(timeouts.run(get, async context => {
      try {
        return await silent(context)
      } finally {
        aborted = context.signal.reason
      }
    }), { code: 'ERR_STOPPED' })
    await sleep(clock, 10)
    timeouts.stop()
    await running
    t.like(aborted, { code: 'ERR_STOPPED' })
    t.is(time.pending, 0)
    t.is(timeouts.metrics.running, 0)
    await t.throwsAsync(timeouts.run(get, silent), { code: 'ERR_STOPPED' })
  })
})

test('many calls leave no listener and no timer behind, however they end', async t => {
  await inVirtualTime(async time => {
    const { clock } = time
    const { timeouts } = rig(clock)
    const controller = new AbortController()
    const random = randomStream('ends')
    for (let i = 0; i < 2000; i++) {
      const attempt: Attempt<unknown> = random.next() < 0.1
        ? async () => { throw new TwinwireError('ERR_CONNECTION_RESET', 'reset') }
        : answering(clock, random.exponential(20), random.exponential(20))
      await timeouts.run({ ...get, deadlineMs: 100, signal: controller.signal }, attempt).catch(() => {})
    }
    await sleep(clock, 1000)
    t.is(getEventListeners(controller.signal, 'abort').length, 0)
    t.is(time.pending, 0)
    t.is(timeouts.metrics.running, 0)
    const { answered, failed, requests } = timeouts.metrics
    t.is(answered + failed, requests)
  })
})

test('whatever peers do, each request settles once, within its deadline, and nothing is left', async t => {
  const step = fc.record({
    gapMs: fc.integer({ min: 0, max: 50 }),
    delaysMs: fc.array(fc.integer({ min: 0, max: 400 }), { minLength: 1, maxLength: 4 }),
    failing: fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
    connectMs: fc.option(fc.integer({ min: 0, max: 100 })),
    idempotent: fc.boolean(),
    deadlineMs: fc.integer({ min: 1, max: 500 }),
    abortAfterMs: fc.option(fc.integer({ min: 0, max: 300 })),
    ignoresAbort: fc.boolean()
  })
  await fc.assert(fc.asyncProperty(fc.array(step, { maxLength: 80 }), async steps => {
    await inVirtualTime(async time => {
      const { clock } = time
      const { timeouts, events } = rig(clock, { initialMs: 60, hedging: { percentile: 0.5, minimumSamples: 3 } })
      const requests = steps.map(async ({ gapMs, delaysMs, failing, connectMs, idempotent, deadlineMs, abortAfterMs, ignoresAbort }, i) => {
        await sleep(clock, gapMs * i)
        const controller = new AbortController()
        const aborting = abortAfterMs === null ? undefined : clock.setTimeout(() => controller.abort(), abortAfterMs)
        const startMs = clock.now()
        const sends: boolean[] = []
        await timeouts.run({ ...get, idempotent, deadlineMs, signal: controller.signal }, async ({ attempt, connecting, sent, signal }) => {
          if (connectMs !== null) {
            connecting()
            await sleep(clock, connectMs, signal)
            sent()
          }
          sends.push(true)
          await sleep(clock, delaysMs[attempt % delaysMs.length], ignoresAbort ? undefined : signal)
          if (failing[attempt]) {
            throw new TwinwireError('ERR_STREAM_CLOSED', 'failed')
          }
        }).catch(() => {})
        aborting?.cancel()
        t.true(clock.now() - startMs <= deadlineMs + 1e-6)
        t.true(idempotent || sends.length <= 1)
      })
      await Promise.all(requests)
      await sleep(clock, 2000)
      t.is(ofType(events, 'timeouts:request-settled').length, steps.length)
      t.is(timeouts.metrics.running, 0)
      t.is(time.pending, 0)
      t.is(timeouts.suspicion(peer), 0)
    })
  }), { numRuns: 40 })
})

test('options are checked at the edge', async t => {
  await inVirtualTime(async ({ clock }) => {
    t.throws(() => rig(clock, { floorMs: -1 }), { code: 'ERR_INVALID_OPTION', message: /adaptiveTimeouts\.floorMs/ })
    t.throws(() => rig(clock, { floorMs: 100, ceilingMs: 50 }), { code: 'ERR_INVALID_OPTION', message: /adaptiveTimeouts\.floorMs/ })
    t.throws(() => rig(clock, { hedging: { percentile: 95 } }), { code: 'ERR_INVALID_OPTION', message: /adaptiveTimeouts\.hedging\.percentile/ })
    const misspelt: object = { floorMS: 3 }
    t.throws(() => rig(clock, misspelt), { code: 'ERR_UNKNOWN_OPTION', message: /expected floorMs/ })
    const unknown: object = { strategy: 'quick' }
    t.throws(() => rig(clock, unknown), { code: 'ERR_INVALID_OPTION', message: /adaptiveTimeouts\.strategy/ })
    const { timeouts } = rig(clock)
    await t.throwsAsync(timeouts.run({ ...get, deadlineMs: -1 }, silent), { code: 'ERR_INVALID_OPTION' })
  })
})

test('bytes of an answer restart its timeout and are a sign of life; silence after them is overdue all the same', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock, { maximumAttempts: 1, hedging: false })
    await learn(timeouts, clock, 100)
    const pieces = (count: number, apartMs: number, restMs: number): Attempt<number> => async ({ signal, progress }) => {
      for (let i = 0; i < count; i++) {
        await sleep(clock, apartMs, signal)
        progress()
      }
      await sleep(clock, restMs, signal)
      return count
    }
    // The timeout is 110 ms: 50 pieces, 100 ms apart, never leave it time.
    t.is(await timeouts.run(get, pieces(50, 100, 100)), 50)
    t.is(timeouts.metrics.overdue, 0)
    t.is(Math.round(timeouts.conditions(peer, 'get').srttMs ?? 0), 100, 'learnt from the first piece')
    t.is(await timeouts.run(put, pieces(3, 100, 2_000)), 3)
    t.is(timeouts.metrics.overdue, 1)
  })
})

test('a timeout is judged only after what came meanwhile was read: a stalled event loop is no loss', async t => {
  await inVirtualTime(async ({ clock }) => {
    let stalledMs = 0
    // Timers come late while the loop stands still, and before what was received is read.
    const stalling: Clock = {
      now: () => clock.now() + stalledMs,
      setTimeout: (callback, delayMs) => clock.setTimeout(callback, delayMs)
    }
    const { timeouts, events } = rig(stalling)
    await learn(timeouts, stalling, 100)
    const answer = timeouts.run(get, async ({ signal }) => {
      // The answer is read 1 ms after the timers ran.
      await sleep(clock, 111, signal)
      return 'read'
    })
    await sleep(clock, 1)
    stalledMs = 150
    t.is(await answer, 'read')
    t.is(timeouts.metrics.overdue, 0)
    // A loss is a loss: one more granularity, and it is found.
    stalledMs = 0
    const lost = timeouts.run(put, silent)
    await sleep(clock, 1)
    stalledMs = 3_000
    await sleep(clock, 1_100)
    t.is(ofType(events, 'timeouts:attempt-overdue').length, 1)
    timeouts.stop()
    await t.throwsAsync(lost, { code: 'ERR_STOPPED' })
  })
})

test('at the deadline an attempt is overdue if it had the time that is usual, whoever tells of the deadline first', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock, { maximumAttempts: 1, hedging: false })
    await learn(timeouts, clock, 100)
    // How a request with 90 ms more than the usual timeout ends that was sent after so long.
    const endOf = async (sentAfterMs: number, signal?: AbortSignal): Promise<{ overdue: boolean, expired: boolean, error: unknown }> => {
      let context: AttemptContext | undefined
      const error = await t.throwsAsync(timeouts.run({ ...get, deadlineMs: 200, ...signal && { signal } }, async given => {
        context = given
        given.connecting()
        await sleep(clock, sentAfterMs, given.signal)
        given.sent()
        await silent(given)
      }))
      return { overdue: context?.overdue === true, expired: context?.expired === true, error }
    }
    t.like(await endOf(0), { overdue: true, expired: true })
    // Our own doing: 10 ms are no silence.
    t.like(await endOf(190), { overdue: false, expired: true })
    const controller = new AbortController()
    const reason = new Error('my limit')
    clock.setTimeout(() => controller.abort(reason), 200)
    t.like(await endOf(0, controller.signal), { overdue: true, expired: true, error: reason })
    const earlier = new AbortController()
    clock.setTimeout(() => earlier.abort(reason), 50)
    t.like(await endOf(0, earlier.signal), { overdue: false, expired: false, error: reason })
  })
})

test('an attempt that the deadline cuts short of its timeout says nothing, unless another before it was overdue', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock, { hedging: false, retryBackoff: { baseMs: 10, capMs: 10 } })
    await learn(timeouts, clock, 100)
    const ends = async (deadlineMs: number): Promise<boolean[]> => {
      const contexts: AttemptContext[] = []
      await t.throwsAsync(timeouts.run({ ...get, deadlineMs }, async context => {
        contexts.push(context)
        await silent(context)
      }), { code: 'ERR_DEADLINE' })
      return contexts.map(({ overdue, expired }) => overdue && expired)
    }
    t.deepEqual(await ends(50), [false])
    // The first is given up after some 110 ms, and the second is under way at the deadline.
    t.deepEqual(await ends(150), [false, true])
  })
})

test('asking for conditions leaves no trace', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock)
    t.like(timeouts.conditions(peer, 'get'), { srttMs: undefined, priorMs: 1000, backoff: 0, tier: 'rtt', suspicion: 0 })
    t.is(timeouts.metrics.peers, 0)
  })
})

test('a dial that failed is repeated like any other attempt: when it is due is for the pool to say', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts, events } = rig(clock)
    t.is(await timeouts.run(put, async ({ connecting, attempt }) => {
      connecting()
      if (attempt < 3) {
        throw new TwinwireError('ERR_DIAL_FAILED', 'no route')
      }
      return attempt
    }), 3)
    t.deepEqual(ofType(events, 'timeouts:retry-refused'), [])
  })
})

test('the time that an expected reply takes is added to its timeout', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { timeouts } = rig(clock)
    await learn(timeouts, clock, 100)
    // 125 kB at 10 Mbit/s are 100 ms.
    await timeouts.run({ ...get, expectedReplyBytes: 125_000 }, async ({ timeoutMs }) => t.is(Math.round(timeoutMs), 210))
    t.throws(() => checkRequest({ expectedReplyBytes: -1 }), { code: 'ERR_INVALID_OPTION', message: /expectedReplyBytes/ })
  })
})
