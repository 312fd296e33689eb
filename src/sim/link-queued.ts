import type { RandomStream } from '../core/random.ts'
import type { Alarm } from './kernel.ts'
import { BaseLink } from './link-base.ts'
import { FlightHeap } from './link-flight.ts'
import type { LinkOptions } from './link-options.ts'
import { FlightList } from './link-rings.ts'
import type { LinkContext, LinkCounters, LinkId, NodeId } from './link.ts'
import type { PacketId } from './packets.ts'
import { createQueue } from './queue-disciplines.ts'
import { NO_PACKET } from './queue.ts'
import type { QueueDiscipline, QueueSink } from './queue.ts'
import { TokenBucketPolicer } from './rate-policer.ts'
import { meanBitsPerSecond, OPPORTUNITY_BYTES, RateTraceCursor } from './rate-trace.ts'

/**
 * One direction of a link with everything that `LinkOptions` offers. A packet leaves the queue when its service begins, as
 * disciplines that decide then need it; that takes an event for the end of each service, beside the one for its arrival.
 *
 * Where `ForeseenLink` can do the same, both deliver the same packets at the same instants.
 */
export class QueuedLink extends BaseLink implements QueueSink {
  /** The end of the present service, or the next opportunity. */
  readonly #service: Alarm
  readonly #queue: QueueDiscipline
  readonly #mtuBytes: number
  readonly #policer: TokenBucketPolicer | undefined
  readonly #corruption: number
  readonly #corrupted: RandomStream | undefined
  readonly #duplication: number
  readonly #doubled: RandomStream | undefined
  readonly #reorder: boolean
  readonly #flight: FlightList | FlightHeap
  readonly #meanRate: number

  #rate: number
  #trace: RateTraceCursor | undefined
  /** In service, or `NO_PACKET`; the end of its service, or of the last, is `#freeNs` and `#remainder / #rate` of a nanosecond. */
  #serving = NO_PACKET
  #freeNs = 0
  #remainder = 0
  /** With a trace: what of the packet in service is still to be sent. */
  #bytesLeft = 0
  /** Nothing arrives earlier: the delivery before (unless packets may overtake), or the end of the last stall. */
  #earliestNs = 0
  #serviceLeftNs = 0

  #duplicated = 0
  #droppedMtu = 0
  #droppedPolicer = 0
  #droppedCorrupt = 0

  /** @throws ERR_INVALID_OPTION */
  constructor (context: LinkContext, id: LinkId, from: NodeId, to: NodeId, options: LinkOptions) {
    super(context, id, from, to, options)
    const label = `link:${from}-${to}`
    this.#service = context.kernel.reserve(context.kernel.define(() => this.#endService(), `${label}, end of service`), 0)
    this.#rate = options.rateBitsPerSecond ?? Infinity
    this.#trace = options.trace === undefined ? undefined : new RateTraceCursor(options.trace)
    const meanRate = options.trace === undefined ? this.#rate : meanBitsPerSecond(options.trace)
    this.#queue = createQueue(options.queue, () => this.rateBitsPerSecond, context.packets, this, () => context.random.fork(`${label}/queue`))
    this.#mtuBytes = options.mtuBytes ?? Infinity
    this.#policer = options.policer === undefined ? undefined : new TokenBucketPolicer(options.policer, `${label}.policer`)
    this.#corruption = options.corruption ?? 0
    this.#corrupted = this.#corruption === 0 ? undefined : context.random.fork(`${label}/corruption`)
    this.#duplication = options.duplication ?? 0
    this.#doubled = this.#duplication === 0 ? undefined : context.random.fork(`${label}/duplication`)
    this.#reorder = options.reorder ?? false
    this.#flight = this.#reorder ? new FlightHeap() : new FlightList(context.flightTimes, options.jitter === undefined ? options.delayNs : undefined)
    this.#meanRate = meanRate
  }

  override get rateBitsPerSecond (): number {
    return this.#trace === undefined ? this.#rate : this.#meanRate
  }

  // Looking changes nothing: at the very instant of a service's end, what is seen depends on whether its event was before.
  override get waitingBytes (): number {
    return this.#queue.bytes
  }

  override get waitingPackets (): number {
    return this.#queue.packets
  }

  override get held (): number {
    return this.#queued + this.#flight.count
  }

  override get counters (): LinkCounters {
    return {
      offered: this.offered,
      duplicated: this.#duplicated,
      delivered: this.delivered,
      droppedQueue: this.droppedQueue,
      droppedLoss: this.droppedLoss,
      droppedFault: this.droppedFault,
      droppedMtu: this.#droppedMtu,
      droppedPolicer: this.#droppedPolicer,
      droppedCorrupt: this.#droppedCorrupt,
      marked: this.#queue.marked,
      queued: this.#queued,
      inFlight: this.#flight.count
    }
  }

  override offer (packet: PacketId): void {
    const now = this.kernel.nowNs
    const packets = this.packets
    this.offered++
    if (this.holeUpTo >= 0 && packets.connection[packet] <= this.holeUpTo) {
      this.droppedFault++
      this.release(packet, 'fault')
    } else if (packets.size[packet] > this.#mtuBytes) {
      this.#droppedMtu++
      this.release(packet, 'mtu')
    } else if (this.#policer !== undefined && !this.#policer.conforms(packets.size[packet], now)) {
      this.#droppedPolicer++
      this.release(packet, 'policer')
    } else {
      this.#catchUp()
      const busy = this.#serving !== NO_PACKET || this.stalled || this.#trace !== undefined
      this.#queue.enqueue(packet, now, busy)
      this.#serveNext()
    }
  }

  override deliver (): PacketId {
    const packet = this.#flight.shift()
    this.delivered++
    if (!this.#reorder) {
      this.#earliestNs = this.kernel.nowNs
    }
    if (this.#flight.count > 0) {
      this.#scheduleArrival()
    }
    return packet
  }

  /** For the queue only: a packet that it does not keep. */
  drop (packet: PacketId): void {
    if (this.down) {
      this.droppedFault++
      this.release(packet, 'fault')
    } else {
      this.droppedQueue++
      this.release(packet, 'queue')
    }
  }

  /** Takes the place of a trace, too; a packet that its opportunities had begun to carry is served from its beginning. */
  protected override changeRate (rateBitsPerSecond: number): void {
    if (this.#trace !== undefined) {
      this.#trace = undefined
      this.#serviceLeftNs = this.#serving === NO_PACKET ? 0 : Math.floor(this.packets.size[this.#serving] * 8e9 / rateBitsPerSecond)
    } else if (this.#serviceLeftNs > 0) {
      this.#serviceLeftNs = Math.round(this.#serviceLeftNs * this.#rate / rateBitsPerSecond)
    }
    this.#rate = rateBitsPerSecond
  }

  get #queued (): number {
    return this.#queue.packets + (this.#serving === NO_PACKET ? 0 : 1)
  }

  /** A service that ends now has ended for whoever comes now, whichever event was scheduled first. */
  #catchUp (): void {
    if (this.#serving !== NO_PACKET && this.#trace === undefined && !this.stalled && this.#freeNs <= this.kernel.nowNs) {
      this.kernel.clear(this.#service)
      this.#endService()
    }
  }

  #endService (): void {
    if (this.#trace === undefined) {
      const packet = this.#serving
      this.#serving = NO_PACKET
      this.#leave(packet, this.#freeNs)
    } else {
      this.#useOpportunities(this.#trace)
    }
    this.#serveNext()
  }

  /** Begins what services can begin now, and schedules their end. */
  #serveNext (): void {
    if (this.stalled || this.kernel.isSet(this.#service)) {
      return
    }
    const now = this.kernel.nowNs
    if (this.#trace !== undefined) {
      if (this.#queued > 0) {
        this.#trace.advance(now)
        this.kernel.set(this.#service, this.#trace.atNs)
      }
      return
    }
    while (this.#serving === NO_PACKET) {
      const packet = this.#queue.packets === 0 ? NO_PACKET : this.#queue.dequeue(now)
      if (packet === NO_PACKET) {
        return
      }
      if (now > this.#freeNs) {
        this.#freeNs = now
        this.#remainder = 0
      }
      this.#addService(this.packets.size[packet])
      if (this.#freeNs <= now) {
        this.#leave(packet, now)
      } else {
        this.#serving = packet
      }
    }
    this.kernel.set(this.#service, this.#freeNs)
  }

  /** As in `ForeseenLink`: whole nanoseconds, the rest carried on to the next packet of a train. */
  #addService (size: number): void {
    if (this.#rate !== Infinity) {
      const total = size * 8e9 + this.#remainder
      const serviceNs = Math.floor(total / this.#rate)
      this.#remainder = total - serviceNs * this.#rate
      this.#freeNs += serviceNs
    }
  }

  /** As mahimahi does: what an opportunity has left goes to the next packet, and is lost where there is none. */
  #useOpportunities (trace: RateTraceCursor): void {
    const now = this.kernel.nowNs
    let budget = trace.count * OPPORTUNITY_BYTES
    while (budget > 0) {
      if (this.#serving === NO_PACKET) {
        const packet = this.#queue.packets === 0 ? NO_PACKET : this.#queue.dequeue(now)
        if (packet === NO_PACKET) {
          return
        }
        this.#serving = packet
        this.#bytesLeft = this.packets.size[packet]
      }
      const sent = Math.min(budget, this.#bytesLeft)
      budget -= sent
      this.#bytesLeft -= sent
      if (this.#bytesLeft === 0) {
        const packet = this.#serving
        this.#serving = NO_PACKET
        this.#leave(packet, now)
      }
    }
  }

  /** The last bit of a packet has left the serialiser. */
  #leave (packet: PacketId, departureNs: number): void {
    if (this.loss !== undefined && this.loss.lost()) {
      this.droppedLoss++
      this.release(packet, 'loss')
    } else if (this.#corrupted !== undefined && this.#corrupted.next() < this.#corruption) {
      // Counted now, although it is found out at the far end: nobody can tell the difference.
      this.#droppedCorrupt++
      this.release(packet, 'corrupt')
    } else {
      this.#launch(packet, departureNs)
      if (this.#doubled !== undefined && this.#doubled.next() < this.#duplication) {
        this.#duplicated++
        const copy = this.packets.copy(packet)
        this.observers.active?.onDuplicate(packet, copy, this.id)
        this.#launch(copy, departureNs)
      }
    }
  }

  #launch (packet: PacketId, departureNs: number): void {
    const flight = this.#flight
    const nextNs = flight.count === 0 ? Infinity : flight.headArrivalNs
    flight.push(packet, departureNs, this.jitter === undefined ? this.delayNs : this.jitter.delayNs())
    if (flight.count === 1 || (this.#reorder && flight.headArrivalNs < nextNs)) {
      this.#scheduleArrival()
    }
  }

  #scheduleArrival (): void {
    this.kernel.set(this.arrival, Math.max(this.#flight.headArrivalNs, this.#earliestNs))
  }

  protected override interrupt (): void {
    this.#catchUp()
    this.#serviceLeftNs = this.#serving === NO_PACKET ? 0 : Math.max(0, this.#freeNs - this.kernel.nowNs)
    this.kernel.clear(this.#service)
    this.kernel.clear(this.arrival)
  }

  protected override halt (): void {
    this.interrupt()
  }

  protected override resume (): void {
    const now = this.kernel.nowNs
    this.#freeNs = now + this.#serviceLeftNs
    this.#remainder = 0
    this.#earliestNs = now
    if (this.#flight.count > 0) {
      this.#scheduleArrival()
    }
    if (this.#serving !== NO_PACKET && this.#trace === undefined) {
      this.kernel.set(this.#service, this.#freeNs)
    } else {
      this.#serveNext()
    }
  }

  /** Drops all that is inside. */
  protected override flush (): void {
    this.#catchUp()
    this.kernel.clear(this.#service)
    this.kernel.clear(this.arrival)
    this.#queue.flush(this.kernel.nowNs)
    if (this.#serving !== NO_PACKET) {
      this.drop(this.#serving)
      this.#serving = NO_PACKET
    }
    while (this.#flight.count > 0) {
      this.drop(this.#flight.shift())
    }
    this.#freeNs = this.kernel.nowNs
    this.#remainder = 0
    this.#serviceLeftNs = 0
  }
}
