import { randomStream } from '../src/core/random.ts'
import { Kernel } from '../src/sim/kernel.ts'
import { PacketNetwork } from '../src/sim/network.ts'
import { Packets } from '../src/sim/packets.ts'
import type { SimConnection } from '../src/sim/session/connection.ts'
import { Fabric } from '../src/sim/session/fabric.ts'
import { SimMultiaddr } from '../src/sim/session/identity.ts'
import { SimNode } from '../src/sim/session/node.ts'
import { TcpHost } from '../src/sim/tcp/host.ts'
import { star } from '../src/sim/topology.ts'
import { VirtualClock } from '../src/sim/virtual-clock.ts'

const ECHO = '/bench/echo/1.0.0'
const CONNECTIONS_A_PEER = 4
const ROUNDS = 5

/** Peers in a ring, each dialling its next four neighbours through a star of 10 ms legs; then each echoes on every connection. */
async function main (): Promise<void> {
  const json = process.argv.includes('--json')
  for (const peers of [1_000, 4_000]) {
    const before = settledBytes()
    const kernel = new Kernel()
    const clock = new VirtualClock(kernel)
    const network = new PacketNetwork(kernel, new Packets(), randomStream('bench'))
    const { leaves } = star(network, { leaves: peers, access: { forward: { delayNs: 10e6 } } })
    const nodeOf = new Map(leaves.map((node, i) => [endpointOf(i), node]))
    const fabric = new Fabric(kernel, clock, ({ endpoint }) => {
      const node = nodeOf.get(endpoint)
      return node === undefined ? undefined : { node, port: 4001 }
    })
    const nodes = leaves.map((node, i) => {
      const made = new SimNode(fabric, { name: `p${i}`, tcp: new TcpHost(network, node), addresses: [new SimMultiaddr(endpointOf(i))], random: randomStream(i) })
      made.listen(4001)
      void made.handle(ECHO, stream => { stream.addEventListener('message', ({ data }) => { stream.send(data) }) })
      return made
    })
    const withPeers = settledBytes()

    const connections: SimConnection[] = []
    const dialling = await cpuSeconds(async () => {
      let open = 0
      for (let i = 0; i < peers; i++) {
        for (let k = 1; k <= CONNECTIONS_A_PEER; k++) {
          open++
          void nodes[i].dial(new SimMultiaddr(`${endpointOf((i + k) % peers)}/p2p/p${(i + k) % peers}`)).then(connection => {
            connections.push(connection)
            open--
          })
        }
      }
      await kernel.runAsync(() => open === 0)
    })
    const withConnections = settledBytes()

    let echoes = 0
    const echoing = await cpuSeconds(async () => {
      let open = connections.length
      for (const connection of connections) {
        void connection.newStream(ECHO).then(stream => {
          let left = ROUNDS
          stream.addEventListener('message', () => {
            echoes++
            if (--left === 0) {
              open--
            } else {
              stream.send(new Uint8Array(100))
            }
          })
          stream.send(new Uint8Array(100))
        })
      }
      await kernel.runAsync(() => open === 0)
    })
    network.checkConservation()
    const line = {
      name: 'session-peers',
      parameters: { peers, connections: connections.length },
      cpuSeconds: dialling + echoing,
      events: kernel.dispatched,
      bytesPerPeer: Math.round((withPeers - before) / peers),
      bytesPerConnection: Math.round((withConnections - withPeers) / connections.length),
      microsecondsPerDial: round(dialling / connections.length * 1e6),
      microsecondsPerEcho: round(echoing / echoes * 1e6),
      peakResidentBytes: process.resourceUsage().maxRSS * 1024,
      result: { simulatedMs: kernel.nowNs / 1e6, echoes }
    }
    process.stdout.write(json
      ? `${JSON.stringify(line)}\n`
      : `${peers} peers, ${connections.length} connections: ${line.bytesPerPeer} B a peer, ${line.bytesPerConnection} B a connection (both ends), ` +
        `${line.microsecondsPerDial} us a dial, ${line.microsecondsPerEcho} us an echo with its share of opening the stream, ${(line.peakResidentBytes / 1e6).toFixed(0)} MB peak\n`)
    for (const node of nodes) {
      node.stop()
    }
  }
}

function endpointOf (index: number): string {
  return `/ip4/10.${index >> 16}.${(index >> 8) & 255}.${index & 255}/tcp/4001`
}

/** Heap and buffers in use after a full collection. */
function settledBytes (): number {
  if (globalThis.gc === undefined) {
    throw new Error('run with --expose-gc')
  }
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

async function cpuSeconds (work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  return process.cpuUsage(before).user / 1e6
}

function round (value: number): number {
  return Math.round(value * 10) / 10
}

await main()
