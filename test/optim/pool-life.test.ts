import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../src/core/errors.ts'
import { randomStream } from '../../src/core/random.ts'
import { MemoryRecorder } from '../../src/core/recorder.ts'
import { ConnectionPool } from '../../src/optim/pool/pool.ts'
import { FakeNetwork } from './fake-node.ts'
import { bench, caught, codeOf, failed, FIRST, reasons, RTT, SECOND } from './pool-bench.ts'
import type { PoolEvent } from '../../src/optim/pool/pool.ts'

const timeout = (): TwinwireError => new TwinwireError('ERR_TIMEOUT', 'no answer')

test('an idle connection is closed after 30 s, 10% either way, and its peer loses its tag', async t => {
  const { network, client, pool, recorder, acquire } = bench()
  const lease = await network.until(acquire())
  await network.run(60_000)
  t.is(client.connections.length, 1, 'a lease keeps it')
  t.deepEqual([...client.tags.get('server') ?? []], ['twinwire-pool'])
  lease.release()
  await network.run(26_999)
  t.is(client.connections.length, 1)
  await network.run(6_002)
  t.is(client.connections.length, 0)
  t.deepEqual(reasons(recorder, 'pool:close'), ['idle'])
  t.deepEqual([...client.tags.get('server') ?? []], [])
  t.like(pool.metrics, { connections: 0, idle: 0, idleStreams: 0, leases: 0 })
  t.is(network.kernel.pending, 0, 'no timer is left')
})

test('a connection that carries a stream of others is not closed for being idle, or by stop', async t => {
  const { network, client, connection, acquire, pool } = bench()
  const lease = await network.until(acquire())
  lease.release()
  const others = await network.until(connection(0).newStream('/gossip'))
  await network.run(120_000)
  t.is(client.connections.length, 1)
  others.abort(new Error('done'))
  await network.run(30_000)
  t.is(client.connections.length, 0)

  await network.until(acquire())
  await network.until(connection(0).newStream('/gossip'))
  await network.until(pool.stop())
  t.is(client.connections.length, 1)
})

test('the expiries of 50 connections that were last used at the same instant spread over seconds', async t => {
  const network = new FakeNetwork(RTT)
  const client = network.node('client')
  const recorder = new MemoryRecorder<PoolEvent>()
  const pool = new ConnectionPool({ node: client, clock: network.clock, random: randomStream('pool'), recorder })
  const servers = Array.from({ length: 50 }, (_, i) => network.node(`server${i}`, `/ip4/10.0.1.${i}/tcp/1`))
  servers.forEach((server, i) => client.learn(server, `/ip4/10.0.1.${i}/tcp/1`))
  const leases = await network.until(Promise.all(servers.map(server => pool.acquire(server.peerId, '/echo'))))
  leases.forEach(lease => lease.release())
  await network.run(34_000)
  const times = recorder.events.filter(({ type }) => type === 'pool:close').map(({ timeMs }) => timeMs)
  t.is(times.length, 50)
  t.is(new Set(times.map(timeMs => Math.round(timeMs))).size > 45, true)
  t.true(Math.max(...times) - Math.min(...times) > 4_000, 'of the 6 s that 10% either way of 30 s make')
})

test('at the end of its life a connection in use is replaced before it is given up, and requests pay no dial', async t => {
  const { network, client, recorder, acquire } = bench({ maxLifetimeMs: 60_000 })
  const first = await network.until(acquire())
  first.release()
  let longestMs = 0
  while (network.clock.now() < 70_000) {
    await network.run(1_000)
    const startedMs = network.clock.now()
    const lease = await network.until(acquire())
    longestMs = Math.max(longestMs, network.clock.now() - startedMs)
    lease.release()
  }
  t.deepEqual(reasons(recorder, 'pool:dial'), ['cold', 'lifetime'])
  t.deepEqual(reasons(recorder, 'pool:replace'), ['lifetime'])
  t.deepEqual(reasons(recorder, 'pool:close'), ['lifetime'])
  t.is(client.connections.length, 1)
  t.true(longestMs <= RTT, 'at most a new stream')
})

test('above the high-water mark idle connections are closed down to the low-water mark, the least recently used first', async t => {
  const network = new FakeNetwork(RTT)
  const client = network.node('client')
  const pool = new ConnectionPool({ node: client, clock: network.clock, random: randomStream('pool') }, { highWater: 6, lowWater: 4, waterGraceMs: 1_000 })
  const servers = Array.from({ length: 7 }, (_, i) => network.node(`server${i}`, `/ip4/10.0.1.${i}/tcp/1`))
  servers.forEach((server, i) => client.learn(server, `/ip4/10.0.1.${i}/tcp/1`))
  for (const server of servers) {
    if (server === servers[6]) {
      t.is(client.connections.length, 6)
      await network.run(1_000)
    }
    const lease = await network.until(pool.acquire(server.peerId, '/echo'))
    if (server !== servers[0]) {
      lease.release()
    }
  }
  await network.run(RTT)
  t.deepEqual(client.connections.map(({ remotePeer }) => remotePeer.toString()), ['server0', 'server4', 'server5', 'server6'])
})

test('a request that times out makes its connection suspect, and a replacement is dialled at once', async t => {
  const { network, client, connection, recorder, acquire } = bench()
  const first = await network.until(acquire())
  connection(0).wedged = true
  await network.run(300)
  first.fail('timeout', timeout())
  const startedMs = network.clock.now()
  const second = await network.until(acquire())
  t.is(network.clock.now() - startedMs, 4 * RTT)
  t.not(second.connection, first.connection)
  t.deepEqual(reasons(recorder, 'pool:dial'), ['cold', 'replacement'])
  t.deepEqual(reasons(recorder, 'pool:replace'), ['suspect'])
  t.is(first.connection.status, 'aborted')
  t.is(client.connections.length, 1)
})

test('with one wedged and one healthy connection new requests use the healthy one after one time-out, and the wedged one is replaced', async t => {
  const { network, client, connection, recorder, acquire } = bench({ streamsPerConnection: 2 })
  const leases = await network.until(Promise.all([acquire(), acquire(), acquire()]))
  t.is(client.connections.length, 2)
  const wedged = connection(0)
  wedged.wedged = true
  const [onWedged] = leases.filter(lease => lease.connection === wedged)
  leases.filter(lease => lease !== onWedged).forEach(lease => lease.release())
  await network.run(300)
  onWedged.fail('timeout', timeout())
  for (let i = 0; i < 20; i++) {
    const lease = await network.until(acquire())
    t.not(lease.connection, wedged)
    lease.release()
    await network.run(10)
  }
  t.is(wedged.status, 'aborted')
  t.is(client.connections.length, 2)
  t.deepEqual(reasons(recorder, 'pool:replace'), ['suspect'])
})

test('a suspect that answers is healthy again and is not closed', async t => {
  const { network, recorder, acquire } = bench()
  const [slow, fast] = await network.until(Promise.all([acquire(), acquire()]))
  slow.fail('timeout', timeout())
  await network.run(RTT)
  fast.release()
  await network.run(3 * RTT)
  t.deepEqual(reasons(recorder, 'pool:suspect'), ['timeout'])
  t.deepEqual(reasons(recorder, 'pool:clear'), ['answered'])
  t.deepEqual(reasons(recorder, 'pool:evict'), [])
  t.is(fast.connection.status, 'open')
})

test('a dead connection is left open as long as it carries a stream of others', async t => {
  const { network, connection, acquire } = bench()
  const lease = await network.until(acquire())
  const others = await network.until(connection(0).newStream('/gossip'))
  connection(0).wedged = true
  lease.fail('timeout', timeout())
  await network.run(60_000)
  t.is(lease.connection.status, 'open')
  others.abort(new Error('done'))
  await network.run(10_000)
  t.is(lease.connection.status, 'aborted')
})

test('where no replacement can be had the suspect is used after a second', async t => {
  const { network, acquire } = bench()
  const first = await network.until(acquire())
  network.addresses.set(FIRST, 'black-hole')
  first.fail('timeout', timeout())
  const startedMs = network.clock.now()
  const second = await network.until(acquire())
  t.is(network.clock.now() - startedMs, 1_000 + RTT)
  t.is(second.connection, first.connection)
})

test('a suspect on which a second request times out is closed', async t => {
  const { network, client, connection, recorder, acquire } = bench()
  const first = await network.until(acquire())
  connection(0).wedged = true
  network.addresses.set(FIRST, 'black-hole')
  await network.run(300)
  first.fail('timeout', timeout())
  const deadline = new AbortController()
  const second = caught(acquire({ signal: deadline.signal }))
  await network.run(1_500)
  t.is(client.connections.length, 1)
  deadline.abort(timeout())
  t.is(codeOf(await second), 'ERR_TIMEOUT')
  t.deepEqual(reasons(recorder, 'pool:suspect'), ['timeout', 'dead'])
  t.is(client.connections.length, 0)
})

test('time-outs of requests that were under way together are one piece of evidence', async t => {
  const { network, connection, acquire, recorder } = bench()
  const leases = await network.until(Promise.all([acquire(), acquire(), acquire()]))
  connection(0).wedged = true
  network.addresses.set(FIRST, 'black-hole')
  await network.run(300)
  leases.forEach(lease => lease.fail('timeout', timeout()))
  t.deepEqual(reasons(recorder, 'pool:suspect'), ['timeout'])
  t.is(connection(0).status, 'open')
})

test('an attempt that times out while its stream is opened counts against the connection, a caller that gives up does not', async t => {
  const { network, client, connection, recorder, acquire } = bench()
  const lease = await network.until(acquire())
  connection(0).wedged = true
  const patience = new AbortController()
  const givenUp = acquire({ signal: patience.signal })
  await network.run(500)
  patience.abort(new Error('changed my mind'))
  t.is(codeOf(await failed(network, givenUp)), undefined)
  t.deepEqual(reasons(recorder, 'pool:suspect'), [])
  const deadline = new AbortController()
  const timedOut = acquire({ signal: deadline.signal })
  await network.run(500)
  deadline.abort(timeout())
  t.is(codeOf(await failed(network, timedOut)), 'ERR_TIMEOUT')
  t.deepEqual(reasons(recorder, 'pool:suspect'), ['timeout'])
  await network.run(3 * RTT)
  t.is(client.connections.length, 2, 'the lease that is still out keeps the silent one')
  lease.discard(new Error('done'))
  t.is(client.connections.length, 1)
})

test('a zombie (open, but every stream is reset) is replaced, and the request does not notice', async t => {
  const { network, client, server, connection, pool, recorder, acquire } = bench()
  await network.until(pool.connect(server.peerId))
  connection(0).zombie = true
  const lease = await network.until(acquire())
  t.is(lease.connection, client.connections[0])
  t.deepEqual(reasons(recorder, 'pool:suspect'), ['stream-refused', 'dead'])
  // 3 for the dial, 1 for the refusal, 3 for the replacement, 1 for the stream.
  t.is(network.clock.now(), 8 * RTT)
})

test('replacements of a peer that answers nothing are spaced: 1, 2, 4 s and so on, 20% either way', async t => {
  const { network, client, acquire } = bench()
  while (network.clock.now() < 60_000) {
    const lease = await network.until(acquire())
    lease.fail('error', new Error('reset'))
    await network.run(50)
  }
  // One cold; replacements at 0, then after 1, 2, 4, 8, 16 and 30 s: with the largest jitter downwards, 7 in a minute.
  t.true(client.dials.length <= 1 + 7, `${client.dials.length} dials`)
})

test('two peers that dial each other at once end with exactly the connection that the lower id dialled', async t => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: -80, max: 80 }), fc.boolean(), async (offsetMs, release) => {
    const network = new FakeNetwork(RTT)
    const a = network.node('a', FIRST)
    const b = network.node('b', SECOND)
    a.learn(b, SECOND)
    b.learn(a, FIRST)
    const pools = [a, b].map(node => new ConnectionPool({ node, clock: network.clock, random: randomStream(node.peerId.toString()) }, { duplicateGraceMs: 500, idleTimeoutMs: 20_000 }))
    const start = async (i: number, delayMs: number): Promise<void> => {
      await new Promise<void>(resolve => network.clock.setTimeout(resolve, delayMs))
      const lease = await pools[i].acquire([b, a][i].peerId, '/echo')
      if (release) {
        lease.release()
      } else {
        await new Promise<void>(resolve => network.clock.setTimeout(resolve, 2_000))
        lease.release()
      }
    }
    const both = Promise.all([start(0, Math.max(0, offsetMs)), start(1, Math.max(0, -offsetMs))])
    // From when both have connected there is always a connection.
    let connectedMs = Infinity
    for (let ms = 0; ms < 10_000; ms += 10) {
      await network.run(10)
      if (a.connections.length > 0 && b.connections.length > 0) {
        connectedMs = Math.min(connectedMs, ms)
      }
      if (ms >= connectedMs + RTT && (a.connections.length === 0 || b.connections.length === 0)) {
        throw new Error(`no connection is left at ${ms} ms`)
      }
    }
    await network.until(both)
    const dials = a.dials.length + b.dials.length
    return a.connections.length === 1 && b.connections.length === 1 &&
      (dials === 1 || [a, b].some(node => node.dials.some(({ aborted }) => aborted)) || a.connections[0].direction === 'outbound')
  }), { numRuns: 60 })
  t.pass()
})

test('a peer store that rejects everything breaks nothing but the addresses it would have known', async t => {
  const { network, client, acquire, pool } = bench()
  const lease = await network.until(acquire())
  client.storeFails = true
  lease.release()
  await network.run(40_000)
  t.is(client.connections.length, 0)
  t.is(codeOf(await failed(network, acquire())), 'ERR_NO_ADDRESS')
  await network.until(pool.stop())
})

test('stop rejects waiters with ERR_STOPPED, takes leases back, closes what the pool opened, and leaves no timer or listener', async t => {
  const { network, client, server, acquire, pool } = bench({ maxConnectionsPerPeer: 1, streamsPerConnection: 2 })
  const other = network.node('other', SECOND)
  client.learn(other, SECOND)
  const held = await network.until(Promise.all([acquire(), acquire()]))
  const waiting = caught(acquire())
  const dialling = caught(pool.acquire(other.peerId, '/echo'))
  await network.run(RTT)
  t.is(pool.metrics.waiters, 2)
  await network.until(pool.stop())
  t.is(codeOf(await waiting), 'ERR_STOPPED')
  t.is(codeOf(await dialling), 'ERR_STOPPED')
  held.forEach(lease => {
    t.not(lease.stream.status, 'open')
    lease.release()
  })
  t.is(client.connections.length, 0)
  t.is(client.listenerCount, 0)
  t.deepEqual([...client.tags.get('server') ?? []], [])
  await network.run(RTT)
  t.is(server.connections.length, 0)
  t.is(network.kernel.pending, 0)
  t.like(pool.metrics, { connections: 0, dialling: 0, leases: 0, waiters: 0 })
  t.is(codeOf(await failed(network, acquire())), 'ERR_STOPPED')
})

test('stop does not wait longer than closeTimeoutMs for a connection that does not close', async t => {
  const { network, client, connection, acquire, pool } = bench({ closeTimeoutMs: 700 })
  const lease = await network.until(acquire())
  lease.release()
  connection(0).wedged = true
  const startedMs = network.clock.now()
  await network.until(pool.stop())
  t.is(network.clock.now() - startedMs, 700)
  t.is(client.connections.length, 0)
})
