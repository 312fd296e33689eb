import test from 'ava'
import { MemoryRecorder } from '../../src/core/recorder.ts'
import { randomStream } from '../../src/core/random.ts'
import { ConnectionPool } from '../../src/optim/pool/pool.ts'
import { FakeMultiaddr, FakeNetwork } from './fake-node.ts'
import { bench, codeOf, failed, FIRST, reasons, RTT, SECOND } from './pool-bench.ts'
import type { PoolEvent, StreamLease } from '../../src/optim/pool/pool.ts'
import type { FakeStream } from './fake-node.ts'

test('20 concurrent acquires of a cold peer make 1 dial, and the first has its stream after 3 + 1 RTT', async t => {
  const { network, client, acquire } = bench()
  const leases = Array.from({ length: 20 }, () => acquire())
  await network.until(leases[0])
  t.is(network.clock.now(), 4 * RTT)
  const all = await network.until(Promise.all(leases))
  t.is(client.dials.length, 1)
  t.is(client.connections.length, 1)
  t.is(new Set(all.map(({ stream }) => stream.id)).size, 20)
})

test('cancelling some acquires does not cancel their dial', async t => {
  const { network, client, acquire } = bench()
  const controllers = Array.from({ length: 3 }, () => new AbortController())
  const leases = controllers.map(({ signal }) => acquire({ signal }))
  leases.forEach(lease => void lease.catch(() => {}))
  await network.run(RTT)
  controllers[0].abort(new Error('changed my mind'))
  controllers[1].abort(new Error('changed my mind'))
  await t.throwsAsync(network.until(leases[0]), { message: 'changed my mind' })
  await network.until(leases[2])
  t.is(network.clock.now(), 4 * RTT)
  t.false(client.dials[0].aborted)
})

test('cancelling all acquires cancels their dial, and the next acquire dials anew', async t => {
  const { network, client, pool, acquire } = bench()
  const controllers = Array.from({ length: 3 }, () => new AbortController())
  const leases = controllers.map(({ signal }) => acquire({ signal }))
  leases.forEach(lease => void lease.catch(() => {}))
  await network.run(RTT)
  controllers.forEach(controller => controller.abort(new Error('changed my mind')))
  await network.run(0)
  t.true(client.dials[0].aborted)
  t.is(pool.metrics.dialling, 0)
  t.is(pool.metrics.waiters, 0)
  await network.until(acquire())
  t.is(client.dials.length, 2)
})

test('a released stream is reused with no round trip, the last released first', async t => {
  const { network, acquire } = bench()
  const [first, second] = await network.until(Promise.all([acquire(), acquire()]))
  first.release()
  second.release()
  const nowMs = network.clock.now()
  const again = await network.until(acquire())
  t.is(again.stream, second.stream)
  t.true(again.reusedStream)
  t.is(network.clock.now(), nowMs)
})

test('a stream is not reused that was closed by the far side, has data unread, or was discarded', async t => {
  const { network, pool, acquire } = bench()
  const leases = await network.until(Promise.all([acquire(), acquire(), acquire()]))
  const streams = leases.map(({ stream }) => stream as FakeStream)
  leases[0].release()
  leases[1].release()
  leases[2].discard()
  // Not so soon that it would seem to be the habit of the far side.
  await network.run(RTT + 1)
  streams[0].emit('remoteCloseWrite', undefined)
  streams[1].receive(new Uint8Array(5))
  const next = await network.until(acquire())
  t.false(streams.includes(next.stream as FakeStream))
  t.is(streams[1].status, 'aborted')
  await network.run(2 * RTT)
  t.is(streams[0].status, 'closed')
  t.is(streams[2].status, 'closed')
  t.is(pool.metrics.idleStreams, 0)
  t.is(streams.reduce((sum, stream) => sum + stream.listenerCount, 0), 0)
})

test('a discarded stream whose far side does not close is aborted after closeTimeoutMs', async t => {
  const { network, acquire } = bench({ closeTimeoutMs: 500 })
  const lease = await network.until(acquire())
  const stream = lease.stream as FakeStream
  stream.remoteLingers = true
  lease.discard()
  await network.run(499)
  t.is(stream.status, 'closing')
  await network.run(1)
  t.is(stream.status, 'aborted')
})

test('a lease ends once: what follows the first release, discard, fail or disposal does nothing', async t => {
  const { network, pool, recorder, acquire } = bench()
  const lease = await network.until(acquire())
  lease.release()
  lease.fail('timeout', new Error('late'))
  lease.discard(new Error('late'))
  lease[Symbol.dispose]()
  t.deepEqual(reasons(recorder, 'pool:end'), ['released'])
  t.is(lease.stream.status, 'open')
  t.is(pool.metrics.leases, 0)
})

test('a lease that is thrown out of its block is discarded, and its stream aborted', async t => {
  const { network, recorder, pool, acquire } = bench()
  const pending = acquire()
  await network.run(4 * RTT)
  let stream
  await t.throwsAsync(async () => {
    using lease = await pending
    stream = lease.stream
    throw new Error('the request went wrong')
  })
  t.is((stream as FakeStream | undefined)?.status, 'aborted')
  t.deepEqual(reasons(recorder, 'pool:end'), ['discarded'])
  t.is(pool.metrics.leases, 0)
})

test('32 streams on a young connection never have more than 8 under way before the first is acknowledged', async t => {
  const { network, client, connection, acquire } = bench()
  await network.until(Promise.all(Array.from({ length: 32 }, () => acquire())))
  t.is(connection(0).earlyStreams, 8)
  t.is(client.connections.length, 1)
  // 3 RTT for the dial, 1 for the first 8, 1 for the other 24.
  t.is(network.clock.now(), 5 * RTT)
})

test('a second connection is opened for the 33rd concurrent lease, not for the 32nd', async t => {
  const { network, client, recorder, acquire } = bench()
  await network.until(Promise.all(Array.from({ length: 32 }, () => acquire())))
  await network.run(10 * RTT)
  t.is(client.dials.length, 1)
  const lease = await network.until(acquire())
  t.is(client.dials.length, 2)
  t.is(lease.connection, client.connections[1])
  t.deepEqual(reasons(recorder, 'pool:dial'), ['cold', 'growth'])
})

test('at the limit of one peer requests wait for a lease to come back, by priority and then by arrival', async t => {
  const { network, client, pool, acquire } = bench({ maxConnectionsPerPeer: 1, streamsPerConnection: 2 })
  const held = await network.until(Promise.all([acquire(), acquire()]))
  const order: string[] = []
  const queue = (name: string, priority: number): Promise<void> => acquire({ priority }).then(lease => {
    order.push(name)
    lease.release()
  })
  const all = Promise.all([queue('low 1', 0), queue('low 2', 0), queue('high 1', 5), queue('high 2', 5)])
  await network.run(10 * RTT)
  t.deepEqual(order, [])
  t.is(pool.metrics.waiters, 4)
  held[0].release()
  await network.until(all)
  t.deepEqual(order, ['high 1', 'high 2', 'low 1', 'low 2'])
  t.is(client.dials.length, 1)
})

test('open and dialling connections together never exceed the maximum, and a waiter gets the room of an idle one', async t => {
  const network = new FakeNetwork(RTT)
  const client = network.node('client')
  const servers = Array.from({ length: 4 }, (_, i) => network.node(`server${i}`, `/ip4/10.0.1.${i}/tcp/1`))
  servers.forEach((server, i) => client.learn(server, `/ip4/10.0.1.${i}/tcp/1`))
  const recorder = new MemoryRecorder<PoolEvent>()
  const pool = new ConnectionPool({ node: client, clock: network.clock, random: randomStream('pool'), recorder }, { maxConnections: 2 })
  const acquire = (i: number, priority = 0): Promise<StreamLease> => pool.acquire(servers[i].peerId, '/echo', { priority })
  const held = await network.until(Promise.all([acquire(0), acquire(1)]))
  const low = acquire(2)
  const high = acquire(3, 1)
  await network.run(10 * RTT)
  t.is(client.dials.length, 2)
  held[0].release()
  const lease = await network.until(high)
  t.deepEqual(reasons(recorder, 'pool:evict'), ['waiter'])
  t.is(held[0].connection.status, 'closed')
  t.is(held[1].connection.status, 'open')
  t.is(pool.metrics.connections, 2)
  lease.release()
  await network.until(low)
  t.is(pool.metrics.connections, 2)
})

test('a waiter more than maxWaiters is refused at once with ERR_TOO_MANY_WAITERS', async t => {
  const { network, acquire } = bench({ maxWaiters: 2 })
  const waiting = [acquire(), acquire()]
  t.is(codeOf(await failed(network, acquire())), 'ERR_TOO_MANY_WAITERS')
  t.is(network.clock.now(), 0)
  await network.until(Promise.all(waiting))
  await network.until(acquire())
})

test('with the first address black-holed the second connects 30 ms later, and the first dial is aborted', async t => {
  const { network, client, acquire } = bench({}, [FIRST, SECOND])
  network.addresses.set(FIRST, 'black-hole')
  await network.until(acquire())
  t.is(network.clock.now(), 30 + 4 * RTT)
  t.true(client.dials[0].aborted)
  t.deepEqual(client.dials.map(({ address }) => address), [FIRST, SECOND])
  t.true(client.dials.every(({ force }) => force))
})

test('an address that refuses starts the next at once', async t => {
  const { network, acquire } = bench({}, ['/ip4/1.1.1.1/tcp/1', '/ip4/1.1.1.2/tcp/1'])
  network.addresses.set('/ip4/1.1.1.1/tcp/1', 'refuse')
  await network.until(acquire())
  // 1 RTT for the refusal instead of the 250 ms that public addresses are apart.
  t.is(network.clock.now(), RTT + 4 * RTT)
})

test('another peer at an address is hung up on, and the next address tried', async t => {
  const { network, client, server, recorder, acquire } = bench({}, [FIRST, SECOND])
  network.addresses.set(FIRST, { node: network.node('impostor') })
  const lease = await network.until(acquire())
  t.true(lease.connection.remotePeer.equals(server.peerId))
  await network.run(RTT)
  t.deepEqual(client.connections.map(({ remotePeer }) => remotePeer.toString()), ['server'])
  t.deepEqual(reasons(recorder, 'pool:address').sort(), ['mismatch', 'won'])
})

test('a connection that a loser makes too late is closed', async t => {
  const { network, client, server, acquire } = bench({}, [FIRST, SECOND])
  // Begins 30 ms later and is done 30 ms later, whatever happens to its signal.
  network.addresses.set(SECOND, { node: server, ignoresAbort: true })
  await network.until(acquire())
  await network.run(60)
  t.is(client.dials.length, 2)
  t.is(client.connections.length, 1)
})

test('all addresses dead: ERR_DIAL_FAILED for all waiters; the next acquire tries the address that is due soonest', async t => {
  const { network, client, pool, acquire } = bench({}, [FIRST, SECOND])
  network.addresses.clear()
  const [first, second] = [acquire(), acquire()]
  t.is(codeOf(await failed(network, first)), 'ERR_DIAL_FAILED')
  t.is(codeOf(await failed(network, second)), 'ERR_DIAL_FAILED')
  t.is(client.dials.length, 2)
  t.is(codeOf(await failed(network, acquire())), 'ERR_DIAL_FAILED')
  t.is(client.dials.length, 3)
  t.like(pool.metrics, { connections: 0, dialling: 0, waiters: 0, failedDials: 2 })
})

test('a peer of which no address is known is dialled by its id, once', async t => {
  const { network, client, pool } = bench()
  const stranger = network.node('stranger')
  t.is(codeOf(await failed(network, pool.acquire(stranger.peerId, '/echo'))), 'ERR_NO_ADDRESS')
  t.deepEqual(client.dials.map(({ address }) => address), ['stranger'])
})

test('a protocol that the peer does not speak is ERR_UNSUPPORTED_PROTOCOL and no suspicion', async t => {
  const { network, server, pool, recorder } = bench()
  await network.until(pool.connect(server.peerId))
  await network.run(RTT)
  t.is(codeOf(await failed(network, pool.acquire(server.peerId, '/other'))), 'ERR_UNSUPPORTED_PROTOCOL')
  t.deepEqual(reasons(recorder, 'pool:suspect'), [])
})

test('connect answers with the connection that there is, or dials one', async t => {
  const { network, client, server, pool } = bench()
  const [first, second] = await network.until(Promise.all([pool.connect(server.peerId), pool.connect(server.peerId)]))
  t.is(first, second)
  t.is(network.clock.now(), 3 * RTT)
  t.is(await network.until(pool.connect(server.peerId)), first)
  t.is(client.dials.length, 1)
})

test('connections that others opened are used, and outlive the pool', async t => {
  const { network, client, server, pool, recorder } = bench()
  client.learn(server, FIRST)
  network.addresses.set('/ip4/10.0.0.9/tcp/1', { node: client })
  await network.until(server.dial(new FakeMultiaddr('/ip4/10.0.0.9/tcp/1')))
  await network.run(RTT)
  const lease = await network.until(pool.acquire(server.peerId, '/echo'))
  t.is(lease.connection.direction, 'inbound')
  t.is(client.dials.length, 0)
  lease.release()
  await network.run(120_000)
  t.is(client.connections.length, 1)
  t.is(pool.metrics.connections, 0)
  t.deepEqual(reasons(recorder, 'pool:close'), ['released'])
  await network.until(pool.acquire(server.peerId, '/echo'))
  await network.until(pool.stop())
  t.is(client.connections.length, 1)
})

test('a connection that closes by itself is replaced on the next acquire', async t => {
  const { network, client, connection, recorder, acquire } = bench()
  const lease = await network.until(acquire())
  connection(0).end('reset')
  lease.discard()
  await network.until(acquire())
  t.is(client.dials.length, 2)
  t.deepEqual(reasons(recorder, 'pool:close'), ['lost'])
})

test('a peer that the connection gater denies is not dialled, and the denial passes through; an address that it denies is passed over', async t => {
  const { network, client, pool, recorder, acquire } = bench({}, [FIRST, SECOND])
  client.denies = name => name === 'server'
  t.like(await failed(network, acquire()), { name: 'DialDeniedError' })
  t.is(client.dials.length, 0)
  t.is(pool.metrics.connections, 0)
  client.denies = name => name === FIRST
  const startedMs = network.clock.now()
  await network.until(acquire())
  t.is(network.clock.now() - startedMs, 4 * RTT, 'a denial backs nothing off')
  t.deepEqual(client.dials.map(({ address }) => address), [SECOND])
  t.deepEqual(reasons(recorder, 'pool:address'), ['denied', 'denied', 'denied', 'won'])
})

test('an address that is dialled already when the peer\'s is denied begins again with the peer\'s name', async t => {
  const { network, client, acquire } = bench({}, [FIRST, '/ip4/1.1.1.1/tcp/1'])
  client.denies = name => name === 'server'
  // A private and a public address both start at once.
  t.like(await failed(network, acquire()), { name: 'DialDeniedError' })
  t.true(client.dials.every(({ aborted }) => aborted))
  t.is(client.connections.length, 0)
})

test('where the far side ends a stream with its answer, no stream of the protocol is kept any more, on later connections either', async t => {
  const { network, client, server, pool, acquire } = bench()
  const [first, second, gossip] = await network.until(Promise.all([acquire(), acquire(), pool.acquire(server.peerId, '/gossip')]))
  gossip.release()
  second.release()
  first.release()
  t.is(pool.metrics.idleStreams, 3)
  await network.run(5)
  ;(first.stream as FakeStream).emit('remoteCloseWrite', undefined)
  t.is(pool.metrics.idleStreams, 1, 'the one of the other protocol')
  await network.run(2 * RTT)
  t.is(second.stream.status, 'closed')
  client.connections[0].end('reset')
  for (let i = 0; i < 3; i++) {
    const lease = await network.until(acquire())
    t.false(lease.reusedStream)
    lease.release()
  }
  t.is(pool.metrics.idleStreams, 0)
})

test('a far side that tidies up idle streams, or has answered twice on one, does not count as answering once', async t => {
  const { network, pool, acquire } = bench()
  const ended = async (requests: number, afterMs: number): Promise<void> => {
    const lease = await network.until(acquire())
    lease.release()
    for (let i = 1; i < requests; i++) {
      (await network.until(acquire())).release()
    }
    await network.run(afterMs)
    ;(lease.stream as FakeStream).emit('remoteCloseWrite', undefined)
    const next = await network.until(acquire())
    next.release()
    t.is(pool.metrics.idleStreams, 1)
  }
  await ended(1, 50)
  await ended(2, 0)
  await ended(1, 0)
})

test('no stream of a protocol that is said to be one-shot is ever kept', async t => {
  const { network, pool, acquire } = bench({ oneShotProtocols: ['/echo'] })
  ;(await network.until(acquire())).release()
  t.is(pool.metrics.idleStreams, 0)
  t.false((await network.until(acquire())).reusedStream)
})

test('where streams of others fill the protocol\'s limit another connection is dialled', async t => {
  const { network, client, server, pool, acquire } = bench({ streamsPerProtocol: 4 })
  const connection = await network.until(pool.connect(server.peerId))
  for (let i = 0; i < 4; i++) {
    await network.until(connection.newStream('/echo'))
  }
  const startedMs = network.clock.now()
  const lease = await network.until(acquire())
  t.is(network.clock.now() - startedMs, 4 * RTT)
  t.is(lease.connection, client.connections[1])
})

test('where that cannot be dialled either, a request is served within 50 ms of one of those streams ending', async t => {
  const { network, client, server, pool, acquire } = bench({ streamsPerProtocol: 4, maxConnectionsPerPeer: 1 })
  const connection = await network.until(pool.connect(server.peerId))
  const others = []
  for (let i = 0; i < 4; i++) {
    others.push(await network.until(connection.newStream('/echo')))
  }
  const lease = acquire()
  await network.run(1_000)
  t.is(pool.metrics.waiters, 1)
  others[0].abort(new Error('done'))
  const startedMs = network.clock.now()
  await network.until(lease)
  t.true(network.clock.now() - startedMs <= 50 + RTT)
  t.is(client.dials.length, 1)
  await network.until(pool.stop())
  t.is(pool.metrics.connections, 0)
})

test('connections of others that carry no request take no room from those who ask', async t => {
  const network = new FakeNetwork(RTT)
  const client = network.node('client')
  const servers = Array.from({ length: 2 }, (_, i) => network.node(`server${i}`, `/ip4/10.0.1.${i}/tcp/1`))
  servers.forEach((server, i) => client.learn(server, `/ip4/10.0.1.${i}/tcp/1`))
  await network.until(client.dial(new FakeMultiaddr('/ip4/10.0.1.0/tcp/1')))
  await network.run(RTT)
  const pool = new ConnectionPool({ node: client, clock: network.clock, random: randomStream('pool') }, { maxConnections: 1 })
  ;(await network.until(pool.acquire(servers[0].peerId, '/echo'))).release()
  t.is(client.dials.length, 1, 'it is the one that was there')
  const startedMs = network.clock.now()
  const lease = await network.until(pool.acquire(servers[1].peerId, '/echo'))
  t.is(network.clock.now() - startedMs, 4 * RTT)
  t.is(lease.connection.remotePeer.toString(), 'server1')
  t.is(client.connections.length, 2, 'that of others is still open')
  t.is(pool.metrics.connections, 1)
})

test('on a connection that is left to others no stream of the pool stays half closed', async t => {
  for (const end of ['stop', 'idle'] as const) {
    const network = new FakeNetwork(RTT)
    const client = network.node('client')
    const server = network.node('server', FIRST)
    client.learn(server, FIRST)
    const connection = await network.until(client.dial(new FakeMultiaddr(FIRST)))
    await network.run(RTT)
    const pool = new ConnectionPool({ node: client, clock: network.clock, random: randomStream('pool') }, { closeTimeoutMs: 500 })
    const leases = await network.until(Promise.all([1, 2, 3].map(async () => await pool.acquire(server.peerId, '/echo'))))
    for (const { stream } of leases) {
      (stream as FakeStream).remoteLingers = true
    }
    leases.forEach(lease => lease.release())
    const startedMs = network.clock.now()
    if (end === 'stop') {
      await network.until(pool.stop())
      t.is(network.clock.now() - startedMs, 500)
    } else {
      await network.run(40_000)
    }
    t.is(connection.streams.length, 0, end)
    t.is(connection.status, 'open')
    t.is(pool.metrics.connections, 0)
    // The resets on their way.
    await network.run(RTT)
    t.is(network.kernel.pending, 0)
  }
})

test('a lease may say that its answer is overdue and still wait for it', async t => {
  const { network, client, recorder, acquire } = bench()
  const slow = await network.until(acquire())
  await network.run(300)
  slow.suspect()
  t.deepEqual(reasons(recorder, 'pool:suspect'), ['timeout'])
  const other = await network.until(acquire())
  t.not(other.connection, slow.connection)
  t.is(slow.stream.status, 'open')
  slow.release()
  slow.suspect()
  t.deepEqual(reasons(recorder, 'pool:end'), ['released'])
  t.is(client.dials.length, 2)
})

test('a lease is told of only once a stream is being opened for it, not while it queues or a connection is dialled', async t => {
  const { network, server, pool } = bench({ streamsPerConnection: 1, maxConnectionsPerPeer: 1 })
  const openedMs: number[] = []
  const onOpening = (): void => void openedMs.push(network.clock.now())
  const first = await network.until(pool.acquire(server.peerId, '/echo', { onOpening }))
  const second = pool.acquire(server.peerId, '/echo', { onOpening })
  await network.run(500)
  first.discard()
  await network.until(second)
  t.deepEqual(openedMs, [3 * RTT, 4 * RTT + 500])
})
