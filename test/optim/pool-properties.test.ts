import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../src/core/errors.ts'
import { randomStream } from '../../src/core/random.ts'
import { Deadlines } from '../../src/optim/deadlines.ts'
import { ConnectionPool } from '../../src/optim/pool/pool.ts'
import { FakeMultiaddr, FakeNetwork } from './fake-node.ts'
import type { ExecutionContext } from 'ava'
import type { PoolEvent, StreamLease } from '../../src/optim/pool/pool.ts'

const RTT = 20
const MAX = 4
const MAX_PER_PEER = 2
const MAX_PER_HOST = 2

type Step =
  | { kind: 'acquire', peer: number, priority: number, abortAfterMs: number | undefined, protocol: string }
  | { kind: 'connect', peer: number }
  | { kind: 'replace', peer: number, abortAfterMs: number | undefined }
  | { kind: 'suspect', peer: number }
  | { kind: 'answered', lease: number }
  | { kind: 'prune', connection: number }
  | { kind: 'end', lease: number, how: 'release' | 'discard' | 'timeout' | 'error' | 'dispose' | 'abandon twice' }
  | { kind: 'break', connection: number, how: 'wedge' | 'zombie' | 'reset' | 'close' }
  | { kind: 'address', peer: number, how: 'black-hole' | 'refuse' | 'ok' }
  | { kind: 'inbound', peer: number }
  | { kind: 'others', connection: number }

const peerIndex = fc.integer({ min: 0, max: 5 })
const anyIndex = fc.nat(1000)
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('acquire' as const), peer: peerIndex, priority: fc.integer({ min: 0, max: 2 }), abortAfterMs: fc.option(fc.integer({ min: 0, max: 3_000 }), { nil: undefined, freq: 2 }), protocol: fc.constantFrom('/echo', '/gossip', '/unknown') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('connect' as const), peer: peerIndex }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('replace' as const), peer: peerIndex, abortAfterMs: fc.option(fc.integer({ min: 0, max: 500 }), { nil: undefined }) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('suspect' as const), peer: peerIndex }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('answered' as const), lease: anyIndex }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('prune' as const), connection: anyIndex }) },
  { weight: 8, arbitrary: fc.record({ kind: fc.constant('end' as const), lease: anyIndex, how: fc.constantFrom('release' as const, 'release' as const, 'discard' as const, 'timeout' as const, 'error' as const, 'dispose' as const, 'abandon twice' as const) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('break' as const), connection: anyIndex, how: fc.constantFrom('wedge' as const, 'zombie' as const, 'reset' as const, 'close' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('address' as const), peer: peerIndex, how: fc.constantFrom('black-hole' as const, 'refuse' as const, 'ok' as const, 'ok' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('inbound' as const), peer: peerIndex }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('others' as const), connection: anyIndex }) }
)

type Schedule = ReadonlyArray<readonly [Step, number]>

const schedules = (minLength: number, maxLength: number): fc.Arbitrary<Array<[Step, number]>> => fc.array(fc.tuple(step, fc.integer({ min: 0, max: 400 })), { minLength, maxLength })

test('whatever is asked of it and whatever breaks: limits hold at every event, leases end once, nobody is harmed, nothing is left', async t => {
  await fc.assert(fc.asyncProperty(schedules(20, 120), fc.integer(), async (steps, seed) => await live(t, steps, seed)), { numRuns: 120 })
})

test('the same in 10,000 short lives', async t => {
  await fc.assert(fc.asyncProperty(schedules(1, 8), fc.integer(), async (steps, seed) => await live(t, steps, seed)), { numRuns: 10_000 })
})

test('N concurrent acquires of a cold peer, any of them cancelled at any time, make 1 dial, which ends with the last of them only, in 10,000 random cases', async t => {
  const cancelMs = fc.option(fc.integer({ min: 0, max: 5 * RTT }), { freq: 3, nil: Infinity })
  await fc.assert(fc.asyncProperty(fc.array(cancelMs, { minLength: 1, maxLength: 12 }), async cancels => {
    const network = new FakeNetwork(RTT)
    const client = network.node('client')
    const server = network.node('server', '/ip4/10.0.0.1/tcp/1')
    client.learn(server, '/ip4/10.0.0.1/tcp/1')
    const pool = new ConnectionPool({ node: client, clock: network.clock, random: randomStream('pool') })
    const outcomes = cancels.map(async atMs => {
      const controller = new AbortController()
      if (atMs !== Infinity) {
        // Just before that millisecond, so that nothing else happens in the same instant.
        network.clock.setTimeout(() => controller.abort(new Error('enough')), atMs - 0.5)
      }
      return await pool.acquire(server.peerId, '/echo', { signal: controller.signal }).then(() => true, () => false)
    })
    const leased = await network.until(Promise.all(outcomes))
    // 3 RTT for the dial; then 8 streams at once before the first is acknowledged, and the others a round trip later.
    leased.forEach((leased, i) => t.true(leased ? cancels[i] > 4 * RTT : cancels[i] <= 5 * RTT))
    t.is(client.dials.length, 1)
    t.is(client.dials[0].aborted, Math.max(...cancels) <= 3 * RTT)
    t.like(pool.metrics, { waiters: 0, dialling: 0, leases: leased.filter(Boolean).length })
  }), { numRuns: 10_000 })
})

/** One pool's life, from its first request to its stop. */
async function live (t: ExecutionContext, steps: Schedule, seed: number): Promise<void> {
  const network = new FakeNetwork(RTT)
  const client = network.node('m-client')
  // Ids on both sides of the client's, for the tie-break. Three peers share each first host, and one has no other.
  const names = ['a', 'b', 'c', 'x', 'y', 'z']
  const addressOf = (i: number): string => `/ip4/10.0.1.${i % 2}/tcp/${i}`
  const servers = names.map((name, i) => network.node(name, addressOf(i), `/ip4/10.0.2.${i}/tcp/${i}`))
  servers.forEach((server, i) => client.learn(server, addressOf(i), ...i === 0 ? [] : [`/ip4/10.0.2.${i}/tcp/${i}`]))
  network.addresses.set('/ip4/10.0.0.1/tcp/1', { node: client })
  const deadlines = new Deadlines(network.clock)

  let leased = 0
  let endedCount = 0
  const own = new Map<string, string>()
  // Collected, because a recorder that throws would stop the pool half way.
  const violations: string[] = []
  const record = (event: PoolEvent): void => {
    if (event.type === 'pool:lease') {
      leased++
    } else if (event.type === 'pool:end') {
      endedCount++
    } else if (event.type === 'pool:open' && event.reason !== 'adopted') {
      own.set(event.connection, event.peer)
    } else if (event.type === 'pool:close') {
      own.delete(event.connection)
    } else if (event.type === 'pool:evict') {
      const connection = client.connections.find(({ id }) => id === event.connection)
      if (connection?.streams.some(stream => foreign.has(stream.id)) === true) {
        violations.push(`closed a connection (${event.reason}) that carries a stream of others`)
      }
      if (event.reason !== 'stopped' && [...open].some(lease => lease.connection === connection)) {
        violations.push(`closed a connection (${event.reason}) with a lease`)
      }
    }
    const { ownConnections, dialling } = pool.metrics
    if (ownConnections !== own.size && event.type !== 'pool:open' && event.type !== 'pool:close') {
      violations.push(`${ownConnections} counted, ${own.size} seen`)
    }
    if (ownConnections + dialling > MAX) {
      violations.push(`${ownConnections} open and ${dialling} dialling at ${event.type}`)
    }
    for (const host of ['10.0.1.0', '10.0.1.1']) {
      // One for each connection, and one for each peer that is being dialled there, whose number is the port.
      const connected = [...own.keys()].filter(id => client.connections.find(connection => connection.id === id)?.remoteAddr.toString().includes(host))
      const dialled = new Set(client.dials.filter(({ address, active, aborted }) => active && !aborted && address.includes(host)).map(({ address }) => address))
      if (connected.length + dialled.size > MAX_PER_HOST) {
        violations.push(`${connected.length} open and ${dialled.size} dialling at host ${host} at ${event.type}`)
      }
    }
    for (const name of names) {
      const count = [...own.values()].filter(peer => peer === name).length
      if (count > MAX_PER_PEER) {
        violations.push(`${count} connections to ${name}`)
      }
    }
  }
  const foreign = new Set<string>()
  const open = new Set<StreamLease>()
  const pool: ConnectionPool = new ConnectionPool({ node: client, clock: network.clock, random: randomStream(seed), recorder: { record }, deadlines }, {
    maxConnections: MAX, maxConnectionsPerPeer: MAX_PER_PEER, maxConnectionsPerHost: MAX_PER_HOST, streamsPerConnection: 3, maxStreamsInNegotiation: 2, maxWaiters: 12,
    highWater: 3, lowWater: 2, waterGraceMs: 500, idleTimeoutMs: 2_000, maxLifetimeMs: 9_000, duplicateGraceMs: 300, streamTimeoutMs: 1_500,
    dialTimeoutMs: 3_000, addressTimeoutMs: 1_000
  })
  const leases: StreamLease[] = []
  const pending: Array<Promise<unknown>> = []
  let settled = 0
  const track = (promise: Promise<unknown>): void => {
    pending.push(promise.then(() => { settled++ }, () => { settled++ }))
  }

  for (const [step, pauseMs] of steps) {
    switch (step.kind) {
      case 'acquire': {
        const controller = new AbortController()
        if (step.abortAfterMs !== undefined) {
          const reason = step.abortAfterMs % 2 === 0 ? new TwinwireError('ERR_TIMEOUT', 'no answer') : new Error('gave up')
          network.clock.setTimeout(() => controller.abort(reason), step.abortAfterMs)
        }
        track(pool.acquire(servers[step.peer].peerId, step.protocol, { signal: controller.signal, priority: step.priority }).then(lease => {
          if (open.has(lease) || [...open].some(other => other.stream === lease.stream)) {
            violations.push('a stream is leased twice')
          }
          leases.push(lease)
          open.add(lease)
        }))
        break
      }
      case 'connect':
        track(pool.connect(servers[step.peer].peerId))
        break
      case 'replace': {
        const controller = new AbortController()
        if (step.abortAfterMs !== undefined) {
          network.clock.setTimeout(() => controller.abort(new Error('gave up')), step.abortAfterMs)
        }
        track(pool.replace(servers[step.peer].peerId, { signal: controller.signal }))
        break
      }
      case 'suspect':
        pool.suspect(servers[step.peer].peerId)
        break
      case 'answered':
        leases[step.lease % Math.max(1, leases.length)]?.answered(30)
        break
      case 'prune': {
        const connection = client.connections[step.connection % Math.max(1, client.connections.length)]
        if (connection !== undefined && !connection.wedged) {
          void client.prune(connection)
        }
        break
      }
      case 'end': {
        const lease = leases[step.lease % Math.max(1, leases.length)]
        if (lease !== undefined) {
          open.delete(lease)
          const error = new Error('the request failed')
          if (step.how === 'release') {
            lease.release()
          } else if (step.how === 'discard') {
            lease.discard()
          } else if (step.how === 'dispose') {
            lease[Symbol.dispose]()
          } else if (step.how === 'abandon twice') {
            lease.discard(error)
            lease.fail('timeout', error)
            lease.release()
          } else {
            lease.fail(step.how, error)
          }
        }
        break
      }
      case 'break': {
        const connection = client.connections[step.connection % Math.max(1, client.connections.length)]
        if (connection !== undefined) {
          if (step.how === 'wedge') {
            connection.wedged = true
          } else if (step.how === 'zombie') {
            connection.zombie = true
          } else {
            connection.end(step.how === 'reset' ? 'reset' : 'closed')
          }
        }
        break
      }
      case 'address':
        network.addresses.set(addressOf(step.peer), step.how === 'ok' ? { node: servers[step.peer] } : step.how)
        break
      case 'inbound':
        void servers[step.peer].dial(new FakeMultiaddr('/ip4/10.0.0.1/tcp/1')).catch(() => {})
        break
      case 'others': {
        const connection = client.connections[step.connection % Math.max(1, client.connections.length)]
        if (connection !== undefined && !connection.wedged && !connection.zombie) {
          void connection.newStream('/gossip').then(stream => {
            foreign.add(stream.id)
            network.clock.setTimeout(() => stream.abort(new Error('done')), 2_500)
          }, () => {})
        }
      }
    }
    await network.run(pauseMs)
    const { leases: count, waiters } = pool.metrics
    if (count !== leased - endedCount) {
      violations.push(`${count} leases counted, ${leased} given out and ${endedCount} returned`)
    }
    if (waiters > 12) {
      violations.push(`${waiters} waiters`)
    }
  }
  await network.run(2_000)

  // Once the network is whole and leases come back, nobody waits for long: the longest pace (30 s, and 20%), a look at the
  // hosts (10 s), a dial, three streams, and the queue.
  servers.forEach((server, i) => network.addresses.set(addressOf(i), { node: server }))
  for (let round = 0; round < 55 && pool.metrics.waiters > 0; round++) {
    for (const lease of open) {
      open.delete(lease)
      lease.discard()
    }
    await network.run(1_000)
  }
  t.is(pool.metrics.waiters, 0)
  open.clear() // Taken back by the pool.
  await network.until(pool.stop())
  await network.until(Promise.all(pending))
  t.deepEqual(violations, [])
  t.is(settled, pending.length)
  t.is(leased, endedCount)
  t.is(client.listenerCount, 0)
  t.like(pool.metrics, { connections: 0, ownConnections: 0, dialling: 0, leases: 0, waiters: 0, idleStreams: 0 })
  t.is(own.size, 0)
  t.is(deadlines.size, 0)
  await network.run(20_000)
  t.is(network.kernel.pending, 0)
}
