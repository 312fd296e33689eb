import { getEventListeners } from 'node:events'
import test from 'ava'
import { sleep, timeoutSignal } from '../../src/core/clock.ts'
import { NodeLeases } from '../../src/optim/node-leases.ts'
import { FakePeerId } from './fake-node.ts'
import { PingNode, RTT } from './ping-node.ts'
import { inVirtualTime } from './timeouts/virtual-time.ts'
import type { ExecutionContext } from 'ava'
import type { Clock } from '../../src/core/clock.ts'
import type { StreamLease } from '../../src/optim/pool/pool.ts'
import type { Connection } from '../../src/optim/port.ts'
import type { PingConnection } from './ping-node.ts'

const peer = new FakePeerId('server')
const KEPT = '/kept'
const OTHER = '/other'

/** As libp2p's: dials only where there is no connection. */
class ReusingNode extends PingNode {
  override async dial (...[target, options]: Parameters<PingNode['dial']>): Promise<Connection> {
    return this.getConnections(peer).at(0) ?? await super.dial(target, options)
  }
}

interface Rig {
  readonly clock: Clock
  readonly node: ReusingNode
  readonly leases: NodeLeases
  readonly connection: PingConnection
  readonly acquire: (protocol: string) => Promise<StreamLease>
}

/** Runs `body` with a node that is connected, stops the leases, and checks that nothing is left. */
async function withLeases (t: ExecutionContext, body: (rig: Rig) => Promise<void>): Promise<void> {
  await inVirtualTime(async time => {
    const { clock } = time
    const node = new ReusingNode(clock)
    const leases = new NodeLeases(node, clock, KEPT)
    const connection = node.open('c')
    await body({ clock, node, leases, connection, acquire: async protocol => await leases.acquire(peer, protocol) })
    await leases.stop()
    await sleep(clock, 2 * RTT)
    t.is(node.connections.reduce((sum, { streams }) => sum + streams.filter(({ status }) => status === 'open').length, 0), 0)
    t.is(time.pending, 0)
  })
}

test('a stream of the protocol that is kept is given out again, one at a time, and any other is closed', async t => {
  await withLeases(t, async ({ clock, acquire }) => {
    const first = await acquire(KEPT)
    t.false(first.reusedStream)
    const second = await acquire(KEPT)
    t.not(second.stream, first.stream)
    first.release()
    const third = await acquire(KEPT)
    t.is(third.stream, first.stream)
    t.true(third.reusedStream)
    second.release()
    third.release()
    const other = await acquire(OTHER)
    other.release()
    const another = await acquire(OTHER)
    t.false(another.reusedStream)
    another.release()
    await sleep(clock, 2 * RTT)
    t.is(other.stream.status, 'closed')
  })
})

test('a kept stream that has ended is not given out', async t => {
  await withLeases(t, async ({ connection, acquire }) => {
    (await acquire(KEPT)).release()
    connection.streams[0].reset()
    const lease = await acquire(KEPT)
    t.false(lease.reusedStream)
    lease.release()
  })
})

test('given back as failed, discarded or disposed of, a stream is aborted and not kept', async t => {
  await withLeases(t, async ({ acquire }) => {
    for (const end of [(lease: StreamLease) => lease.fail('timeout', new Error('late')), (lease: StreamLease) => lease.discard(new Error('bad')), (lease: StreamLease) => lease[Symbol.dispose]()]) {
      const lease = await acquire(KEPT)
      t.false(lease.reusedStream)
      end(lease)
      t.is(lease.stream.status, 'aborted')
    }
  })
})

test('a lease ends once: what is done with it afterwards does nothing', async t => {
  await withLeases(t, async ({ acquire }) => {
    const lease = await acquire(KEPT)
    lease.release()
    lease.release()
    lease.fail('error', new Error('late'))
    lease[Symbol.dispose]()
    t.is(lease.stream.status, 'open')
    const [first, second] = [await acquire(KEPT), await acquire(KEPT)]
    t.not(first.stream, second.stream)
    first.release()
    second.release()
  })
})

test('kept streams leave no listener behind, however often they are lent', async t => {
  await withLeases(t, async ({ connection, acquire }) => {
    for (let i = 0; i < 100; i++) {
      (await acquire(KEPT)).release()
    }
    t.is(connection.streams.length, 1)
    t.true(connection.streams[0].listeners <= 1, `${connection.streams[0].listeners} listeners`)
  })
})

test('of a burst on a connection without a stream 8 are opened at once, and the rest when the first is there', async t => {
  await withLeases(t, async ({ clock, connection, acquire }) => {
    const burst = Promise.all(Array.from({ length: 20 }, async () => await acquire(OTHER)))
    await sleep(clock, RTT / 2)
    t.is(connection.pings, 8)
    await sleep(clock, RTT)
    t.is(connection.pings, 20)
    for (const lease of await burst) {
      lease.release()
    }
    // It has proven that its far side listens.
    const startedMs = clock.now()
    const another = await Promise.all(Array.from({ length: 20 }, async () => await acquire(OTHER)))
    t.is(clock.now() - startedMs, RTT)
    another.forEach(lease => lease.release())
  })
})

test('who waits behind openings that fail gets a turn, and its error', async t => {
  await withLeases(t, async ({ connection, acquire }) => {
    connection.unsupported = true
    const all = await Promise.allSettled(Array.from({ length: 20 }, async () => await acquire(OTHER)))
    t.true(all.every(({ status }) => status === 'rejected'))
    t.is(connection.pings, 20)
  })
})

for (const [where, prepare, afterMs] of [
  ['before it begins', () => {}, 0],
  ['during the dial', ({ connection }: Rig) => connection.end('closed'), RTT],
  ['while the stream is opened', ({ connection }: Rig) => { connection.silent = 'streams' }, RTT / 2],
  ['while others are opened before it', ({ connection, leases, clock }: Rig) => {
    connection.silent = 'streams'
    for (let i = 0; i < 8; i++) {
      const limit = timeoutSignal(clock, RTT)
      leases.acquire(peer, OTHER, { signal: limit.signal }).catch(() => limit[Symbol.dispose]())
    }
  }, RTT / 2]
] as const) {
  test(`aborted ${where}, it rejects with the reason and leaves no listener`, async t => {
    await withLeases(t, async rig => {
      prepare(rig)
      const controller = new AbortController()
      const reason = new Error('enough')
      if (afterMs === 0) {
        controller.abort(reason)
      } else {
        rig.clock.setTimeout(() => controller.abort(reason), afterMs)
      }
      t.is(await t.throwsAsync(rig.leases.acquire(peer, OTHER, { signal: controller.signal })), reason)
      t.is(getEventListeners(controller.signal, 'abort').length, 0)
    })
  })
}

test('stopping closes what is kept, and waits until what was given back is closed', async t => {
  await withLeases(t, async ({ clock, leases, connection, acquire }) => {
    const kept = await acquire(KEPT)
    const other = await acquire(OTHER)
    kept.release()
    connection.onStreamClose = async options => { await sleep(clock, 500, options?.signal) }
    other.release()
    const startedMs = clock.now()
    await leases.stop()
    t.is(clock.now() - startedMs, 500)
  })
})

test('a stream that cannot be closed is aborted', async t => {
  await withLeases(t, async ({ connection, leases, acquire }) => {
    connection.onStreamClose = async () => { throw new Error('the muxer is full') }
    const [kept, other] = [await acquire(KEPT), await acquire(OTHER)]
    kept.release()
    other.release()
    await leases.stop()
    t.deepEqual([kept.stream.status, other.stream.status], ['aborted', 'aborted'])
  })
})

for (const [how, onStreamClose] of [
  ['not before it is told to give up', async (signal?: AbortSignal) => { await new Promise((_resolve, reject) => { signal?.addEventListener('abort', () => reject(signal.reason as Error), { once: true }) }) }],
  ['never', async () => { await new Promise(() => {}) }]
] as const) {
  test(`a stream whose close ends ${how} is aborted after a second`, async t => {
    await withLeases(t, async ({ clock, connection, leases, acquire }) => {
      connection.onStreamClose = async options => { await onStreamClose(options?.signal) }
      const [kept, other] = [await acquire(KEPT), await acquire(OTHER)]
      kept.release()
      other.release()
      const startedMs = clock.now()
      await leases.stop()
      t.is(clock.now() - startedMs, 1_000)
      t.deepEqual([kept.stream.status, other.stream.status], ['aborted', 'aborted'])
    })
  })
}
