import { getEventListeners } from 'node:events'
import test from 'ava'
import { sleep } from '../../src/core/clock.ts'
import { ping } from '../../src/optim/ping.ts'
import { PingConnection, RTT } from './ping-node.ts'
import { inVirtualTime } from './timeouts/virtual-time.ts'
import type { ExecutionContext } from 'ava'
import type { Clock } from '../../src/core/clock.ts'

interface Rig {
  readonly clock: Clock
  readonly connection: PingConnection
  readonly controller: AbortController
  readonly closing: AbortController
  readonly ask: () => Promise<number | undefined>
}

/** Runs `body`, lets what it began come to its end, and checks that nothing is left. */
async function withConnection (t: ExecutionContext, body: (rig: Rig) => Promise<void>): Promise<void> {
  await inVirtualTime(async time => {
    const { clock } = time
    const connection = new PingConnection(clock)
    const controller = new AbortController()
    const closing = new AbortController()
    await body({ clock, connection, controller, closing, ask: async () => await ping(connection, clock, { signal: controller.signal, closing: closing.signal }) })
    await sleep(clock, 2 * RTT)
    t.is(connection.left, 0)
    t.is(getEventListeners(controller.signal, 'abort').length, 0)
    t.is(getEventListeners(closing.signal, 'abort').length, 0)
    t.is(time.pending, 0)
  })
}

test('a ping measures one round trip, without that of opening its stream, and closes it', async t => {
  await withConnection(t, async ({ connection, ask }) => {
    t.is(await ask(), RTT)
    t.is(connection.streams.length, 1)
  })
})

test('a connection that is limited, as relayed ones are, is asked as well', async t => {
  await withConnection(t, async ({ connection, ask }) => {
    connection.limited = true
    t.is(await ask(), RTT)
  })
})

test('a peer that does not speak ping is there all the same', async t => {
  await withConnection(t, async ({ connection, ask }) => {
    connection.unsupported = true
    t.is(await ask(), undefined)
    t.is(connection.streams.length, 0)
  })
})

test('an answer stands though closing the stream fails, which then is aborted', async t => {
  await withConnection(t, async ({ clock, connection, ask }) => {
    connection.onStreamClose = async () => { throw new Error('the muxer is full') }
    t.is(await ask(), RTT)
    await sleep(clock, 0)
    t.is(connection.streams[0].status, 'aborted')
  })
})

test('an answer does not wait for the stream to close, which is aborted after a second', async t => {
  await withConnection(t, async ({ clock, connection, ask }) => {
    connection.onStreamClose = async options => { await sleep(clock, 1e6, options?.signal) }
    const startedMs = clock.now()
    t.is(await ask(), RTT)
    t.is(clock.now() - startedMs, 2 * RTT)
    await sleep(clock, 999)
    t.is(connection.streams[0].status, 'open')
    await sleep(clock, 2)
    t.is(connection.streams[0].status, 'aborted')
  })
})

test('whoever ends the closing leaves no stream and no timer', async t => {
  await withConnection(t, async ({ clock, connection, closing, ask }) => {
    connection.onStreamClose = async options => { await sleep(clock, 1e6, options?.signal) }
    await ask()
    closing.abort(new Error('stopped'))
    await sleep(clock, 0)
    t.is(connection.streams[0].status, 'aborted')
  })
})

for (const [where, silent, afterMs] of [['before it begins', 'no', 0], ['while the stream is opened', 'streams', RTT / 2], ['while the answer is awaited', 'echoes', 2 * RTT]] as const) {
  test(`aborted ${where}, it rejects with the reason and leaves nothing`, async t => {
    await withConnection(t, async ({ clock, connection, controller, ask }) => {
      connection.silent = silent
      const reason = new Error('enough')
      if (afterMs === 0) {
        controller.abort(reason)
      } else {
        clock.setTimeout(() => controller.abort(reason), afterMs)
      }
      t.is(await t.throwsAsync(ask()), reason)
    })
  })
}

test('a stream that ends before the answer is no answer', async t => {
  await withConnection(t, async ({ clock, connection, ask }) => {
    connection.silent = 'echoes'
    clock.setTimeout(() => connection.end('reset'), 2 * RTT)
    await t.throwsAsync(ask(), { code: 'ERR_STREAM_CLOSED' })
  })
  await withConnection(t, async ({ clock, connection, ask }) => {
    connection.silent = 'echoes'
    clock.setTimeout(() => connection.streams[0].remoteClosedWrite(), 2 * RTT)
    await t.throwsAsync(ask(), { code: 'ERR_STREAM_CLOSED' })
  })
})
