import test from 'ava'
import { sleep, timeoutSignal } from '../../src/core/clock.ts'
import type { Clock } from '../../src/core/clock.ts'
import { hedged } from '../../src/workload/hedged.ts'
import type { Requester } from '../../src/workload/requester.ts'
import { inVirtualTime } from '../optim/timeouts/virtual-time.ts'

interface Attempt {
  readonly startMs: number
  givenUpMs?: number
}

/** Each attempt takes what comes next in `tookMs`; a negative one fails after as long. */
function scripted (clock: Clock, tookMs: readonly number[]): { readonly requester: Requester, readonly attempts: Attempt[] } {
  const attempts: Attempt[] = []
  const requester: Requester = {
    async request (_payload, signal) {
      const number = attempts.length
      const attempt: Attempt = { startMs: clock.now() }
      attempts.push(attempt)
      try {
        await sleep(clock, Math.abs(tookMs[number]), signal)
      } catch (error) {
        attempt.givenUpMs = clock.now()
        throw error
      }
      if (tookMs[number] < 0) {
        throw new Error(`attempt ${number} failed`)
      }
      return Uint8Array.of(number)
    },
    async [Symbol.asyncDispose] () {}
  }
  return { requester, attempts }
}

const HEDGE_MS = 120
const NOTHING = new Uint8Array(0)

test('what is answered in time is asked once', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { requester, attempts } = scripted(clock, [119])
    using limit = timeoutSignal(clock, 5_000)
    t.deepEqual(await hedged(requester, clock, HEDGE_MS).request(NOTHING, limit.signal), Uint8Array.of(0))
    await sleep(clock, 1_000)
    t.deepEqual(attempts, [{ startMs: 0 }])
  })
})

test('behind a slow attempt a second one begins, the sooner answer counts, and the other is given up then', async t => {
  for (const [tookMs, winner, givenUp] of [[[1_000, 80], 1, 0], [[150, 80], 0, 1]] as const) {
    await inVirtualTime(async ({ clock }) => {
      const { requester, attempts } = scripted(clock, tookMs)
      using limit = timeoutSignal(clock, 5_000)
      t.deepEqual(await hedged(requester, clock, HEDGE_MS).request(NOTHING, limit.signal), Uint8Array.of(winner))
      const answeredMs = Math.min(tookMs[0], HEDGE_MS + tookMs[1])
      t.is(clock.now(), answeredMs)
      await sleep(clock, 0)
      t.deepEqual(attempts.map(({ startMs }) => startMs), [0, HEDGE_MS])
      t.is(attempts[givenUp].givenUpMs, answeredMs)
    })
  }
})

test('what fails before its time is not asked again, and where both fail it is the first one\'s error', async t => {
  for (const [tookMs, atMs, asked] of [[[-50], 50, 1], [[-200, -300], 420, 2]] as const) {
    await inVirtualTime(async ({ clock }) => {
      const { requester, attempts } = scripted(clock, tookMs)
      using limit = timeoutSignal(clock, 5_000)
      await t.throwsAsync(hedged(requester, clock, HEDGE_MS).request(NOTHING, limit.signal), { message: 'attempt 0 failed' })
      t.is(clock.now(), atMs)
      t.is(attempts.length, asked)
    })
  }
})

test('at the caller\'s deadline both attempts are given up', async t => {
  await inVirtualTime(async ({ clock }) => {
    const { requester, attempts } = scripted(clock, [9_000, 9_000])
    using limit = timeoutSignal(clock, 500)
    await t.throwsAsync(hedged(requester, clock, HEDGE_MS).request(NOTHING, limit.signal), { code: 'ERR_TIMEOUT' })
    t.deepEqual(attempts, [{ startMs: 0, givenUpMs: 500 }, { startMs: HEDGE_MS, givenUpMs: 500 }])
  })
})
