/**
 * What a dashboard shows of an optimised network: two ordinary js-libp2p nodes in one process, of which the client sends
 * requests and messages of all classes for as long as it runs. Served at http://127.0.0.1:9464, or the port given:
 *
 * - /metrics: what @libp2p/prometheus-metrics exports, libp2p's own metrics and the network's;
 * - /openmetrics: the network's alone, as OpenMetrics text, for applications that do without Prometheus' client.
 *
 * node examples/prometheus/server.ts [port]     0: a free one. Ctrl-C ends it.
 */
import { createServer } from 'node:http'
import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { noise } from '@chainsafe/libp2p-noise'
import { yamux } from '@chainsafe/libp2p-yamux'
import { identify } from '@libp2p/identify'
import { ping } from '@libp2p/ping'
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { Libp2pOptions } from 'libp2p'
import { register } from 'prom-client'
// An application imports these from 'twinwire'.
import { createOptimizedNetwork, OPEN_METRICS_CONTENT_TYPE } from '../../src/optim/index.ts'
import { argument, sleep } from '../command-line.ts'

const QUESTIONS = '/example/questions/1.0.0'
const NEWS = '/example/news/1.0.0'
const LARGEST_QUESTION_BYTES = 16 * 1024
const BACKUP_BYTES = 512 * 1024
/** Most answers take a few milliseconds; one in fifty takes long enough to be hedged, and a few outlast the deadline. */
const MEAN_WORK_MS = 5
const SLOW_WORK_MS = 200
const SLOW_SHARE = 0.02
const DEADLINE_MS = 500
/** Of each kind of traffic. */
const QUESTIONS_PER_SECOND = 20
const NEWS_PER_SECOND = 50
const BACKUPS_PER_SECOND = 1

const port = argument(0, 'port', { least: 0, most: 65_535, default: 9464 })

const server = await createNode()
const serving = createOptimizedNetwork(server)
await serving.handle(QUESTIONS, async question => {
  await sleep(exponential(Math.random() < SLOW_SHARE ? SLOW_WORK_MS : MEAN_WORK_MS))
  return question
})
await serving.handle(NEWS, () => {})

// Its metrics are the process's: one of two nodes in a process has them.
const client = await createNode({ metrics: prometheusMetrics() })
await client.peerStore.merge(server.peerId, { multiaddrs: server.getMultiaddrs() })
// Registers its metrics with the node's.
const network = createOptimizedNetwork(client)

const stopping = new AbortController()
process.once('SIGINT', () => stopping.abort())
const http = createServer((request, response) => {
  const respond = (type: string, text: string): void => void response.writeHead(200, { 'content-type': type }).end(text)
  if (request.url === '/metrics') {
    register.metrics().then(text => respond(register.contentType, text), error => response.writeHead(500).end(String(error)))
  } else if (request.url === '/openmetrics') {
    respond(OPEN_METRICS_CONTENT_TYPE, network.openMetrics())
  } else {
    response.writeHead(404).end('There are /metrics and /openmetrics.\n')
  }
})
await listening(http)
console.log(`serving http://127.0.0.1:${(http.address() as AddressInfo).port}/metrics`)

await Promise.all([
  // Somebody waits for these: they are urgent.
  repeated(QUESTIONS_PER_SECOND, async () => {
    const question = crypto.getRandomValues(new Uint8Array(Math.ceil(Math.random() * LARGEST_QUESTION_BYTES)))
    await network.request(server.peerId, QUESTIONS, question, { class: 'urgent', idempotent: true, deadlineMs: DEADLINE_MS })
  }),
  repeated(NEWS_PER_SECOND, async () => await network.send(server.peerId, NEWS, news(), { idempotent: true })),
  // So large that it is bulk without being told.
  repeated(BACKUPS_PER_SECOND, async () => await network.send(server.peerId, NEWS, new Uint8Array(BACKUP_BYTES)))
])

console.log('stopping')
http.close()
http.closeAllConnections()
await Promise.all([network.stop(), serving.stop()])
await Promise.all([client.stop(), server.stop()])

/** At random times, so often in the mean, whether or not the last has ended; ends with the last. */
async function repeated (perSecond: number, action: () => Promise<unknown>): Promise<void> {
  const running = new Set<Promise<unknown>>()
  while (!stopping.signal.aborted) {
    // What fails is counted by the network.
    const run = action().catch(() => {}).finally(() => running.delete(run))
    running.add(run)
    await sleep(exponential(1e3 / perSecond))
  }
  await Promise.all(running)
}

/** Text, which compresses. */
function news (): Uint8Array {
  return new TextEncoder().encode(JSON.stringify({ time: new Date().toISOString(), kind: 'price', pair: 'EUR/USD', bid: 1 + Math.random(), ask: 1 + Math.random() }))
}

async function createNode (options: Libp2pOptions = {}) {
  return await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
    services: { identify: identify(), ping: ping() },
    // The network watches over connections itself: one prober is enough.
    connectionMonitor: { enabled: false },
    ...options
  })
}

async function listening (http: Server): Promise<void> {
  await new Promise<void>((resolve, reject) => {
    http.once('error', reject)
    http.listen(port, '127.0.0.1', resolve)
  })
}

function exponential (mean: number): number {
  return -mean * Math.log(1 - Math.random())
}
