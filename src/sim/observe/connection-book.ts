import type { NodeId } from '../link.ts'
import type { PacketId, Packets } from '../packets.ts'
import type { TcpSocket } from '../tcp/socket.ts'

/** RFC 7323 2.3. */
const MAXIMUM_SCALE = 14
/** What a segment's timestamps take of the MSS that is announced, which knows of no options (RFC 6691). */
const TIMESTAMP_BYTES = 12
/** Linux's net.ipv4.ip_local_port_range. */
const FIRST_EPHEMERAL_PORT = 32_768
const EPHEMERAL_PORTS = 60_999 - FIRST_EPHEMERAL_PORT + 1

const SACK_PERMITTED = 0x80
/** Where a connection was there before its observer: that of a buffer of 6 MiB, Linux's default. */
const DEFAULT_SETTINGS = 7 | SACK_PERMITTED
const DEFAULT_MSS_BYTES = 1460

/** Who sends a packet of a connection: the end that began it, or the other. */
export type Side = 0 | 1
export const INITIATOR: Side = 0
export const ACCEPTOR: Side = 1

/** What headers say of connections and packets do not bear: a few bytes for each connection that ever was. */
export class ConnectionBook {
  /** By connection: the node that began it and one, 0 where it is not known. */
  #initiators = new Int32Array(1024)
  /** By 2 connection + side: window scale, and whether SACK is permitted; the MSS. */
  #settings = new Uint8Array(2048).fill(DEFAULT_SETTINGS)
  #mss = new Uint16Array(2048).fill(DEFAULT_MSS_BYTES)

  note (socket: TcpSocket): void {
    const { connection, role, options } = socket
    this.#reach(connection)
    const side = role === 'initiator' ? INITIATOR : ACCEPTOR
    this.#initiators[connection] = (side === INITIATOR ? socket.localNode : socket.remoteNode) + 1
    this.#settings[2 * connection + side] = scaleFor(options.receiveBufferBytes) | (options.sack ? SACK_PERMITTED : 0)
    this.#mss[2 * connection + side] = options.mssBytes + TIMESTAMP_BYTES
  }

  /** The node that began a packet's connection; of one that was there before, the one that is seen to send first. */
  initiatorOf (packets: Packets, packet: PacketId): NodeId {
    const connection = packets.connection[packet]
    this.#reach(connection)
    if (this.#initiators[connection] === 0) {
      this.#initiators[connection] = packets.source[packet] + 1
    }
    return this.#initiators[connection] - 1
  }

  windowScale (connection: number, side: Side): number {
    return this.#settings[2 * connection + side] & ~SACK_PERMITTED
  }

  sackPermitted (connection: number, side: Side): boolean {
    return (this.#settings[2 * connection + side] & SACK_PERMITTED) !== 0
  }

  mssBytes (connection: number, side: Side): number {
    return this.#mss[2 * connection + side]
  }

  #reach (connection: number): void {
    const before = this.#initiators.length
    if (connection < before) {
      return
    }
    const capacity = Math.max(2 * before, connection + 1)
    const [initiators, settings, mss] = [this.#initiators, this.#settings, this.#mss]
    this.#initiators = new Int32Array(capacity)
    this.#initiators.set(initiators)
    this.#settings = new Uint8Array(2 * capacity).fill(DEFAULT_SETTINGS)
    this.#settings.set(settings)
    this.#mss = new Uint16Array(2 * capacity).fill(DEFAULT_MSS_BYTES)
    this.#mss.set(mss)
  }
}

/** The initiator's port: as Linux would choose from its range, one after the other. */
export function ephemeralPort (connection: number): number {
  return FIRST_EPHEMERAL_PORT + (connection - 1) % EPHEMERAL_PORTS
}

/** Where a side's sequence numbers begin: neither zero, nor what anybody would take for granted. */
export function initialSequence (connection: number, side: Side): number {
  return scrambled(2 * connection + side) || 1
}

/** What a side's timestamps are ahead of the clock. */
export function timestampOffset (connection: number, side: Side): number {
  return scrambled(~(2 * connection + side))
}

/** The least scale with which 16 bits can offer the whole buffer, as Linux's tcp_select_initial_window has it. */
function scaleFor (bufferBytes: number): number {
  return Math.min(MAXIMUM_SCALE, Math.max(0, Math.floor(Math.log2(bufferBytes)) - 15))
}

/** MurmurHash3's finalisation: 32 bits, each of which depends on all of the number's. */
function scrambled (value: number): number {
  let h = Math.imul(value ^ value >>> 16, 0x85ebca6b)
  h = Math.imul(h ^ h >>> 13, 0xc2b2ae35)
  return (h ^ h >>> 16) >>> 0
}
