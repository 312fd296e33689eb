/**
 * How many hops and how long does a lookup in a Kademlia DHT take? Unmodified js-libp2p nodes with @libp2p/kad-dht join
 * one after the other, spread over the world as libp2p's gossipsub-interop has it (eight regions), and then look up peers,
 * keys and providers.
 *
 * node examples/kad-dht-lookups.ts [peers] [lookups]     TWINWIRE_SEED=2 node examples/kad-dht-lookups.ts 50
 *
 * What to expect. Each answer names the k peers closest to the key of whom its sender knows, so that a hop comes closer by
 * log2(k) bits or so: log2(200) / log2(8) = 2.5 hops, and no more than one a bit, 7.6. A hop to a peer that one is connected
 * with takes 2 round trips (stream, request), to another one 5 (TCP, multistream-select and Noise before). A round trip is
 * 4 ms within Europe, where half of the peers are, 140 ms to the east of North America, 440 ms from Australia to South
 * Africa. The k nearest in one's table are asked at once, and the first who knows ends a search, often one next door.
 * To be sure of the k closest, all of them must have answered, the furthest too: 2 hops of 5 round trips of 140 ms are 1.4 s.
 *
 * The default printed with seed 1, in 87 and 86 s of two runs on 2 quiet cores (`/usr/bin/time -v`; RAM 1.3 GB):
 *
 * 200 peers, k = 8, 25.0 connections a peer, 25 lookups of each kind, seed 1
 *                    found          hops         answers                    ms
 *                              p50 p90 p99    p50 p90 p99       p50    p90    p99
 * find a peer        25/25      1   2   3      2   9  11        30    441   2102
 * closest peers      25/25      2   3   4     29  55  77      1582   2313   3018
 * provide            25/25      2   2   3     28  46  78      1990   3866   4724
 * find a provider    25/25      2   3   3      5  13  15        52   1117   1722
 *
 * The processor's time goes to who is heard of: a peer dials and pings everybody before its routing table takes them in.
 */
// First: from here on this process lives in virtual time. An application imports from 'twinwire/libp2p'.
import { nullCipher, simulatedNetwork, simulatedTcp } from '../src/libp2p/index.ts'
import { createHash } from 'node:crypto'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import type { PeerId } from '@libp2p/interface'
import { kadDHT, passthroughMapper } from '@libp2p/kad-dht'
import type { QueryEvent } from '@libp2p/kad-dht'
import { peerIdFromMultihash } from '@libp2p/peer-id'
import { ping } from '@libp2p/ping'
import { createLibp2p } from 'libp2p'
import { argument, quantiles, sleep } from './command-line.ts'

/** Of a bucket, of an answer and of who is told of a provider. Not the default 20, with which a peer soon knows most of 200 others. */
const K = 8
/** The first peers, known to all who come later. */
const BOOTSTRAPPERS = 3
const JOIN_INTERVAL_MS = 100
/** From the last to join to the first lookup. */
const WARM_UP_MS = 30_000
/** Between lookups: all are over before the tables' first refresh, 5 min after the start, which costs more than they do. */
const PAUSE_MS = 500
const QUANTILES = [0.5, 0.9, 0.99]

const count = argument(0, 'peers', { least: 10, most: 1000, default: 200 })
const lookups = argument(1, 'lookups', { least: 1, most: 1000, default: 25 })
const names = Array.from({ length: count }, (_, index) => `host-${index + 1}`)
const network = simulatedNetwork({ hosts: names.map(name => ({ name })), topology: { kind: 'regions' } })

const peers = await Promise.all(names.map(async name => await createPeer(name)))
for (const [index, peer] of peers.entries()) {
  if (index > 0) {
    await peer.dial(peers[index % Math.min(index, BOOTSTRAPPERS)].getMultiaddrs())
    await sleep(JOIN_INTERVAL_MS)
  }
}
await sleep(WARM_UP_MS)
const meanConnections = peers.reduce((sum, peer) => sum + peer.getConnections().length, 0) / count
console.log(`${count} peers, k = ${K}, ${meanConnections.toFixed(1)} connections a peer, ${lookups} lookups of each kind, seed ${process.env['TWINWIRE_SEED'] ?? '1'}`)
console.log(`${''.padEnd(16)}   found          hops         answers                    ms`)
console.log(`${''.padEnd(16)}            ${' p50 p90 p99   '.repeat(2)}    p50    p90    p99`)

await measure('find a peer', async () => {
  const [from, target] = twoPeers()
  return await follow(from, from.services.dht.findPeer(target.peerId, { useCache: false }), event => event.name === 'FINAL_PEER')
})
await measure('closest peers', async () => {
  const [from] = twoPeers()
  const key = randomId().toMultihash().bytes
  const closest = closestTo(key, from)
  return await follow(from, from.services.dht.getClosestPeers(key), (_, answered) => closest.every(id => answered.has(id)))
})
const provided: Array<{ readonly id: PeerId, readonly provider: Peer }> = []
await measure('provide', async () => {
  const [provider] = twoPeers()
  const id = randomId()
  provided.push({ id, provider })
  let told = 0
  return await follow(provider, provider.services.dht.provide(id.toCID()), event => event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER' && ++told === K)
})
await measure('find a provider', async number => {
  const { id, provider } = provided[number]
  const [a, b] = twoPeers()
  const from = a === provider ? b : a
  return await follow(from, from.services.dht.findProviders(id.toCID()), event => event.name === 'PROVIDER' && event.providers.some(({ id }) => id.equals(provider.peerId)))
})
await Promise.all(peers.map(async peer => await peer.stop()))

interface Lookup {
  readonly found: boolean
  readonly ms: number
  readonly hops: number
  /** From how many peers. */
  readonly answers: number
}

/** Follows a lookup by its events until `isFound` says so of one, or to its end. */
async function follow (from: Peer, events: AsyncIterable<QueryEvent>, isFound: (event: QueryEvent, answered: ReadonlySet<string>) => boolean): Promise<Lookup> {
  const startMs = performance.now()
  const answered = new Set<string>()
  // Whom one asks at the beginning is one hop away, and whom they name, two. (Nothing takes time but the network.)
  const hops = new Map([[from.peerId.toString(), 0]])
  try {
    for await (const event of events) {
      if (event.name === 'DIAL_PEER' && performance.now() === startMs) {
        hops.set(event.peer.toString(), 1)
      }
      if (!('from' in event)) {
        continue
      }
      const peer = event.from.toString()
      const distance = hops.get(peer) ?? 0
      if (event.name === 'PEER_RESPONSE') {
        answered.add(peer)
        event.closer.map(({ id }) => id.toString()).filter(id => !hops.has(id)).forEach(id => hops.set(id, distance + 1))
      }
      if (isFound(event, answered)) {
        return { found: true, ms: performance.now() - startMs, hops: distance, answers: answered.size }
      }
    }
  } catch (error) {
    // How a lookup ends that finds nobody.
    if ((error as Error).name !== 'NotFoundError') {
      throw error
    }
  }
  return { found: false, ms: performance.now() - startMs, hops: NaN, answers: answered.size }
}

async function measure (title: string, lookUp: (number: number) => Promise<Lookup>): Promise<void> {
  const results: Lookup[] = []
  for (let number = 0; number < lookups; number++) {
    results.push(await lookUp(number))
    await sleep(PAUSE_MS)
  }
  const found = results.filter(({ found }) => found)
  const columns = [
    quantiles(found.map(({ hops }) => hops), QUANTILES, 4),
    quantiles(found.map(({ answers }) => answers), QUANTILES, 4),
    quantiles(found.map(({ ms }) => ms), QUANTILES, 7)
  ]
  console.log(`${title.padEnd(16)}${`${found.length}/${lookups}`.padStart(8)}   ${columns.join('   ')}`)
}

async function createPeer (name: string) {
  return await createLibp2p({
    // It has Node's version otherwise, on which sizes should not depend.
    nodeInfo: { userAgent: 'example' },
    addresses: { listen: network.addresses(name) },
    transports: [simulatedTcp({ host: network.host(name) })],
    // The same messages and round trips as with Noise's own cryptography, at half the cost.
    connectionEncrypters: [noise({ crypto: nullCipher })],
    streamMuxers: [yamux()],
    // Its pings, every 10 s on each connection, are no part of the question.
    connectionMonitor: { enabled: false },
    services: {
      identify: identify(),
      ping: ping(),
      // Hosts of a simulated network have private addresses (10.x.y.z), which a DHT of the Internet ignores.
      dht: kadDHT({ protocol: '/example/kad/1.0.0', clientMode: false, peerInfoMapper: passthroughMapper, kBucketSize: K })
    }
  })
}

/** Different ones, drawn at random. */
function twoPeers (): [Peer, Peer] {
  const a = Math.floor(Math.random() * count)
  const b = (a + 1 + Math.floor(Math.random() * (count - 1))) % count
  return [peers[a], peers[b]]
}

/** Of nobody, and with the kind of hash that the DHT stores providers of. */
function randomId (): PeerId {
  const digest = crypto.getRandomValues(new Uint8Array(32))
  return peerIdFromMultihash({ code: 0x12, size: digest.length, digest, bytes: Uint8Array.of(0x12, digest.length, ...digest) })
}

/** Who the `K` peers truly closest to a key are, apart from who asks. */
function closestTo (key: Uint8Array, asking: Peer): string[] {
  const target = sha256(key)
  return peers.filter(peer => peer !== asking)
    .map(({ peerId }) => ({ id: peerId.toString(), distance: sha256(peerId.toMultihash().bytes).map((byte, index) => byte ^ target[index]) }))
    .sort((a, b) => Buffer.compare(a.distance, b.distance))
    .slice(0, K)
    .map(({ id }) => id)
}

function sha256 (bytes: Uint8Array): Buffer {
  return createHash('sha256').update(bytes).digest()
}

type Peer = Awaited<ReturnType<typeof createPeer>>
