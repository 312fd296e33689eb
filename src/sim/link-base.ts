import { TwinwireError } from '../core/errors.ts'
import { FaultChain, NO_HOLE } from './faults.ts'
import type { ActiveFault, LinkFault } from './faults.ts'
import { createJitter } from './jitter.ts'
import type { Jitter } from './jitter.ts'
import type { Alarm, Kernel } from './kernel.ts'
import { checkLinkOptions, checkRate } from './link-options.ts'
import type { LinkOptions } from './link-options.ts'
import type { Link, LinkContext, LinkCounters, LinkId, NodeId } from './link.ts'
import { createLoss } from './loss.ts'
import type { LossModel } from './loss.ts'
import type { DropReason, Observers } from './observe/observer.ts'
import type { PacketId, Packets } from './packets.ts'

/**
 * What both kinds of link have in common: their ends, chance, the account of packets, and how faults and changes of rate
 * begin and end. How a packet is served is theirs, and so is all that the path of a packet runs through but `release`.
 */
export abstract class BaseLink implements Link {
  readonly id: LinkId
  readonly from: NodeId
  readonly to: NodeId
  readonly delayNs: number

  protected readonly kernel: Kernel
  protected readonly packets: Packets
  /** The oldest packet's arrival, pending while there is one and no stall. */
  protected readonly arrival: Alarm
  protected readonly loss: LossModel | undefined
  protected readonly jitter: Jitter | undefined
  protected readonly observers: Observers
  /** Nothing is served, nothing delivered. */
  protected stalled = false
  /** Packets of connections up to this number are dropped on arrival. */
  protected holeUpTo = NO_HOLE
  /** Made for the first fault: few links ever have one. */
  #faults: FaultChain | undefined

  protected offered = 0
  protected delivered = 0
  protected droppedQueue = 0
  protected droppedLoss = 0
  protected droppedFault = 0

  /** @throws ERR_INVALID_OPTION */
  constructor (context: LinkContext, id: LinkId, from: NodeId, to: NodeId, options: LinkOptions) {
    const label = `link:${from}-${to}`
    checkLinkOptions(options, label)
    const { delayNs, loss, jitter } = options
    this.id = id
    this.from = from
    this.to = to
    this.delayNs = delayNs
    this.kernel = context.kernel
    this.packets = context.packets
    this.arrival = context.kernel.reserve(context.arrival, id)
    this.observers = context.observers
    this.loss = loss === undefined ? undefined : createLoss(loss, context.random.fork(`${label}/loss`), `${label}.loss`)
    this.jitter = jitter === undefined ? undefined : createJitter(jitter, delayNs, context.random.fork(`${label}/jitter`), `${label}.jitter`)
  }

  abstract get rateBitsPerSecond (): number
  abstract get waitingBytes (): number
  abstract get waitingPackets (): number
  abstract get held (): number
  abstract get counters (): LinkCounters
  abstract offer (packet: PacketId): void
  abstract deliver (): PacketId

  setRate (rateBitsPerSecond: number): void {
    checkRate(rateBitsPerSecond, `link:${this.from}-${this.to}.rateBitsPerSecond`)
    this.observers.active?.onRate(this.id, rateBitsPerSecond)
    if (!this.stalled) {
      this.interrupt()
    }
    this.changeRate(rateBitsPerSecond)
    if (!this.stalled) {
      this.resume()
    }
  }

  beginFault (fault: LinkFault): ActiveFault {
    const faults = this.#faults ??= new FaultChain()
    const entry = faults.add(fault)
    this.observers.active?.onFault(this.id, fault.kind, true)
    if (fault.kind === 'down') {
      this.flush()
    }
    this.#follow(faults)
    return {
      end: () => {
        if (faults.remove(entry)) {
          this.observers.active?.onFault(this.id, fault.kind, false)
          this.#follow(faults)
        }
      }
    }
  }

  checkConservation (): void {
    const { counters } = this
    const dropped = counters.droppedQueue + counters.droppedLoss + counters.droppedFault + counters.droppedMtu + counters.droppedPolicer + counters.droppedCorrupt
    if (counters.offered + counters.duplicated !== counters.delivered + dropped + this.held) {
      throw new TwinwireError('ERR_CONSERVATION', 'a link has not kept its packets', {
        path: `link:${this.from}-${this.to}`,
        expected: 'offered + duplicated = delivered + dropped + queued + in flight',
        found: JSON.stringify(counters)
      })
    }
  }

  /** Whether what is inside is dropped by a fault. */
  protected get down (): boolean {
    return this.#faults !== undefined && this.#faults.down
  }

  /** Notes how far service has come, and lets no event follow. */
  protected abstract interrupt (): void

  /** Interrupts, and lets what comes now wait until service goes on. */
  protected abstract halt (): void

  /** For what was left of the service at the interruption, too. */
  protected abstract changeRate (rateBitsPerSecond: number): void

  /** Service goes on where it was interrupted. */
  protected abstract resume (): void

  /** Drops all that is inside. */
  protected abstract flush (): void

  protected release (packet: PacketId, reason: DropReason): void {
    this.observers.active?.onDrop(packet, reason, this.from, this.id)
    this.packets.release(packet)
  }

  #follow (faults: FaultChain): void {
    const { stalled, holeUpTo } = faults
    this.holeUpTo = holeUpTo
    if (stalled === this.stalled) {
      return
    }
    if (stalled) {
      this.halt()
      this.stalled = true
    } else {
      this.stalled = false
      this.resume()
    }
  }
}
