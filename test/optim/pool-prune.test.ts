import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../src/core/random.ts'
import { leastRecentlyUsed } from '../../src/optim/pool/prune.ts'
import { ConnectionPool } from '../../src/optim/pool/pool.ts'
import { FakeMultiaddr, FakeNetwork } from './fake-node.ts'
import { bench, FIRST, reasons, RTT } from './pool-bench.ts'
import type { PrunePolicy } from '../../src/optim/pool/pool.ts'
import type { PruneCandidate } from '../../src/optim/pool/prune.ts'

const candidate: fc.Arbitrary<PruneCandidate> = fc.record({
  peer: fc.constantFrom('a', 'b', 'c'),
  connection: fc.string(),
  host: fc.constant('host'),
  health: fc.constantFrom('healthy' as const, 'suspect' as const, 'dead' as const),
  retired: fc.boolean(),
  ageMs: fc.nat(1000),
  idleMs: fc.nat(1000),
  responseMs: fc.nat(1000)
})

test('the default order: suspects, then retired ones, then least recently used, for any 10,000 lists', t => {
  fc.assert(fc.property(fc.array(candidate, { maxLength: 12 }), candidates => {
    const order = leastRecentlyUsed(candidates)
    // Nothing lost, nothing made up, and of each two that follow one another the first may not be worth more.
    return order.length === candidates.length && candidates.every(candidate => order.includes(candidate)) && order.every((b, i) => {
      const a = order[i - 1] ?? b
      const [suspectA, suspectB] = [a, b].map(({ health }) => health !== 'healthy')
      if (suspectA !== suspectB) {
        return suspectA
      }
      if (!suspectA && a.retired !== b.retired) {
        return a.retired
      }
      return a.idleMs >= b.idleMs
    })
  }), { numRuns: 10_000 })
  t.pass()
})

test('a policy of one\'s own decides what goes above the high-water mark, what it leaves out is kept, and what it makes up is passed over', async t => {
  const network = new FakeNetwork(RTT)
  const client = network.node('client')
  const asked: string[][] = []
  const prune: PrunePolicy = candidates => {
    asked.push(candidates.map(({ peer }) => peer))
    const kept = candidates.filter(({ peer }) => peer !== 'server0')
    return [{ ...candidates[0], connection: 'made up' }, ...kept.toReversed(), ...kept]
  }
  const pool = new ConnectionPool({ node: client, clock: network.clock, random: randomStream('pool') }, { highWater: 3, lowWater: 2, waterGraceMs: 100, prune })
  const servers = Array.from({ length: 4 }, (_, i) => network.node(`server${i}`, `/ip4/10.0.1.${i}/tcp/1`))
  servers.forEach((server, i) => client.learn(server, `/ip4/10.0.1.${i}/tcp/1`))
  for (const server of servers) {
    const lease = await network.until(pool.acquire(server.peerId, '/echo'))
    lease.release()
    await network.run(200)
  }
  t.deepEqual(asked, [['server0', 'server1', 'server2']], 'the fourth is in its grace')
  // Four less two are too many: the youngest two of those that may go.
  t.deepEqual(client.connections.map(({ remotePeer }) => remotePeer.toString()), ['server0', 'server3'])
})

test('a policy of one\'s own decides what makes room for a waiter', async t => {
  const network = new FakeNetwork(RTT)
  const client = network.node('client')
  const servers = Array.from({ length: 3 }, (_, i) => network.node(`server${i}`, `/ip4/10.0.1.${i}/tcp/1`))
  servers.forEach((server, i) => client.learn(server, `/ip4/10.0.1.${i}/tcp/1`))
  const youngestFirst: PrunePolicy = candidates => candidates.toSorted((a, b) => a.ageMs - b.ageMs)
  const pool = new ConnectionPool({ node: client, clock: network.clock, random: randomStream('pool') }, { maxConnections: 2, prune: youngestFirst })
  for (const server of servers) {
    (await network.until(pool.acquire(server.peerId, '/echo'))).release()
    await network.run(100)
  }
  t.deepEqual(client.connections.map(({ remotePeer }) => remotePeer.toString()), ['server0', 'server2'])
})

test('what libp2p pruned because nothing was on it is not dialled again before somebody asks', async t => {
  const { network, client, server, pool, recorder, connection, acquire } = bench()
  await network.until(pool.connect(server.peerId))
  await network.until(client.prune(connection(0)))
  t.deepEqual(reasons(recorder, 'pool:close'), ['lost'], 'libp2p tells only afterwards')
  t.deepEqual(reasons(recorder, 'pool:prune'), ['closed'])
  await network.run(600_000)
  t.is(client.dials.length, 1)
  t.is(pool.metrics.connections, 0)
  await network.until(acquire())
  t.is(client.dials.length, 2)
})

test('what libp2p chose but spared for a kept stream of the pool is closed by the pool, whoever opened it', async t => {
  for (const opener of ['pool', 'others']) {
    const { network, client, pool, recorder, connection, acquire } = bench()
    if (opener === 'others') {
      await network.until(client.dial(new FakeMultiaddr(FIRST)))
    }
    (await network.until(acquire())).release()
    t.is(pool.metrics.idleStreams, 1)
    await network.until(client.prune(connection(0)))
    await network.run(RTT)
    t.is(client.connections.length, 0, opener)
    t.deepEqual(reasons(recorder, 'pool:prune'), ['idle'])
    t.deepEqual(reasons(recorder, 'pool:close'), ['pruned'])
    await network.run(600_000)
    t.is(client.dials.length, 1)
  }
})

test('what libp2p chose is closed once its last lease has ended, unless it is wanted again meanwhile', async t => {
  const { network, client, pool, recorder, connection, acquire } = bench()
  const lease = await network.until(acquire())
  await network.until(client.prune(connection(0)))
  t.is(lease.connection.status, 'open')
  lease.release()
  t.is(pool.metrics.idleStreams, 0)
  // Within the grace, and the next look at it.
  await network.run(15_000)
  t.is(client.connections.length, 0)
  t.deepEqual(reasons(recorder, 'pool:prune'), ['in-use'])
  t.deepEqual(reasons(recorder, 'pool:close'), ['pruned'])

  const next = await network.until(acquire())
  await network.until(client.prune(connection(0)))
  const other = await network.until(acquire())
  t.is(other.connection, next.connection, 'a request makes do with it: another dial would be one connection more')
  t.is(client.dials.length, 2)
})

test('what libp2p pruned and the pool does not know is nobody\'s business', async t => {
  const { network, client, recorder, pool } = bench()
  const other = network.node('other', '/ip4/10.0.0.7/tcp/1')
  client.learn(other, '/ip4/10.0.0.7/tcp/1')
  await network.until(client.dial(new FakeMultiaddr('/ip4/10.0.0.7/tcp/1')))
  await network.until(client.prune(client.connections[0]))
  t.deepEqual(recorder.events, [])
  await network.until(pool.stop())
  t.is(client.listenerCount, 0)
})
