import { nullCipher, simulatedTcp } from '../src/libp2p/index.ts'
import type { Connection, Stream } from '@libp2p/interface'
import type { Libp2p } from 'libp2p'
import { createPeer } from '../src/wires/libp2p-node.ts'
import { print } from './measurement.ts'

// A thousand js-libp2p nodes in one process, each dialling its next four neighbours; then each echoes on every connection.

const NODES = 1_000
const DIALS_A_NODE = 4
const ROUNDS = 5
const ECHO = '/bench/echo/1.0.0'
const ACCESS = { forward: { delayMs: 10 } }

/** The figures of `work`, named after it. */
async function measured (name: string, operations: number, work: () => Promise<void>): Promise<void> {
  const [startMs, before] = [performance.now(), process.cpuUsage()]
  await work()
  const cpuSeconds = process.cpuUsage(before).user / 1e6
  print({
    name,
    parameters: { nodes: NODES, operations },
    cpuSeconds,
    repetitionsCpuSeconds: [cpuSeconds],
    events: operations,
    peakResidentBytes: process.resourceUsage().maxRSS * 1024,
    result: { microsecondsEach: cpuSeconds / operations * 1e6, simulatedMs: performance.now() - startMs }
  })
}

async function echoRounds (stream: Stream): Promise<void> {
  for (let round = 0; round < ROUNDS; round++) {
    await new Promise<void>(resolve => {
      stream.addEventListener('message', () => resolve(), { once: true })
      stream.send(new Uint8Array(100))
    })
  }
}

const nodes: Libp2p[] = []
const connections: Connection[] = []
const streams: Stream[] = []

await measured('stack-network-nodes', NODES, async () => {
  for (let i = 0; i < NODES; i++) {
    const node = await createPeer({ seed: `node ${i}`, listen: ['/ip4/0.0.0.0/tcp/4001'], transport: simulatedTcp({ access: ACCESS }), crypto: nullCipher })
    await node.handle(ECHO, stream => {
      stream.addEventListener('message', ({ data }) => stream.send(data))
    })
    nodes.push(node)
  }
})
await measured('stack-network-dials', NODES * DIALS_A_NODE, async () => {
  connections.push(...await Promise.all(nodes.flatMap((node, i) => Array.from({ length: DIALS_A_NODE }, async (_, k) => await node.dial(nodes[(i + k + 1) % NODES].getMultiaddrs())))))
})
await measured('stack-network-streams', connections.length, async () => {
  streams.push(...await Promise.all(connections.map(async connection => await connection.newStream(ECHO))))
})
await measured('stack-network-echoes', streams.length * ROUNDS, async () => {
  await Promise.all(streams.map(echoRounds))
})
// Stopping a thousand nodes one by one is nobody's question.
process.exit()
