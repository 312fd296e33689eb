import { nullCipher, simulatedTcp } from '../../../src/libp2p/index.ts'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import type { Connection, Stream } from '@libp2p/interface'
import { ping } from '@libp2p/ping'
import type { Ping } from '@libp2p/ping'
import test from 'ava'
import { createLibp2p } from 'libp2p'
import type { Libp2p } from 'libp2p'

// What each operation of js-libp2p takes, in whole round trips: multiples are exact, for computing takes no virtual time.

const RTT_MS = 100
const ACCESS = { forward: { delayMs: RTT_MS / 4 } }
const ECHO = '/test/echo/1.0.0'

interface Configuration {
  readonly handshake?: 'real' | 'skipped'
  readonly noise?: Parameters<typeof noise>[0]
}

type Node = Libp2p<{ ping: Ping }>

async function createNode ({ handshake = 'real', noise: init = {} }: Configuration = {}): Promise<Node> {
  const node = await createLibp2p({
    addresses: { listen: ['/ip4/0.0.0.0/tcp/4001'] },
    transports: [simulatedTcp({ access: ACCESS, handshake })],
    connectionEncrypters: [noise(init)],
    streamMuxers: [yamux()],
    // Many dial one at once, and all are told of in a second of virtual time.
    connectionManager: { inboundConnectionThreshold: Infinity, maxIncomingPendingConnections: Infinity },
    services: { ping: ping() }
  })
  await node.handle(ECHO, stream => {
    stream.addEventListener('message', ({ data }) => stream.send(data))
  })
  return node
}

async function createPair (configuration?: Configuration): Promise<[Node, Node]> {
  return [await createNode(configuration), await createNode(configuration)]
}

/** How many round trips `action` takes. */
async function roundTrips<T> (action: () => Promise<T>): Promise<[number, T]> {
  const startMs = performance.now()
  const result = await action()
  return [(performance.now() - startMs) / RTT_MS, result]
}

async function echo (stream: Stream): Promise<void> {
  await new Promise<void>(resolve => {
    stream.addEventListener('message', () => resolve(), { once: true })
    stream.send(new Uint8Array(64))
  })
}

async function stop (...nodes: readonly Node[]): Promise<void> {
  await Promise.all(nodes.map(async node => await node.stop()))
}

test.serial('a dial takes 3 round trips, and the listener sees the connection half of one later', async t => {
  const [a, b] = await createPair()
  const seen = Promise.withResolvers<number>()
  b.addEventListener('connection:open', () => seen.resolve(performance.now()))
  const startMs = performance.now()
  t.deepEqual((await roundTrips(async () => await a.dial(b.getMultiaddrs())))[0], 3)
  t.is((await seen.promise - startMs) / RTT_MS, 3.5)
  await stop(a, b)
})

test.serial('a dial without early muxer negotiation takes 4 round trips', async t => {
  const [a, b] = await createPair({ noise: { extensions: { streamMuxers: [] } } as Configuration['noise'] & object })
  t.is((await roundTrips(async () => await a.dial(b.getMultiaddrs())))[0], 4)
  await stop(a, b)
})

test.serial('a dial whose handshake is skipped takes 1 round trip', async t => {
  const [a, b] = await createPair({ handshake: 'skipped' })
  const [took, connection] = await roundTrips(async () => await a.dial(b.getMultiaddrs()))
  t.is(took, 1)
  t.true(connection.remotePeer.equals(b.peerId))
  t.is((await roundTrips(async () => await connection.newStream(ECHO)))[0], 1)
  await stop(a, b)
})

test.serial('a new stream takes 1 round trip, with an echo 2, an echo on it 1, and ping 2', async t => {
  const [a, b] = await createPair()
  const connection = await a.dial(b.getMultiaddrs())
  t.is((await roundTrips(async () => await connection.newStream(ECHO)))[0], 1)
  const [both, stream] = await roundTrips(async () => {
    const opened = await connection.newStream(ECHO)
    await echo(opened)
    return opened
  })
  t.is(both, 2)
  t.is((await roundTrips(async () => await echo(stream)))[0], 1)
  const [whole, measuredMs] = await roundTrips(async () => await a.services.ping.ping(b.peerId))
  t.is(whole, 2)
  t.is(measuredMs, RTT_MS)
  await stop(a, b)
})

for (const nodes of [20, 100]) {
  test.serial(`with ${nodes} nodes that dial each other at once, dial, new stream and echo take 3, 1 and 1 round trips all the same`, async t => {
    const all: Node[] = []
    for (let i = 0; i < nodes; i++) {
      all.push(await createNode({ noise: { crypto: nullCipher } }))
    }
    const took = await Promise.all(all.flatMap((node, i) => [1, 2].map(async k => {
      const [dialled, connection] = await roundTrips<Connection>(async () => await node.dial(all[(i + k) % nodes].getMultiaddrs()))
      const [opened, stream] = await roundTrips(async () => await connection.newStream(ECHO))
      const [echoed] = await roundTrips(async () => await echo(stream))
      return `${dialled} ${opened} ${echoed}`
    })))
    t.deepEqual([...new Set(took)], ['3 1 1'])
    await stop(...all)
  })
}
