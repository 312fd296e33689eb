import { randomStream } from '../src/core/random.ts'
import type { RandomStream } from '../src/core/random.ts'
import { NS_PER_S } from '../src/core/units.ts'
import { Kernel } from '../src/sim/kernel.ts'
import type { Operation } from '../src/sim/kernel.ts'
import { PacketNetwork } from '../src/sim/network.ts'
import type { NodeId } from '../src/sim/network.ts'
import { Packets } from '../src/sim/packets.ts'
import type { PacketId } from '../src/sim/packets.ts'
import { NS3, print, repeat, userSeconds } from './measurement.ts'

/** One link, fed by a Poisson stream of packets. */
interface QueueCase {
  readonly packets: number
  /** Offered bits per second over the link's rate. */
  readonly load: number
  readonly meanBytes: number
  /** `bimodal`: 0.2 of the mean three times out of four, else 3.4 of it. */
  readonly sizes: 'exponential' | 'constant' | 'bimodal'
  readonly rateBitsPerSecond: number
  /** Packets that may wait. Absent: no limit. */
  readonly limitPackets?: number
}

interface QueueResult {
  /** Mean wait of those that were served, in mean service times. */
  readonly meanWaitServices: number
  readonly dropShare: number
  readonly events: number
  readonly simulatedSeconds: number
}

/** Simulates the case; the queue starts empty. */
function measureQueue (options: QueueCase, random: RandomStream): QueueResult {
  const kernel = new Kernel()
  const network = new PacketNetwork(kernel, new Packets(), random)
  const from = network.addNode()
  const to = network.addNode()
  const { rateBitsPerSecond, limitPackets, packets, meanBytes } = options
  network.addLink(from, to, { rateBitsPerSecond, delayNs: 0, ...(limitPackets === undefined ? {} : { queue: { limitPackets } }) })
  const sink = new WaitSink(network, rateBitsPerSecond)
  network.setReceiver(to, sink)
  const source = new PoissonSource(network, from, to, options, random)
  source.start()
  kernel.run()
  network.checkConservation()
  return {
    meanWaitServices: sink.waitedNs / sink.received * rateBitsPerSecond / (meanBytes * 8 * NS_PER_S),
    dropShare: 1 - sink.received / packets,
    events: kernel.dispatched,
    simulatedSeconds: kernel.nowNs / NS_PER_S
  }
}

class PoissonSource {
  readonly #network: PacketNetwork
  readonly #from: NodeId
  readonly #to: NodeId
  readonly #distribution: QueueCase['sizes']
  readonly #meanBytes: number
  readonly #meanGapNs: number
  readonly #gaps: RandomStream
  readonly #sizes: RandomStream
  readonly #send: Operation
  #left: number
  /** Not rounded, so that rounding each instant to a nanosecond does not change the rate. */
  #nextNs = 0

  constructor (network: PacketNetwork, from: NodeId, to: NodeId, options: QueueCase, random: RandomStream) {
    this.#network = network
    this.#from = from
    this.#to = to
    this.#distribution = options.sizes
    this.#meanBytes = options.meanBytes
    this.#meanGapNs = options.meanBytes * 8 * NS_PER_S / (options.rateBitsPerSecond * options.load)
    this.#gaps = random.fork('gaps')
    this.#sizes = random.fork('sizes')
    this.#left = options.packets
    this.#send = network.kernel.define(() => this.#sendOne(), 'event')
  }

  start (): void {
    this.#nextNs += this.#gaps.exponential(this.#meanGapNs)
    this.#network.kernel.schedule(Math.floor(this.#nextNs), this.#send, 0)
  }

  #sendOne (): void {
    const { packets, kernel } = this.#network
    const packet = packets.allocate()
    packets.size[packet] = this.#drawSize()
    packets.source[packet] = this.#from
    packets.destination[packet] = this.#to
    packets.connection[packet] = 0
    packets.timestamp[packet] = kernel.nowNs
    this.#network.send(packet)
    if (--this.#left > 0) {
      this.start()
    }
  }

  #drawSize (): number {
    switch (this.#distribution) {
      case 'exponential':
        // Rounded up, because no packet is empty, which adds half a byte to the mean.
        return Math.ceil(this.#sizes.exponential(this.#meanBytes - 0.5))
      case 'bimodal':
        return this.#meanBytes * (this.#sizes.next() < 0.75 ? 0.2 : 3.4)
      default:
        return this.#meanBytes
    }
  }
}

class WaitSink {
  waitedNs = 0
  received = 0
  readonly #network: PacketNetwork
  readonly #nsPerByte: number

  constructor (network: PacketNetwork, rateBitsPerSecond: number) {
    this.#network = network
    this.#nsPerByte = 8 * NS_PER_S / rateBitsPerSecond
  }

  receive (packet: PacketId): void {
    const { packets, kernel } = this.#network
    this.received++
    this.waitedNs += kernel.nowNs - packets.timestamp[packet] - packets.size[packet] * this.#nsPerByte
    packets.release(packet)
  }
}

/** Case C of the performance targets: 10^6 packets, M/M/1. */
function main (): void {
  for (const load of [0.5, 0.8, 0.95]) {
    const options: QueueCase = { packets: 1e6, load, meanBytes: 1000, sizes: 'exponential', rateBitsPerSecond: 10e6 }
    const theory = load / (1 - load)
    print(repeat('queueing-mm1', { load, packets: options.packets }, 3, repetition => {
      const random = randomStream(`bench ${repetition}`)
      let result: QueueResult | undefined
      const cpuSeconds = userSeconds(() => { result = measureQueue(options, random) })
      const { events = 0, simulatedSeconds = 0, meanWaitServices = 0 } = result ?? {}
      return { cpuSeconds, events, packets: options.packets, result: { simulatedSeconds, meanWaitServices, waitOverTheory: meanWaitServices / theory } }
    }, { name: NS3, perCpuSecond: 360e3 }))
  }
}

if (import.meta.main) {
  main()
}
