import { power } from '../core/power.ts'
import type { RandomStream } from '../core/random.ts'
import { NS_PER_S } from '../core/units.ts'
import { markCongestion } from './packets.ts'
import type { PacketId, Packets } from './packets.ts'
import { PacketFifo } from './queue-fifo.ts'
import { NO_PACKET } from './queue.ts'
import type { QueueDiscipline, QueueSink, RedOptions } from './queue.ts'

/**
 * Random early detection: each arrival moves an average of what waits, and is dropped (or marked) with a probability that
 * rises with it. Drops are spread evenly by counting the packets since the last one (Floyd and Jacobson 1993, section 7).
 */
export class RedQueue implements QueueDiscipline {
  marked = 0
  bytes = 0

  readonly #minimum: number
  readonly #maximum: number
  readonly #weight: number
  readonly #maximumProbability: number
  readonly #gentle: boolean
  readonly #limitPackets: number
  readonly #ecn: boolean
  readonly #meanPacketBits: number
  readonly #rate: () => number
  readonly #packets: Packets
  readonly #sink: QueueSink
  readonly #random: RandomStream
  readonly #fifo = new PacketFifo()

  #average = 0
  /** Arrivals since the last drop; -1 while the average is below the minimum. */
  #since = -1
  /** Since when nothing waits. */
  #emptySinceNs = 0

  /** @param rateBitsPerSecond the link's, which a fault can change */
  constructor (options: RedOptions, rateBitsPerSecond: () => number, packets: Packets, sink: QueueSink, random: RandomStream) {
    this.#minimum = options.minimumPackets ?? 5
    this.#maximum = options.maximumPackets ?? 15
    this.#weight = options.weight ?? 0.002
    this.#maximumProbability = options.maximumProbability ?? 0.02
    this.#gentle = options.gentle ?? true
    this.#limitPackets = options.limitPackets ?? Infinity
    this.#ecn = options.ecn ?? false
    this.#meanPacketBits = (options.meanPacketBytes ?? 500) * 8
    this.#rate = rateBitsPerSecond
    this.#packets = packets
    this.#sink = sink
    this.#random = random
  }

  get packets (): number {
    return this.#fifo.count
  }

  /** The moving average of what waits, in packets, as of the last arrival. */
  get average (): number {
    return this.#average
  }

  enqueue (packet: PacketId, nowNs: number, busy: boolean): void {
    this.#moveAverage(nowNs)
    if (busy && this.#fifo.count >= this.#limitPackets) {
      this.#since = 0
      this.#sink.drop(packet)
      return
    }
    const probability = this.#probability()
    if (this.#choose(probability)) {
      // Section 7.1 of RFC 3168: where drops are forced, marking instead would let flows that do not answer take all.
      if (probability < 1 && this.#ecn && markCongestion(this.#packets, packet)) {
        this.marked++
      } else {
        this.#sink.drop(packet)
        return
      }
    }
    this.bytes += this.#packets.size[packet]
    this.#fifo.push(packet, nowNs)
  }

  dequeue (nowNs: number): PacketId {
    const packet = this.#fifo.shift()
    if (packet !== NO_PACKET) {
      this.bytes -= this.#packets.size[packet]
      this.#emptySinceNs = nowNs
    }
    return packet
  }

  flush (nowNs: number): void {
    if (this.#fifo.count > 0) {
      this.#emptySinceNs = nowNs
    }
    for (let packet = this.#fifo.shift(); packet !== NO_PACKET; packet = this.#fifo.shift()) {
      this.#sink.drop(packet)
    }
    this.bytes = 0
  }

  #moveAverage (nowNs: number): void {
    const waiting = this.#fifo.count
    if (waiting > 0) {
      this.#average += this.#weight * (waiting - this.#average)
      return
    }
    // As if so many packets had come to an empty queue while it was one, at the rate that the link has now.
    const packetNs = this.#meanPacketBits * NS_PER_S / this.#rate()
    this.#average = packetNs > 0 ? this.#average * power(1 - this.#weight, (nowNs - this.#emptySinceNs) / packetNs) : 0
    // What comes next, where this packet is dropped, adds the time from here on.
    this.#emptySinceNs = nowNs
  }

  /** Before the count since the last drop is taken in. */
  #probability (): number {
    const average = this.#average
    if (average < this.#minimum) {
      return 0
    }
    if (average < this.#maximum) {
      return this.#maximumProbability * (average - this.#minimum) / (this.#maximum - this.#minimum)
    }
    if (this.#gentle && average < 2 * this.#maximum) {
      return this.#maximumProbability + (1 - this.#maximumProbability) * (average - this.#maximum) / this.#maximum
    }
    return 1
  }

  #choose (probability: number): boolean {
    if (this.#average < this.#minimum) {
      this.#since = -1
      return false
    }
    this.#since++
    // p / (1 - count p) makes the distance between drops uniform over 1 to 1/p.
    const spread = this.#since * probability >= 1 ? 1 : probability / (1 - this.#since * probability)
    if (this.#random.next() < spread) {
      this.#since = 0
      return true
    }
    return false
  }
}
