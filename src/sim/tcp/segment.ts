import { FLAG_ACK, FLAG_RST } from '../packets.ts'
import type { PacketId, Packets } from '../packets.ts'

/** IPv4 and TCP without options: 20 + 20 B. */
const BARE_HEADER_BYTES = 40
/** With timestamps, padded to 12 B: of every segment but SYN and RST, SACK blocks apart. */
export const HEADER_BYTES = 52
/** With MSS, SACK permitted, timestamps and window scale, as Linux sends them. */
export const SYN_BYTES = 60

/** The two ends of a connection, as seen from one of them. */
export interface Ends {
  readonly localNode: number
  readonly remoteNode: number
  readonly connection: number
  readonly port: number
}

/** A SYN, or with FLAG_ACK a SYN-ACK, whose acknowledgement and echo are left to be set. So is the window of both. */
export function allocateSyn (packets: Packets, ends: Ends, flags: number, nowNs: number): PacketId {
  const id = allocate(packets, ends, flags, SYN_BYTES, 0, 0, nowNs)
  packets.acknowledgement[id] = 0
  packets.timestampEcho[id] = -1
  return id
}

/** A segment with FLAG_ACK and `flags`. Acknowledgement, window, echo and SACK blocks are left to be set. */
export function allocateSegment (packets: Packets, ends: Ends, flags: number, sequence: number, length: number, nowNs: number): PacketId {
  return allocate(packets, ends, FLAG_ACK | flags, HEADER_BYTES + length, sequence, length, nowNs)
}

/** Counts the SACK option into the size, once the blocks are set: 8 B a block, 4 B with its padding. */
export function addSackBytes (packets: Packets, id: PacketId): void {
  const count = packets.sackCount[id]
  if (count > 0) {
    packets.size[id] += 8 * count + 4
  }
}

/** `flags` is FLAG_ACK where the acknowledgement counts, else 0. */
export function allocateReset (packets: Packets, ends: Ends, flags: number, sequence: number, acknowledgement: number): PacketId {
  const id = allocate(packets, ends, FLAG_RST | flags, BARE_HEADER_BYTES, sequence, 0, -1)
  packets.acknowledgement[id] = acknowledgement
  packets.window[id] = 0
  packets.timestampEcho[id] = -1
  return id
}

function allocate (packets: Packets, ends: Ends, flags: number, size: number, sequence: number, length: number, nowNs: number): PacketId {
  const id = packets.allocate()
  packets.source[id] = ends.localNode
  packets.destination[id] = ends.remoteNode
  packets.connection[id] = ends.connection
  packets.port[id] = ends.port
  packets.flags[id] = flags
  packets.size[id] = size
  packets.sequence[id] = sequence
  packets.length[id] = length
  packets.timestamp[id] = nowNs
  return id
}
