import { getEventListeners } from 'node:events'
import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../../src/core/errors.ts'
import { randomStream } from '../../../src/core/random.ts'
import { MemoryRecorder } from '../../../src/core/recorder.ts'
import { Deadlines } from '../../../src/optim/deadlines.ts'
import { AdaptiveTimeouts } from '../../../src/optim/timeouts/adaptive-timeouts.ts'
import { HandClock } from '../hand-clock.ts'
import { peerNamed } from './virtual-time.ts'
import type { AdaptiveTimeoutsComponents } from '../../../src/optim/timeouts/adaptive-timeouts.ts'
import type { TimeoutEvent } from '../../../src/optim/timeouts/events.ts'
import type { AdaptiveTimeoutsOptions } from '../../../src/optim/timeouts/options.ts'
import type { PeerConditions, StrategyName } from '../../../src/optim/timeouts/policy.ts'
import type { Attempt, TimedRequest } from '../../../src/optim/timeouts/request.ts'

fc.configureGlobal({ seed: 1 })

const peer = peerNamed('peer')
const get: TimedRequest = { peer, operation: 'get', idempotent: true, deadlineMs: 30_000 }

interface Rig {
  readonly clock: HandClock
  readonly timeouts: AdaptiveTimeouts
  readonly events: readonly TimeoutEvent[]
}

function rig (options: AdaptiveTimeoutsOptions = {}, components: Partial<AdaptiveTimeoutsComponents> = {}): Rig {
  const clock = new HandClock()
  const recorder = new MemoryRecorder<TimeoutEvent>()
  const timeouts = new AdaptiveTimeouts({ clock, random: randomStream('test'), host: 'me', recorder, ...components }, options)
  return { clock, timeouts, events: recorder.events }
}

/** An attempt that is answered after so long, unless it is given up before. */
function answering (clock: HandClock, delayMs: number, fails = false): Attempt<number> {
  return ({ signal, attempt }) => new Promise((resolve, reject) => {
    const timer = clock.setTimeout(() => fails ? reject(new TwinwireError('ERR_CONNECTION_RESET', 'reset')) : resolve(attempt), delayMs)
    signal.addEventListener('abort', () => {
      timer.cancel()
      reject(signal.reason)
    }, { once: true })
  })
}

/** Answers with the requests' outcomes once all have settled. */
async function finish (clock: HandClock, requests: ReadonlyArray<Promise<unknown>>): Promise<void> {
  const all = Promise.allSettled(requests)
  await clock.runAsync(clock.nowMs + 1e6)
  await all
}

test('constant RTT: whatever the RTT, the floor and the strategy, no attempt is ever overdue or repeated', async t => {
  const strategy = fc.constantFrom<StrategyName>('rtt', 'adaptive', 'aggressive', 'conservative')
  // The first wait is 1 s; below it, nothing is known of the peer, and nothing has to be.
  await fc.assert(fc.asyncProperty(fc.double({ min: 0.001, max: 990, noNaN: true }), fc.double({ min: 0.001, max: 2_000, noNaN: true }), strategy, async (rttMs, floorMs, strategy) => {
    const { clock, timeouts } = rig({ strategy, floorMs })
    for (let i = 0; i < 8; i++) {
      const answer = timeouts.run(get, answering(clock, rttMs))
      await clock.runAsync(clock.nowMs + rttMs)
      await answer
    }
    const { attempts, overdue, hedges } = timeouts.metrics
    t.deepEqual([attempts, overdue, hedges], [8, 0, 0])
  }), { numRuns: 2_000 })
})

test('further attempts <= ratio x requests + reserve even when everything fails, in 10,000 random schedules', async t => {
  const request = fc.record({ gapMs: fc.integer({ min: 0, max: 60 }), silent: fc.boolean(), delayMs: fc.integer({ min: 0, max: 40 }) })
  await fc.assert(fc.asyncProperty(fc.array(request, { minLength: 1, maxLength: 6 }), fc.constantFrom(0, 0.2, 0.5, 1), fc.integer({ min: 0, max: 2 }), async (schedule, ratio, reserve) => {
    // One window for all, so that the reserve is granted once.
    const windowMs = 1e9
    const { clock, timeouts } = rig({ initialMs: 30, maximumAttempts: 8, hedging: { percentile: 0.5, minimumSamples: 1 }, retryBudget: { ratio, reservePerSecond: reserve / windowMs * 1e3, windowMs } })
    const requests = []
    for (const { gapMs, silent, delayMs } of schedule) {
      clock.run(clock.nowMs + gapMs)
      requests.push(timeouts.run({ ...get, deadlineMs: 400 }, answering(clock, silent ? 1e9 : delayMs, true)))
    }
    await finish(clock, requests)
    const { attempts, requests: made, answered, running } = timeouts.metrics
    t.is(answered + running, 0)
    t.true(attempts <= (1 + ratio) * made + reserve + 1e-9, `${attempts} attempts of ${made} requests`)
  }), { numRuns: 10_000 })
})

test('under gRPC\'s throttle retries end with half of the tokens when everything fails, and users may supply a budget', async t => {
  const { clock, timeouts } = rig({ maximumAttempts: 5, hedging: false, retryBudget: { kind: 'throttle' } })
  await finish(clock, Array.from({ length: 50 }, async () => await timeouts.run(get, answering(clock, 1, true))))
  t.is(timeouts.metrics.attempts, 50 + 4)

  const told: string[] = []
  const mine = rig({ retryBudget: { deposit: () => told.push('request'), ended: answered => told.push(answered ? 'answered' : 'failed'), tryWithdraw: () => told.push('asked') < 0 } })
  await finish(mine.clock, [mine.timeouts.run(get, answering(mine.clock, 1, true))])
  t.deepEqual(told, ['request', 'failed', 'asked'])
  for (const retryBudget of [{ kind: 'throttle' as const, tokens: 0 }, { ratio: -1 }, { kind: 'bucket' } as object]) {
    t.throws(() => rig({ retryBudget }), { code: 'ERR_INVALID_OPTION', message: /retryBudget/ })
  }
})

test('a timeout never exceeds the remaining deadline, the ceiling or falls below the floor, whatever the factor, in 10,000 random requests', async t => {
  const positive = fc.integer({ min: 1, max: 100_000 })
  await fc.assert(fc.asyncProperty(positive, positive, positive, fc.double({ min: 0.01, max: 100, noNaN: true }), async (deadlineMs, wantedMs, ceilingMs, factor) => {
    const floorMs = Math.min(25, ceilingMs)
    const { clock, timeouts } = rig({ floorMs, ceilingMs, strategy: { name: 'mine', timeoutMs: () => wantedMs } }, { timeoutFactor: () => factor })
    let timeoutMs = NaN
    const answer = timeouts.run({ ...get, deadlineMs }, context => {
      timeoutMs = context.timeoutMs
      return Promise.resolve(1)
    })
    await answer
    t.is(timeoutMs, Math.min(deadlineMs, ceilingMs, Math.max(floorMs, wantedMs * factor)))
    t.is(clock.timers.size, 0)
  }), { numRuns: 10_000 })
})

test('a sick local node waits longer: with factor 3 an answer after 2.5 times the wait is in time', async t => {
  for (const [factor, overdue] of [[1, 1], [3, 0]]) {
    const { clock, timeouts } = rig({ strategy: 'fixed', fixedMs: 100, maximumAttempts: 1 }, { timeoutFactor: () => factor })
    await finish(clock, [timeouts.run(get, answering(clock, 250))])
    t.is(timeouts.metrics.overdue, overdue)
  }
})

test('a timeout factor that is no number fails the request that asked for it, with ERR_INVALID_OPTION, and leaves nothing', async t => {
  const { clock, timeouts } = rig({}, { timeoutFactor: () => NaN })
  await t.throwsAsync(timeouts.run(get, answering(clock, 1)), { code: 'ERR_INVALID_OPTION' })
  t.is(timeouts.metrics.running, 0)
  t.is(clock.timers.size, 0)
})

test('10,000 running requests arm one timer, and on shared deadlines none of their own', async t => {
  for (const shared of [false, true]) {
    const clock = new HandClock()
    const deadlines = new Deadlines(clock)
    let foreign = 0
    deadlines.after(5, () => { foreign++ })
    const before = clock.timers.size
    const timeouts = new AdaptiveTimeouts({ clock, random: randomStream('test'), host: 'me', ...shared && { deadlines } }, { hedging: false })
    const requests = Array.from({ length: 10_000 }, async () => await timeouts.run(get, async ({ signal }) => await new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason), { once: true })
    })))
    const settled = Promise.allSettled(requests)
    t.is(clock.timers.size - before, shared ? 0 : 1)
    timeouts.stop()
    await settled
    t.is(timeouts.metrics.running, 0)
    t.is(deadlines.size, 1, 'that of somebody else')
    clock.run(10)
    t.is(foreign, 1)
    t.is(clock.timers.size, 0)
  }
})

test('100,000 calls leave no listener, timer or run behind: each leaves what it found, so 10^6 do as well', async t => {
  const { clock, timeouts } = rig({}, { recorder: { record () {} } })
  const controller = new AbortController()
  const request = { ...get, signal: controller.signal }
  for (let i = 0; i < 100_000; i++) {
    const failing = i % 3 === 0
    await timeouts.run({ ...request, idempotent: false }, async () => {
      if (failing) {
        throw new TwinwireError('ERR_CONNECTION_RESET', 'reset')
      }
      return i
    }).catch(() => {})
    // Compared with 0, not with before: whatever a call left would be seen after it.
    if (clock.timers.size !== 0 || timeouts.metrics.running !== 0 || (i % 100 === 0 && getEventListeners(controller.signal, 'abort').length !== 0)) {
      t.fail(`after ${i + 1} calls`)
      return
    }
  }
  t.is(getEventListeners(controller.signal, 'abort').length, 0)
  t.is(timeouts.metrics.peers, 1)
})

test('a caller\'s abort at any time changes no estimate, and before the timeout no backoff, in 10,000 random instants', async t => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 300 }), fc.integer({ min: 0, max: 400 }), fc.boolean(), async (afterMs, delayMs, idempotent) => {
    const { clock, timeouts } = rig({ hedging: false, maximumAttempts: 1 })
    for (let i = 0; i < 5; i++) {
      const answer = timeouts.run(get, answering(clock, 100))
      await clock.runAsync(clock.nowMs + 100)
      await answer
    }
    const known = (): PeerConditions => ({ ...timeouts.conditions(peer, 'get') })
    const before = known()
    let timeoutMs = 0
    const controller = new AbortController()
    const outcome = timeouts.run({ ...get, idempotent, signal: controller.signal }, context => {
      timeoutMs = context.timeoutMs
      return answering(clock, Math.max(delayMs, afterMs + 1))(context)
    }).then(() => 'answered', () => 'aborted')
    await clock.runAsync(clock.nowMs + afterMs)
    controller.abort(new Error('enough'))
    await clock.runAsync(clock.nowMs + 1_000)
    t.is(await outcome, 'aborted')
    const { backoff, ...after } = known()
    const { backoff: backoffBefore, ...rest } = before
    t.deepEqual(after, rest)
    t.is(backoff, afterMs < timeoutMs ? backoffBefore : 1)
    t.is(timeouts.metrics.running, 0)
    t.is(clock.timers.size, 0)
  }), { numRuns: 10_000 })
})

test('a 10x RTT step from any RTT: at most one request is overdue, and the next never', async t => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 1, max: 300 }), fc.constantFrom<StrategyName>('rtt', 'adaptive', 'conservative'), async (rttMs, strategy) => {
    const { clock, timeouts } = rig({ strategy, hedging: false, maximumAttempts: 1 })
    const ask = async (tookMs: number): Promise<void> => {
      const answer = timeouts.run(get, answering(clock, tookMs))
      await clock.runAsync(clock.nowMs + tookMs)
      await answer
    }
    for (let i = 0; i < 30; i++) {
      await ask(rttMs)
    }
    await ask(10 * rttMs)
    const { overdue } = timeouts.metrics
    t.true(overdue <= 1)
    for (let i = 0; i < 10; i++) {
      await ask(10 * rttMs)
    }
    t.is(timeouts.metrics.overdue, overdue)
  }), { numRuns: 300 })
})
