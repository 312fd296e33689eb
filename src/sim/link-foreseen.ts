import { BaseLink } from './link-base.ts'
import type { LinkOptions } from './link-options.ts'
import { FlightList, WaitingRing } from './link-rings.ts'
import type { FlightTimes } from './link-rings.ts'
import type { LinkContext, LinkCounters, LinkId, NodeId } from './link.ts'
import type { PacketId } from './packets.ts'

/**
 * One direction of a link: arrival, drop-tail queue, serialisation at a rate, loss, propagation with jitter, delivery.
 *
 * All times follow from the arrivals, so that they are computed when a packet arrives, and one event a packet is all that
 * a link costs: service starts at max(arrival, end of the service before) and takes bits / rate; a packet arrives at its
 * departure plus the propagation delay, or with the packet before it where that is later. Times are whole nanoseconds,
 * rounded down; what rounding left over is carried on to the next packet, so that a train of packets has no
 * accumulated error.
 *
 * Whether a packet will be lost is drawn on its arrival, in the order of service: nothing in between can change it.
 */
export class ForeseenLink extends BaseLink {
  readonly #limitBytes: number
  readonly #limitPackets: number
  readonly #waiting = new WaitingRing()
  readonly #times: FlightTimes
  readonly #flight: FlightList

  #rate: number
  /** At this rate, where it is whole: nothing needs to be rounded then. Else -1. */
  #nsPerByte: number
  /** End of the last service: `#freeNs` and `#remainder / #rate` of a nanosecond. Infinite during a stall. */
  #freeNs = 0
  #remainder = 0
  /** The delivery before, or the end of the last stall: nothing arrives earlier. */
  #earliestNs = 0
  /** When service was last interrupted, and what was left then of the packet in service. */
  #interruptedNs = 0
  #serviceLeftNs = 0

  /** @throws ERR_INVALID_OPTION */
  constructor (context: LinkContext, id: LinkId, from: NodeId, to: NodeId, options: LinkOptions) {
    super(context, id, from, to, options)
    this.#times = context.flightTimes
    this.#flight = new FlightList(context.flightTimes, options.jitter === undefined ? options.delayNs : undefined)
    this.#rate = options.rateBitsPerSecond ?? Infinity
    this.#nsPerByte = wholeNsPerByte(this.#rate)
    const { queue } = options
    this.#limitBytes = queue !== undefined && 'limitBytes' in queue ? queue.limitBytes : Infinity
    this.#limitPackets = queue !== undefined && 'limitPackets' in queue ? queue.limitPackets ?? Infinity : Infinity
  }

  override get rateBitsPerSecond (): number {
    return this.#rate
  }

  override get waitingBytes (): number {
    this.#waiting.settle(this.kernel.nowNs)
    return this.#waiting.bytes
  }

  override get waitingPackets (): number {
    this.#waiting.settle(this.kernel.nowNs)
    return this.#waiting.packets
  }

  override get held (): number {
    return this.#flight.count
  }

  override get counters (): LinkCounters {
    const queued = this.#countQueued()
    return {
      offered: this.offered,
      duplicated: 0,
      delivered: this.delivered,
      droppedQueue: this.droppedQueue,
      droppedLoss: this.droppedLoss,
      droppedFault: this.droppedFault,
      droppedMtu: 0,
      droppedPolicer: 0,
      droppedCorrupt: 0,
      marked: 0,
      queued,
      inFlight: this.#flight.count - queued
    }
  }

  override offer (packet: PacketId): void {
    const now = this.kernel.nowNs
    const packets = this.packets
    this.offered++
    if (this.holeUpTo >= 0 && packets.connection[packet] <= this.holeUpTo) {
      this.droppedFault++
      this.release(packet, 'fault')
      return
    }
    const size = packets.size[packet]
    let lost: boolean
    if (now < this.#freeNs) {
      const waiting = this.#waiting
      waiting.settle(now)
      if (waiting.bytes + size > this.#limitBytes || waiting.packets >= this.#limitPackets) {
        this.droppedQueue++
        this.release(packet, 'queue')
        return
      }
      lost = this.loss !== undefined && this.loss.lost()
      waiting.push(this.#freeNs, size, lost)
    } else {
      lost = this.loss !== undefined && this.loss.lost()
      if (now > this.#freeNs) {
        this.#freeNs = now
        this.#remainder = 0
      }
    }
    this.#serve(size)
    if (lost) {
      this.droppedLoss++
      this.release(packet, 'loss')
      return
    }
    this.#flight.push(packet, this.#freeNs, this.jitter === undefined ? this.delayNs : this.jitter.delayNs())
    if (this.#flight.count === 1 && !this.stalled) {
      this.#scheduleArrival()
    }
  }

  override deliver (): PacketId {
    const packet = this.#flight.shift()
    this.delivered++
    this.#earliestNs = this.kernel.nowNs
    if (this.#flight.count > 0) {
      this.#scheduleArrival()
    }
    return packet
  }

  protected override changeRate (rateBitsPerSecond: number): void {
    if (this.#serviceLeftNs > 0) {
      this.#serviceLeftNs = Math.round(this.#serviceLeftNs * this.#rate / rateBitsPerSecond)
    }
    this.#rate = rateBitsPerSecond
    this.#nsPerByte = wholeNsPerByte(rateBitsPerSecond)
  }

  /** Moves the end of service on by the time that `size` bytes take. */
  #serve (size: number): void {
    const nsPerByte = this.#nsPerByte
    if (nsPerByte >= 0) {
      this.#freeNs += size * nsPerByte
      return
    }
    const rate = this.#rate
    // In units of 1/rate ns all terms are whole numbers, and exact while below 2^53 (packets up to 1.1 MB).
    const total = size * 8e9 + this.#remainder
    const serviceNs = Math.floor(total / rate)
    this.#remainder = total - serviceNs * rate
    this.#freeNs += serviceNs
  }

  #scheduleArrival (): void {
    const arrivalNs = this.#flight.headArrivalNs
    this.kernel.set(this.arrival, arrivalNs < this.#earliestNs ? this.#earliestNs : arrivalNs)
  }

  protected override halt (): void {
    this.interrupt()
    this.#freeNs = Infinity
    for (let i = 0; i < this.#waiting.packets; i++) {
      this.#waiting.setStartNsAt(i, Infinity)
    }
  }

  /** Notes how far service has come. */
  protected override interrupt (): void {
    const now = this.kernel.nowNs
    this.#waiting.settle(now)
    const serviceEndNs = this.#waiting.packets === 0 ? this.#freeNs : this.#waiting.startNsAt(0)
    this.#interruptedNs = now
    this.#serviceLeftNs = Math.max(0, serviceEndNs - now)
    this.kernel.clear(this.arrival)
  }

  /** Computes anew when everything that had not left the serialiser at the interruption will leave it. */
  protected override resume (): void {
    const now = this.kernel.nowNs
    const waiting = this.#waiting
    const flight = this.#flight
    const { departureNs, next } = this.#times
    let index = flight.count
    for (let i = 0; i < waiting.packets; i++) {
      index -= waiting.lostAt(i) ? 0 : 1
    }
    this.#freeNs = now + this.#serviceLeftNs
    this.#remainder = 0
    // The packet in service is in the ring only where it is not one that will be lost.
    if (index > 0 && departureNs[flight.packetAt(index - 1)] > this.#interruptedNs) {
      departureNs[flight.packetAt(index - 1)] = this.#freeNs
    }
    let packet = flight.packetAt(index)
    for (let i = 0; i < waiting.packets; i++) {
      waiting.setStartNsAt(i, this.#freeNs)
      this.#serve(waiting.sizeAt(i))
      if (!waiting.lostAt(i)) {
        departureNs[packet] = this.#freeNs
        packet = next[packet]
      }
    }
    this.#earliestNs = now
    if (flight.count > 0) {
      this.#scheduleArrival()
    }
  }

  /** Drops all that is inside, but what was to be lost anyway, which counts as lost. */
  protected override flush (): void {
    this.kernel.clear(this.arrival)
    while (this.#flight.count > 0) {
      this.droppedFault++
      this.release(this.#flight.shift(), 'fault')
    }
    this.#waiting.settle(Infinity)
    this.#freeNs = this.stalled ? Infinity : this.kernel.nowNs
    this.#remainder = 0
    this.#serviceLeftNs = 0
  }

  #countQueued (): number {
    const now = this.stalled ? this.#interruptedNs : this.kernel.nowNs
    return this.#flight.countDepartingAfter(now)
  }
}

/** What a byte takes at a rate, where that is a whole number; else -1. */
function wholeNsPerByte (rateBitsPerSecond: number): number {
  const nsPerByte = 8e9 / rateBitsPerSecond
  return Number.isInteger(nsPerByte) ? nsPerByte : -1
}
