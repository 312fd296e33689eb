import type { RandomStream } from '../core/random.ts'
import type { ActiveFault, LinkFault } from './faults.ts'
import type { Kernel, Operation } from './kernel.ts'
import type { FlightTimes } from './link-rings.ts'
import type { Observers } from './observe/observer.ts'
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
