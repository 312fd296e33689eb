import { readFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { randomStream } from '../src/core/random.ts'
import { NS_PER_MS, NS_PER_S } from '../src/core/units.ts'
import { parseGraph } from '../src/sim/graph-file.ts'
import { layOut } from '../src/sim/graph.ts'
import type { Graph } from '../src/sim/graph.ts'
import { Kernel } from '../src/sim/kernel.ts'
import { PacketNetwork } from '../src/sim/network.ts'
import type { NodeId, PacketReceiver } from '../src/sim/network.ts'
import { Packets } from '../src/sim/packets.ts'
import type { PacketId } from '../src/sim/packets.ts'
import { NS3, print, repeat, userSeconds } from './measurement.ts'
import type { Repetition } from './measurement.ts'

/**
 * Case D of the performance targets: a message of 1 KB over UDP (1054 bytes with 30 of headers) floods a random 8-regular
 * graph, 20 times. Links have 20 Mbit/s, 50 ms and drop-tail queues of 1000 packets; a node passes a message on when it
 * gets it first, to all its neighbours but the one that it came from; message k starts at 1 + 10 k s at node 7919 k mod n.
 * Another simulator must find the same times, to the microsecond.
 */

const MESSAGES = 20
const PACKET_BYTES = 1054
const LINK = { forward: { rateBitsPerSecond: 20e6, delayNs: 50 * NS_PER_MS, queue: { limitPackets: 1000 } } } as const

export interface FloodResult {
  readonly meanCompletionSeconds: number
  /** Packets that arrived. */
  readonly packets: number
  readonly events: number
}

/** The network of one case and what its nodes have seen. */
export class Flood {
  readonly network: PacketNetwork
  readonly #graph: Graph
  readonly #nodes: readonly NodeId[]
  readonly #startNs = new Float64Array(MESSAGES)
  readonly #doneNs = new Float64Array(MESSAGES)
  readonly #reached = new Int32Array(MESSAGES)

  constructor (graph: Graph) {
    this.network = new PacketNetwork(new Kernel(), new Packets(), randomStream('flood'))
    this.#graph = graph
    this.#nodes = layOut(this.network, graph, { link: LINK, forwards: false })
    const neighbours: NodeId[][] = this.#nodes.map(() => [])
    for (const [a, b] of graph.edges) {
      neighbours[a].push(this.#nodes[b])
      neighbours[b].push(this.#nodes[a])
    }
    const peers = this.#nodes.map((node, index) => new FloodPeer(this, node, Int32Array.from(neighbours[index])))
    peers.forEach((peer, index) => this.network.setReceiver(this.#nodes[index], peer))
    const start = this.network.kernel.define(message => peers[7919 * message % graph.nodes].publish(message), 'event')
    for (let message = 0; message < MESSAGES; message++) {
      this.#startNs[message] = (1 + 10 * message) * NS_PER_S
      this.network.kernel.schedule(this.#startNs[message], start, message)
    }
  }

  run (): void {
    this.network.kernel.run()
  }

  /** After the run, checked. */
  result (): FloodResult {
    this.network.checkConservation()
    if (this.#reached.some(reached => reached !== this.#graph.nodes)) {
      throw new Error(`a message has not reached every node: ${this.#reached.join(' ')} of ${this.#graph.nodes}`)
    }
    const totalNs = this.#doneNs.reduce((total, doneNs, message) => total + doneNs - this.#startNs[message], 0)
    return { meanCompletionSeconds: totalNs / MESSAGES / NS_PER_S, packets: this.network.counters.received, events: this.network.kernel.dispatched }
  }

  noteReached (message: number): void {
    this.#reached[message]++
    this.#doneNs[message] = this.network.kernel.nowNs
  }
}

class FloodPeer implements PacketReceiver {
  readonly #flood: Flood
  readonly #network: PacketNetwork
  readonly #node: NodeId
  readonly #neighbours: Int32Array
  /** A bit for each message. */
  #seen = 0

  constructor (flood: Flood, node: NodeId, neighbours: Int32Array) {
    this.#flood = flood
    this.#network = flood.network
    this.#node = node
    this.#neighbours = neighbours
  }

  publish (message: number): void {
    this.#take(message, -1)
  }

  receive (packet: PacketId): void {
    const { packets } = this.#network
    const message = packets.sequence[packet]
    const from = packets.source[packet]
    packets.release(packet)
    if ((this.#seen & (1 << message)) === 0) {
      this.#take(message, from)
    }
  }

  #take (message: number, from: NodeId): void {
    this.#seen |= 1 << message
    this.#flood.noteReached(message)
    const neighbours = this.#neighbours
    for (let i = 0; i < neighbours.length; i++) {
      if (neighbours[i] !== from) {
        this.#send(message, neighbours[i])
      }
    }
  }

  #send (message: number, to: NodeId): void {
    const { packets } = this.#network
    const packet = packets.allocate()
    packets.size[packet] = PACKET_BYTES
    packets.source[packet] = this.#node
    packets.destination[packet] = to
    packets.connection[packet] = 0
    packets.sequence[packet] = message
    this.#network.send(packet)
  }
}

/** With --expose-gc: the heap and all typed columns; else what they may still hold of garbage, too. */
function memoryBytes (): number {
  globalThis.gc?.()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}

/** The CPU seconds that ns-3's run takes, by the number of nodes. */
const NS3_SECONDS: Readonly<Record<number, number>> = { 1000: 1.8, 5000: 12.8 }

function main (): void {
  const { positionals } = parseArgs({ options: { json: { type: 'boolean', default: false } }, allowPositionals: true })
  const files = positionals.length > 0 ? positionals : [1000, 5000].map(nodes => new URL(`data/graph_${nodes}_8.txt`, import.meta.url).pathname)
  for (const file of files) {
    const graph = parseGraph(readFileSync(file, 'utf8'), file)
    const ns3Seconds = NS3_SECONDS[graph.nodes]
    const idleBytes = memoryBytes()
    let packets = 0
    let ownBytes = 0
    // The one before stays until the next is made: else a collection takes the shapes of its objects, and the code made for them.
    let flood: Flood | undefined
    const measure = (repetition: number): Repetition => {
      const setUpCpuSeconds = userSeconds(() => { flood = new Flood(graph) })
      const cpuSeconds = userSeconds(() => { flood?.run() })
      const result = flood?.result() ?? { meanCompletionSeconds: 0, packets: 0, events: 0 }
      packets = result.packets
      if (repetition === 1) {
        ownBytes = memoryBytes() - idleBytes
      }
      return {
        cpuSeconds,
        events: result.events,
        packets,
        result: { meanCompletionSeconds: result.meanCompletionSeconds, setUpCpuSeconds, ownBytes }
      }
    }
    const measured = repeat('flood', { nodes: graph.nodes, links: graph.edges.length, messages: MESSAGES }, 5, measure)
    print(ns3Seconds === undefined ? measured : { ...measured, peer: { name: NS3, perCpuSecond: packets / ns3Seconds } })
  }
}

if (import.meta.main) {
  main()
}
