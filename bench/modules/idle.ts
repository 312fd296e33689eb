import { setTimeout as wait } from 'node:timers/promises'
import { systemClock } from '../../src/core/clock.ts'
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
    const network = createOptimizedNetwork(node)
    for (const { remotePeer } of connections) {
      await network.request(remotePeer, ECHO, payload)
    }
    const withModules = await heapBytes()
    await network.stop()
    const kept: RequestStream[] = []
    for (const remotePeer of new Map(connections.map(({ remotePeer }) => [remotePeer.toString(), remotePeer])).values()) {
      const [connection] = node.getConnections(remotePeer)
      const stream = await connection.newStream(ECHO)
      await RequestStream.of(stream).request(payload)
      kept.push(RequestStream.of(stream))
    }
    const without = await heapBytes()
    await Promise.all(connections.map(async ({ streams }) => await Promise.all(streams.map(stream => stream.close()))))
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
  const network = createOptimizedNetwork(node, {}, { clock })
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
