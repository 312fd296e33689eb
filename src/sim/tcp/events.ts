import type { Kernel } from '../kernel.ts'
import type { Observers } from '../observe/observer.ts'
import type { PacketId, Packets } from '../packets.ts'

/** What TCP needs of the layer below: a `PacketNetwork`, as seen from here. */
export interface SegmentNetwork {
  readonly kernel: Kernel
  readonly packets: Packets
  /** Told of sockets. */
  readonly observers: Observers
  /** Packets for `node` go to `receiver`, which releases them. */
  setReceiver(node: number, receiver: { receive(id: PacketId): void }): void
  /** The number of a new connection, higher than those before. */
  openConnection(): number
  /** Takes a packet over and routes it from its `source` to its `destination`; never delivers it before it returns. */
  send(id: PacketId): void
}

/** What a kernel event can ask of a socket. */
export interface TimedSocket {
  onTimer(): void
  onFlush(): void
  onRead(): void
}

/** The three kernel operations that all sockets of one network share; an event's argument is a socket's slot. */
export class SocketEvents {
  /** Scheduled with a slot, calls `onTimer` of the socket there. */
  readonly timerOperation: number
  /** Scheduled with a slot, calls `onFlush` of the socket there. */
  readonly flushOperation: number
  /** Scheduled with a slot, calls `onRead` of the socket there. */
  readonly readOperation: number
  readonly #sockets: Array<TimedSocket | null> = []
  readonly #freeSlots: number[] = []

  /** The one of `network`. */
  static of (network: SegmentNetwork): SocketEvents {
    let events = ofNetworks.get(network)
    if (events === undefined) {
      events = new SocketEvents(network.kernel)
      ofNetworks.set(network, events)
    }
    return events
  }

  private constructor (kernel: Kernel) {
    this.timerOperation = kernel.define(slot => this.#sockets[slot]?.onTimer(), 'TCP timer')
    this.readOperation = kernel.define(slot => this.#sockets[slot]?.onRead(), 'TCP read')
    this.flushOperation = kernel.define(slot => this.#sockets[slot]?.onFlush(), 'TCP flush')
  }

  /** A slot for a socket's events, its own until `leave`. */
  enter (socket: TimedSocket): number {
    const slot = this.#freeSlots.pop() ?? this.#sockets.length
    this.#sockets[slot] = socket
    return slot
  }

  /** None of the slot's events may be pending any more. */
  leave (slot: number): void {
    this.#sockets[slot] = null
    this.#freeSlots.push(slot)
  }
}

const ofNetworks = new WeakMap<SegmentNetwork, SocketEvents>()
