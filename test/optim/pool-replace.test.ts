import test from 'ava'
import { TwinwireError } from '../../src/core/errors.ts'
import { randomStream } from '../../src/core/random.ts'
import { ConnectionPool } from '../../src/optim/pool/pool.ts'
import { FakeMultiaddr, FakeNetwork } from './fake-node.ts'
import { bench, caught, codeOf, failed, FIRST, reasons, RTT, SECOND } from './pool-bench.ts'
import type { PrunePolicy, StreamLease } from '../../src/optim/pool/pool.ts'
import type { Bench } from './pool-bench.ts'

test('replace dials another connection, and the present one is used no more and closed when it is idle', async t => {
  const { network, client, server, pool, recorder, connection, acquire } = bench()
  const held = await network.until(acquire())
  const startedMs = network.clock.now()
  await network.until(pool.replace(server.peerId))
  t.is(network.clock.now() - startedMs, 3 * RTT)
  t.is(held.connection, connection(0))
  const lease = await network.until(acquire())
  t.not(lease.connection, held.connection)
  lease.release()
  await network.run(20_000)
  t.is(held.connection.status, 'open', 'a lease keeps it')
  held.release()
  t.is(pool.metrics.idleStreams, 1, 'nothing is kept on it')
  ;(await network.until(acquire())).release()
  await network.run(15_000)
  t.is(client.connections.length, 1)
  t.not(client.connections[0], held.connection)
  t.deepEqual(reasons(recorder, 'pool:dial'), ['cold', 'health'])
  t.deepEqual(reasons(recorder, 'pool:replace'), ['health'])
  t.deepEqual(reasons(recorder, 'pool:close'), ['health'])
})

test('replacements asked for while one is under way are joined, with each other and with any dial', async t => {
  const { network, client, server, pool, acquire } = bench()
  const cold = acquire()
  await network.run(RTT)
  await network.until(Promise.all([pool.replace(server.peerId), pool.replace(server.peerId), cold]))
  t.is(client.dials.length, 1)
  await network.until(Promise.all([pool.replace(server.peerId), pool.replace(server.peerId), pool.replace(server.peerId)]))
  t.is(client.dials.length, 2)
})

test('connections that the peer opened, as many as it may have, are replaced all the same: one is left to others for good', async t => {
  const { network, client, server, pool, acquire } = bench({ maxConnectionsPerPeer: 2 })
  network.addresses.set('/ip4/10.0.0.9/tcp/1', { node: client })
  for (let i = 0; i < 2; i++) {
    await network.until(server.dial(new FakeMultiaddr(`/ip4/10.0.0.9/tcp/1/p2p/${client.peerId.toString()}`), { force: true }))
  }
  ;(await network.until(acquire())).release()
  t.is(pool.metrics.connections, 2)
  t.is(pool.metrics.ownConnections, 0)
  await network.until(pool.replace(server.peerId))
  t.is(pool.metrics.ownConnections, 1)
  t.is(pool.metrics.connections, 2)
  const lease = await network.until(acquire())
  t.is(lease.connection.direction, 'outbound')
  lease.release()
})

test('a connection that the peer opened, the only one there may be, is taken back where no replacement can be dialled', async t => {
  const { network, client, server, pool, recorder, acquire } = bench({ maxConnectionsPerPeer: 1 })
  network.addresses.set('/ip4/10.0.0.9/tcp/1', { node: client })
  network.addresses.set(FIRST, 'refuse')
  await network.until(server.dial(new FakeMultiaddr(`/ip4/10.0.0.9/tcp/1/p2p/${client.peerId.toString()}`), { force: true }))
  const lease = await network.until(acquire())
  const { connection } = lease
  lease.release()
  const replacing = caught(pool.replace(server.peerId))
  await network.run(RTT / 2)
  const again = await network.until(acquire())
  t.is(again.connection, connection)
  again.release()
  t.is(codeOf(await replacing), 'ERR_DIAL_FAILED')
  t.deepEqual(reasons(recorder, 'pool:close'), ['released'])
  t.is(pool.metrics.connections, 1)
})

test('replacements of one peer are spaced by 1, 2, 4 s and so on, 20% either way', async t => {
  const { network, client, server, pool } = bench()
  while (network.clock.now() < 60_000) {
    await network.until(pool.replace(server.peerId))
  }
  // At 0, then after 1, 2, 4, 8, 16 and 30 s; all shortest: 0.8, 2.4, 5.6, 12, 24.8 and 48.8 s, and the next ends the loop.
  t.true(client.dials.length <= 8, `${client.dials.length} dials`)
})

test('a replacement that fails rejects, and the present connection stays in use', async t => {
  const { network, client, server, pool, acquire } = bench()
  const held = await network.until(acquire())
  network.addresses.set(FIRST, 'refuse')
  t.is(codeOf(await failed(network, pool.replace(server.peerId))), 'ERR_DIAL_FAILED')
  const lease = await network.until(acquire())
  t.is(lease.connection, held.connection)
  t.is(client.connections.length, 1)
})

/** A connection on which two requests were overdue one after the other: it is held dead. */
async function withDeadConnection (): Promise<Bench & { readonly lease: StreamLease }> {
  const all = bench()
  const { network, connection, recorder, acquire } = all
  const lease = await network.until(acquire())
  lease.answered(RTT)
  connection(0).wedged = true
  all.client.storeFails = true
  await network.run(1_000)
  lease.suspect(900)
  await network.run(1_000)
  lease.suspect(500)
  if (reasons(recorder, 'pool:suspect').join() !== 'timeout,dead') {
    throw new Error('the connection is not held dead')
  }
  return { ...all, lease }
}

test('a dead connection to a peer without a known address is used on, and not closed; once it is closed, requests fail with ERR_NO_ADDRESS', async t => {
  const { network, client, recorder, connection, acquire, lease } = await withDeadConnection()
  const [only] = client.connections
  lease.discard(new Error('overdue'))
  t.is(connection(0), only, 'nothing is on it any more')
  const waiting = acquire()
  await network.run(0)
  connection(0).wedged = false
  const again = await network.until(waiting)
  t.is(again.connection, only)
  t.deepEqual(reasons(recorder, 'pool:clear'), ['answered'], 'a stream was opened on it')
  only.end('reset')
  t.is(codeOf(await failed(network, acquire())), 'ERR_NO_ADDRESS')
})

test('a dead connection to a peer without a known address has no more dials made than are spaced by 1, 2, 4 s and so on', async t => {
  const { network, recorder, acquire } = await withDeadConnection()
  while (network.clock.now() < 30_000) {
    t.is(codeOf(await failed(network, acquire())), 'ERR_TIMEOUT')
  }
  // At 0 (cold); the replacements from 1 s on, as above: after 1, 2, 4, 8 and 16 s, all shortest.
  t.true(reasons(recorder, 'pool:dial').length <= 7, reasons(recorder, 'pool:dial').join())
})

test('a dead connection that was all there was goes as soon as an address is known and another is there', async t => {
  const { network, client, server, recorder, connection, acquire, lease } = await withDeadConnection()
  const [old] = client.connections
  lease.discard(new Error('overdue'))
  client.storeFails = false
  client.learn(server, FIRST)
  await network.run(30_000)
  t.is(connection(0), old)
  const fresh = await network.until(acquire())
  t.not(fresh.connection, old)
  t.is(old.status, 'aborted')
  t.deepEqual(reasons(recorder, 'pool:evict'), ['dead'])
})

test('bytes on a connection that is suspected or dead for its silence prove it alive', async t => {
  const { network, client, server, pool, recorder, connection, acquire } = bench()
  const lease = await network.until(acquire())
  lease.answered(RTT)
  const { id } = lease.connection
  network.addresses.set(FIRST, 'black-hole')
  for (const suspicions of [1, 2]) {
    for (let i = 0; i < suspicions; i++) {
      await network.run(1_000)
      lease.suspect(500)
    }
    t.is(reasons(recorder, 'pool:suspect').at(-1), suspicions === 1 ? 'timeout' : 'dead')
    pool.heard('somebody else', id)
    pool.heard(server.peerId.toString(), 'another connection')
    t.is(reasons(recorder, 'pool:clear').length, suspicions - 1)
    pool.heard(server.peerId.toString(), id)
    pool.heard(server.peerId.toString(), id)
    t.is(reasons(recorder, 'pool:clear').length, suspicions)
    const startedMs = network.clock.now()
    const other = await network.until(acquire())
    t.is(other.connection, connection(0))
    t.is(network.clock.now() - startedMs, RTT, 'a stream, no dial')
    other.release()
  }
  t.deepEqual(new Set(reasons(recorder, 'pool:clear')), new Set(['bytes']))
  lease.release()
  await network.run(10_000)
  t.is(client.connections.length, 1)
})

test('bytes do not clear a connection that refuses streams', async t => {
  const { network, server, pool, recorder, connection, acquire } = bench()
  const lease = await network.until(acquire())
  connection(0).zombie = true
  network.addresses.set(FIRST, 'refuse')
  await failed(network, acquire())
  t.true(reasons(recorder, 'pool:suspect').includes('stream-refused'))
  pool.heard(server.peerId.toString(), lease.connection.id)
  t.deepEqual(reasons(recorder, 'pool:clear'), [])
})

test('a replacement that all lost interest in is not dialled on, while a waiter keeps it', async t => {
  const { network, client, server, pool } = bench()
  await network.until(pool.connect(server.peerId))
  const controllers = [new AbortController(), new AbortController()]
  const replacing = controllers.map(({ signal }) => caught(pool.replace(server.peerId, { signal })))
  await network.run(RTT)
  controllers[0].abort(new Error('enough'))
  await network.run(0)
  t.false(client.dials[1].aborted)
  controllers[1].abort(new Error('enough'))
  await network.run(0)
  t.true(client.dials[1].aborted)
  t.like(await replacing[0], { message: 'enough' })
  t.like(pool.metrics, { waiters: 0, dialling: 0, connections: 1 })
})

test('where the limits leave no room for a further connection a replacement waits for it', async t => {
  const { network, client, server, pool } = bench({ maxConnections: 1 })
  const other = network.node('other', SECOND)
  client.learn(other, SECOND)
  const held = await network.until(pool.acquire(other.peerId, '/echo'))
  const replacing = pool.replace(server.peerId)
  await network.run(10_000)
  t.is(client.dials.length, 1)
  held.release()
  await network.until(replacing)
  t.deepEqual(client.connections.map(({ remotePeer }) => remotePeer.toString()), ['server'])
})

test('a replacement never costs the connection that it is to replace before it is there', async t => {
  const { network, client, server, pool, acquire } = bench({ maxConnections: 1 })
  ;(await network.until(acquire())).release()
  const controller = new AbortController()
  const replacing = caught(pool.replace(server.peerId, { signal: controller.signal }))
  await network.run(10_000)
  t.is(client.connections.length, 1)
  controller.abort(new Error('enough'))
  t.like(await replacing, { message: 'enough' })
  t.is((await network.until(acquire())).connection.status, 'open')
  t.is(client.dials.length, 1)
})

test('a connection that the peer opened is not left while there is no room in all for its replacement', async t => {
  const { network, client, server, pool, recorder, acquire } = bench({ maxConnectionsPerPeer: 1, maxConnections: 1 })
  const other = network.node('other', SECOND)
  client.learn(other, SECOND)
  network.addresses.set('/ip4/10.0.0.9/tcp/1', { node: client })
  const held = await network.until(pool.acquire(other.peerId, '/echo'))
  await network.until(server.dial(new FakeMultiaddr(`/ip4/10.0.0.9/tcp/1/p2p/${client.peerId.toString()}`), { force: true }))
  ;(await network.until(acquire())).release()
  // One more than may be dialled, as the peer decided.
  t.is(pool.metrics.connections, 2)
  const replacing = pool.replace(server.peerId)
  await network.run(1_000)
  ;(await network.until(acquire())).release()
  t.deepEqual(reasons(recorder, 'pool:close'), [])
  held.release()
  await network.until(replacing)
  t.deepEqual(client.connections.map(({ remotePeer, direction }) => `${remotePeer.toString()} ${direction}`), ['server inbound', 'server outbound'])
})

test('stop rejects replacements with ERR_STOPPED, wherever they are, and more than maxWaiters are refused', async t => {
  const { network, server, pool } = bench({ maxWaiters: 2 })
  await network.until(pool.replace(server.peerId))
  // One is paced; the other waits with it.
  const waiting = [caught(pool.replace(server.peerId)), caught(pool.replace(server.peerId))]
  t.is(codeOf(await failed(network, pool.replace(server.peerId))), 'ERR_TOO_MANY_WAITERS')
  await network.until(pool.stop())
  t.deepEqual((await Promise.all(waiting)).map(codeOf), ['ERR_STOPPED', 'ERR_STOPPED'])
  // The news of the close on its way.
  await network.run(RTT)
  t.is(network.kernel.pending, 0)
  t.is(codeOf(await failed(network, pool.replace(server.peerId))), 'ERR_STOPPED')
})

test('suspect, by connection or by peer, has a replacement dialled; an answer clears it', async t => {
  for (const by of ['connection', 'peer']) {
    const { network, client, server, pool, recorder, acquire } = bench()
    const held = await network.until(acquire())
    pool.suspect(by === 'peer' ? server.peerId : held.connection.id)
    t.deepEqual(reasons(recorder, 'pool:suspect'), ['health'])
    held.answered(RTT)
    t.deepEqual(reasons(recorder, 'pool:clear'), ['answered'])
    pool.suspect(held.connection.id)
    const lease = await network.until(acquire())
    t.not(lease.connection, held.connection, by)
    t.is(client.dials.length, 2)
    t.deepEqual(reasons(recorder, 'pool:dial'), ['cold', 'replacement'])
  }
})

test('suspicion of what the pool does not know does nothing', async t => {
  const { network, client, server, pool, recorder } = bench()
  pool.suspect(server.peerId)
  pool.suspect('c0')
  await network.run(1_000)
  t.is(client.dials.length, 0)
  t.deepEqual(recorder.events, [])
})

test('a lease that carries many requests feeds the load with each answer, and its release with nothing', async t => {
  const network = new FakeNetwork(RTT)
  const client = network.node('client')
  const servers = [FIRST, SECOND].map((address, i) => network.node(`server${i}`, address))
  client.learn(servers[0], FIRST)
  client.learn(servers[1], SECOND)
  const seen: number[] = []
  const prune: PrunePolicy = candidates => {
    seen.push(...candidates.map(({ responseMs }) => responseMs))
    return candidates
  }
  const pool = new ConnectionPool({ node: client, clock: network.clock, random: randomStream('pool') }, { maxConnections: 1, prune })
  const held = await network.until(pool.acquire(servers[0].peerId, '/echo'))
  for (let i = 0; i < 100; i++) {
    await network.run(1_000)
    held.answered(50)
  }
  held.release()
  held.answered(5_000)
  await network.until(pool.acquire(servers[1].peerId, '/echo'))
  // 50, not the 100 s that it was held; asked at the instant of the last answer.
  t.deepEqual(seen.map(Math.round), [50])
})

test('a lease that carries many requests says when the overdue one was asked for: the second after the suspicion is its end', async t => {
  const { network, client, recorder, connection, acquire } = bench()
  const lease = await network.until(acquire())
  lease.answered(RTT)
  connection(0).wedged = true
  network.addresses.set(FIRST, 'black-hole')
  await network.run(1_000)
  lease.suspect(900)
  lease.suspect(800)
  t.deepEqual(reasons(recorder, 'pool:suspect'), ['timeout'], 'under way together')
  await network.run(1_000)
  lease.suspect(500)
  t.deepEqual(reasons(recorder, 'pool:suspect'), ['timeout', 'dead'])
  t.is(client.connections.length, 1, 'until it is given back')
  lease.discard(new Error('dead'))
  t.is(client.connections.length, 0)
})

test('a lease that answered is overdue from its last answer on, not from its start', async t => {
  const { network, recorder, connection, acquire } = bench()
  const long = await network.until(acquire())
  const short = await network.until(acquire())
  await network.run(1_000)
  short.fail('timeout', new TwinwireError('ERR_TIMEOUT', 'no answer'))
  await network.run(10)
  // An answer clears the suspicion; its silence from then on is new evidence, twice.
  long.answered(20)
  connection(0).wedged = true
  await network.run(1_000)
  long.suspect()
  await network.run(10)
  long.fail('timeout', new TwinwireError('ERR_TIMEOUT', 'no answer'))
  t.deepEqual(reasons(recorder, 'pool:suspect').slice(0, 2), ['timeout', 'timeout'])
  t.deepEqual(reasons(recorder, 'pool:clear'), ['answered'])
})
