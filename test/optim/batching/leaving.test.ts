import test from 'ava'
import { sleep } from '../../../src/core/clock.ts'
import { PacedUplink } from './paced-uplink.ts'
import { bytes, outcome, PROTOCOL, setting } from './setting.ts'
import type { DeliveryHooks } from '../../../src/optim/batching/delivery.ts'
import type { Setting } from './setting.ts'

const RTT = 20
/** When what is not answered is overdue. */
const TIMEOUT = 100

/** An attempt that nothing may take the place of: overdue after the timeout, and waited for all the same. */
function kept ({ clock }: Setting): DeliveryHooks {
  return { whenKept: callback => clock.setTimeout(callback, TIMEOUT) }
}

for (const kind of ['request', 'send'] as const) {
  test(`after a ${kind} that is overdue and kept, what is new goes on another connection within one timeout`, async t => {
    await setting(async environment => {
      const { clock, client, server } = environment
      const { peerId } = server.node
      await server.batching.handle(PROTOCOL, payload => payload)
      await client.batching.request(peerId, PROTOCOL, bytes(1))
      client.node.connectionTo('server').streams[0].silent = true
      const startMs = clock.now()
      const lost = outcome(client.batching[kind](peerId, PROTOCOL, bytes(1), { hooks: kept(environment) }))
      await sleep(clock, TIMEOUT / 2)
      // Queued before, and sent where it is lost: only what is new goes elsewhere.
      const beside = outcome(client.batching[kind](peerId, PROTOCOL, bytes(1)))
      await sleep(clock, TIMEOUT / 2 + 1)
      const again = outcome(client.batching[kind](peerId, PROTOCOL, bytes(1)))
      t.is(await again, 'resolved')
      // The timeout, and a stream and a round trip.
      t.true(clock.now() - startMs <= TIMEOUT + 1 + 2 * RTT + 1, String(clock.now() - startMs))
      t.is(client.node.suspected, 1)
      t.is(client.node.everyConnection.length, 2)
      t.deepEqual(await Promise.all([lost, beside]), ['ERR_STREAM_CLOSED', 'ERR_STREAM_CLOSED'])
    })
  })
}

test('of a connection that another takes the place of, nothing has to arrive for what is new to leave it', async t => {
  await setting(async ({ clock, client, server }) => {
    const { peerId } = server.node
    await server.batching.handle(PROTOCOL, payload => payload)
    await client.batching.request(peerId, PROTOCOL, bytes(1))
    const lost = outcome(client.batching.request(peerId, PROTOCOL, bytes(1)))
    client.node.connectionTo('server').streams[0].silent = true
    await sleep(clock, 1)
    client.node.replace('server')
    const startMs = clock.now()
    await client.batching.request(peerId, PROTOCOL, bytes(1))
    t.is(clock.now() - startMs, 2 * RTT)
    // Sent just before the stream fell silent.
    t.is(await lost, 'ERR_STREAM_CLOSED')
    t.is(client.node.openLeases, 0)
  })
})

test('what waits for a grant when another connection takes the place of its own goes on that', async t => {
  await setting(async ({ clock, client, server }) => {
    const { peerId } = server.node
    await server.batching.handle(PROTOCOL, payload => payload)
    await client.batching.request(peerId, PROTOCOL, bytes(1))
    // A second's worth of bytes, and behind it one that is not sent before.
    const first = client.batching.send(peerId, PROTOCOL, bytes(1_000), { sensitive: true })
    await sleep(clock, 200)
    const second = client.batching.send(peerId, PROTOCOL, bytes(1))
    await sleep(clock, 200)
    client.node.replace('server')
    await Promise.all([first, second])
    await sleep(clock, 1_000)
    const [old, next] = client.node.everyConnection
    t.deepEqual([old.streams.length, next.streams.length], [1, 1])
    t.true(next.streams[0].sent.length > 0)
    t.is(client.node.openLeases, 0)
    t.deepEqual(client.node.leases.filter(lease => lease !== 'released'), [])
  }, { uplink: clock => new PacedUplink(clock, 8_000, 10_000, 2_000) })
})
