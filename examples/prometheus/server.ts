/**
 * What a dashboard shows of an optimised network: two ordinary js-libp2p nodes in one process, of which the client makes
 * requests for as long as it runs. Served at http://127.0.0.1:9464, or the port given:
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
import { prometheusMetrics } from '@libp2p/prometheus-metrics'
import { tcp } from '@libp2p/tcp'
import { createLibp2p } from 'libp2p'
import type { Libp2pOptions } from 'libp2p'
import { register } from 'prom-client'
// An application imports these from 'twinwire'.
import { createNetworkHistograms, createOptimizedNetwork, LabelCounts, networkFamilies, OPEN_METRICS_CONTENT_TYPE, openMetricsText, registerMetrics, serveRequests } from '../../src/optim/index.ts'
import { argument, sleep } from '../command-line.ts'

const PROTOCOL = '/example/echo/1.0.0'
const LARGEST_REQUEST_BYTES = 16 * 1024
/** Most answers take a few milliseconds; one in fifty takes long enough to be hedged, and a few outlast the deadline. */
const MEAN_WORK_MS = 5
const SLOW_WORK_MS = 200
const SLOW_SHARE = 0.02
const DEADLINE_MS = 500
const REQUESTS_PER_SECOND = 20

const port = argument(0, 'port', { least: 0, most: 65_535, default: 9464 })

const server = await createNode()
await server.handle(PROTOCOL, async stream => {
  await serveRequests(stream, async request => {
    await sleep(exponential(Math.random() < SLOW_SHARE ? SLOW_WORK_MS : MEAN_WORK_MS))
    return request
  })
})

// Its metrics are the process's: one of two nodes in a process has them.
const client = await createNode({ metrics: prometheusMetrics() })
await client.peerStore.merge(server.peerId, { multiaddrs: server.getMultiaddrs() })
const network = createOptimizedNetwork(client)
const histograms = createNetworkHistograms({ batching: false })
const failed = new LabelCounts()
const families = networkFamilies(() => {
  const { requests, answered, pool, timeouts } = network.metrics
  return { requests: { requests, answered, failed }, ...pool && { pool }, ...timeouts && { timeouts }, histograms }
})
const registration = registerMetrics(client.metrics!, families)

const stopping = new AbortController()
process.once('SIGINT', () => stopping.abort())
const http = createServer((request, response) => {
  const respond = (type: string, text: string): void => void response.writeHead(200, { 'content-type': type }).end(text)
  if (request.url === '/metrics') {
    register.metrics().then(text => respond(register.contentType, text), error => response.writeHead(500).end(String(error)))
  } else if (request.url === '/openmetrics') {
    respond(OPEN_METRICS_CONTENT_TYPE, openMetricsText(families))
  } else {
    response.writeHead(404).end('There are /metrics and /openmetrics.\n')
  }
})
await listening(http)
console.log(`serving http://127.0.0.1:${(http.address() as AddressInfo).port}/metrics`)

const requests = new Set<Promise<void>>()
while (!stopping.signal.aborted) {
  const request = ask().finally(() => requests.delete(request))
  requests.add(request)
  await sleep(exponential(1e3 / REQUESTS_PER_SECOND))
}

console.log('stopping')
http.close()
http.closeAllConnections()
registration.stop()
await network.stop()
await Promise.all(requests)
await Promise.all([client.stop(), server.stop()])

async function ask (): Promise<void> {
  const startMs = performance.now()
  const payload = new Uint8Array(Math.ceil(Math.random() * LARGEST_REQUEST_BYTES))
  try {
    await network.request(server.peerId, PROTOCOL, payload, { idempotent: true, deadlineMs: DEADLINE_MS })
    histograms.requestSeconds.observe((performance.now() - startMs) / 1e3)
  } catch (error) {
    failed.add((error as { code?: string }).code ?? (error as Error).name)
  }
}

async function createNode (options: Libp2pOptions = {}) {
  return await createLibp2p({
    addresses: { listen: ['/ip4/127.0.0.1/tcp/0'] },
    transports: [tcp()],
    connectionEncrypters: [noise()],
    streamMuxers: [yamux()],
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
