import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../src/core/random.ts'
import { MemoryRecorder } from '../../src/core/recorder.ts'
import { HostClaims, hostOf, HostPlaces } from '../../src/optim/pool/hosts.ts'
import { ConnectionPool } from '../../src/optim/pool/pool.ts'
import { FakeMultiaddr, FakeNetwork } from './fake-node.ts'
import { caught, codeOf, reasons, RTT } from './pool-bench.ts'
import type { ConnectionPoolOptions, PoolEvent, StreamLease } from '../../src/optim/pool/pool.ts'
import type { FakeNode } from './fake-node.ts'

interface Bench {
  readonly network: FakeNetwork
  readonly client: FakeNode
  readonly servers: FakeNode[]
  readonly pool: ConnectionPool
  readonly recorder: MemoryRecorder<PoolEvent>
  readonly acquire: (i: number) => Promise<StreamLease>
}

/** A server for each list of addresses. */
function bench (addresses: string[][], options: ConnectionPoolOptions): Bench {
  const network = new FakeNetwork(RTT)
  const client = network.node('client')
  const servers = addresses.map((own, i) => {
    const server = network.node(`server${i}`, ...own)
    client.learn(server, ...own)
    return server
  })
  const recorder = new MemoryRecorder<PoolEvent>()
  const pool = new ConnectionPool({ node: client, clock: network.clock, random: randomStream('pool'), recorder }, options)
  return { network, client, servers, pool, recorder, acquire: i => pool.acquire(servers[i].peerId, '/echo') }
}

test('a host is an IP address, a name, or the way to a relay, as they are written', t => {
  for (const [text, host] of [
    ['/ip4/1.2.3.4/tcp/1', '1.2.3.4'],
    ['/ip4/1.2.3.4/udp/9/quic-v1/p2p/me', '1.2.3.4'],
    ['/ip6/2001:db8::1/tcp/1', '2001:db8::1'],
    ['/ip6zone/eth0/ip6/fe80::1/tcp/1', 'eth0/ip6/fe80::1'],
    ['/dns4/example.org/tcp/443/wss', 'example.org'],
    ['/ip4/1.2.3.4/tcp/1/p2p/relay/p2p-circuit/p2p/me', '/ip4/1.2.3.4/tcp/1/p2p/relay']
  ]) {
    t.is(hostOf(new FakeMultiaddr(text)), host)
  }
})

test('claims of dials and places of connections never exceed the limit, and all are given back, in 10,000 random orders', t => {
  const step = fc.record({ dial: fc.nat(3), host: fc.constantFrom('a', 'b'), act: fc.constantFrom('claim', 'claim', 'release', 'end') })
  fc.assert(fc.property(fc.array(step, { maxLength: 30 }), fc.integer({ min: 1, max: 3 }), (steps, limit) => {
    const places = new HostPlaces(limit)
    const claims = Array.from({ length: 4 }, () => new HostClaims(places))
    // The naive count: how many addresses of each host each dial has under way.
    const held = claims.map(() => ({ a: 0, b: 0 }))
    for (const { dial, host: key, act } of steps) {
      const dials = held.filter(own => own[key] > 0).length
      if (act === 'claim') {
        const expected = held[dial][key] > 0 || dials < limit
        if (claims[dial].claim(key) !== expected) {
          return false
        }
        held[dial][key] += expected ? 1 : 0
      } else if (act === 'release') {
        claims[dial].release(key)
        held[dial][key] = Math.max(0, held[dial][key] - 1)
      } else {
        claims[dial].releaseAll()
        held[dial] = { a: 0, b: 0 }
      }
      for (const key of ['a', 'b'] as const) {
        const taken = held.filter(own => own[key] > 0).length
        if (places.taken(key) !== taken || taken > limit) {
          return false
        }
      }
    }
    claims.forEach(claim => claim.releaseAll())
    return places.taken('a') === 0 && places.taken('b') === 0
  }), { numRuns: 10_000 })
  t.pass()
})

test('by default any number of connections may go to one host', async t => {
  const { network, client, acquire } = bench([1, 2, 3, 4].map(port => [`/ip4/10.0.0.1/tcp/${port}`]), {})
  await network.until(Promise.all([0, 1, 2, 3].map(acquire)))
  t.is(client.connections.length, 4)
})

test('peers whose only addresses are at a full host wait, and are served as soon as a connection there is idle', async t => {
  const { network, client, pool, recorder, acquire } = bench([1, 2, 3, 4].map(port => [`/ip4/10.0.0.1/tcp/${port}`]), { maxConnectionsPerHost: 2 })
  const held = await network.until(Promise.all([acquire(0), acquire(1)]))
  const waiting = [acquire(2), acquire(3)]
  await network.run(10 * RTT)
  t.is(client.connections.length, 2)
  t.is(pool.metrics.waiters, 2)
  t.deepEqual(reasons(recorder, 'pool:address'), ['won', 'won', 'host-full', 'host-full'])
  const startedMs = network.clock.now()
  held[0].release()
  const third = await network.until(waiting[0])
  // The close takes no time here; then a dial and a stream.
  t.is(network.clock.now() - startedMs, 4 * RTT)
  t.is(client.connections.length, 2)
  third.release()
  await network.until(waiting[1])
  t.is(client.connections.length, 2)
  t.deepEqual(reasons(recorder, 'pool:close'), ['waiter', 'waiter'])
})

test('an address at a full host is passed over for one elsewhere', async t => {
  const { network, client, recorder, acquire } = bench([['/ip4/10.0.0.1/tcp/1'], ['/ip4/10.0.0.1/tcp/2', '/ip4/10.0.0.2/tcp/2']], { maxConnectionsPerHost: 1 })
  await network.until(acquire(0))
  const startedMs = network.clock.now()
  const lease = await network.until(acquire(1))
  t.is(network.clock.now() - startedMs, 4 * RTT, 'at once')
  t.true(lease.connection.remoteAddr.toString().startsWith('/ip4/10.0.0.2/'))
  t.deepEqual(reasons(recorder, 'pool:address'), ['won', 'host-full', 'won'])
  t.is(client.connections.length, 2)
})

test('a dial takes one place at a host however many of its addresses race there, and gives it back when it fails', async t => {
  const { network, client, pool, servers, acquire } = bench([['/ip4/10.0.0.1/tcp/1', '/ip4/10.0.0.1/tcp/2'], ['/ip4/10.0.0.1/tcp/3']], { maxConnectionsPerHost: 1 })
  network.addresses.set('/ip4/10.0.0.1/tcp/1', 'black-hole')
  network.addresses.set('/ip4/10.0.0.1/tcp/2', 'black-hole')
  const failing = caught(acquire(0))
  const waiting = acquire(1)
  await network.run(100)
  t.is(client.dials.filter(({ active }) => active).length, 2, 'both addresses of the first peer')
  await network.until(waiting)
  t.is(codeOf(await failing), 'ERR_DIAL_FAILED')
  t.is(client.connections.length, 1)
  t.is(pool.metrics.waiters, 0)
  t.true(client.connections[0].remotePeer.equals(servers[1].peerId))
})

test('connections that others opened to a host take its places, and give them up to those who ask', async t => {
  const { network, client, servers, pool, acquire } = bench([['/ip4/10.0.0.1/tcp/1'], ['/ip4/10.0.0.1/tcp/2']], { maxConnectionsPerHost: 1 })
  await network.until(client.dial(new FakeMultiaddr('/ip4/10.0.0.1/tcp/1')))
  const held = await network.until(acquire(0))
  const waiting = acquire(1)
  await network.run(10 * RTT)
  t.is(pool.metrics.waiters, 1)
  held.release()
  const lease = await network.until(waiting)
  t.true(lease.connection.remotePeer.equals(servers[1].peerId))
  t.is(client.connections.length, 2, 'that of others lives on, outside of the pool')
  t.is(pool.metrics.connections, 1)
})

test('a peer that waits at a full host and moves is found at its new address within 10 s', async t => {
  const { network, client, servers, acquire } = bench([['/ip4/10.0.0.1/tcp/1'], ['/ip4/10.0.0.1/tcp/2']], { maxConnectionsPerHost: 1 })
  await network.until(acquire(0))
  const startedMs = network.clock.now()
  const waiting = acquire(1)
  await network.run(1_000)
  network.addresses.set('/ip4/10.0.0.9/tcp/2', { node: servers[1] })
  client.learn(servers[1], '/ip4/10.0.0.9/tcp/2')
  await network.until(waiting)
  t.true(network.clock.now() - startedMs <= 10_000 + 4 * RTT)
})

test('a place that comes free is one dial, however many wait for it', async t => {
  const { network, client, recorder, acquire } = bench(Array.from({ length: 50 }, (_, i) => [`/ip4/10.0.0.1/tcp/${i}`]), { maxConnectionsPerHost: 1 })
  const leases = Array.from({ length: 50 }, async (_, i) => {
    const lease = await acquire(i)
    lease.release()
  })
  await network.until(Promise.all(leases))
  t.is(client.dials.length, 50)
  // Each peer looked once when it was asked for, and but for the first found the host full; from then on one after the other.
  t.is(reasons(recorder, 'pool:address').filter(reason => reason === 'host-full').length, 49)
  t.is(reasons(recorder, 'pool:dial').length, 50 + 49)
  t.is(client.connections.length, 1)
})

test('what libp2p finds at a full host by itself is hung up on, and the caller waits', async t => {
  const { network, client, pool, acquire } = bench([['/ip4/10.0.0.1/tcp/1']], { maxConnectionsPerHost: 1 })
  const held = await network.until(acquire(0))
  const stranger = network.node('stranger')
  // Its routing leads there.
  network.addresses.set('stranger', { node: stranger })
  client.routes.set('stranger', '/ip4/10.0.0.1/tcp/7')
  const waiting = pool.acquire(stranger.peerId, '/echo')
  await network.run(10 * RTT)
  t.is(pool.metrics.waiters, 1)
  t.is(client.connections.length, 1)
  held.release()
  await network.until(waiting)
  t.is(client.connections.length, 1)
})

test('room at a host goes to the first of those who wait there, and one who gives up leaves it to the next', async t => {
  const { network, acquire, pool, servers } = bench([1, 2, 3].map(port => [`/ip4/10.0.0.1/tcp/${port}`]), { maxConnectionsPerHost: 1 })
  const held = await network.until(acquire(0))
  const controller = new AbortController()
  const first = caught(pool.acquire(servers[1].peerId, '/echo', { signal: controller.signal }))
  const second = acquire(2)
  await network.run(10 * RTT)
  controller.abort(new Error('changed my mind'))
  await first
  held.release()
  const lease = await network.until(second)
  t.true(lease.connection.remotePeer.equals(servers[2].peerId))
  t.is(pool.metrics.waiters, 0)
})
