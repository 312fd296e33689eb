import type { LinkFault } from '../faults.ts'
import type { LinkId, NodeId } from '../link.ts'
import type { PacketId } from '../packets.ts'
import type { TcpCloseReason } from '../tcp/socket-handler.ts'
import type { TcpSocket } from '../tcp/socket.ts'

/** Why a packet was dropped: as the counters of links and networks have it. */
export type DropReason = 'queue' | 'loss' | 'fault' | 'mtu' | 'policer' | 'corrupt' | 'unreachable'

export const DROP_REASONS: readonly DropReason[] = ['queue', 'loss', 'fault', 'mtu', 'policer', 'corrupt', 'unreachable']

/** In place of a link: a node had none to send the packet on. */
export const NO_LINK: LinkId = -1

/**
 * Sees what happens in a network, inside the kernel event in which it happens. It must change nothing: not the packet, not
 * the network, and it schedules no event but a kernel's watch (`Kernel.defineWatch`). A packet's columns can be read until
 * the call returns.
 */
export interface NetworkObserver {
  /** A packet enters the network at its source, and then the link (`NO_LINK`: it will be dropped). */
  onSend?(packet: PacketId, link: LinkId): void
  /** A router passes a packet from one link on into another. */
  onForward?(packet: PacketId, from: LinkId, into: LinkId): void
  /** A packet from the link is handed to its destination, which has not looked at it yet. */
  onReceive?(packet: PacketId, link: LinkId): void
  /**
   * A packet is dropped at the entrance of, or in, a link that begins at `node`; `NO_LINK` where the node had none. A link
   * that can foresee everything drops what its loss will take when it arrives there, before it waits and is served.
   */
  onDrop?(packet: PacketId, reason: DropReason, node: NodeId, link: LinkId): void
  /** A link made a copy of `original`. */
  onDuplicate?(original: PacketId, copy: PacketId, link: LinkId): void
  /** A fault of a link begins, or ends. */
  onFault?(link: LinkId, kind: LinkFault['kind'], begins: boolean): void
  /** A link's rate changes (`Infinity`: no serialisation). */
  onRate?(link: LinkId, rateBitsPerSecond: number): void
  /** One end of a connection comes into being, before its SYN or SYN-ACK is sent. */
  onSocket?(socket: TcpSocket): void
  /** Something happened to a socket, a packet, a timer or a write, and it has acted on it. */
  onSocketChange?(socket: TcpSocket): void
  onSocketClosed?(socket: TcpSocket, reason: TcpCloseReason): void
}

/** An observer at work. Stopping it twice does nothing. */
export interface Observation {
  stop(): void
}

/** All observers of one network. Where there are none, an event costs a look at `active`. */
export class Observers {
  /** For those who tell: undefined where nobody wants to know. */
  active: ObserverGroup | undefined

  add (observer: NetworkObserver): Observation {
    this.#set([...this.active?.observers ?? [], observer])
    return {
      stop: () => this.#set((this.active?.observers ?? []).filter(other => other !== observer))
    }
  }

  #set (observers: readonly NetworkObserver[]): void {
    this.active = observers.length === 0 ? undefined : new ObserverGroup(observers)
  }
}

/** Observers as one, in the order in which they were added. */
export class ObserverGroup implements Required<NetworkObserver> {
  readonly observers: readonly NetworkObserver[]

  constructor (observers: readonly NetworkObserver[]) {
    this.observers = observers
  }

  onSend (packet: PacketId, link: LinkId): void {
    for (const observer of this.observers) {
      observer.onSend?.(packet, link)
    }
  }

  onForward (packet: PacketId, from: LinkId, into: LinkId): void {
    for (const observer of this.observers) {
      observer.onForward?.(packet, from, into)
    }
  }

  onReceive (packet: PacketId, link: LinkId): void {
    for (const observer of this.observers) {
      observer.onReceive?.(packet, link)
    }
  }

  onDrop (packet: PacketId, reason: DropReason, node: NodeId, link: LinkId): void {
    for (const observer of this.observers) {
      observer.onDrop?.(packet, reason, node, link)
    }
  }

  onDuplicate (original: PacketId, copy: PacketId, link: LinkId): void {
    for (const observer of this.observers) {
      observer.onDuplicate?.(original, copy, link)
    }
  }

  onFault (link: LinkId, kind: LinkFault['kind'], begins: boolean): void {
    for (const observer of this.observers) {
      observer.onFault?.(link, kind, begins)
    }
  }

  onRate (link: LinkId, rateBitsPerSecond: number): void {
    for (const observer of this.observers) {
      observer.onRate?.(link, rateBitsPerSecond)
    }
  }

  onSocket (socket: TcpSocket): void {
    for (const observer of this.observers) {
      observer.onSocket?.(socket)
    }
  }

  onSocketChange (socket: TcpSocket): void {
    for (const observer of this.observers) {
      observer.onSocketChange?.(socket)
    }
  }

  onSocketClosed (socket: TcpSocket, reason: TcpCloseReason): void {
    for (const observer of this.observers) {
      observer.onSocketClosed?.(socket, reason)
    }
  }
}
