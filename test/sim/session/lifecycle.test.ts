import test from 'ava'
import { sleep } from '../../../src/core/clock.ts'
import { SimMultiaddr } from '../../../src/sim/session/identity.ts'
import { NodePair, RTT_MS } from './node-pair.ts'

const SINK = '/test/sink/1.0.0'

test('refused dials leave nothing behind in the fabric', async t => {
  const pair = new NodePair()
  const refused = new SimMultiaddr('/ip4/10.0.1.1/tcp/1/p2p/server')
  await pair.observe(async () => {
    for (let i = 0; i < 20; i++) {
      await t.throwsAsync(pair.client.dial(refused), { code: 'ECONNREFUSED' })
    }
  })
  t.is(pair.fabric.connectionCount, 0)
})

test('a connection that both ends have closed leaves nothing behind in the fabric', async t => {
  const pair = new NodePair()
  await pair.observe(async () => { await (await pair.client.dial(pair.serverAddress)).close() })
  t.is(pair.fabric.connectionCount, 0)
  t.deepEqual(pair.server.getConnections(), [])
})

for (const stopAtMs of [10, 60, 110, 160, 210, 260, 310, 360, 410]) {
  test(`nodes stopped ${stopAtMs} ms after a dial and a stream began leave nothing in the kernel`, async t => {
    const pair = new NodePair()
    let settled = 0
    void pair.client.dial(pair.serverAddress).then(async connection => await connection.newStream(SINK)).catch(() => {}).finally(() => { settled++ })
    await pair.observe(async () => {
      await sleep(pair.clock, stopAtMs)
      pair.client.stop()
      pair.server.stop()
    })
    t.is(settled, 1)
    // What was under way arrives, and is thrown away, within a round trip.
    pair.kernel.run(pair.kernel.nowNs + RTT_MS * 1e6)
    t.is(pair.kernel.pending, 0)
    pair.network.checkConservation()
  })
}

test('closing with a signal that was aborted before rejects at once, and a second close succeeds', async t => {
  const pair = new NodePair()
  const { result: connection } = await pair.observe(async () => await pair.client.dial(pair.serverAddress))
  const reason = new Error('no time')
  const { tookMs } = await pair.observe(async () => { await t.throwsAsync(connection.close({ signal: AbortSignal.abort(reason) }), { is: reason }) })
  t.is(tookMs, 0)
  await pair.observe(async () => { await connection.close() })
  t.is(connection.status, 'closed')
})

test('a stream that cannot send what it has holds up the close for its limit and no longer', async t => {
  const pair = new NodePair()
  await pair.server.handle(SINK, stream => { stream.pause() })
  const { result: connection } = await pair.observe(async () => await pair.client.dial(pair.serverAddress))
  const { tookMs } = await pair.observe(async () => {
    const stream = await connection.newStream(SINK)
    // Twice what the window admits while the other side is paused.
    stream.send(new Uint8Array(512 * 1024))
    await t.throwsAsync(connection.close(), { name: 'TimeoutError' })
  })
  const closeLimitMs = 1_000
  t.is(tookMs, RTT_MS + closeLimitMs)
  t.is(connection.status, 'open')
})

test('an abort during a close settles it', async t => {
  const pair = new NodePair()
  await pair.server.handle(SINK, stream => { stream.pause() })
  const { result: connection } = await pair.observe(async () => await pair.client.dial(pair.serverAddress))
  const { tookMs } = await pair.observe(async () => {
    const stream = await connection.newStream(SINK)
    stream.send(new Uint8Array(512 * 1024))
    const closing = connection.close()
    closing.catch(() => {})
    connection.abort(new Error('enough'))
    await t.throwsAsync(closing)
  })
  t.is(tookMs, RTT_MS)
  t.is(connection.status, 'aborted')
})

test('a bare address dialled twice at once makes two connections, a peer dialled twice makes one', async t => {
  const bare = new NodePair()
  const address = bare.serverAddress.decapsulate('/p2p')
  await bare.observe(async () => { await Promise.all([bare.client.dial(address, { force: true }), bare.client.dial(address, { force: true })]) })
  t.is(bare.client.getConnections().length, 2)
  const named = new NodePair()
  await named.observe(async () => { await Promise.all([named.client.dial(named.serverAddress), named.client.dial(named.serverAddress)]) })
  t.is(named.client.getConnections().length, 1)
})

test('an address that nobody has is a DialError', async t => {
  const pair = new NodePair()
  await pair.observe(async () => {
    await t.throwsAsync(pair.client.dial(new SimMultiaddr('/ip4/10.0.0.9/tcp/4001/p2p/nobody')), { name: 'DialError' })
  })
})
