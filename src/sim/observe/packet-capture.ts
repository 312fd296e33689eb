import { NS_PER_S } from '../../core/units.ts'
import type { LinkId, NodeId } from '../link.ts'
import type { PacketNetwork } from '../network.ts'
import type { PacketId } from '../packets.ts'
import type { TcpSocket } from '../tcp/socket.ts'
import type { ByteSink } from './byte-sink.ts'
import { ConnectionBook } from './connection-book.ts'
import { HeaderWriter } from './headers.ts'
import { dotted } from './nodes.ts'
import type { NodeLabels } from './nodes.ts'
import { NO_LINK } from './observer.ts'
import type { DropReason, NetworkObserver } from './observer.ts'
import { LINKTYPE_RAW, LINKTYPE_USER0, PcapngWriter } from './pcapng.ts'
import type { Direction } from './pcapng.ts'

/** Linux's default. */
const TIME_TO_LIVE = 64
/** Virtual time counts from the second day of 1970: to Wireshark a SYN at the very beginning of the first has no time. */
const EPOCH_NS = 24 * 3600 * NS_PER_S

export interface CaptureOptions {
  readonly labels: NodeLabels
  /** Capture at this host. Absent: each connection at the host that began it. */
  readonly at?: NodeId
  /** Whether the payload, which is zeros, is kept, too: a reader can then verify TCP's checksums. Default: headers only. */
  readonly payload?: boolean
}

/**
 * Captures packets as tcpdump would on a host, for Wireshark: what the host sends, as it sends it, and what it receives. A
 * packet is captured at one end of its connection, because a reader takes what it sees twice for a retransmission.
 *
 * Dropped packets, of whatever host, are records of an interface `drops` of their own, their headers as bytes that no
 * dissector claims and a comment that says what was lost where and why.
 */
export class PacketCapture implements NetworkObserver {
  readonly #network: PacketNetwork
  readonly #options: CaptureOptions
  readonly #writer: PcapngWriter
  readonly #book = new ConnectionBook()
  readonly #headers: HeaderWriter
  /** By node; -1 where there is none yet. */
  readonly #interfaces: number[] = []
  #drops = -1
  /** By node: the IP identification of the packet sent next. By packet: its identification, and the routers it passed. */
  readonly #nextIdentification: number[] = []
  #identification = new Uint16Array(0)
  #hops = new Uint8Array(0)
  readonly #fields = { identification: 0, timeToLive: TIME_TO_LIVE }
  #whole = new Uint8Array(0)

  constructor (network: PacketNetwork, sink: ByteSink, options: CaptureOptions) {
    this.#network = network
    this.#options = options
    this.#writer = new PcapngWriter(sink)
    this.#headers = new HeaderWriter(network.packets, this.#book, options.labels)
  }

  /** Hands what is left to the sink. */
  finish (): void {
    this.#writer.flush()
  }

  onSocket (socket: TcpSocket): void {
    this.#book.note(socket)
  }

  onSend (packet: PacketId): void {
    const source = this.#network.packets.source[packet]
    if (packet >= this.#hops.length) {
      this.#grow()
    }
    const identification = this.#nextIdentification[source] ?? 1
    this.#nextIdentification[source] = identification + 1 & 0xffff
    this.#identification[packet] = identification
    this.#hops[packet] = 0
    if (this.#capturesAt(source, packet)) {
      this.#capture(packet, source, 'outbound')
    }
  }

  onForward (packet: PacketId): void {
    if (packet < this.#hops.length) {
      this.#hops[packet]++
    }
  }

  onReceive (packet: PacketId): void {
    const destination = this.#network.packets.destination[packet]
    if (this.#capturesAt(destination, packet)) {
      this.#capture(packet, destination, 'inbound')
    }
  }

  onDuplicate (original: PacketId, copy: PacketId): void {
    if (copy >= this.#hops.length) {
      this.#grow()
    }
    this.#identification[copy] = this.#identification[original]
    this.#hops[copy] = this.#hops[original]
  }

  onDrop (packet: PacketId, reason: DropReason, node: NodeId, link: LinkId): void {
    const { at, labels } = this.#options
    const { packets, kernel } = this.#network
    const [source, destination] = [packets.source[packet], packets.destination[packet]]
    if (at !== undefined && at !== source && at !== destination) {
      return
    }
    if (this.#drops < 0) {
      this.#drops = this.#writer.addInterface('drops', LINKTYPE_USER0)
    }
    const headerBytes = this.#writeHeaders(packet)
    const where = link === NO_LINK ? `at ${labels.name(node)}` : `on the link from ${labels.name(node)} to ${labels.name(this.#network.link(link).to)}`
    const what = packets.connection[packet] === 0 ? '' : `, connection ${packets.connection[packet]}, sequence ${packets.sequence[packet]}, ${packets.length[packet]} B of payload`
    this.#writer.addPacket(this.#headers.bytes.subarray(0, headerBytes), {
      interface: this.#drops,
      timeNs: EPOCH_NS + kernel.nowNs,
      originalBytes: packets.size[packet],
      comment: `dropped (${reason}) ${where}: ${dotted(labels.address(source))} to ${dotted(labels.address(destination))}${what}`
    })
  }

  #capturesAt (node: NodeId, packet: PacketId): boolean {
    const { at } = this.#options
    if (at !== undefined) {
      return node === at
    }
    const { packets } = this.#network
    return node === (packets.connection[packet] === 0 ? packets.source[packet] : this.#book.initiatorOf(packets, packet))
  }

  #capture (packet: PacketId, node: NodeId, direction: Direction): void {
    const { packets, kernel } = this.#network
    this.#interfaces[node] ??= this.#writer.addInterface(this.#options.labels.name(node), LINKTYPE_RAW)
    const headerBytes = this.#writeHeaders(packet)
    const headers = this.#headers.bytes.subarray(0, headerBytes)
    this.#writer.addPacket(this.#options.payload === true ? this.#withPayload(headers, packets.size[packet]) : headers, {
      interface: this.#interfaces[node], timeNs: EPOCH_NS + kernel.nowNs, originalBytes: packets.size[packet], direction
    })
  }

  /** Returns their length. */
  #writeHeaders (packet: PacketId): number {
    const known = packet < this.#hops.length
    this.#fields.identification = known ? this.#identification[packet] : 0
    this.#fields.timeToLive = TIME_TO_LIVE - (known ? this.#hops[packet] : 0)
    return this.#headers.write(packet, this.#fields)
  }

  #withPayload (headers: Uint8Array, size: number): Uint8Array {
    if (this.#whole.length < size) {
      this.#whole = new Uint8Array(size)
    }
    this.#whole.fill(0, headers.length, size)
    this.#whole.set(headers)
    return this.#whole.subarray(0, size)
  }

  #grow (): void {
    const capacity = this.#network.packets.size.length
    const [identification, hops] = [this.#identification, this.#hops]
    this.#identification = new Uint16Array(capacity)
    this.#identification.set(identification)
    this.#hops = new Uint8Array(capacity)
    this.#hops.set(hops)
  }
}
