import { NS_PER_MS } from '../../core/units.ts'
import { FLAG_ACK, FLAG_RST, FLAG_SYN, MAX_SACK_BLOCKS } from '../packets.ts'
import type { PacketId, Packets } from '../packets.ts'
import { ACCEPTOR, ephemeralPort, INITIATOR, initialSequence, timestampOffset } from './connection-book.ts'
import type { ConnectionBook } from './connection-book.ts'
import type { NodeLabels } from './nodes.ts'

/** IPv4 without options and TCP with all that fit. */
export const MAX_HEADER_BYTES = 20 + 60

const IP_BYTES = 20
const TCP_BYTES = 20
const DONT_FRAGMENT = 0x4000
const PROTOCOL_TCP = 6
/** For experimentation (RFC 3692): what cross traffic is made of. */
const PROTOCOL_EXPERIMENT = 253

const OPTION_NOP = 1
const OPTION_MSS = 2
const OPTION_SCALE = 3
const OPTION_SACK_PERMITTED = 4
const OPTION_SACK = 5
const OPTION_TIMESTAMPS = 8

/** What of a packet's IP header changes on the way, or is no part of the model. */
export interface IpFields {
  readonly identification: number
  readonly timeToLive: number
}

/**
 * Makes the IPv4 and TCP headers of simulated packets, as Linux would have sent them. Sequence numbers, timestamps and
 * windows are turned into 32 and 16 bits; checksums are right for a payload of zeros. One packet at a time: `bytes` is
 * written over by the next.
 */
export class HeaderWriter {
  readonly bytes = new Uint8Array(MAX_HEADER_BYTES)
  readonly #view = new DataView(this.bytes.buffer)
  readonly #packets: Packets
  readonly #book: ConnectionBook
  readonly #labels: NodeLabels

  constructor (packets: Packets, book: ConnectionBook, labels: NodeLabels) {
    this.#packets = packets
    this.#book = book
    this.#labels = labels
  }

  /** Returns how many bytes of `bytes` the headers are. What belongs to no connection has an IP header only. */
  write (packet: PacketId, fields: IpFields): number {
    const { connection, size } = this.#packets
    if (connection[packet] > 0) {
      const tcpBytes = this.#writeTcp(packet)
      this.#writeIp(packet, PROTOCOL_TCP, fields)
      this.#view.setUint16(IP_BYTES + 16, this.#tcpChecksum(tcpBytes, size[packet] - IP_BYTES))
      return IP_BYTES + tcpBytes
    }
    this.#writeIp(packet, PROTOCOL_EXPERIMENT, fields)
    return Math.min(IP_BYTES, size[packet])
  }

  #writeIp (packet: PacketId, protocol: number, { identification, timeToLive }: IpFields): void {
    const view = this.#view
    const { size, ecn, source, destination } = this.#packets
    view.setUint8(0, 0x45)
    view.setUint8(1, ecn[packet])
    view.setUint16(2, size[packet])
    view.setUint16(4, identification)
    view.setUint16(6, DONT_FRAGMENT)
    view.setUint8(8, timeToLive)
    view.setUint8(9, protocol)
    view.setUint16(10, 0)
    view.setUint32(12, this.#labels.address(source[packet]))
    view.setUint32(16, this.#labels.address(destination[packet]))
    view.setUint16(10, folded(this.#sum(0, IP_BYTES)))
  }

  /** All but the checksum; returns the header's length. */
  #writeTcp (packet: PacketId): number {
    const view = this.#view
    const packets = this.#packets
    const connection = packets.connection[packet]
    const side = this.#book.initiatorOf(packets, packet) === packets.source[packet] ? INITIATOR : ACCEPTOR
    const other = side === INITIATOR ? ACCEPTOR : INITIATOR
    const flags = packets.flags[packet]
    const sequence = packets.sequence[packet]
    const ephemeral = ephemeralPort(connection)
    const syn = (flags & FLAG_SYN) !== 0
    view.setUint16(20, side === INITIATOR ? ephemeral : packets.port[packet])
    view.setUint16(22, side === INITIATOR ? packets.port[packet] : ephemeral)
    // A reset by a host that knows nothing of the connection has a zero there (RFC 9293 3.10.7.1).
    view.setUint32(24, (flags & FLAG_RST) !== 0 && sequence === 0 ? 0 : wrapped(initialSequence(connection, side) + sequence))
    view.setUint32(28, (flags & FLAG_ACK) === 0 ? 0 : wrapped(initialSequence(connection, other) + packets.acknowledgement[packet]))
    const scale = syn ? 1 : 2 ** this.#book.windowScale(connection, side)
    view.setUint8(33, flags)
    // Rounded up, as Linux does (__tcp_select_window): what is open must not look closed.
    view.setUint16(34, Math.min(0xffff, Math.ceil(packets.window[packet] / scale)))
    view.setUint16(36, 0)
    view.setUint16(38, 0)
    const end = syn ? this.#writeSynOptions(packet, connection, side) : this.#writeOptions(packet, connection, side)
    const headerBytes = packets.size[packet] - IP_BYTES - packets.length[packet]
    if (end - IP_BYTES > headerBytes || headerBytes > MAX_HEADER_BYTES - IP_BYTES || headerBytes % 4 !== 0) {
      throw new Error(`a packet of ${packets.size[packet]} bytes with ${packets.length[packet]} of payload has no room for its header of ${end - IP_BYTES}`)
    }
    this.bytes.fill(OPTION_NOP, end, IP_BYTES + headerBytes)
    view.setUint8(32, headerBytes / 4 << 4)
    return headerBytes
  }

  /** In Linux's order. */
  #writeSynOptions (packet: PacketId, connection: number, side: 0 | 1): number {
    const view = this.#view
    view.setUint8(40, OPTION_MSS)
    view.setUint8(41, 4)
    view.setUint16(42, this.#book.mssBytes(connection, side))
    const sack = this.#book.sackPermitted(connection, side)
    view.setUint8(44, sack ? OPTION_SACK_PERMITTED : OPTION_NOP)
    view.setUint8(45, sack ? 2 : OPTION_NOP)
    this.#writeTimestamps(46, packet, connection, side)
    view.setUint8(56, OPTION_NOP)
    view.setUint8(57, OPTION_SCALE)
    view.setUint8(58, 3)
    view.setUint8(59, this.#book.windowScale(connection, side))
    return 60
  }

  #writeOptions (packet: PacketId, connection: number, side: 0 | 1): number {
    const view = this.#view
    const { timestamp, sackCount, sackBlocks } = this.#packets
    let at = IP_BYTES + TCP_BYTES
    if (timestamp[packet] >= 0) {
      view.setUint16(at, OPTION_NOP << 8 | OPTION_NOP)
      at = this.#writeTimestamps(at + 2, packet, connection, side)
    }
    const count = sackCount[packet]
    if (count > 0) {
      view.setUint16(at, OPTION_NOP << 8 | OPTION_NOP)
      view.setUint8(at + 2, OPTION_SACK)
      view.setUint8(at + 3, 2 + 8 * count)
      at += 4
      // They speak of what the other side sent.
      const first = initialSequence(connection, side === INITIATOR ? ACCEPTOR : INITIATOR)
      for (let i = 0; i < 2 * count; i++) {
        view.setUint32(at, wrapped(first + sackBlocks[packet * 2 * MAX_SACK_BLOCKS + i]))
        at += 4
      }
    }
    return at
  }

  /** Milliseconds, as Linux counts them; returns where the option ends. */
  #writeTimestamps (at: number, packet: PacketId, connection: number, side: 0 | 1): number {
    const { timestamp, timestampEcho } = this.#packets
    const echoNs = timestampEcho[packet]
    const other = side === INITIATOR ? ACCEPTOR : INITIATOR
    this.#view.setUint8(at, OPTION_TIMESTAMPS)
    this.#view.setUint8(at + 1, 10)
    this.#view.setUint32(at + 2, wrapped(timestampOffset(connection, side) + Math.floor(timestamp[packet] / NS_PER_MS)))
    this.#view.setUint32(at + 6, echoNs < 0 ? 0 : wrapped(timestampOffset(connection, other) + Math.floor(echoNs / NS_PER_MS)))
    return at + 10
  }

  /** Over pseudo-header and header (RFC 9293 3.1), the checksum field taken for zero; zeros of the payload add nothing. */
  #tcpChecksum (tcpBytes: number, segmentBytes: number): number {
    this.#view.setUint16(IP_BYTES + 16, 0)
    return folded(this.#sum(12, 8) + PROTOCOL_TCP + segmentBytes + this.#sum(IP_BYTES, tcpBytes))
  }

  #sum (from: number, byteCount: number): number {
    let sum = 0
    for (let at = from; at < from + byteCount; at += 2) {
      sum += this.#view.getUint16(at)
    }
    return sum
  }
}

/** The ones' complement of a ones' complement sum (RFC 1071). */
function folded (sum: number): number {
  while (sum > 0xffff) {
    sum = (sum & 0xffff) + (sum >>> 16)
  }
  return ~sum & 0xffff
}

/** Modulo 2^32, of what may be far beyond it. */
function wrapped (value: number): number {
  return value % 2 ** 32
}
