import test from 'ava'
import * as fc from 'fast-check'
import { randomStream } from '../../src/core/random.ts'
import { Deadlines } from '../../src/optim/deadlines.ts'
import { ConnectionPool } from '../../src/optim/pool/pool.ts'
import { FakeMultiaddr, FakeNetwork } from './fake-node.ts'
import { bench, caught, codeOf, failed, FIRST, reasons, RTT, SECOND } from './pool-bench.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { ConnectionPoolOptions, StreamLease } from '../../src/optim/pool/pool.ts'
import type { Stream } from '../../src/optim/port.ts'
import type { FakeConnection, FakeNode } from './fake-node.ts'

const CLIENT = '/ip4/10.0.0.9/tcp/1'

test('a peer that connects and hangs up for ever leaves nothing behind: no connection, no timer, one dial of ours at most', async t => {
  const { network, client, server, pool, acquire } = bench()
  network.addresses.set(CLIENT, { node: client })
  const lease = await network.until(acquire())
  let most = 0
  for (let i = 0; i < 2_000; i++) {
    const connection = await network.until(server.dial(new FakeMultiaddr(CLIENT)))
    await network.run(RTT)
    connection.abort(new Error('and again'))
    await network.run(RTT)
    most = Math.max(most, network.kernel.pending)
  }
  t.is(lease.connection.status, 'open')
  t.is(pool.metrics.connections, 1)
  // The one timer of all deadlines, and what the fake network has on its way.
  t.true(most <= 4, `${most} timers`)
  t.is(client.dials.length, 1)
  lease.release()
  await network.until(pool.stop())
  await network.run(RTT)
  t.is(network.kernel.pending, 0)
})

test('a stranger that connects and hangs up for ever is not the pool\'s business at all', async t => {
  const { network, client, recorder } = bench()
  network.addresses.set(CLIENT, { node: client })
  const stranger = network.node('stranger')
  for (let i = 0; i < 100; i++) {
    (await network.until(stranger.dial(new FakeMultiaddr(CLIENT)))).abort(new Error('and again'))
    await network.run(RTT)
  }
  t.deepEqual(recorder.events, [])
})

test('a peer that floods streams gets neither leases nor memory of the pool, and its own end is ours to close', async t => {
  const { network, client, pool, connection, acquire } = bench()
  const lease = await network.until(acquire())
  const { remote } = connection(0)
  const open = async (): Promise<Stream | undefined> => await remote?.newStream('/gossip')
  await network.until(open())
  const flood = await network.until(Promise.all(Array.from({ length: 1_000 }, open)))
  t.is(connection(0).streams.length, 2 + 1_000)
  t.like(pool.metrics, { connections: 1, leases: 1, idleStreams: 0 })
  t.true((await network.until(acquire())).connection === lease.connection)
  await network.until(pool.stop())
  t.is(client.connections.length, 1, 'it carries what is not ours')
  t.is(flood.filter(stream => stream?.status === 'open').length, 1_000)
})

test('a peer that resets every stream costs each request 3 streams, and dials paced to 8 in a minute', async t => {
  const { network, client, pool, acquire } = bench()
  client.onConnection = connection => {
    connection.zombie = true
  }
  let requests = 0
  while (network.clock.now() < 60_000) {
    const code = codeOf(await failed(network, acquire()))
    t.true(code === 'ERR_CONNECTION_RESET', code)
    requests++
    await network.run(50)
  }
  t.true(requests > 100)
  // One cold; replacements at 0, then after 1, 2, 4, 8, 16 and 30 s, with the largest jitter downwards.
  t.true(client.dials.length <= 1 + 7, `${client.dials.length} dials`)
  t.like(pool.metrics, { waiters: 0, leases: 0, idleStreams: 0 })
})

test('a peer that hangs up as soon as it is connected is dialled again after 1, 2, 4 s and so on, however many wait', async t => {
  const { network, client, pool, acquire } = bench()
  client.onConnection = connection => {
    network.clock.setTimeout(() => connection.end('reset'), 1)
  }
  const waiting = Array.from({ length: 500 }, async () => await caught(acquire()))
  await network.run(60_000)
  // One cold; then after 1, 2, 4, 8, 16 and 30 s, with the largest jitter downwards.
  t.true(client.dials.length <= 7, `${client.dials.length} dials`)
  client.onConnection = () => {}
  // Its pace is 36 s at most.
  await network.run(36_000 + 10 * RTT)
  const served = pool.metrics.leases
  t.true(served > 0)
  await network.until(pool.stop())
  await Promise.all(waiting)
  await network.run(RTT)
  t.is(network.kernel.pending, 0)
})

test('a connection that others made a zombie with early streams is replaced, and nobody notices', async t => {
  const { network, client, server, pool, connection, recorder, acquire } = bench()
  await network.until(pool.connect(server.peerId))
  // yamux: more than 10 streams before the first is acknowledged, and the far side resets them all for good.
  const early = Array.from({ length: 11 }, async () => await caught(connection(0).newStream('/gossip')))
  t.true(connection(0).zombie)
  const leases = await network.until(Promise.all(Array.from({ length: 20 }, () => acquire())))
  await Promise.all(early)
  t.true(leases.every(lease => lease.connection === client.connections.at(-1)))
  t.deepEqual(reasons(recorder, 'pool:replace'), ['suspect'])
})

/** A clock that can be set, and whose timers can be held up. */
class WildClock implements Clock {
  readonly #clock: Clock
  offsetMs = 0
  /** Timers that are due before this come then. */
  blockedUntilMs = 0

  constructor (clock: Clock) {
    this.#clock = clock
  }

  now (): number {
    return this.#clock.now() + this.offsetMs
  }

  setTimeout (callback: () => void, delayMs: number): { cancel(): void } {
    let timer = this.#clock.setTimeout(() => {
      const lateMs = this.blockedUntilMs - this.#clock.now()
      if (lateMs > 0) {
        timer = this.#clock.setTimeout(callback, lateMs)
      } else {
        callback()
      }
    }, delayMs)
    return { cancel: () => timer.cancel() }
  }
}

function wildBench (options: ConnectionPoolOptions = {}): { network: FakeNetwork, client: FakeNode, server: FakeNode, clock: WildClock, deadlines: Deadlines, pool: ConnectionPool, acquire: () => Promise<StreamLease> } {
  const network = new FakeNetwork(RTT)
  const client = network.node('client')
  const server = network.node('server', FIRST)
  client.learn(server, FIRST)
  const clock = new WildClock(network.clock)
  const deadlines = new Deadlines(clock)
  const pool = new ConnectionPool({ node: client, clock, random: randomStream('pool'), deadlines }, options)
  return { network, client, server, clock, deadlines, pool, acquire: () => pool.acquire(server.peerId, '/echo') }
}

test('a clock that jumps hours forwards closes what is idle, not what is in use, and requests go on', async t => {
  const { network, client, server, clock, deadlines, pool, acquire } = wildBench()
  const other = network.node('other', SECOND)
  client.learn(other, SECOND)
  const held = await network.until(acquire())
  ;(await network.until(pool.acquire(other.peerId, '/echo'))).release()
  clock.offsetMs += 5 * 3_600_000
  await network.run(40_000)
  // The one in use is old as well: it has a successor, and goes when it is given back.
  t.is(held.connection.status, 'open')
  t.false(client.connections.some(({ remotePeer }) => remotePeer.equals(other.peerId)))
  t.is((await network.until(acquire())).connection.remotePeer, server.peerId)
  t.true(client.connections.length <= 2)
  await network.until(pool.stop())
  t.is(deadlines.size, 0)
})

test('a clock that jumps hours backwards delays no deadline: a dial, a stream and an idle connection end when they would have', async t => {
  const { network, client, clock, deadlines, pool, acquire } = wildBench({ dialTimeoutMs: 4_000, idleTimeoutMs: 10_000 })
  network.addresses.set(FIRST, 'black-hole')
  const dialling = caught(acquire())
  await network.run(500)
  clock.offsetMs -= 5 * 3_600_000
  await network.run(3_501)
  t.is(codeOf(await dialling), 'ERR_DIAL_FAILED')
  network.addresses.set(FIRST, { node: network.node('server') })
  clock.offsetMs -= 3_600_000
  await network.until(pool.stop())
  t.is(deadlines.size, 0)
  t.is(client.listenerCount, 0)
  t.is(network.kernel.pending, 0)
})

test('an event loop that stands still for 30 s puts nobody under suspicion whose answer is there when it moves on', async t => {
  const { network, client, clock, deadlines, pool, acquire } = wildBench()
  // Connected after 60 ms, but nobody reads that before the timers of the dial and its address have run, 20 s late.
  clock.blockedUntilMs = 30_000
  client.readsFromMs = 30_000 + 5
  const lease = await network.until(acquire())
  t.is(lease.connection, client.connections[0])
  t.is(client.dials.length, 1)
  t.true(network.clock.now() >= 30_005)
  lease.release()
  await network.until(pool.stop())
  t.is(deadlines.size, 0)
})

test('an event loop that stands still for 30 s while nothing answers: every limit holds, and nothing is left', async t => {
  const { network, client, clock, deadlines, pool, acquire } = wildBench({ maxWaiters: 10 })
  const held = await network.until(acquire())
  client.connections[0].wedged = true
  const waiting = Array.from({ length: 20 }, async () => await caught(acquire()))
  clock.blockedUntilMs = network.clock.now() + 30_000
  await network.run(31_000)
  t.true(deadlines.size <= 40)
  t.true(pool.metrics.connections + pool.metrics.dialling <= 3)
  held.discard()
  await network.until(pool.stop())
  const codes = (await Promise.all(waiting)).map(codeOf)
  t.is(codes.filter(code => code === 'ERR_TOO_MANY_WAITERS').length, 10)
  await network.run(RTT)
  t.is(deadlines.size, 0)
  t.is(network.kernel.pending, 0)
})

test('an acquire aborted at any instant, cold, warm, queued or on a silent connection, leaves nothing', async t => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 5 * RTT }), fc.integer({ min: 0, max: 12 }), fc.constantFrom('cold', 'warm', 'queued', 'silent', 'replace'), async (afterMs, turns, state) => {
    const { network, client, server, pool, connection, acquire } = bench({ maxConnectionsPerPeer: state === 'queued' ? 1 : 2, streamsPerConnection: 1 })
    const held = state === 'cold' ? undefined : await network.until(acquire())
    if (state === 'warm') {
      held?.release()
    } else if (state === 'silent') {
      held?.release()
      connection(0).wedged = true
      connection(0).streams.forEach(stream => stream.abort(new Error('no longer')))
    }
    const controller = new AbortController()
    const asked = state === 'replace' ? pool.replace(server.peerId, { signal: controller.signal }) : acquire({ signal: controller.signal })
    const outcome = asked.then(lease => lease, () => undefined)
    await network.run(afterMs)
    for (let turn = 0; turn < turns; turn++) {
      await Promise.resolve()
    }
    controller.abort(new Error('enough'))
    const lease = await network.until(outcome)
    if (lease !== undefined) {
      lease.release()
    }
    if (state !== 'warm') {
      held?.release()
    }
    t.like(pool.metrics, { waiters: 0, leases: 0 })
    await network.run(100)
    t.is(pool.metrics.dialling, 0)
    await network.until(pool.stop())
    await network.run(RTT)
    t.is(network.kernel.pending, 0)
    t.is(client.listenerCount, 0)
  }), { numRuns: 500 })
})

test('stop ends the pool\'s own deadlines and nobody else\'s, wherever it was', async t => {
  await fc.assert(fc.asyncProperty(fc.integer({ min: 0, max: 200 }), fc.constantFrom('work', 'wedge', 'black-hole'), async (afterMs, how) => {
    const { network, client, server, deadlines, pool, acquire } = wildBench({ closeTimeoutMs: 300 })
    let fired = 0
    deadlines.after(5_000, () => { fired++ })
    if (how === 'black-hole') {
      network.addresses.set(FIRST, 'black-hole')
    }
    const asked = [caught(acquire()), caught(acquire().then(lease => lease.release())), caught(pool.replace(server.peerId))]
    await network.run(afterMs)
    if (how === 'wedge') {
      client.connections.forEach((connection: FakeConnection) => {
        connection.wedged = true
      })
    }
    await network.until(pool.stop())
    t.is(deadlines.size, 1)
    await Promise.all(asked)
    await network.run(5_000)
    t.is(fired, 1)
    t.is(network.kernel.pending, 0)
  }), { numRuns: 300 })
})

test('streams on their way out of connections that were left to others are waited for by stop', async t => {
  const { network, client, server, deadlines, pool } = wildBench({ closeTimeoutMs: 500 })
  const connection = await network.until(client.dial(new FakeMultiaddr(FIRST)))
  await network.run(RTT)
  const lease = await network.until(pool.acquire(server.peerId, '/echo'))
  ;(connection as FakeConnection).streams.forEach(stream => {
    stream.remoteLingers = true
  })
  lease.discard()
  // The last of the peer's connections is let go while its stream still lingers.
  client.emit('connection:close', { detail: connection })
  const startedMs = network.clock.now()
  await network.until(pool.stop())
  t.is(network.clock.now() - startedMs, 500)
  t.is(deadlines.size, 0)
  t.is(connection.streams.length, 0)
})
