import test from 'ava'
import { sleep, timeoutSignal } from '../../src/core/clock.ts'
import type { Requester } from '../../src/workload/requester.ts'
import { refusingSilent } from '../../src/workload/silent-peers.ts'
import { inVirtualTime } from '../optim/timeouts/virtual-time.ts'

const NOTHING = new Uint8Array(0)
const FOR_MS = 30_000

test('a peer that let a request wait until it was given up is asked nothing for a while, and then again', async t => {
  await inVirtualTime(async ({ clock }) => {
    let asked = 0
    const silent: Requester = {
      async request (_payload, signal) {
        asked++
        await sleep(clock, 60_000, signal)
        return NOTHING
      },
      async [Symbol.asyncDispose] () {}
    }
    const requester = refusingSilent(silent, clock, FOR_MS)
    const ask = async (): Promise<void> => {
      using limit = timeoutSignal(clock, 2_000)
      await requester.request(NOTHING, limit.signal)
    }
    await t.throwsAsync(ask(), { code: 'ERR_TIMEOUT' })
    await t.throwsAsync(ask(), { code: 'ERR_PEER_EJECTED' })
    t.is(clock.now(), 2_000)
    await sleep(clock, FOR_MS - 1)
    await t.throwsAsync(ask(), { code: 'ERR_PEER_EJECTED' })
    t.is(asked, 1)
    await sleep(clock, 1)
    await t.throwsAsync(ask(), { code: 'ERR_TIMEOUT' })
    t.is(asked, 2)
  })
})

test('a peer that fails at once was not silent', async t => {
  await inVirtualTime(async ({ clock }) => {
    const failing: Requester = { request: async () => await Promise.reject(new Error('reset')), async [Symbol.asyncDispose] () {} }
    const requester = refusingSilent(failing, clock, FOR_MS)
    using limit = timeoutSignal(clock, 2_000)
    await t.throwsAsync(requester.request(NOTHING, limit.signal), { message: 'reset' })
    await t.throwsAsync(requester.request(NOTHING, limit.signal), { message: 'reset' })
  })
})
