import { gossipsub } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { tcp } from '@libp2p/tcp'
import test from 'ava'
import { createLibp2p } from 'libp2p'
import { systemClock } from '../../src/core/clock.ts'
import { MemoryRecorder } from '../../src/core/recorder.ts'
import { randomStream } from '../../src/core/random.ts'
import { BandwidthManager } from '../../src/optim/bandwidth/bandwidth-manager.ts'
import { Deadlines } from '../../src/optim/deadlines.ts'
import type { Stream } from '@libp2p/interface'
import type { BandwidthEvent, BandwidthOptions } from '../../src/optim/bandwidth/bandwidth-manager.ts'

// Time is real here, and no bound on it is tested: what is claimed is that protocols work, and that all bytes arrive.

const ECHO = '/test/echo/1.0.0'

async function createNode () {
  return await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping(), pubsub: gossipsub({ allowPublishToZeroTopicPeers: false }) }
  })
}

type Node = Awaited<ReturnType<typeof createNode>>

interface End {
  readonly manager: BandwidthManager
  readonly deadlines: Deadlines
  readonly recorder: MemoryRecorder<BandwidthEvent>
}

function endOf (options: BandwidthOptions): End {
  const deadlines = new Deadlines(systemClock)
  const recorder = new MemoryRecorder<BandwidthEvent>()
  return { manager: new BandwidthManager({ clock: systemClock, deadlines, random: randomStream(1), host: 'test', recorder }, options), deadlines, recorder }
}

/** Two nodes, each with a manager of its own whose middleware the given protocols use at both ends. */
async function withNodes (protocols: (node: Node) => string[], options: BandwidthOptions, body: (a: Node, b: Node, ends: readonly [End, End]) => Promise<void>): Promise<number> {
  const nodes = [await createNode(), await createNode()] as const
  const ends = [endOf(options), endOf(options)] as const
  nodes.forEach((node, i) => {
    for (const protocol of protocols(node)) {
      node.use(protocol, ends[i].manager.middleware({ class: 'normal' }))
    }
  })
  try {
    await body(nodes[0], nodes[1], ends)
  } finally {
    await Promise.all(nodes.map(async node => await node.stop()))
    for (const { manager } of ends) {
      manager.stop()
    }
  }
  return ends[0].deadlines.size + ends[1].deadlines.size
}

async function readAll (stream: AsyncIterable<{ subarray(): Uint8Array }>): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  for await (const chunk of stream) {
    chunks.push(chunk.subarray())
  }
  return Buffer.concat(chunks)
}

/** Sends all back as it comes, with no regard for back-pressure but libp2p's own. */
async function echo (stream: Stream): Promise<void> {
  for await (const chunk of stream) {
    if (!stream.send(chunk)) {
      await stream.onDrain()
    }
  }
  await stream.close()
}

test('ping works over the middleware, from both ends and again and again', async t => {
  const left = await withNodes(() => ['/ipfs/ping/1.0.0'], {}, async (a, b, [{ manager }]) => {
    await a.dial(b.getMultiaddrs())
    for (let i = 0; i < 5; i++) {
      t.true(await a.services.ping.ping(b.peerId) >= 0)
      t.true(await b.services.ping.ping(a.peerId) >= 0)
    }
    const now = systemClock.now()
    // 32 bytes a ping and 30 of overhead, five asked and five answered.
    t.is(manager.meter.byProtocol(now, 'upload').get('/ipfs/ping/1.0.0')?.bytes, 10 * 62)
    t.is(manager.meter.byProtocol(now, 'download').get('/ipfs/ping/1.0.0')?.bytes, 10 * 32)
  })
  t.is(left, 0)
})

for (const [name, options, bytes] of [['unlimited', { uploadBitsPerSecond: Infinity, downloadBitsPerSecond: Infinity }, 3_000_000], ['upload 80 Mbit/s', {}, 3_000_000], ['download 2 Mbit/s, less than what comes', { downloadBitsPerSecond: 2e6 }, 400_000]] as const) {
  test(`an echo by async iteration returns ${bytes / 1e3} KB intact and ends, both ends shaped: ${name}`, async t => {
    const payload = Uint8Array.from({ length: bytes }, (_, i) => i * 7 + (i >> 8))
    const left = await withNodes(() => [ECHO], options, async (a, b, [, { manager, recorder }]) => {
      await b.handle(ECHO, echo)
      await a.dial(b.getMultiaddrs())
      for (let i = 0; i < 2; i++) {
        const stream = await a.dialProtocol(b.peerId, ECHO)
        const answer = readAll(stream)
        for (let offset = 0; offset < payload.length; offset += 50_000) {
          if (!stream.send(payload.subarray(offset, offset + 50_000))) {
            await stream.onDrain()
          }
        }
        await stream.close()
        t.is(Buffer.compare(await answer, payload), 0)
        t.is(manager.metrics.download.normal.bytes, (i + 1) * bytes)
      }
      if (name.startsWith('download')) {
        t.true(recorder.events.some(event => event.type === 'bandwidth:saturated' && event.direction === 'download'))
      }
    })
    t.is(left, 0)
  })
}

test('a node that serves and asks by the same protocol runs each handler once for each stream, and never on its own', async t => {
  const served: string[] = []
  await withNodes(() => [ECHO], {}, async (a, b) => {
    for (const node of [a, b]) {
      await node.handle(ECHO, async stream => {
        served.push(`${node === a ? 'a' : 'b'} ${stream.direction}`)
        await echo(stream)
      })
    }
    await a.dial(b.getMultiaddrs())
    for (const [from, to] of [[a, b], [b, a], [a, b], [b, a]]) {
      const stream = await from.dialProtocol(to.peerId, ECHO)
      stream.send(new Uint8Array([1, 2, 3]))
      await stream.close()
      t.deepEqual([...await readAll(stream)], [1, 2, 3])
    }
  })
  t.deepEqual(served, ['b inbound', 'a inbound', 'b inbound', 'a inbound'])
})

test('gossipsub publishes and receives over the middleware', async t => {
  await withNodes(node => node.services.pubsub.protocols, {}, async (a, b, [{ manager }]) => {
    const topic = 'news'
    const received = new Promise<Uint8Array>(resolve => {
      b.services.pubsub.addEventListener('gossipsub:message', ({ detail }) => resolve(detail.msg.data))
    })
    a.services.pubsub.subscribe(topic)
    b.services.pubsub.subscribe(topic)
    const subscribed = new Promise<void>(resolve => {
      a.services.pubsub.addEventListener('subscription-change', () => resolve())
    })
    await a.dial(b.getMultiaddrs())
    await subscribed
    const data = new Uint8Array(10_000).fill(7)
    while ((await a.services.pubsub.publish(topic, data).catch(() => ({ recipients: [] }))).recipients.length === 0) {
      await new Promise<void>(resolve => { systemClock.setTimeout(resolve, 20) })
    }
    t.deepEqual(await received, data)
    t.true([...manager.meter.byProtocol(systemClock.now(), 'upload').values()].some(({ bytes }) => bytes > 10_000))
  })
})
