import { parseArgs } from 'node:util'
import { randomStream } from '../src/core/random.ts'
import { NS_PER_MS, NS_PER_S } from '../src/core/units.ts'
import { Kernel } from '../src/sim/kernel.ts'
import { PacketNetwork } from '../src/sim/network.ts'
import type { LinkOptions, NodeId } from '../src/sim/network.ts'
import { Packets } from '../src/sim/packets.ts'
import { TcpHost } from '../src/sim/tcp/host.ts'
import type { TcpSocket, TcpSocketHandler } from '../src/sim/tcp/socket.ts'

/**
 * Bulk TCP over a dumbbell, 60 s simulated: sender - 1 Gbit/s, 1 ms - router - 100 Mbit/s, 18 ms, 333 packets - router -
 * 1 Gbit/s, 1 ms - sink. Flow i starts at 0.1 i s. Minimum RTO 1 s, 4 MiB buffers, New Reno. Rates count IP bytes
 * (1500 a full segment), so that the most goodput is 100 x 1448/1500 = 96.53 Mbit/s.
 */

const DURATION_S = 60
const PORT = 5001
const TCP = { minimumRtoNs: NS_PER_S, receiveBufferBytes: 4 * 1024 * 1024 } as const
const ACCESS: LinkOptions = { rateBitsPerSecond: 1e9, delayNs: 1 * NS_PER_MS }
const BOTTLENECK: LinkOptions = { rateBitsPerSecond: 100e6, delayNs: 18 * NS_PER_MS }
/** More than a flow can send in the time. */
const BULK_BYTES = 1e10

interface Result {
  readonly case: string
  readonly flows: number
  readonly repetition: number
  readonly simulatedSeconds: number
  readonly cpuSeconds: number
  readonly dataPackets: number
  readonly packetsPerSecond: number
  readonly events: number
  readonly eventsPerSecond: number
  readonly goodputMbitPerSecond: number
  readonly retransmittedPackets: number
  readonly timeouts: number
  readonly peakResidentBytes: number
}

const ignoring: TcpSocketHandler = { onConnected () {}, onData () {}, onRemoteClose () {}, onClosed () {} }

function run (flows: number, repetition: number): Result {
  const kernel = new Kernel()
  const network = new PacketNetwork(kernel, new Packets(), randomStream('dumbbell'))
  const left = network.addNode()
  const right = network.addNode()
  network.addLink(left, right, { ...BOTTLENECK, queue: { limitPackets: 333 } })
  network.addLink(right, left, BOTTLENECK)

  const sinks: TcpSocket[] = []
  const sources: TcpSocket[] = []
  const senders: TcpHost[] = []
  const sinkNodes: NodeId[] = []
  for (let flow = 0; flow < flows; flow++) {
    senders.push(new TcpHost(network, attach(network, left), TCP))
    sinkNodes.push(attach(network, right))
    new TcpHost(network, sinkNodes[flow], TCP).listen(PORT, socket => {
      socket.handler = ignoring
      sinks.push(socket)
    })
  }
  const start = kernel.define(flow => {
    const socket = senders[flow].connect(sinkNodes[flow], PORT)
    socket.handler = ignoring
    socket.write(BULK_BYTES)
    sources.push(socket)
  })
  for (let flow = 0; flow < flows; flow++) {
    kernel.schedule(flow * 100 * NS_PER_MS, start, flow)
  }

  const before = process.cpuUsage()
  kernel.run(DURATION_S * NS_PER_S)
  const { user } = process.cpuUsage(before)
  network.checkConservation()

  const cpuSeconds = user / 1e6
  const dataPackets = sum(sources, socket => socket.sentSegments)
  return {
    case: 'dumbbell',
    flows,
    repetition,
    simulatedSeconds: DURATION_S,
    cpuSeconds,
    dataPackets,
    packetsPerSecond: dataPackets / cpuSeconds,
    events: kernel.dispatched,
    eventsPerSecond: kernel.dispatched / cpuSeconds,
    goodputMbitPerSecond: sum(sinks, socket => socket.deliveredBytes) * 8 / DURATION_S / 1e6,
    retransmittedPackets: sum(sources, socket => socket.retransmittedSegments),
    timeouts: sum(sources, socket => socket.timeouts),
    peakResidentBytes: process.resourceUsage().maxRSS * 1024
  }
}

/** A host's node, joined to a router both ways. */
function attach (network: PacketNetwork, router: NodeId): NodeId {
  const node = network.addNode({ forwards: false })
  network.addLink(node, router, ACCESS)
  network.addLink(router, node, ACCESS)
  return node
}

function sum (sockets: readonly TcpSocket[], value: (socket: TcpSocket) => number): number {
  return sockets.reduce((total, socket) => total + value(socket), 0)
}

function line (result: Result): string {
  return [
    `dumbbell, ${result.flows} flow${result.flows === 1 ? '' : 's'} #${result.repetition}:`,
    `${result.cpuSeconds.toFixed(3)} s CPU,`,
    `${result.dataPackets} data packets (${(result.packetsPerSecond / 1e6).toFixed(2)} M/s),`,
    `${result.events} events (${(result.eventsPerSecond / 1e6).toFixed(2)} M/s),`,
    `goodput ${result.goodputMbitPerSecond.toFixed(3)} Mbit/s,`,
    `${result.retransmittedPackets} retransmitted, ${result.timeouts} timeouts,`,
    `peak ${(result.peakResidentBytes / 2 ** 20).toFixed(0)} MiB`
  ].join(' ')
}

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, repetitions: { type: 'string', default: '5' } }
})
// Repeated in one process, because code that slows down as it is repeated (call sites gone megamorphic) must be seen.
for (const flows of [1, 10]) {
  for (let repetition = 1; repetition <= Number(values.repetitions); repetition++) {
    const result = run(flows, repetition)
    console.log(values.json ? JSON.stringify(result) : line(result))
  }
}
