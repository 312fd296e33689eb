import { TwinwireError } from '../core/errors.ts'
import type { RandomStream } from '../core/random.ts'
import { FaultChain, NO_HOLE } from './faults.ts'
import type { ActiveFault, LinkFault } from './faults.ts'
import { createJitter } from './jitter.ts'
import type { Jitter } from './jitter.ts'
import type { Alarm, Kernel, Operation } from './kernel.ts'
import { checkLinkOptions, checkRate } from './link-options.ts'
import type { LinkOptions } from './link-options.ts'
import { FlightList, WaitingRing } from './link-rings.ts'
import type { FlightTimes } from './link-rings.ts'
import { createLoss } from './loss.ts'
import type { LossModel } from './loss.ts'
import type { DropReason, Observers } from './observe/observer.ts'
import type { PacketId, Packets } from './packets.ts'

export type { LinkOptions, QueueLimit, QueueOptions } from './link-options.ts'

/** An index into a network's nodes, and into its links. */
export type NodeId = number
export type LinkId = number

/** Packets since the start. `offered + duplicated` is always the sum of those delivered, dropped, queued and in flight. */
export interface LinkCounters {
  readonly offered: number
  readonly duplicated: number
  readonly delivered: number
  /** By the queue's discipline: because it was full, or early. */
  readonly droppedQueue: number
  readonly droppedLoss: number
  readonly droppedFault: number
  readonly droppedMtu: number
  readonly droppedPolicer: number
  readonly droppedCorrupt: number
  /** ECN marks set by the queue's discipline. */
  readonly marked: number
  /** Waiting or in service now, without those that will be lost: these count as dropped from their arrival on. */
  readonly queued: number
  /** Propagating now. */
  readonly inFlight: number
}

/** What a link needs of the network that it is part of. */
export interface LinkContext {
  readonly kernel: Kernel
  readonly packets: Packets
  readonly random: RandomStream
  /** Scheduled with the link's id for when its oldest packet arrives; its handler calls `deliver`. */
  readonly arrival: Operation
  readonly flightTimes: FlightTimes
  readonly observers: Observers
}

/** One direction of a link. */
export interface Link {
  readonly id: LinkId
  readonly from: NodeId
  readonly to: NodeId
  readonly delayNs: number
  /** `Infinity` where there is no serialisation; the mean of a trace. */
  readonly rateBitsPerSecond: number
  /** What waits now, the packet in service not counted. */
  readonly waitingBytes: number
  readonly waitingPackets: number
  /** Packets inside that will be delivered: `queued + inFlight`. */
  readonly held: number
  /** A snapshot. */
  readonly counters: LinkCounters
  /** Takes over a packet that arrives now. */
  offer(packet: PacketId): void
  /** Hands over the packet whose time has come. For the handler of the arrival operation only. */
  deliver(): PacketId
  /**
   * The rate from now on (`Infinity`: no serialisation), for the rest of the packet in service and for all that waits.
   *
   * @throws ERR_INVALID_OPTION
   */
  setRate(rateBitsPerSecond: number): void
  /**
   * Begins a fault. After a stall the packet in service gets the rest of its service, and those that wait follow, in
   * order. What was propagating when it began goes on to propagate, because signals do not stop on the way, and what
   * reached the far end meanwhile is handed over when the stall ends: it is the equipment at the ends that stalls.
   */
  beginFault(fault: LinkFault): ActiveFault
  /** @throws ERR_CONSERVATION where packets have appeared or vanished */
  checkConservation(): void
}

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
export class ForeseenLink implements Link {
  readonly id: LinkId
  readonly from: NodeId
  readonly to: NodeId
  readonly delayNs: number

  readonly #kernel: Kernel
  readonly #packets: Packets
  /** The oldest packet's arrival, pending while there is one and no stall. */
  readonly #arrival: Alarm
  readonly #limitBytes: number
  readonly #limitPackets: number
  readonly #loss: LossModel | undefined
  readonly #jitter: Jitter | undefined
  readonly #waiting = new WaitingRing()
  readonly #times: FlightTimes
  readonly #flight: FlightList
  readonly #observers: Observers
  /** Made for the first fault: few links ever have one. */
  #faults: FaultChain | undefined
  /** As in the chain. */
  #holeUpTo = NO_HOLE

  #rate: number
  /** At this rate, where it is whole: nothing needs to be rounded then. Else -1. */
  #nsPerByte: number
  /** End of the last service: `#freeNs` and `#remainder / #rate` of a nanosecond. Infinite during a stall. */
  #freeNs = 0
  #remainder = 0
  /** The delivery before, or the end of the last stall: nothing arrives earlier. */
  #earliestNs = 0
  #stalled = false
  /** When service was last interrupted, and what was left then of the packet in service. */
  #interruptedNs = 0
  #serviceLeftNs = 0

  #offered = 0
  #delivered = 0
  #droppedQueue = 0
  #droppedLoss = 0
  #droppedFault = 0

  /** @throws ERR_INVALID_OPTION */
  constructor (context: LinkContext, id: LinkId, from: NodeId, to: NodeId, options: LinkOptions) {
    const label = `link:${from}-${to}`
    checkLinkOptions(options, label)
    this.id = id
    this.from = from
    this.to = to
    this.delayNs = options.delayNs
    this.#kernel = context.kernel
    this.#packets = context.packets
    this.#arrival = context.kernel.reserve(context.arrival, id)
    this.#times = context.flightTimes
    this.#flight = new FlightList(context.flightTimes, options.jitter === undefined ? options.delayNs : undefined)
    this.#observers = context.observers
    this.#rate = options.rateBitsPerSecond ?? Infinity
    this.#nsPerByte = wholeNsPerByte(this.#rate)
    const { queue } = options
    this.#limitBytes = queue !== undefined && 'limitBytes' in queue ? queue.limitBytes : Infinity
    this.#limitPackets = queue !== undefined && 'limitPackets' in queue ? queue.limitPackets ?? Infinity : Infinity
    this.#loss = options.loss === undefined ? undefined : createLoss(options.loss, context.random.fork(`${label}/loss`), `${label}.loss`)
    this.#jitter = options.jitter === undefined ? undefined : createJitter(options.jitter, options.delayNs, context.random.fork(`${label}/jitter`), `${label}.jitter`)
  }

  get rateBitsPerSecond (): number {
    return this.#rate
  }

  get waitingBytes (): number {
    this.#waiting.settle(this.#kernel.nowNs)
    return this.#waiting.bytes
  }

  get waitingPackets (): number {
    this.#waiting.settle(this.#kernel.nowNs)
    return this.#waiting.packets
  }

  get held (): number {
    return this.#flight.count
  }

  get counters (): LinkCounters {
    const queued = this.#countQueued()
    return {
      offered: this.#offered,
      duplicated: 0,
      delivered: this.#delivered,
      droppedQueue: this.#droppedQueue,
      droppedLoss: this.#droppedLoss,
      droppedFault: this.#droppedFault,
      droppedMtu: 0,
      droppedPolicer: 0,
      droppedCorrupt: 0,
      marked: 0,
      queued,
      inFlight: this.#flight.count - queued
    }
  }

  offer (packet: PacketId): void {
    const now = this.#kernel.nowNs
    const packets = this.#packets
    this.#offered++
    if (this.#holeUpTo >= 0 && packets.connection[packet] <= this.#holeUpTo) {
      this.#droppedFault++
      this.#drop(packet, 'fault')
      return
    }
    const size = packets.size[packet]
    let lost: boolean
    if (now < this.#freeNs) {
      const waiting = this.#waiting
      waiting.settle(now)
      if (waiting.bytes + size > this.#limitBytes || waiting.packets >= this.#limitPackets) {
        this.#droppedQueue++
        this.#drop(packet, 'queue')
        return
      }
      lost = this.#loss !== undefined && this.#loss.lost()
      waiting.push(this.#freeNs, size, lost)
    } else {
      lost = this.#loss !== undefined && this.#loss.lost()
      if (now > this.#freeNs) {
        this.#freeNs = now
        this.#remainder = 0
      }
    }
    this.#serve(size)
    if (lost) {
      this.#droppedLoss++
      this.#drop(packet, 'loss')
      return
    }
    this.#flight.push(packet, this.#freeNs, this.#jitter === undefined ? this.delayNs : this.#jitter.delayNs())
    if (this.#flight.count === 1 && !this.#stalled) {
      this.#scheduleArrival()
    }
  }

  deliver (): PacketId {
    const packet = this.#flight.shift()
    this.#delivered++
    this.#earliestNs = this.#kernel.nowNs
    if (this.#flight.count > 0) {
      this.#scheduleArrival()
    }
    return packet
  }

  setRate (rateBitsPerSecond: number): void {
    checkRate(rateBitsPerSecond, `link:${this.from}-${this.to}.rateBitsPerSecond`)
    this.#observers.active?.onRate(this.id, rateBitsPerSecond)
    if (!this.#stalled) {
      this.#interrupt()
    }
    if (this.#serviceLeftNs > 0) {
      this.#serviceLeftNs = Math.round(this.#serviceLeftNs * this.#rate / rateBitsPerSecond)
    }
    this.#rate = rateBitsPerSecond
    this.#nsPerByte = wholeNsPerByte(rateBitsPerSecond)
    if (!this.#stalled) {
      this.#resume()
    }
  }

  beginFault (fault: LinkFault): ActiveFault {
    const faults = this.#faults ??= new FaultChain()
    const entry = faults.add(fault)
    this.#observers.active?.onFault(this.id, fault.kind, true)
    if (fault.kind === 'down') {
      this.#flush()
    }
    this.#follow(faults)
    return {
      end: () => {
        if (faults.remove(entry)) {
          this.#observers.active?.onFault(this.id, fault.kind, false)
          this.#follow(faults)
        }
      }
    }
  }

  checkConservation (): void {
    const dropped = this.#droppedQueue + this.#droppedLoss + this.#droppedFault
    if (this.#offered !== this.#delivered + dropped + this.#flight.count) {
      throw new TwinwireError('ERR_CONSERVATION', 'a link has not kept its packets', {
        path: `link:${this.from}-${this.to}`,
        expected: 'offered = delivered + dropped + queued + in flight',
        found: JSON.stringify(this.counters)
      })
    }
  }

  #drop (packet: PacketId, reason: DropReason): void {
    this.#observers.active?.onDrop(packet, reason, this.from, this.id)
    this.#packets.release(packet)
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
    this.#kernel.set(this.#arrival, arrivalNs < this.#earliestNs ? this.#earliestNs : arrivalNs)
  }

  #follow ({ stalled, holeUpTo }: FaultChain): void {
    this.#holeUpTo = holeUpTo
    if (stalled === this.#stalled) {
      return
    }
    if (stalled) {
      this.#interrupt()
      this.#freeNs = Infinity
      for (let i = 0; i < this.#waiting.packets; i++) {
        this.#waiting.setStartNsAt(i, Infinity)
      }
    } else {
      this.#resume()
    }
    this.#stalled = stalled
  }

  /** Notes how far service has come. */
  #interrupt (): void {
    const now = this.#kernel.nowNs
    this.#waiting.settle(now)
    const serviceEndNs = this.#waiting.packets === 0 ? this.#freeNs : this.#waiting.startNsAt(0)
    this.#interruptedNs = now
    this.#serviceLeftNs = Math.max(0, serviceEndNs - now)
    this.#kernel.clear(this.#arrival)
  }

  /** Computes anew when everything that had not left the serialiser at the interruption will leave it. */
  #resume (): void {
    const now = this.#kernel.nowNs
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
  #flush (): void {
    this.#kernel.clear(this.#arrival)
    while (this.#flight.count > 0) {
      this.#droppedFault++
      this.#drop(this.#flight.shift(), 'fault')
    }
    this.#waiting.settle(Infinity)
    this.#freeNs = this.#stalled ? Infinity : this.#kernel.nowNs
    this.#remainder = 0
    this.#serviceLeftNs = 0
  }

  #countQueued (): number {
    const now = this.#stalled ? this.#interruptedNs : this.#kernel.nowNs
    return this.#flight.countDepartingAfter(now)
  }
}

/** What a byte takes at a rate, where that is a whole number; else -1. */
function wholeNsPerByte (rateBitsPerSecond: number): number {
  const nsPerByte = 8e9 / rateBitsPerSecond
  return Number.isInteger(nsPerByte) ? nsPerByte : -1
}
