import { getEventListeners } from 'node:events'
import test from 'ava'
import { sleep } from '../../src/core/clock.ts'
import { randomStream } from '../../src/core/random.ts'
import { Deadlines } from '../../src/optim/deadlines.ts'
import { NetworkHealth } from '../../src/optim/health/network-health.ts'
import { HealthLink } from '../../src/optim/health-link.ts'
import { ConnectionPool } from '../../src/optim/pool/pool.ts'
import { PingNode, RTT } from './ping-node.ts'
import { inVirtualTime } from './timeouts/virtual-time.ts'
import type { ExecutionContext } from 'ava'
import type { Clock } from '../../src/core/clock.ts'

interface Rig {
  readonly clock: Clock
  readonly node: PingNode
  readonly link: HealthLink
  readonly monitor: NetworkHealth
  readonly never: AbortSignal
  readonly pool: ConnectionPool | undefined
}

interface RigOptions {
  readonly maximumPeers?: number
  readonly withPool?: boolean
}

/** Runs `body` with a link that is connected, stops it, and checks that nothing is left. */
async function withLink (t: ExecutionContext, { maximumPeers, withPool = false }: RigOptions, body: (rig: Rig) => Promise<void>): Promise<void> {
  await inVirtualTime(async time => {
    const { clock } = time
    const node = new PingNode(clock)
    const link = new HealthLink(node, clock, maximumPeers)
    const shared = { clock, deadlines: new Deadlines(clock), random: randomStream(1), host: 'client' }
    const monitor = new NetworkHealth({ ...shared, actions: link })
    const pool = withPool ? new ConnectionPool({ ...shared, node }, { maxConnectionsPerPeer: 8 }) : undefined
    const never = new AbortController().signal
    link.connect(monitor, pool)
    await body({ clock, node, link, monitor, never, pool })
    link.stop()
    monitor.stop()
    await pool?.stop()
    await sleep(clock, 2 * RTT)
    t.is(node.listeners, 0)
    t.is(getEventListeners(never, 'abort').length, 0)
    t.deepEqual(node.connections.map(({ left }) => left).filter(left => left > 0), [])
    t.is(time.pending, 0)
  })
}

test('a peer that stays connected is never forgotten, however many others come and go', async t => {
  await withLink(t, { maximumPeers: 10 }, async ({ node, link, never }) => {
    node.open('first', 'stays')
    for (let i = 0; i < 100; i++) {
      node.open(`c${i}`, `goes ${i}`).end('closed')
    }
    t.is(await link.probe('stays', never), RTT)
    await link.replace('stays', never)
    t.is(node.dials, 1)
  })
})

test('of peers without a connection, as many as the option says can be had back, the last ones', async t => {
  await withLink(t, { maximumPeers: 3 }, async ({ node, link, never }) => {
    for (let i = 0; i < 5; i++) {
      node.open(`c${i}`, String(i)).end('closed')
    }
    await t.throwsAsync(link.replace('1', never), { code: 'ERR_NO_ADDRESS' })
    await link.replace('2', never)
    t.is(node.dials, 1)
  })
})

test('the monitor is told of connections that there were, that open and that close', async t => {
  await inVirtualTime(async ({ clock }) => {
    const node = new PingNode(clock)
    const before = node.open('before')
    const link = new HealthLink(node, clock)
    const monitor = new NetworkHealth({ clock, deadlines: new Deadlines(clock), random: randomStream(1), host: 'client', actions: link })
    link.connect(monitor, undefined)
    t.is(monitor.metrics.monitored, 1)
    const other = node.open('other', 'b')
    t.is(monitor.metrics.monitored, 2)
    before.end('closed')
    other.end('reset')
    t.is(monitor.metrics.monitored, 0)
    link.stop()
    monitor.stop()
  })
})

test('without a connection a probe fails at once', async t => {
  await withLink(t, {}, async ({ node, link, never }) => {
    await t.throwsAsync(link.probe('server', never), { code: 'ERR_CONNECTION_CLOSED' })
    node.open('c').end('closed')
    await t.throwsAsync(link.probe('server', never), { code: 'ERR_CONNECTION_CLOSED' })
  })
})

test('several connections to a peer are asked in turn, so that a dead one among them is found', async t => {
  await withLink(t, {}, async ({ node, link, never }) => {
    const connections = ['a', 'b', 'c'].map(id => node.open(id))
    for (let round = 1; round <= 3; round++) {
      for (let i = 0; i < 3; i++) {
        await link.probe('server', never)
        t.deepEqual(connections.map(({ pings }) => pings), connections.map((_, other) => other <= i ? round : round - 1))
      }
    }
  })
})

test('an answered probe clears a suspicion of silence against the connection that it was made on', async t => {
  await withLink(t, { withPool: true }, async ({ node, link, never, pool, clock }) => {
    const connection = node.open('a')
    await pool?.connect(connection.remotePeer)
    node.refuses = true
    pool?.suspect(connection.remotePeer)
    await sleep(clock, 10 * RTT)
    t.is(pool?.metrics.failedDials, 1)
    await link.probe('server', never)
    // A suspect would be passed over for another dial.
    t.is(await pool?.connect(connection.remotePeer), connection)
    t.is(node.dials, 1)
  })
})

test('aborted while the peer is asked, a probe rejects with the reason', async t => {
  await withLink(t, {}, async ({ clock, node, link }) => {
    node.open('c').silent = 'echoes'
    const controller = new AbortController()
    clock.setTimeout(() => controller.abort(new Error('enough')), 5 * RTT)
    await t.throwsAsync(link.probe('server', controller.signal), { message: 'enough' })
    t.is(getEventListeners(controller.signal, 'abort').length, 0)
  })
})

for (const withPool of [false, true]) {
  const how = withPool ? 'through the pool' : 'without a pool'
  test(`once a successor is there, silent connections are aborted, whoever opened them, and those that answer are not (${how})`, async t => {
    await withLink(t, { withPool }, async ({ clock, node, link, never }) => {
      const dead = [node.open('a'), node.open('b')]
      dead[0].silent = 'streams'
      dead[1].silent = 'echoes'
      const alive = [node.open('c'), node.open('d')]
      alive[1].unsupported = true
      await link.replace('server', never)
      t.is(node.dials, 1)
      // Not before they had their time to answer.
      await sleep(clock, 4999)
      t.deepEqual(dead.map(({ status }) => status), ['open', 'open'])
      await sleep(clock, 2)
      t.deepEqual(dead.map(({ status }) => status), ['aborted', 'aborted'])
      t.deepEqual(alive.map(({ status }) => status), ['open', 'open'])
      t.is(node.connections.at(-1)?.status, 'open')
    })
  })

  test(`where no successor can be had, nothing is aborted (${how})`, async t => {
    await withLink(t, { withPool }, async ({ clock, node, link, never }) => {
      const dead = node.open('a')
      dead.silent = 'streams'
      node.refuses = true
      await t.throwsAsync(link.replace('server', never))
      // Before the monitor finds by itself that it is silent.
      await sleep(clock, 8000)
      t.is(dead.status, 'open')
    })
  })

  test(`a replacement that is aborted rejects with the reason (${how})`, async t => {
    await withLink(t, { withPool }, async ({ clock, node, link }) => {
      const dead = node.open('a')
      dead.silent = 'streams'
      const controller = new AbortController()
      clock.setTimeout(() => controller.abort(new Error('enough')), RTT)
      await t.throwsAsync(link.replace('server', controller.signal), { message: 'enough' })
      t.is(getEventListeners(controller.signal, 'abort').length, 0)
      // Before the monitor finds by itself that it is silent.
      await sleep(clock, 8000)
      t.is(dead.status, 'open')
    })
  })

  test(`stopped while it asks those that were replaced, it aborts none and leaves nothing (${how})`, async t => {
    await withLink(t, { withPool }, async ({ node, link, never }) => {
      const dead = node.open('a')
      dead.silent = 'echoes'
      await link.replace('server', never)
      link.stop()
      t.is(dead.status, 'open')
    })
  })
}
