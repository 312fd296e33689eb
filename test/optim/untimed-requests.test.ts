import { getEventListeners } from 'node:events'
import test from 'ava'
import { sleep } from '../../src/core/clock.ts'
import { UntimedRequests } from '../../src/optim/untimed-requests.ts'
import { inVirtualTime } from './timeouts/virtual-time.ts'
import type { ExecutionContext } from 'ava'
import type { Clock } from '../../src/core/clock.ts'
import type { AttemptContext } from '../../src/optim/timeouts/request.ts'

interface Rig {
  readonly clock: Clock
  readonly requests: UntimedRequests
  readonly parent: AbortController
}

/** Runs `body`, and checks that nothing is left. */
async function withRequests (t: ExecutionContext, body: (rig: Rig) => Promise<void>): Promise<void> {
  await inVirtualTime(async time => {
    const parent = new AbortController()
    const requests = new UntimedRequests(time.clock)
    await body({ clock: time.clock, requests, parent })
    t.is(getEventListeners(parent.signal, 'abort').length, 0)
    t.is(time.pending, 0)
    // Nothing runs any more that a stop would abort.
    requests.stop(new Error('stopped'))
  })
}

test('there is one attempt, which has all of the deadline, and its answer is the request\'s', async t => {
  await withRequests(t, async ({ clock, requests, parent }) => {
    const contexts: AttemptContext[] = []
    for (let i = 0; i < 2; i++) {
      t.is(await requests.run(1000, parent.signal, async context => {
        contexts.push(context)
        await sleep(clock, 999, context.signal)
        return 'answer'
      }), 'answer')
    }
    t.deepEqual(contexts.map(({ attempt, timeoutMs, overdue }) => ({ attempt, timeoutMs, overdue })), [{ attempt: 1, timeoutMs: 1000, overdue: false }, { attempt: 1, timeoutMs: 1000, overdue: false }])
    t.not(contexts[0].attemptId, contexts[1].attemptId)
  })
})

test('at the deadline it fails with ERR_DEADLINE, and the attempt is told that it is overdue', async t => {
  await withRequests(t, async ({ clock, requests, parent }) => {
    let context: AttemptContext | undefined
    await t.throwsAsync(requests.run(1000, parent.signal, async given => {
      context = given
      await sleep(clock, 5000, given.signal)
    }), { code: 'ERR_DEADLINE' })
    t.is(clock.now(), 1000)
    t.true(context?.overdue)
  })
})

test('what the attempt throws is what the request fails with', async t => {
  await withRequests(t, async ({ requests, parent }) => {
    await t.throwsAsync(requests.run(1000, parent.signal, async () => { throw new Error('reset') }), { message: 'reset' })
  })
})

test('a caller\'s abort rejects with its reason: before it begins, where nothing is attempted, and while it runs', async t => {
  await withRequests(t, async ({ clock, requests, parent }) => {
    const reason = new Error('enough')
    clock.setTimeout(() => parent.abort(reason), 100)
    let overdue: boolean | undefined
    t.is(await t.throwsAsync(requests.run(1000, parent.signal, async context => {
      try {
        await sleep(clock, 5000, context.signal)
      } finally {
        ({ overdue } = context)
      }
    })), reason)
    t.is(clock.now(), 100)
    t.false(overdue)
    t.is(await t.throwsAsync(requests.run(1000, parent.signal, async () => t.fail())), reason)
  })
})

test('a caller whose own limit is the deadline may abort first: the attempt is overdue and expired all the same', async t => {
  await withRequests(t, async ({ clock, requests, parent }) => {
    const reason = new Error('my limit')
    // Set before the request's own timer for the same instant, and so called before it.
    clock.setTimeout(() => parent.abort(reason), 1000)
    let ended: readonly [boolean, boolean] | undefined
    t.is(await t.throwsAsync(requests.run(1000, parent.signal, async context => {
      try {
        await sleep(clock, 5000, context.signal)
      } finally {
        ended = [context.overdue, context.expired]
      }
    })), reason)
    t.is(clock.now(), 1000)
    t.deepEqual(ended, [true, true])
  })
})

test('a deadline that is none is refused, and leaves nothing', async t => {
  await withRequests(t, async ({ requests, parent }) => {
    await t.throwsAsync(requests.run(-1, parent.signal, async () => t.fail()), { code: 'ERR_INVALID_OPTION' })
  })
})

test('stopping aborts all that run, with the reason given', async t => {
  await withRequests(t, async ({ clock, requests, parent }) => {
    const reason = new Error('stopped')
    const running = [1, 2, 3].map(async () => await t.throwsAsync(requests.run(1000, parent.signal, async ({ signal }) => await sleep(clock, 5000, signal))))
    requests.stop(reason)
    t.deepEqual(await Promise.all(running), [reason, reason, reason])
    t.is(clock.now(), 0)
  })
})
