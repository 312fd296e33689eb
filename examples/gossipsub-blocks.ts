/**
 * How fast does a block reach everybody? Unmodified js-libp2p nodes with @libp2p/gossipsub, spread over the world as
 * libp2p's gossipsub-interop has it: eight regions, a fifth of the peers at 1024 Mbit/s and the others at 50. Every 12 s a
 * peer drawn at random publishes 96 KiB, as Ethereum does with blocks.
 *
 * node examples/gossipsub-blocks.ts [peers] [messages]     TWINWIRE_SEED=2 node examples/gossipsub-blocks.ts 100
 *
 * What to expect. No delivery can be earlier than the shortest way over the connections there are, each hop the one-way
 * delay (2 to 220 ms) and the time that 96 KiB take at 1024 Mbit/s (0.8 ms): the last row. But a connection that was idle
 * since the block before begins in slow start (RFC 5681 4.1), and 96 KiB are 68 segments, which go in flights of 10, 20
 * and 38: five times the one-way delay a hop, and 16 ms at 50 Mbit/s, the row above it. What is measured comes on top of
 * that, for a peer's link is shared by up to 11 copies, and only connections of the mesh carry blocks. Of copies: a mesh of
 * degree 8 has 4 edges a peer, each carries one copy, or two that cross each other; the first to arrive is the delivery,
 * which leaves 3 to 7 duplicates a peer. IDONTWANT, sent when a block has arrived, saves some of those that would cross.
 *
 * Seed 1 printed, in 58 s on 2 quiet cores (`/usr/bin/time -v`; 3:18 min on busy ones; RAM 0.9 GB):
 *
 * 300 peers, 5 messages of 96 KiB, seed 1
 * delivered: 1495 of 1495, 0 of them again
 * duplicates: 4.68 a peer and message
 * sent: 581.8 KiB a peer and message, 0 packets dropped
 * ms from publishing to delivery              p50    p90    p99    max
 * measured                                    727   1124   1461   1698
 * if TCP began each hop in slow start         617    768   1129   1507
 * at least: the shortest way                  116    146    214    294
 *
 * That is a copy of 96 KiB 5.68 times, 545 KiB, and 7% for headers, acknowledgements and gossip. 1,000 peers are carried,
 * too: `1000 3` takes 5:41 min (14:25 on busy cores) and 2.3 to 2.7 GB; `100 3` takes 24 s of a processor's time. Of that
 * libp2p's packages take 39%, collecting garbage 19%, the simulator 16%, Node's own code 15% (`node --cpu-prof`).
 */
// First: from here on this process lives in virtual time. An application imports from 'twinwire/libp2p'.
import { simulatedNetwork, simulatedTcp } from '../src/libp2p/index.ts'
import { createHash } from 'node:crypto'
import { yamux } from '@chainsafe/libp2p-yamux'
import { gossipsub, StrictNoSign } from '@libp2p/gossipsub'
import type { Message } from '@libp2p/gossipsub'
import { identify } from '@libp2p/identify'
import { createLibp2p } from 'libp2p'
import { argument, quantiles, sleep } from './command-line.ts'

const TOPIC = 'blocks'
const MESSAGE_BYTES = 96 * 1024
const INTERVAL_MS = 12_000
/** Each peer dials so many others, and is dialled by as many in the mean. */
const DIALS = 8
/** From the last dial to the first message: connections are identified, subscriptions exchanged, meshes grafted. */
const WARM_UP_MS = 20_000

/** Of the topology's two kinds of hosts. */
const FASTEST_BITS_PER_MS = 1024e3
const SLOWEST_BITS_PER_MS = 50e3
/** 96 KiB are 68 segments: 10, 20 and 38 of them, and two acknowledgements between, are five times the one-way delay. */
const SLOW_START_FLIGHTS = 5

const count = argument(0, 'peers', { least: 2, most: 2000, default: 300 })
const messages = argument(1, 'messages', { least: 1, most: 100, default: 5 })
const names = Array.from({ length: count }, (_, index) => `host-${index + 1}`)
const network = simulatedNetwork({ hosts: names.map(name => ({ name })), topology: { kind: 'regions' } })

/** A copy of a message that a peer got, the first one or another. */
let copies = 0
const peers = await Promise.all(names.map(async name => await createPeer(name)))
const oneWayMs = await connectRandomly()
await sleep(WARM_UP_MS)

/** Of each peer's first delivery of each message, ms after it was published. */
const delivered: number[] = []
let repeated = 0
const bounds: number[] = []
const slowStarts: number[] = []
const meter = network.meter()
for (let message = 0; message < messages; message++) {
  await publish(message, Math.floor(Math.random() * count))
}
report()
await Promise.all(peers.map(async peer => await peer.stop()))

async function createPeer (name: string) {
  const peer = await createLibp2p({
    // It has Node's version otherwise, on which sizes should not depend.
    nodeInfo: { userAgent: 'example' },
    addresses: { listen: network.addresses(name) },
    // Neither Noise nor the negotiation of yamux: they take most of the processor's time, and messages come later.
    transports: [simulatedTcp({ host: network.host(name), handshake: 'skipped' })],
    streamMuxers: [yamux()],
    // Its pings, every 10 s on each connection, are no part of the question.
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      // As Ethereum's consensus layer: https://github.com/ethereum/consensus-specs/blob/dev/specs/phase0/p2p-interface.md
      pubsub: gossipsub({
        D: 8,
        Dlo: 6,
        Dhi: 12,
        heartbeatInterval: 700,
        floodPublish: false,
        fallbackToFloodsub: false,
        globalSignaturePolicy: StrictNoSign,
        msgIdFn: ({ data }) => {
          copies++
          return createHash('sha256').update(data).digest().subarray(0, 20)
        }
      })
    }
  })
  peer.services.pubsub.subscribe(TOPIC)
  return peer
}

/** A graph in which every peer has at least `DIALS` neighbours. Gives for each peer how far away its neighbours are. */
async function connectRandomly (): Promise<ReadonlyArray<ReadonlyMap<number, number>>> {
  const neighbours = peers.map(() => new Map<number, number>())
  await Promise.all(peers.map(async (peer, from) => {
    const dialled = new Set<number>()
    while (dialled.size < Math.min(DIALS, count - 1)) {
      const to = Math.floor(Math.random() * count)
      if (to !== from && !dialled.has(to)) {
        dialled.add(to)
        const startMs = performance.now()
        await peer.dial(peers[to].getMultiaddrs())
        // A dial without handshakes is TCP's, one round trip; to whom there is a connection, none.
        const delayMs = Math.max((performance.now() - startMs) / 2, neighbours[from].get(to) ?? 0)
        neighbours[from].set(to, delayMs)
        neighbours[to].set(from, delayMs)
      }
    }
  }))
  return neighbours
}

async function publish (number: number, publisher: number): Promise<void> {
  const data = new Uint8Array(MESSAGE_BYTES)
  data[0] = number
  bounds.push(...shortestMs(publisher, delayMs => delayMs + MESSAGE_BYTES * 8 / FASTEST_BITS_PER_MS))
  slowStarts.push(...shortestMs(publisher, delayMs => SLOW_START_FLIGHTS * delayMs + MESSAGE_BYTES * 8 / SLOWEST_BITS_PER_MS))
  const startMs = performance.now()
  const reached = new Set<Peer>()
  const listeners = peers.map(peer => ({
    peer,
    listener: (event: CustomEvent<Message>) => {
      if (event.detail.data[0] !== number || reached.has(peer)) {
        repeated++
      } else {
        reached.add(peer)
        delivered.push(performance.now() - startMs)
      }
    }
  }))
  listeners.forEach(({ peer, listener }) => peer.services.pubsub.addEventListener('message', listener))
  await peers[publisher].services.pubsub.publish(TOPIC, data)
  await sleep(INTERVAL_MS)
  listeners.forEach(({ peer, listener }) => peer.services.pubsub.removeEventListener('message', listener))
}

/** How long it takes to everybody else over the shortest ways (Dijkstra), where a hop takes what `hopMs` makes of its delay. */
function shortestMs (from: number, hopMs: (oneWayMs: number) => number): number[] {
  const reachedMs = peers.map((_, peer) => peer === from ? 0 : Infinity)
  const open = new Set(peers.keys())
  while (open.size > 0) {
    const next = [...open].reduce((a, b) => reachedMs[b] < reachedMs[a] ? b : a)
    open.delete(next)
    oneWayMs[next].forEach((delayMs, to) => { reachedMs[to] = Math.min(reachedMs[to], reachedMs[next] + hopMs(delayMs)) })
  }
  return reachedMs.filter((_, peer) => peer !== from)
}

function report (): void {
  const deliveries = messages * (count - 1)
  // Publishing a message asks for its id, too.
  const duplicates = copies - messages - delivered.length
  console.log(`${count} peers, ${messages} messages of ${MESSAGE_BYTES / 1024} KiB, seed ${process.env['TWINWIRE_SEED'] ?? '1'}`)
  console.log(`delivered: ${delivered.length} of ${deliveries}, ${repeated} of them again`)
  console.log(`duplicates: ${(duplicates / deliveries).toFixed(2)} a peer and message`)
  console.log(`sent: ${(meter.sentBytes / deliveries / 1024).toFixed(1)} KiB a peer and message, ${meter.droppedPackets} packets dropped`)
  console.log(`${'ms from publishing to delivery'.padEnd(40)}    p50    p90    p99    max`)
  row('measured', delivered)
  row('if TCP began each hop in slow start', slowStarts)
  row('at least: the shortest way', bounds)
}

function row (title: string, values: readonly number[]): void {
  console.log(`${title.padEnd(40)}${quantiles(values, [0.5, 0.9, 0.99, 1], 7)}`)
}

type Peer = typeof peers[number]
