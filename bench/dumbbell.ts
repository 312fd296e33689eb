import { parseArgs } from 'node:util'
import { randomStream } from '../src/core/random.ts'
import { NS_PER_MS, NS_PER_S } from '../src/core/units.ts'
import { Kernel } from '../src/sim/kernel.ts'
import { PacketNetwork } from '../src/sim/network.ts'
import type { LinkOptions, NodeId } from '../src/sim/network.ts'
import { Packets } from '../src/sim/packets.ts'
import { TcpHost } from '../src/sim/tcp/host.ts'
import { IGNORING } from '../src/sim/tcp/socket-handler.ts'
import type { TcpSocket } from '../src/sim/tcp/socket.ts'
import { NS3, print, repeat, userSeconds } from './measurement.ts'
import type { Repetition } from './measurement.ts'

/**
 * Bulk TCP over a dumbbell, 60 s simulated: sender - 1 Gbit/s, 1 ms - router - 100 Mbit/s, 18 ms, 333 packets - router -
 * 1 Gbit/s, 1 ms - sink. Flow i starts at 0.1 i s. Minimum RTO 1 s, 4 MiB buffers, all else as Linux has it. Rates count IP bytes
 * (1500 a full segment), so that the most goodput is 100 x 1448/1500 = 96.53 Mbit/s.
 */

const DURATION_S = 60
const PORT = 5001
const TCP = { minimumRtoNs: NS_PER_S, receiveBufferBytes: 4 * 1024 * 1024 } as const
const ACCESS: LinkOptions = { rateBitsPerSecond: 1e9, delayNs: 1 * NS_PER_MS }
const BOTTLENECK: LinkOptions = { rateBitsPerSecond: 100e6, delayNs: 18 * NS_PER_MS }
/** More than a flow can send in the time. */
const BULK_BYTES = 1e10

const CONTROLLERS = ['reno', 'cubic'] as const
type Controller = typeof CONTROLLERS[number]
/** The packets and CPU seconds of ns-3's New Reno and CUBIC. */
const NS3_RUNS: Readonly<Record<Controller, Readonly<Record<number, readonly [number, number]>>>> = {
  reno: { 1: [496_686, 10.6], 10: [497_042, 9.5] },
  cubic: { 1: [497_558, 9.6], 10: [497_690, 9.4] }
}

function run (flows: number, congestion: Controller): Repetition {
  const tcp = { ...TCP, congestion }
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
    senders.push(new TcpHost(network, attach(network, left), tcp))
    sinkNodes.push(attach(network, right))
    new TcpHost(network, sinkNodes[flow], tcp).listen(PORT, socket => {
      socket.handler = IGNORING
      sinks.push(socket)
    })
  }
  const start = kernel.define(flow => {
    const socket = senders[flow].connect(sinkNodes[flow], PORT)
    socket.handler = IGNORING
    socket.write(BULK_BYTES)
    sources.push(socket)
  }, 'event')
  for (let flow = 0; flow < flows; flow++) {
    kernel.schedule(flow * 100 * NS_PER_MS, start, flow)
  }

  const cpuSeconds = userSeconds(() => { kernel.run(DURATION_S * NS_PER_S) })
  network.checkConservation()
  return {
    cpuSeconds,
    events: kernel.dispatched,
    packets: sum(sources, socket => socket.sentSegments),
    result: {
      goodputMbitPerSecond: sum(sinks, socket => socket.deliveredBytes) * 8 / DURATION_S / 1e6,
      retransmittedPackets: sum(sources, socket => socket.retransmittedSegments),
      timeouts: sum(sources, socket => socket.timeouts)
    }
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

const { values } = parseArgs({
  options: { json: { type: 'boolean', default: false }, repetitions: { type: 'string', default: '5' } }
})
for (const congestion of CONTROLLERS) {
  for (const flows of [1, 10]) {
    const [packets, seconds] = NS3_RUNS[congestion][flows]
    print(repeat('dumbbell', { flows, congestion }, Number(values.repetitions), () => run(flows, congestion), { name: NS3, perCpuSecond: packets / seconds }))
  }
}
