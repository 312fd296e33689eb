import { getEventListeners } from 'node:events'
import test from 'ava'
import { sleep } from '../../src/core/clock.ts'
import { MemoryRecorder } from '../../src/core/recorder.ts'
import { createOptimizedNetwork, plainRequest } from '../../src/optim/index.ts'
import { FakePeerId } from './fake-node.ts'
import { addressOf, PairedNode, PROTOCOL } from './paired-node.ts'
import { inVirtualTime } from './timeouts/virtual-time.ts'
import type { ExecutionContext } from 'ava'
import type { Clock } from '../../src/core/clock.ts'
import type { NetworkEvent, OptimizedNetwork, OptimizedNetworkOptions } from '../../src/optim/index.ts'

const RTT = 100
const peer = new FakePeerId('server')
const hello = new TextEncoder().encode('hello')

interface Rig {
  readonly clock: Clock
  readonly node: PairedNode
  readonly network: OptimizedNetwork
  readonly recorder: MemoryRecorder<NetworkEvent>
  /** Timers and events that have not fired. */
  readonly pending: () => number
}

/** The modules that these tests are about are the pool and the timeouts. */
const OTHERS_OFF: OptimizedNetworkOptions = { messageBatching: false, bandwidthManager: false, networkHealth: false }

/** Runs `body` with a network, stops the network, and checks that nothing is left of it. */
async function withNetwork (t: ExecutionContext, options: OptimizedNetworkOptions, body: (rig: Rig) => Promise<void>): Promise<void> {
  await inVirtualTime(async time => {
    const { clock } = time
    const node = new PairedNode(clock, RTT)
    const recorder = new MemoryRecorder<NetworkEvent>()
    const network = createOptimizedNetwork(node, { ...OTHERS_OFF, ...options }, { clock, recorder })
    await body({ clock, node, network, recorder, pending: () => time.pending })
    await network.stop()
    // What is on its way between the ends is the network's, and arrives.
    await sleep(clock, 2 * RTT)
    t.is(time.pending, 0)
    t.is(node.listeners, 0)
  })
}

/** How long `action` takes, in round trips. */
async function roundTrips (clock: Clock, action: () => Promise<unknown>): Promise<number> {
  const startMs = clock.now()
  await action()
  return (clock.now() - startMs) / RTT
}

test('with both modules: 5 RTT cold (dial 3, stream 1, request 1), 1 RTT warm', async t => {
  await withNetwork(t, {}, async ({ clock, network }) => {
    t.is(await roundTrips(clock, () => network.request(peer, PROTOCOL, hello)), 5)
    t.is(await roundTrips(clock, () => network.request(peer, PROTOCOL, hello)), 1)
    t.is(network.metrics.pool?.streamsReused, 1)
    t.is(network.metrics.timeouts?.answered, 2)
    const { requests, answered, failed } = network.metrics
    t.deepEqual({ requests, answered, failed }, { requests: 2, answered: 2, failed: 0 })
  })
})

test('each module can be switched off alone; without the pool a warm request takes 2 RTT', async t => {
  for (const [connectionPool, adaptiveTimeouts, warm] of [[false, false, 2], [false, true, 2], [true, false, 1], [true, true, 1]] as const) {
    await withNetwork(t, { connectionPool, adaptiveTimeouts }, async ({ clock, node, network }) => {
      t.deepEqual(await network.request(peer, PROTOCOL, hello), hello)
      t.is(await roundTrips(clock, () => network.request(peer, PROTOCOL, hello)), warm)
      t.is(network.pool === undefined, !connectionPool)
      t.is(network.timeouts === undefined, !adaptiveTimeouts)
      t.is(node.dials, 1)
      await sleep(clock, 2 * RTT)
      const [{ streams }] = node.connections
      t.is(streams.length, connectionPool ? 1 : 0)
    })
  }
})

test('plainRequest is dial, stream, request, reply, close: 5 RTT cold and 2 warm', async t => {
  await inVirtualTime(async ({ clock }) => {
    const node = new PairedNode(clock, RTT)
    t.is(await roundTrips(clock, () => plainRequest(node, peer, PROTOCOL, hello, { clock })), 5)
    t.is(await roundTrips(clock, () => plainRequest(node, [addressOf(peer)], PROTOCOL, hello, { clock })), 2)
    await sleep(clock, 2 * RTT)
    t.is(node.connections[0].all.filter(({ status }) => status === 'closed').length, 2)
    node.connections[0].wedged = true
    const failure = t.throwsAsync(plainRequest(node, peer, PROTOCOL, hello, { clock, deadlineMs: 3000 }), { code: 'ERR_DEADLINE' })
    t.is(await roundTrips(clock, () => failure), 30)
  })
})

test('a silently dead connection costs an idempotent request one attempt timeout and a dial', async t => {
  await withNetwork(t, {}, async ({ clock, node, network }) => {
    const ask = (): Promise<Uint8Array> => network.request(peer, PROTOCOL, hello, { idempotent: true })
    for (let i = 0; i < 50; i++) {
      await ask()
    }
    node.connections[0].wedged = true
    // RTO = RTT + G = 1.1 RTT; then the pool dials at once, which hides the retry's jitter; stream and request.
    t.is(Math.round(1e3 * await roundTrips(clock, ask)), 1e3 * (1.1 + 3 + 1 + 1))
    t.is(await roundTrips(clock, ask), 1)
    t.is(network.metrics.timeouts?.retries, 1)
  })
})

test('on a dead connection without a kept stream, even what is not idempotent is asked again: it never left', async t => {
  await withNetwork(t, { connectionPool: { idleStreamsPerProtocol: 0 } }, async ({ clock, node, network }) => {
    const ask = (): Promise<Uint8Array> => network.request(peer, PROTOCOL, hello)
    for (let i = 0; i < 50; i++) {
      await ask()
    }
    node.connections[0].wedged = true
    // A stream is overdue after four times 1.1 RTT; then dial, stream and request.
    t.is(Math.round(1e3 * await roundTrips(clock, ask)), 1e3 * (4.4 + 3 + 1 + 1))
  })
})

test('what is not idempotent is not asked twice: it fails at its deadline, and the next is answered elsewhere', async t => {
  await withNetwork(t, {}, async ({ clock, node, network }) => {
    await network.request(peer, PROTOCOL, hello)
    const [dead] = node.connections
    dead.wedged = true
    const failure = t.throwsAsync(network.request(peer, PROTOCOL, hello, { deadlineMs: 5000 }), { code: 'ERR_DEADLINE' })
    t.is(await roundTrips(clock, () => failure), 50)
    t.is(dead.all[0].sends.length, 2)
    t.deepEqual(await network.request(peer, PROTOCOL, hello), hello)
    t.is(node.dials, 2)
  })
})

test('with timeouts off only the deadline applies, and the pool learns of it', async t => {
  await withNetwork(t, { adaptiveTimeouts: false }, async ({ clock, node, network }) => {
    await network.request(peer, PROTOCOL, hello, { idempotent: true })
    node.connections[0].wedged = true
    const failure = t.throwsAsync(network.request(peer, PROTOCOL, hello, { idempotent: true, deadlineMs: 7000 }), { code: 'ERR_DEADLINE' })
    t.is(await roundTrips(clock, () => failure), 70)
    t.deepEqual(await network.request(peer, PROTOCOL, hello), hello)
    t.is(node.dials, 2)
  })
})

test('a connection that is reset while a request is under way: asked again where that is allowed', async t => {
  for (const idempotent of [true, false]) {
    await withNetwork(t, {}, async ({ clock, node, network }) => {
      await network.request(peer, PROTOCOL, hello)
      clock.setTimeout(() => node.connections[0].end('reset'), RTT / 4)
      const answer = network.request(peer, PROTOCOL, hello, { idempotent })
      if (idempotent) {
        t.deepEqual(await answer, hello)
      } else {
        await t.throwsAsync(answer, { name: 'StreamResetError' })
      }
      t.is(network.metrics.timeouts?.attempts, idempotent ? 3 : 2)
    })
  }
})

test('a protocol that the peer does not speak is asked for once', async t => {
  await withNetwork(t, {}, async ({ network }) => {
    await t.throwsAsync(network.request(peer, '/unknown/1', hello, { idempotent: true }))
    t.is(network.metrics.timeouts?.attempts, 1)
  })
})

test('a caller\'s abort rejects with its reason and leaves no listener, with every combination of modules', async t => {
  for (const connectionPool of [true, false]) {
    for (const adaptiveTimeouts of [true, false]) {
      await withNetwork(t, { connectionPool, adaptiveTimeouts }, async ({ clock, network }) => {
        // While dialling, opening a stream, and waiting for the reply.
        for (const afterRtts of [0, 1, 3.5, 4.5]) {
          const controller = new AbortController()
          clock.setTimeout(() => controller.abort(new Error('enough')), afterRtts * RTT)
          await t.throwsAsync(network.request(new FakePeerId(`after-${afterRtts}`), PROTOCOL, hello, { signal: controller.signal }), { message: 'enough' })
          await sleep(clock, 1)
          t.is(getEventListeners(controller.signal, 'abort').length, 0)
        }
        await t.throwsAsync(network.request(peer, PROTOCOL, hello, { signal: AbortSignal.abort(new Error('before')) }), { message: 'before' })
        t.deepEqual(await network.request(peer, PROTOCOL, hello), hello)
      })
    }
  }
})

test('stop with no deadline rejects what runs with ERR_STOPPED, and later requests too, with every combination of modules', async t => {
  for (const connectionPool of [true, false]) {
    for (const adaptiveTimeouts of [true, false]) {
      await withNetwork(t, { connectionPool, adaptiveTimeouts }, async ({ clock, network }) => {
        await network.request(peer, PROTOCOL, hello)
        const running = t.throwsAsync(network.request(peer, PROTOCOL, hello), { code: 'ERR_STOPPED' })
        const dialling = t.throwsAsync(network.request(new FakePeerId('other'), PROTOCOL, hello), { code: 'ERR_STOPPED' })
        await sleep(clock, RTT / 4)
        await network.stop({ deadlineMs: 0 })
        await running
        await dialling
        await t.throwsAsync(network.request(peer, PROTOCOL, hello), { code: 'ERR_STOPPED' })
        await t.throwsAsync(network.connect(peer), { code: 'ERR_STOPPED' })
      })
    }
  }
})

test('stop lets what was begun go on until its deadline, and rejects the rest', async t => {
  await withNetwork(t, {}, async ({ clock, node, network }) => {
    await network.request(peer, PROTOCOL, hello)
    node.connections[0].newStream = async () => await new Promise(() => {})
    const answered = network.request(peer, PROTOCOL, hello)
    const hanging = t.throwsAsync(network.request(peer, PROTOCOL, hello), { code: 'ERR_STOPPED' })
    const stopped = roundTrips(clock, () => network.stop({ deadlineMs: 500 }))
    await t.throwsAsync(network.request(peer, PROTOCOL, hello), { code: 'ERR_STOPPED' })
    t.deepEqual(await answered, hello)
    await hanging
    t.is(Math.round(await stopped), 5)
  })
})

test('a network stops at the end of its scope', async t => {
  await inVirtualTime(async ({ clock }) => {
    const node = new PairedNode(clock, RTT)
    {
      await using network = createOptimizedNetwork(node, OTHERS_OFF, { clock })
      await network.connect(peer)
      t.is(node.connections.length, 1)
    }
    t.is(node.connections.length, 0)
  })
})

test('options are refused with their path, and leave no listener on the node', async t => {
  await inVirtualTime(async ({ clock }) => {
    const node = new PairedNode(clock, RTT)
    const make = (options: object): OptimizedNetwork => createOptimizedNetwork(node, options, { clock })
    t.throws(() => make({ adaptiveTimeouts: { floorMs: -1 } }), { code: 'ERR_INVALID_OPTION', message: /at adaptiveTimeouts\.floorMs; expected a number greater than 0; found -1/ })
    t.throws(() => make({ adaptiveTimeouts: { floor: 1 } }), { code: 'ERR_UNKNOWN_OPTION', message: /at adaptiveTimeouts\.floor; expected floorMs/ })
    t.throws(() => make({ connectionPool: { maxConnections: 0 } }), { code: 'ERR_INVALID_OPTION', message: /maxConnections/ })
    t.throws(() => make({ connectionPool: 3 }), { code: 'ERR_INVALID_OPTION', message: /at connectionPool; expected true or false or an object; found 3/ })
    t.throws(() => make({ pool: true }), { code: 'ERR_UNKNOWN_OPTION', message: /at pool/ })
    t.is(node.listeners, 0)
    const network = make({})
    await t.throwsAsync(network.request(peer, PROTOCOL, hello, { deadlineMs: 0 }), { code: 'ERR_INVALID_OPTION', message: /deadlineMs/ })
    await network.stop()
  })
})

test('two runs of one node record the same', async t => {
  const digests: string[] = []
  for (let run = 0; run < 2; run++) {
    await withNetwork(t, {}, async ({ node, network, recorder }) => {
      for (let i = 0; i < 20; i++) {
        await network.request(peer, PROTOCOL, hello, { idempotent: true })
        node.connections[0].wedged = i % 7 === 3
      }
      digests.push(recorder.digest())
    })
  }
  t.is(digests[0], digests[1])
})

test('a peer that answers one request a stream costs one request at most, asked back to back', async t => {
  for (const idempotent of [false, true]) {
    await withNetwork(t, {}, async ({ node, network }) => {
      node.oneShot = true
      let failed = 0
      for (let i = 0; i < 20; i++) {
        await network.request(peer, PROTOCOL, hello, { idempotent }).catch(() => failed++)
      }
      t.is(failed, idempotent ? 0 : 1)
      t.is(node.dials, 1)
      t.is(network.metrics.timeouts?.retries, idempotent ? 1 : 0)
    })
  }
})

test('a reply that takes many timeouts to arrive is asked for once, and its connection is not blamed', async t => {
  for (const connectionPool of [true, false]) {
    await withNetwork(t, { connectionPool }, async ({ clock, node, network, recorder }) => {
      for (let i = 0; i < 30; i++) {
        await network.request(peer, PROTOCOL, hello, { idempotent: true })
      }
      // 64 KiB come every 50 ms; the timeout is near 1.1 RTT = 110 ms.
      node.pacedMs = 50
      node.respond = () => new Uint8Array(40 * 64 * 1024)
      const reply = await network.request(peer, PROTOCOL, hello, { idempotent: true })
      t.is(reply.byteLength, 40 * 64 * 1024)
      const { attempts, overdue } = network.metrics.timeouts ?? {}
      t.deepEqual({ attempts, overdue }, { attempts: 31, overdue: 0 })
      t.is(node.dials, 1)
      t.false(recorder.events.some(({ type }) => type === 'pool:suspect'))
      // Learnt from the first bytes, not from the whole transfer of 2 s.
      t.true((network.timeouts?.conditions(peer, PROTOCOL).srttMs ?? Infinity) < 1.5 * RTT)
      await sleep(clock, RTT)
    })
  }
})

test('what arrives for one request clears a suspicion against the connection that another had raised', async t => {
  await withNetwork(t, {}, async ({ clock, node, network, recorder }) => {
    await network.request(peer, PROTOCOL, hello)
    node.pacedMs = 50
    node.respond = () => new Uint8Array(10 * 64 * 1024)
    const replied = network.request(peer, PROTOCOL, hello)
    // The first piece comes within two round trips, the last one half a second later.
    await sleep(clock, 2 * RTT)
    network.pool?.suspect(peer)
    t.is(recorder.events.at(-1)?.type, 'pool:dial', 'a replacement')
    await sleep(clock, 50)
    t.like(recorder.events.find(({ type }) => type === 'pool:clear'), { reason: 'bytes' })
    await replied
  })
})

test('queueing for a lease is not timed: what waits for our own limits is neither overdue nor asked again', async t => {
  await withNetwork(t, { connectionPool: { streamsPerConnection: 1, maxConnectionsPerPeer: 1 } }, async ({ network }) => {
    for (let i = 0; i < 30; i++) {
      await network.request(peer, PROTOCOL, hello, { idempotent: true })
    }
    await Promise.all(Array.from({ length: 20 }, () => network.request(peer, PROTOCOL, hello, { idempotent: true })))
    const { attempts, overdue } = network.metrics.timeouts ?? {}
    t.deepEqual({ attempts, overdue }, { attempts: 50, overdue: 0 })
  })
})

test('an overdue request that has to go on tells the pool at once: the next one is answered elsewhere meanwhile', async t => {
  await withNetwork(t, {}, async ({ clock, node, network }) => {
    for (let i = 0; i < 30; i++) {
      await network.request(peer, PROTOCOL, hello)
    }
    node.connections[0].wedged = true
    const failure = t.throwsAsync(network.request(peer, PROTOCOL, hello, { deadlineMs: 5000 }), { code: 'ERR_DEADLINE' })
    await sleep(clock, 5 * RTT)
    t.is(node.dials, 2)
    t.true(await roundTrips(clock, () => network.request(peer, PROTOCOL, hello)) <= 2)
    await failure
  })
})

test('a handler that fails is no sign of a bad connection', async t => {
  await withNetwork(t, {}, async ({ node, network, recorder }) => {
    node.respond = () => { throw new Error('no such record') }
    for (let i = 0; i < 10; i++) {
      await t.throwsAsync(network.request(peer, PROTOCOL, hello), { name: 'StreamResetError' })
    }
    t.is(node.dials, 1)
    t.false(recorder.events.some(({ type }) => type === 'pool:suspect'))
  })
})

test('a request above maximumFrameBytes is refused before anything is dialled or sent, and so is such a reply', async t => {
  for (const connectionPool of [true, false]) {
    await withNetwork(t, { connectionPool, maximumFrameBytes: 1000 }, async ({ node, network }) => {
      await t.throwsAsync(network.request(peer, PROTOCOL, new Uint8Array(1001)), { code: 'ERR_FRAME_TOO_LARGE' })
      t.is(node.dials, 0)
      t.is((await network.request(peer, PROTOCOL, new Uint8Array(1000))).byteLength, 1000)
      node.respond = () => new Uint8Array(1001)
      await t.throwsAsync(network.request(peer, PROTOCOL, hello), { code: 'ERR_FRAME_TOO_LARGE' })
    })
  }
})

test('a peer whose every address fails is dialled once an attempt, and there are at most three a request', async t => {
  await inVirtualTime(async ({ clock }) => {
    const node = new PairedNode(clock, RTT)
    node.refuses = true
    await using network = createOptimizedNetwork(node, OTHERS_OFF, { clock })
    await t.throwsAsync(network.request(peer, PROTOCOL, hello, { idempotent: true }), { code: 'ERR_DIAL_FAILED' })
    t.is(node.dials, 3)
    t.is(network.metrics.timeouts?.attempts, 3)
  })
})

test('without the pool, too, a stream that does not open on an open connection is timed', async t => {
  await withNetwork(t, { connectionPool: false }, async ({ clock, node, network }) => {
    for (let i = 0; i < 50; i++) {
      await network.request(peer, PROTOCOL, hello)
    }
    const [dead] = node.connections
    dead.wedged = true
    clock.setTimeout(() => dead.end('reset'), 4.2 * RTT)
    // Given up after four times 1.1 RTT, not after the 10 s of libp2p; then dial, stream and request.
    const elapsed = await roundTrips(clock, () => network.request(peer, PROTOCOL, hello))
    t.true(elapsed > 4.4 + 5 && elapsed < 4.8 + 5, String(elapsed))
  })
})
