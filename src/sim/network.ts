import { TwinwireError } from '../core/errors.ts'
import type { RandomStream } from '../core/random.ts'
import type { Kernel, Operation } from './kernel.ts'
import { isForeseeable } from './link-options.ts'
import { QueuedLink } from './link-queued.ts'
import { FlightTimes } from './link-rings.ts'
import { ForeseenLink } from './link-foreseen.ts'
import type { Link, LinkContext, LinkId, LinkOptions, NodeId } from './link.ts'
import { NO_LINK, Observers } from './observe/observer.ts'
import type { PacketId, Packets } from './packets.ts'
import { Routing } from './routing.ts'

export type { LinkId, LinkOptions, NodeId } from './link.ts'

/** Where packets for a node end up. It owns each packet from then on, and must release it before the event is over. */
export interface PacketReceiver {
  receive(packet: PacketId): void
}

export interface NodeOptions {
  /** Whether others' packets pass through it: true (the default) for a router, false for a host. */
  readonly forwards?: boolean
}

/** Packets since the start. `sent + duplicated` is always the sum of the others. */
export interface NetworkCounters {
  readonly sent: number
  /** Copies that links made. */
  readonly duplicated: number
  /** Handed to the receiver of their destination. */
  readonly received: number
  readonly droppedQueue: number
  readonly droppedLoss: number
  readonly droppedFault: number
  readonly droppedMtu: number
  readonly droppedPolicer: number
  readonly droppedCorrupt: number
  /** There was no way to the destination, or nobody receives there. */
  readonly droppedUnreachable: number
  /** Now in links. */
  readonly inside: number
}

/**
 * Nodes joined by one-directional links: all of the network below TCP. A packet enters at its source and goes to its
 * destination by static shortest-path routing (least propagation delay, then fewest hops). No node reaches itself.
 */
export class PacketNetwork {
  readonly kernel: Kernel
  readonly packets: Packets
  /** Who looks on. */
  readonly observers = new Observers()

  readonly #links: Link[] = []
  readonly #receivers: Array<PacketReceiver | undefined> = []
  readonly #routing = new Routing()
  readonly #context: LinkContext
  #sent = 0
  #received = 0
  #forwarded = 0
  #unreachable = 0
  #connections = 0

  /** Each link forks its streams from `random` by label: `link:<from>-<to>/loss`, `link:<from>-<to>/jitter` and so on. */
  constructor (kernel: Kernel, packets: Packets, random: RandomStream) {
    this.kernel = kernel
    this.packets = packets
    const arrival: Operation = kernel.define(link => this.#arrive(link), 'link arrival')
    this.#context = { kernel, packets, random, arrival, flightTimes: new FlightTimes(), observers: this.observers }
  }

  addNode ({ forwards = true }: NodeOptions = {}): NodeId {
    this.#receivers.push(undefined)
    return this.#routing.addNode(forwards)
  }

  /** @throws ERR_INVALID_OPTION for a node that there is not */
  setReceiver (node: NodeId, receiver: PacketReceiver): void {
    this.#checkNode(node, 'node')
    this.#receivers[node] = receiver
  }

  /**
   * Adds one direction; `connect` in topology.ts adds two.
   *
   * @throws ERR_INVALID_OPTION for nodes that there are not, a second link from the one to the other, or bad options
   */
  addLink (from: NodeId, to: NodeId, options: LinkOptions): LinkId {
    this.#checkNode(from, 'from')
    this.#checkNode(to, 'to')
    if (from === to || this.linkBetween(from, to) !== undefined) {
      throw new TwinwireError('ERR_INVALID_OPTION', from === to ? 'a link needs two nodes' : 'there is such a link already', { path: `link:${from}-${to}` })
    }
    const link = isForeseeable(options)
      ? new ForeseenLink(this.#context, this.#links.length, from, to, options)
      : new QueuedLink(this.#context, this.#links.length, from, to, options)
    this.#links.push(link)
    this.#routing.addLink(from, to, link.delayNs)
    return link.id
  }

  /** @throws ERR_INVALID_OPTION for a link that there is not */
  link (id: LinkId): Link {
    const link = this.#links[id]
    if (link === undefined) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'no such link', { path: 'link', expected: `below ${this.#links.length}`, found: String(id) })
    }
    return link
  }

  /** The direct link from the one to the other, if any. */
  linkBetween (from: NodeId, to: NodeId): Link | undefined {
    const id = this.#routing.linkBetween(from, to)
    return id < 0 ? undefined : this.#links[id]
  }

  /** By id. */
  get links (): readonly Link[] {
    return this.#links
  }

  /** A number for a connection that is being started: 1, 2, ... over the whole network. */
  openConnection (): number {
    return ++this.#connections
  }

  /** The number given last, 0 before the first: a black hole for existing connections takes those up to it. */
  get newestConnection (): number {
    return this.#connections
  }

  /** Takes over a packet of which at least size, source, destination and connection are set, and starts it on its way. */
  send (packet: PacketId): void {
    this.#sent++
    const source = this.packets.source[packet]
    const link = this.#routing.firstHop(source, this.packets.destination[packet])
    this.observers.active?.onSend(packet, link)
    this.#pass(packet, source, link)
  }

  /** A snapshot, summed over all links. */
  get counters (): NetworkCounters {
    const sum = { duplicated: 0, droppedQueue: 0, droppedLoss: 0, droppedFault: 0, droppedMtu: 0, droppedPolicer: 0, droppedCorrupt: 0 }
    const summed = Object.keys(sum) as Array<keyof typeof sum>
    let inside = 0
    for (const link of this.#links) {
      const counters = link.counters
      summed.forEach(name => { sum[name] += counters[name] })
      inside += link.held
    }
    return { sent: this.#sent, received: this.#received, ...sum, droppedUnreachable: this.#unreachable, inside }
  }

  /**
   * To be called between events, when no node holds a packet.
   *
   * @throws ERR_CONSERVATION where a packet has appeared, vanished, or was not released
   */
  checkConservation (): void {
    let offered = 0
    for (const link of this.#links) {
      link.checkConservation()
      offered += link.counters.offered
    }
    const counters = this.counters
    const { sent, duplicated, received, droppedUnreachable, inside } = counters
    const droppedByLinks = counters.droppedQueue + counters.droppedLoss + counters.droppedFault + counters.droppedMtu + counters.droppedPolicer + counters.droppedCorrupt
    const expectations: Array<[string, number, number]> = [
      ['sent + duplicated = received + dropped + inside', sent + duplicated, received + droppedByLinks + droppedUnreachable + inside],
      ['sent + forwarded = offered to links + unreachable', sent + this.#forwarded, offered + droppedUnreachable],
      ['packets allocated and not released = inside', this.packets.live, inside]
    ]
    for (const [expected, left, right] of expectations) {
      if (left !== right) {
        throw new TwinwireError('ERR_CONSERVATION', 'the network has not kept its packets', {
          expected, found: `${left} and ${right}: ${JSON.stringify({ ...counters, forwarded: this.#forwarded, offered, live: this.packets.live })}`
        })
      }
    }
  }

  #arrive (id: LinkId): void {
    const link = this.#links[id]
    const packet = link.deliver()
    const destination = this.packets.destination[packet]
    const receiver = link.to === destination ? this.#receivers[destination] : undefined
    if (receiver === undefined) {
      this.#forwarded++
      const next = this.#routing.nextHop(link.to, destination)
      if (next >= 0) {
        this.observers.active?.onForward(packet, id, next)
      }
      this.#pass(packet, link.to, next)
      return
    }
    this.#received++
    this.observers.active?.onReceive(packet, id)
    receiver.receive(packet)
  }

  #pass (packet: PacketId, node: NodeId, link: LinkId): void {
    if (link < 0) {
      this.#unreachable++
      this.observers.active?.onDrop(packet, 'unreachable', node, NO_LINK)
      this.packets.release(packet)
    } else {
      this.#links[link].offer(packet)
    }
  }

  #checkNode (node: NodeId, path: string): void {
    if (!(node in this.#receivers)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'no such node', { path, expected: `below ${this.#receivers.length}`, found: String(node) })
    }
  }
}
