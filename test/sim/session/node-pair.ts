import { sleep } from '../../../src/core/clock.ts'
import { randomStream } from '../../../src/core/random.ts'
import { Kernel } from '../../../src/sim/kernel.ts'
import { PacketNetwork } from '../../../src/sim/network.ts'
import type { NodeId } from '../../../src/sim/network.ts'
import { Packets } from '../../../src/sim/packets.ts'
import { Fabric } from '../../../src/sim/session/fabric.ts'
import { SimMultiaddr } from '../../../src/sim/session/identity.ts'
import { UNLIMITED_SESSION } from '../../../src/sim/session/options.ts'
import { SimNode } from '../../../src/sim/session/node.ts'
import { TcpHost } from '../../../src/sim/tcp/host.ts'
import type { TcpOptions } from '../../../src/sim/tcp/options.ts'
import { VirtualClock } from '../../../src/sim/virtual-clock.ts'

export const DELAY_NS = 50e6
export const RTT_MS = 100

/** What an end sent at one time: half round trips since the start, who sent it, bytes inside TCP. */
export type Chunk = readonly [halfRoundTrips: number, direction: 'client' | 'server', bytes: number]

/** Two simulated nodes, half a round trip of 50 ms apart, with infinitely fast links, and a tap between them. */
export class NodePair {
  readonly kernel = new Kernel()
  readonly clock = new VirtualClock(this.kernel)
  readonly fabric: Fabric
  readonly network: PacketNetwork
  readonly client: SimNode
  readonly server: SimNode
  readonly serverAddress: SimMultiaddr
  #chunks: Array<{ atNs: number, direction: 'client' | 'server', bytes: number }> = []

  constructor (options = UNLIMITED_SESSION, tcp: Partial<TcpOptions> = {}) {
    const packets = new Packets()
    const network = new PacketNetwork(this.kernel, packets, randomStream('recording'))
    const nodes = [network.addNode(), network.addNode()] as const
    this.network = network
    network.addLink(nodes[0], nodes[1], { delayNs: DELAY_NS })
    network.addLink(nodes[1], nodes[0], { delayNs: DELAY_NS })
    const send = network.send.bind(network)
    network.send = packet => {
      if (packets.length[packet] > 0) {
        this.#chunks.push({ atNs: this.kernel.nowNs, direction: packets.source[packet] === nodes[0] ? 'client' : 'server', bytes: packets.length[packet] })
      }
      send(packet)
    }
    const hosts = new Map([['10.0.0.1', nodes[0]], ['10.0.1.1', nodes[1]]])
    this.fabric = new Fabric(this.kernel, this.clock, ({ ip, port }) => {
      const node = hosts.get(ip)
      return node === undefined ? undefined : { node, port }
    })
    const make = (name: string, node: NodeId, address: string): SimNode => {
      const made = new SimNode(this.fabric, { name, tcp: new TcpHost(network, node, tcp), addresses: [new SimMultiaddr(address)], random: randomStream(name), options })
      made.listen(4001)
      return made
    }
    this.client = make('client', nodes[0], '/ip4/10.0.0.1/tcp/4001')
    this.server = make('server', nodes[1], '/ip4/10.0.1.1/tcp/4001')
    this.serverAddress = new SimMultiaddr('/ip4/10.0.1.1/tcp/4001/p2p/server')
  }

  /**
   * Runs `action` in virtual time; what it took, and what it put on the wire until half a second later: what each end sent
   * at a time, and by segments.
   */
  async observe<T> (action: () => Promise<T>): Promise<{ result: T, tookMs: number, chunks: Chunk[], segments: Chunk[] }> {
    this.#chunks = []
    const startNs = this.kernel.nowNs
    const startMs = this.clock.now()
    let outcome: { result: T } | { error: unknown } | undefined
    let tookMs = 0
    void action().then(result => {
      tookMs = this.clock.now() - startMs
      return { result }
    }, (error: unknown) => ({ error })).then(async settled => {
      await sleep(this.clock, 500)
      outcome = settled
    })
    await this.kernel.runAsync(() => outcome !== undefined)
    if (outcome === undefined || 'error' in outcome) {
      throw outcome?.error
    }
    const segments = this.#chunks.map(({ atNs, direction, bytes }): Chunk => [(atNs - startNs) / DELAY_NS, direction, bytes])
    return { result: outcome.result, tookMs, chunks: together(segments), segments }
  }
}

/** What one end sent at a time, as whoever reads at the other end has it. */
function together (segments: readonly Chunk[]): Chunk[] {
  const chunks: Chunk[] = []
  for (const [at, direction, bytes] of segments) {
    const index = chunks.findIndex(chunk => chunk[0] === at && chunk[1] === direction)
    if (index === -1) {
      chunks.push([at, direction, bytes])
    } else {
      chunks[index] = [at, direction, chunks[index][2] + bytes]
    }
  }
  return chunks
}
