import { ByteBuffer } from './byte-sink.ts'
import type { ByteSink } from './byte-sink.ts'

/** Packets begin with the IPv4 or IPv6 header; and what no dissector claims (registry of link types, tcpdump.org). */
export const LINKTYPE_RAW = 101
export const LINKTYPE_USER0 = 147

const SECTION_HEADER = 0x0a0d0d0a
const INTERFACE_DESCRIPTION = 1
const ENHANCED_PACKET = 6
const BYTE_ORDER_MAGIC = 0x1a2b3c4d

const OPTION_END = 0
const OPTION_COMMENT = 1
const SECTION_APPLICATION = 4
const INTERFACE_NAME = 2
const INTERFACE_RESOLUTION = 9
const PACKET_FLAGS = 2

/** Of a resolution: a power of ten, nanoseconds. */
const NANOSECONDS = 9
/** Block type, total length, interface, two words of time, two lengths, and the total length again. */
const PACKET_FIXED_BYTES = 32
const NO_BYTES = new Uint8Array(0)

export type Direction = 'inbound' | 'outbound'

/** Bits 0 and 1 of epb_flags. */
const DIRECTION_BITS: Readonly<Record<Direction, number>> = { inbound: 1, outbound: 2 }

export interface PacketRecord {
  readonly interface: number
  readonly timeNs: number
  /** Of the packet as it was. */
  readonly originalBytes: number
  readonly direction?: Direction
  /** For the reader. */
  readonly comment?: string
}

/**
 * A capture file of one section (draft-ietf-opsawg-pcapng), little-endian, in constant memory: the section's header is
 * written at once, an interface must be added before packets of it, and `flush` comes last.
 */
export class PcapngWriter {
  readonly #buffer: ByteBuffer
  readonly #encoder = new TextEncoder()
  #interfaces = 0

  constructor (sink: ByteSink) {
    this.#buffer = new ByteBuffer(sink)
    const application = this.#encoder.encode('twinwire')
    const begin = this.#begin(SECTION_HEADER, 64)
    this.#word(BYTE_ORDER_MAGIC)
    this.#half(1)
    this.#half(0)
    // The section's length is not known beforehand: -1.
    this.#word(0xffff_ffff)
    this.#word(0xffff_ffff)
    this.#option(SECTION_APPLICATION, application)
    this.#option(OPTION_END, NO_BYTES)
    this.#end(begin)
  }

  /** Returns its number. */
  addInterface (name: string, linkType: number): number {
    const text = this.#encoder.encode(name)
    const begin = this.#begin(INTERFACE_DESCRIPTION, text.length + 64)
    this.#half(linkType)
    this.#half(0)
    // No limit on the length of what is captured, as far as a reader is concerned.
    this.#word(0)
    this.#option(INTERFACE_NAME, text)
    this.#option(INTERFACE_RESOLUTION, Uint8Array.of(NANOSECONDS))
    this.#option(OPTION_END, NO_BYTES)
    this.#end(begin)
    return this.#interfaces++
  }

  /** `captured` is the beginning of the packet, so far as it was kept. */
  addPacket (captured: Uint8Array, record: PacketRecord): void {
    const comment = record.comment === undefined ? NO_BYTES : this.#encoder.encode(record.comment)
    const begin = this.#begin(ENHANCED_PACKET, PACKET_FIXED_BYTES + captured.length + comment.length + 32)
    this.#word(record.interface)
    this.#word(Math.floor(record.timeNs / 2 ** 32))
    this.#word(record.timeNs % 2 ** 32)
    this.#word(captured.length)
    this.#word(record.originalBytes)
    this.#padded(captured)
    if (record.direction !== undefined) {
      this.#half(PACKET_FLAGS)
      this.#half(4)
      this.#word(DIRECTION_BITS[record.direction])
    }
    if (comment.length > 0) {
      this.#option(OPTION_COMMENT, comment)
    }
    if (record.direction !== undefined || comment.length > 0) {
      this.#option(OPTION_END, NO_BYTES)
    }
    this.#end(begin)
  }

  flush (): void {
    this.#buffer.flush()
  }

  #begin (type: number, mostBytes: number): number {
    this.#buffer.reserve(mostBytes)
    const begin = this.#buffer.length
    this.#word(type)
    this.#word(0)
    return begin
  }

  /** Writes the total length, which stands at the beginning of a block and at its end. */
  #end (begin: number): void {
    const total = this.#buffer.length + 4 - begin
    this.#buffer.view.setUint32(begin + 4, total, true)
    this.#word(total)
  }

  #option (code: number, value: Uint8Array): void {
    this.#half(code)
    this.#half(value.length)
    this.#padded(value)
  }

  #padded (bytes: Uint8Array): void {
    const buffer = this.#buffer
    buffer.bytes.set(bytes, buffer.length)
    const padding = -bytes.length & 3
    buffer.bytes.fill(0, buffer.length + bytes.length, buffer.length + bytes.length + padding)
    buffer.advance(bytes.length + padding)
  }

  #half (value: number): void {
    this.#buffer.view.setUint16(this.#buffer.length, value, true)
    this.#buffer.advance(2)
  }

  #word (value: number): void {
    this.#buffer.view.setUint32(this.#buffer.length, value, true)
    this.#buffer.advance(4)
  }
}
