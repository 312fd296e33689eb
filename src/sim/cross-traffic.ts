import { TwinwireError } from '../core/errors.ts'
import { power } from '../core/power.ts'
import type { RandomStream } from '../core/random.ts'
import type { EventId, Operation } from './kernel.ts'
import type { NodeId, PacketNetwork, PacketReceiver } from './network.ts'
import { checkPositive } from './option-checks.ts'
import type { PacketId } from './packets.ts'

/** Datagrams that take their share of links and answer to nothing. Cross traffic that does is in cross-traffic-tcp.ts. */
export interface TrafficOptions {
  readonly from: NodeId
  /** A node of its own, with a `TrafficSink`. */
  readonly to: NodeId
  /** IP bytes of each packet. Default 1500. */
  readonly packetBytes?: number
  /** Of a Poisson source in the mean; of an on-off source while it is on. */
  readonly rateBitsPerSecond: number
}

export interface OnOffOptions extends TrafficOptions {
  /** Mean length of a burst. Packets stand a gap apart in the time that all bursts make, so that the mean rate is exact. */
  readonly meanOnNs: number
  /** Mean length of a silence. */
  readonly meanOffNs: number
  /**
   * Pareto-distributed lengths of this shape, above 1; between 1 and 2 many such sources together are self-similar
   * (Willinger et al. 1997). Absent: exponential.
   */
  readonly shape?: number
}

/** Takes in cross traffic and counts it. */
export class TrafficSink implements PacketReceiver {
  packets = 0
  bytes = 0
  readonly #network: PacketNetwork

  constructor (network: PacketNetwork, node: NodeId) {
    this.#network = network
    network.setReceiver(node, this)
  }

  receive (packet: PacketId): void {
    this.packets++
    this.bytes += this.#network.packets.size[packet]
    this.#network.packets.release(packet)
  }
}

/** Sends from `start` to `stop`. Both may be called again. */
abstract class TrafficSource {
  /** Packets sent so far. */
  sent = 0

  protected readonly random: RandomStream
  /** Of two packets, in the mean. */
  protected readonly gapNs: number
  readonly #network: PacketNetwork
  readonly #options: TrafficOptions
  readonly #packetBytes: number
  readonly #send: Operation
  #event: EventId | undefined
  /** Not rounded, so that rounding each instant to a nanosecond does not change the rate. */
  #nextNs = 0

  constructor (network: PacketNetwork, options: TrafficOptions, random: RandomStream) {
    const { packetBytes = 1500, rateBitsPerSecond } = options
    checkPositive(packetBytes, 'packetBytes')
    checkPositive(rateBitsPerSecond, 'rateBitsPerSecond')
    this.random = random
    this.gapNs = packetBytes * 8e9 / rateBitsPerSecond
    this.#network = network
    this.#options = options
    this.#packetBytes = packetBytes
    this.#send = network.kernel.define(() => {
      this.#sendOne()
      this.#schedule(this.nextGapNs())
    }, 'cross traffic, packet')
  }

  start (): void {
    if (this.#event === undefined) {
      this.#nextNs = this.#network.kernel.nowNs
      this.begin()
      this.#schedule(this.nextGapNs())
    }
  }

  stop (): void {
    if (this.#event !== undefined) {
      this.#network.kernel.cancel(this.#event)
      this.#event = undefined
    }
  }

  /** Time until the next packet. */
  protected abstract nextGapNs (): number

  /** Before the first packet after a `start`. */
  protected begin (): void {}

  #schedule (gapNs: number): void {
    this.#nextNs += gapNs
    this.#event = this.#network.kernel.schedule(Math.floor(this.#nextNs), this.#send, 0)
  }

  #sendOne (): void {
    const { packets } = this.#network
    const packet = packets.allocate()
    packets.size[packet] = this.#packetBytes
    packets.source[packet] = this.#options.from
    packets.destination[packet] = this.#options.to
    packets.connection[packet] = 0
    this.#network.send(packet)
    this.sent++
  }
}

/** Packets as a Poisson process. */
export class PoissonTraffic extends TrafficSource {
  protected override nextGapNs (): number {
    return this.random.exponential(this.gapNs)
  }
}

/** Packets at a constant rate in bursts, with silences in between; begins with a burst. */
export class OnOffTraffic extends TrafficSource {
  readonly #meanOnNs: number
  readonly #meanOffNs: number
  readonly #shape: number | undefined
  /** Of the burst, after the packet before. */
  #leftNs = 0
  #first = true

  constructor (network: PacketNetwork, options: OnOffOptions, random: RandomStream) {
    super(network, options, random)
    checkPositive(options.meanOnNs, 'meanOnNs')
    checkPositive(options.meanOffNs, 'meanOffNs')
    checkShape(options.shape)
    this.#meanOnNs = options.meanOnNs
    this.#meanOffNs = options.meanOffNs
    this.#shape = options.shape
  }

  protected override begin (): void {
    this.#leftNs = this.#length(this.#meanOnNs)
    this.#first = true
  }

  protected override nextGapNs (): number {
    if (this.#first) {
      this.#first = false
      return 0
    }
    this.#leftNs -= this.gapNs
    let gapNs = this.gapNs
    while (this.#leftNs <= 0) {
      // The rest of the gap falls into the next burst, behind a silence.
      gapNs += this.#length(this.#meanOffNs)
      this.#leftNs += this.#length(this.#meanOnNs)
    }
    return gapNs
  }

  #length (meanNs: number): number {
    return this.#shape === undefined ? this.random.exponential(meanNs) : paretoOf(this.random, meanNs, this.#shape)
  }
}

/** Pareto-distributed, with a mean. */
export function paretoOf (random: RandomStream, mean: number, shape: number): number {
  const least = mean * (shape - 1) / shape
  return least * power(1 - random.next(), -1 / shape)
}

/** @throws ERR_INVALID_OPTION */
export function checkShape (shape: number | undefined): void {
  if (shape !== undefined && !(shape > 1)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not a shape with a mean', { path: 'shape', expected: 'a number above 1', found: String(shape) })
  }
}
