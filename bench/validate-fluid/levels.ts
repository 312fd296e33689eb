import { randomStream } from '../../src/core/random.ts'
import type { RandomStream } from '../../src/core/random.ts'
import { NS_PER_S } from '../../src/core/units.ts'
import { PORT } from '../../src/path/path.ts'
import { tcpFor } from '../../src/path/tcp.ts'
import type { CongestionName } from '../../src/path/tcp.ts'
import { FluidNetwork } from '../../src/sim/fluid/fluid-network.ts'
import type { FluidFlow } from '../../src/sim/fluid/fluid-flow.ts'
import { Kernel } from '../../src/sim/kernel.ts'
import { PacketNetwork } from '../../src/sim/network.ts'
import type { NodeId } from '../../src/sim/network.ts'
import { Packets } from '../../src/sim/packets.ts'
import { TcpHost } from '../../src/sim/tcp/host.ts'
import { IGNORING } from '../../src/sim/tcp/socket-handler.ts'
import type { NetworkBuilder } from '../../src/sim/topology.ts'
import { MTU_BYTES } from '../../src/path/link-fields.ts'

/** One transfer over a network. */
export interface Transfer {
  readonly from: NodeId
  readonly to: NodeId
  readonly bytes: number
  readonly startNs: number
}

/** The same network and the same transfers for both levels. */
export interface Scene {
  readonly congestion: CongestionName
  /** Root of all chance in the network. */
  readonly seed: string
  /** Lays out the network, and says what is sent over it; the stream is this run's. */
  readonly build: (network: NetworkBuilder, random: RandomStream) => readonly Transfer[]
  readonly untilS: number
  /** Bytes are counted from here on. */
  readonly fromS: number
}

/** Of each transfer, in order. */
export interface SceneResult {
  /** Payload that arrived between `fromS` and `untilS`. */
  readonly deliveredBytes: readonly number[]
  /** From the start to the last byte's arrival; NaN where that was not in time. */
  readonly completionS: readonly number[]
}

/** Both levels, as the measurements of the kernel had it. */
const LINUX = { gso: 'default', tcp: { preset: 'linux' }, mtuBytes: MTU_BYTES } as const

export function runPackets ({ congestion, seed, build, untilS, fromS }: Scene): SceneResult {
  const kernel = new Kernel()
  const random = randomStream(seed)
  const network = new PacketNetwork(kernel, new Packets(), random)
  const transfers = build(network, random.fork('transfers'))
  const hosts = new Map<NodeId, TcpHost>()
  const hostOf = (node: NodeId): TcpHost => {
    const host = hosts.get(node) ?? new TcpHost(network, node, tcpFor(congestion, LINUX))
    hosts.set(node, host)
    return host
  }
  const received = transfers.map(() => 0)
  const completionS = transfers.map(() => NaN)
  const indices = new Map<number, number>()
  for (const node of new Set(transfers.map(({ to }) => to))) {
    hostOf(node).listen(PORT, socket => {
      const index = indices.get(socket.connection) ?? -1
      socket.handler = {
        ...IGNORING,
        onData: byteCount => {
          received[index] += byteCount
          if (received[index] === transfers[index].bytes) {
            completionS[index] = (kernel.nowNs - transfers[index].startNs) / NS_PER_S
          }
        }
      }
    })
  }
  const start = kernel.define(index => {
    const { from, to, bytes } = transfers[index]
    const socket = hostOf(from).connect(to, PORT)
    indices.set(socket.connection, index)
    socket.handler = { ...IGNORING, onConnected: () => { socket.write(bytes) } }
  }, 'event')
  transfers.forEach(({ startNs }, index) => kernel.schedule(startNs, start, index))
  kernel.run(fromS * NS_PER_S)
  const before = [...received]
  kernel.run(untilS * NS_PER_S)
  network.checkConservation()
  return { deliveredBytes: received.map((bytes, index) => bytes - before[index]), completionS }
}

export function runFlows ({ congestion, seed, build, untilS, fromS }: Scene): SceneResult {
  const kernel = new Kernel()
  const random = randomStream(seed)
  const network = new FluidNetwork(kernel, random, { tcp: tcpFor(congestion, LINUX) })
  const transfers = build(network, random.fork('transfers'))
  const flows: Array<FluidFlow | undefined> = transfers.map(() => undefined)
  const completionS = transfers.map(() => NaN)
  const start = kernel.define(index => {
    const { from, to, bytes } = transfers[index]
    flows[index] = network.startFlow({ from, to, bytes, onEnd: () => { completionS[index] = (kernel.nowNs - transfers[index].startNs) / NS_PER_S } })
  }, 'event')
  transfers.forEach(({ startNs }, index) => kernel.schedule(startNs, start, index))
  const servedBytes = (): number[] => flows.map(flow => flow === undefined ? 0 : network.servedBytes(flow))
  kernel.run(fromS * NS_PER_S)
  const before = servedBytes()
  kernel.run(untilS * NS_PER_S)
  network.checkConservation()
  return { deliveredBytes: servedBytes().map((bytes, index) => bytes - before[index]), completionS }
}
