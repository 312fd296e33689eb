import { TwinwireError } from '../core/errors.ts'

/** An index into the `Packets` store; valid from `allocate` until `release`. */
export type PacketId = number

/** TCP header bits. */
export const FLAG_FIN = 1
export const FLAG_SYN = 2
export const FLAG_RST = 4
export const FLAG_PSH = 8
export const FLAG_ACK = 16
/** ECN's (RFC 3168 section 6.1): the echo of a mark, and the answer to the echo. On a SYN both together ask for ECN. */
export const FLAG_ECE = 64
export const FLAG_CWR = 128

/** ECN field of the IP header (RFC 3168 section 5). */
export const ECN_NOT_CAPABLE = 0
export const ECN_CAPABLE_0 = 2
export const ECN_CONGESTION = 3

/**
 * The most packets that may exist at once: half a gigabyte, and a path's worth of 100 Gbit/s for half a second. A limit,
 * so that a queue that grows without end fails instead of filling the machine.
 */
const MAXIMUM_PACKETS = 2 ** 22

/** With timestamps in use at most three blocks fit a header (RFC 2018 section 3). */
export const MAX_SACK_BLOCKS = 3

/**
 * All packets of a run, as columns: a packet is an index, so that making, queueing and delivering one allocates nothing.
 * The columns are replaced when the store grows: read them through the store each time.
 *
 * Payload bytes are counted, not carried; their content travels beside TCP, in the session that sent it.
 */
export class Packets {
  /** IP length in bytes: headers and payload. */
  size = new Int32Array(0)
  /** Network nodes (not hosts' names): where it started, where it goes. */
  source = new Int32Array(0)
  destination = new Int32Array(0)
  /** The TCP connection, the same number at both ends; numbers grow in the order in which connections are started. */
  connection = new Int32Array(0)
  /** The listener's port, for the SYN. */
  port = new Int32Array(0)
  flags = new Uint8Array(0)
  /** ECN field of the IP header. */
  ecn = new Uint8Array(0)
  /** Sequence numbers count bytes from 0 at the SYN and do not wrap. */
  sequence = new Float64Array(0)
  acknowledgement = new Float64Array(0)
  /** Payload bytes. */
  length = new Int32Array(0)
  /** Receive window in bytes, scaling already applied. */
  window = new Float64Array(0)
  /** RFC 7323 timestamps in kernel nanoseconds; -1 where there is none to echo. */
  timestamp = new Float64Array(0)
  timestampEcho = new Float64Array(0)
  sackCount = new Uint8Array(0)
  /** `MAX_SACK_BLOCKS` pairs (start, end) a packet, from `id * 2 * MAX_SACK_BLOCKS`. */
  sackBlocks = new Float64Array(0)

  #free = new Int32Array(0)
  #freeCount = 0
  #capacity = 0

  /** Packets allocated and not released: those in flight, in queues, or leaked. */
  get live (): number {
    return this.#capacity - this.#freeCount
  }

  /**
   * A packet with `sackCount` 0, not ECN-capable, and every other column undefined: the caller sets them.
   *
   * @throws ERR_PACKET_LIMIT where `MAXIMUM_PACKETS` exist
   */
  allocate (): PacketId {
    if (this.#freeCount === 0) {
      this.#grow()
    }
    const id = this.#free[--this.#freeCount]
    this.sackCount[id] = 0
    this.ecn[id] = ECN_NOT_CAPABLE
    return id
  }

  /** Another packet with the same in every column. */
  copy (id: PacketId): PacketId {
    const copy = this.allocate()
    for (const column of Object.values(this) as Array<Int32Array | Uint8Array | Float64Array>) {
      const stride = column.length / this.#capacity
      column.copyWithin(copy * stride, id * stride, (id + 1) * stride)
    }
    return copy
  }

  release (id: PacketId): void {
    this.#free[this.#freeCount++] = id
  }

  #grow (): void {
    const before = this.#capacity
    if (before === MAXIMUM_PACKETS) {
      throw new TwinwireError('ERR_PACKET_LIMIT', 'queues and links hold too many packets', {
        expected: `at most ${MAXIMUM_PACKETS} at once: a limit on each queue, or less traffic`, found: 'more'
      })
    }
    const capacity = before === 0 ? 1024 : before * 2
    this.size = grown(this.size, new Int32Array(capacity))
    this.source = grown(this.source, new Int32Array(capacity))
    this.destination = grown(this.destination, new Int32Array(capacity))
    this.connection = grown(this.connection, new Int32Array(capacity))
    this.port = grown(this.port, new Int32Array(capacity))
    this.flags = grown(this.flags, new Uint8Array(capacity))
    this.ecn = grown(this.ecn, new Uint8Array(capacity))
    this.sequence = grown(this.sequence, new Float64Array(capacity))
    this.acknowledgement = grown(this.acknowledgement, new Float64Array(capacity))
    this.length = grown(this.length, new Int32Array(capacity))
    this.window = grown(this.window, new Float64Array(capacity))
    this.timestamp = grown(this.timestamp, new Float64Array(capacity))
    this.timestampEcho = grown(this.timestampEcho, new Float64Array(capacity))
    this.sackCount = grown(this.sackCount, new Uint8Array(capacity))
    this.sackBlocks = grown(this.sackBlocks, new Float64Array(capacity * 2 * MAX_SACK_BLOCKS))
    this.#free = new Int32Array(capacity)
    for (let id = capacity - 1; id >= before; id--) {
      this.#free[this.#freeCount++] = id
    }
    this.#capacity = capacity
  }
}

/** Sets the congestion mark of an ECN-capable packet (again); false where it is not capable. */
export function markCongestion (packets: Packets, id: PacketId): boolean {
  if (packets.ecn[id] === ECN_NOT_CAPABLE) {
    return false
  }
  packets.ecn[id] = ECN_CONGESTION
  return true
}

function grown<Column extends Int32Array | Uint8Array | Float64Array> (from: Column, to: Column): Column {
  to.set(from)
  return to
}
