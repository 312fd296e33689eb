import { setTimeout as wait } from 'node:timers/promises'
import { systemClock } from '../../src/core/clock.ts'
import { randomStream } from '../../src/core/random.ts'
import { BandwidthManager } from '../../src/optim/bandwidth/bandwidth-manager.ts'
import { Deadlines } from '../../src/optim/deadlines.ts'
import { NetworkHealth } from '../../src/optim/health/network-health.ts'
import { AdaptiveTimeouts } from '../../src/optim/timeouts/adaptive-timeouts.ts'
import { createOptimizedNetwork, RequestStream } from '../../src/optim/index.ts'
import { Server } from './child.ts'
import { createNode, ECHO } from './nodes.ts'
import { report } from './report.ts'
import type { Connection } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import type { Multiaddr } from '@multiformats/multiaddr'
import type { Clock } from '../../src/core/clock.ts'

// Many peers and no traffic: what all modules with their defaults cost while nothing is asked of them.

const NAME = 'modules/idle'
const PEERS = [20, 100]
const QUIET_MS = 10_000
const SETTLE_MS = 1_000
const REPETITIONS = 5
const TIMERS_TARGET = { at: 'most', value: 1 } as const
const PEER_TARGET = { at: 'most', value: 1024 } as const

const payload = new Uint8Array(100)
/** By default the pool closes connections after 30 s without use, of which this takes more. */
const OPTIONS = { connectionPool: { idleTimeoutMs: 600_000 } }

/** What single modules know of a peer, without a network: many peers, and nothing of libp2p's in the difference. */
const KNOWN_PEERS = [200, 1_000]

/** Real time, and how often it called back. */
class CountingClock implements Clock {
  callbacks = 0
  now = (): number => systemClock.now()

  setTimeout (callback: () => void, delayMs: number): ReturnType<Clock['setTimeout']> {
    return systemClock.setTimeout(() => {
      this.callbacks++
      callback()
    }, delayMs)
  }
}

async function heapBytes (): Promise<number> {
  await wait(SETTLE_MS / 4)
  for (let i = 0; i < 4; i++) {
    globalThis.gc?.()
    await wait(10)
  }
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** What the modules hold of these connections' peers, all of which they have asked once: with them, less a kept stream each. */
async function heldBytes (node: Libp2p, connections: readonly Connection[]): Promise<number> {
  const held: number[] = []
  for (let i = 0; i < REPETITIONS; i++) {
    const network = createOptimizedNetwork(node, OPTIONS)
    for (const { remotePeer } of connections) {
      await network.request(remotePeer, ECHO, payload)
    }
    const withModules = await heapBytes()
    await network.stop()
    const kept: RequestStream[] = []
    for (const { remoteAddr } of new Map(connections.map(connection => [connection.remotePeer.toString(), connection])).values()) {
      // One that there is, or anew where the pool, or a machine too busy to answer, has closed it.
      const connection = await node.dial(remoteAddr)
      const stream = RequestStream.of(await connection.newStream(ECHO))
      await stream.request(payload)
      kept.push(stream)
    }
    const without = await heapBytes()
    await Promise.all(node.getConnections().map(async ({ streams }) => await Promise.all(streams.map(stream => stream.close()))))
    held.push(withModules - without)
  }
  // The first makes what is made once.
  return held.slice(1).toSorted((a, b) => a - b)[Math.floor((REPETITIONS - 1) / 2)]
}

async function dial (node: Libp2p, addresses: readonly Multiaddr[]): Promise<Connection[]> {
  const connections: Connection[] = []
  for (const address of addresses) {
    connections.push(await node.dial(address, { force: true }))
  }
  return connections
}

async function quiet (node: Libp2p, connections: readonly Connection[]): Promise<void> {
  const clock = new CountingClock()
  const network = createOptimizedNetwork(node, OPTIONS, { clock })
  for (const { remotePeer } of connections) {
    await network.request(remotePeer, ECHO, payload)
  }
  await wait(SETTLE_MS)
  const before = clock.callbacks
  const cpuBefore = process.cpuUsage()
  await wait(QUIET_MS)
  const { user, system } = process.cpuUsage(cpuBefore)
  report({ name: NAME, parameters: { peers: connections.length }, unit: 'timer callbacks/s', value: (clock.callbacks - before) / QUIET_MS * 1e3, target: TIMERS_TARGET })
  report({ name: NAME, parameters: { peers: connections.length }, unit: 'ms of CPU/s, libp2p\'s own included', value: (user + system) / QUIET_MS })
  await network.stop()
}

/** Of each module that can be told of peers that are not there: tells it of as many more. */
function knowing (): Record<string, (from: number, to: number) => Promise<void>> {
  const shared = { clock: systemClock, deadlines: new Deadlines(systemClock), host: 'bench', random: randomStream(NAME) }
  const timeouts = new AdaptiveTimeouts(shared)
  const bandwidth = new BandwidthManager(shared)
  const health = new NetworkHealth({ ...shared, actions: { probe: async () => 1, replace: async () => {} } })
  const each = (action: (peer: string) => unknown) => async (from: number, to: number): Promise<void> => {
    for (let i = from; i < to; i++) {
      await action(`12D3KooWPeerOfTheBenchNumber${i}`)
    }
  }
  return {
    timeouts: each(async peer => await timeouts.run({ peer: { toString: () => peer, equals: other => other === peer }, operation: ECHO, idempotent: false, deadlineMs: 30_000 }, async () => payload)),
    bandwidth: each(peer => {
      bandwidth.limiter?.tryAcquire(peer)?.release({ rttMs: 1, outcome: 'answered' })
      bandwidth.meter.count(systemClock.now(), 'upload', 'normal', peer, payload.length)
      bandwidth.meter.count(systemClock.now(), 'download', 'normal', peer, payload.length)
    }),
    health: each(peer => {
      const nowMs = systemClock.now()
      health.observe({ kind: 'connection', peer, connection: `connection of ${peer}`, nowMs, change: 'open' })
      health.observe({ kind: 'attempt', peer, connection: `connection of ${peer}`, outcome: 'answered', sentMs: nowMs, nowMs, reason: '' })
      health.observe({ kind: 'round-trip', peer, connection: `connection of ${peer}`, nowMs, rttMs: 1 })
    })
  }
}

for (const [module, know] of Object.entries(knowing())) {
  const [few, many] = KNOWN_PEERS
  await know(0, few)
  const before = await heapBytes()
  await know(few, many)
  const bytes = (await heapBytes() - before) / (many - few)
  report({ name: NAME, parameters: { module, peers: `${few} to ${many}` }, unit: 'bytes of heap a peer, without a network', value: bytes })
}
const server = await Server.start(Array.from({ length: Math.max(...PEERS) }, () => 'defaults'))
const node = await createNode('client')
const [few, many] = PEERS
const connections = await dial(node, server.addresses.slice(0, few))
const heldOfFew = await heldBytes(node, connections)
connections.push(...await dial(node, server.addresses.slice(few)))
const heldOfMany = await heldBytes(node, connections)
report({ name: NAME, parameters: { peers: `${few} to ${many}` }, unit: 'bytes of heap a peer', value: (heldOfMany - heldOfFew) / (many - few), target: PEER_TARGET })
await quiet(node, connections)
const doubled = await heldBytes(node, [...connections, ...await dial(node, server.addresses)])
report({ name: NAME, parameters: { peers: many, connections: `${many} to ${2 * many}` }, unit: 'bytes of heap a connection more', value: (doubled - heldOfMany) / many })
await server.stop()
process.exit()
