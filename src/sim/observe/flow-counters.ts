import type { NodeId } from '../link.ts'
import type { PacketNetwork } from '../network.ts'
import { ECN_CONGESTION, FLAG_FIN, FLAG_SYN } from '../packets.ts'
import type { PacketId } from '../packets.ts'
import { DROP_REASONS } from './observer.ts'
import type { DropReason, NetworkObserver } from './observer.ts'

/** Packets, and their IP bytes. */
export interface Count {
  readonly packets: number
  readonly bytes: number
}

/**
 * One direction of one connection. `sent + duplicated = received + dropped + inside`, in packets and in bytes, at any time
 * between events.
 */
export interface Flow {
  /** 0: packets of no connection, as cross traffic's. */
  readonly connection: number
  readonly from: NodeId
  readonly to: NodeId
  readonly sent: Count
  /** Copies that links made. */
  readonly duplicated: Count
  /** Passed on by routers, each time. */
  readonly forwarded: Count
  readonly received: Count
  readonly dropped: Readonly<Record<DropReason, Count>>
  /** On the way. */
  readonly inside: Count
  /** Of those sent: what bears something that was sent before, a SYN, payload or a FIN. */
  readonly retransmitted: Count
  /** Of those received: with a congestion mark. */
  readonly marked: Count
}

/** Counts what becomes of the packets of every connection, each direction by itself. To be added before any is sent. */
export class FlowCounters implements NetworkObserver {
  readonly #network: PacketNetwork
  readonly #byConnection = new Map<number, FlowTally[]>()

  constructor (network: PacketNetwork) {
    this.#network = network
  }

  /** In the order in which they began. */
  get flows (): Flow[] {
    return [...this.#byConnection.values()].flat().map(tally => tally.snapshot())
  }

  /** What a node sent on a connection; undefined where that is nothing. */
  flow (connection: number, from: NodeId): Flow | undefined {
    return this.#byConnection.get(connection)?.find(tally => tally.from === from)?.snapshot()
  }

  onSend (packet: PacketId): void {
    const { packets } = this.#network
    const tally = this.#tallyOf(packet)
    const size = packets.size[packet]
    tally.sent.add(size)
    if (packets.connection[packet] === 0) {
      return
    }
    const flags = packets.flags[packet]
    const start = packets.sequence[packet]
    const end = start + packets.length[packet] + ((flags & (FLAG_SYN | FLAG_FIN)) === 0 ? 0 : 1)
    if (end > start && start < tally.sentUpTo) {
      tally.retransmitted.add(size)
    }
    tally.sentUpTo = Math.max(tally.sentUpTo, end)
  }

  onForward (packet: PacketId): void {
    this.#tallyOf(packet).forwarded.add(this.#network.packets.size[packet])
  }

  onReceive (packet: PacketId): void {
    const { size, ecn } = this.#network.packets
    const tally = this.#tallyOf(packet)
    tally.received.add(size[packet])
    if (ecn[packet] === ECN_CONGESTION) {
      tally.marked.add(size[packet])
    }
  }

  onDrop (packet: PacketId, reason: DropReason): void {
    this.#tallyOf(packet).dropped[reason].add(this.#network.packets.size[packet])
  }

  onDuplicate (original: PacketId): void {
    this.#tallyOf(original).duplicated.add(this.#network.packets.size[original])
  }

  #tallyOf (packet: PacketId): FlowTally {
    const { connection, source, destination } = this.#network.packets
    const [from, to] = [source[packet], destination[packet]]
    let tallies = this.#byConnection.get(connection[packet])
    if (tallies === undefined) {
      tallies = []
      this.#byConnection.set(connection[packet], tallies)
    }
    for (const tally of tallies) {
      if (tally.from === from && tally.to === to) {
        return tally
      }
    }
    const tally = new FlowTally(connection[packet], from, to)
    tallies.push(tally)
    return tally
  }
}

class Tally {
  packets = 0
  bytes = 0

  add (bytes: number): void {
    this.packets++
    this.bytes += bytes
  }

  snapshot (): Count {
    return { packets: this.packets, bytes: this.bytes }
  }
}

class FlowTally {
  readonly connection: number
  readonly from: NodeId
  readonly to: NodeId
  readonly sent = new Tally()
  readonly duplicated = new Tally()
  readonly forwarded = new Tally()
  readonly received = new Tally()
  readonly dropped = byReason(() => new Tally())
  readonly retransmitted = new Tally()
  readonly marked = new Tally()
  /** What lies before this sequence number was sent. */
  sentUpTo = 0

  constructor (connection: number, from: NodeId, to: NodeId) {
    this.connection = connection
    this.from = from
    this.to = to
  }

  snapshot (): Flow {
    return {
      connection: this.connection,
      from: this.from,
      to: this.to,
      sent: this.sent.snapshot(),
      duplicated: this.duplicated.snapshot(),
      forwarded: this.forwarded.snapshot(),
      received: this.received.snapshot(),
      dropped: byReason(reason => this.dropped[reason].snapshot()),
      inside: { packets: this.#inside('packets'), bytes: this.#inside('bytes') },
      retransmitted: this.retransmitted.snapshot(),
      marked: this.marked.snapshot()
    }
  }

  #inside (unit: keyof Count): number {
    return DROP_REASONS.reduce((inside, reason) => inside - this.dropped[reason][unit], this.sent[unit] + this.duplicated[unit] - this.received[unit])
  }
}

function byReason<T> (value: (reason: DropReason) => T): Record<DropReason, T> {
  return Object.fromEntries(DROP_REASONS.map(reason => [reason, value(reason)])) as Record<DropReason, T>
}
