import type { PacketId } from './packets.ts'

// What a link holds, as typed columns: nothing is allocated a packet. A ring's capacity is zero until the first packet
// waits (networks have many links where none ever does), and doubles when full.

const FIRST_CAPACITY = 8
const NO_TIMES = new Float64Array(0)
const NO_SIZES = new Int32Array(0)

/**
 * What waits for the serialiser, with the instant at which its service starts. Entries leave when somebody looks
 * (`settle`), so that no event is needed for the start of a service.
 *
 * A packet that will be lost behind the serialiser waits and is served like any other: such entries are marked.
 */
export class WaitingRing {
  /** Of the entries that had not left at the last `settle`. */
  packets = 0
  bytes = 0

  #startNs = NO_TIMES
  /** The complement (so negative) for a packet that is to be lost. */
  #size = NO_SIZES
  #head = 0

  push (startNs: number, size: number, lost: boolean): void {
    if (this.packets === this.#size.length) {
      this.#grow()
    }
    const at = (this.#head + this.packets++) & (this.#size.length - 1)
    this.#startNs[at] = startNs
    this.#size[at] = lost ? ~size : size
    this.bytes += size
  }

  /** Lets go of all whose service starts at or before `nowNs`. */
  settle (nowNs: number): void {
    while (this.packets > 0 && this.#startNs[this.#head] <= nowNs) {
      const size = this.#size[this.#head]
      this.bytes -= size < 0 ? ~size : size
      this.#head = (this.#head + 1) & (this.#size.length - 1)
      this.packets--
    }
  }

  /** Start of service, size and fate of the entry at `index`, 0 being the oldest. */
  startNsAt (index: number): number {
    return this.#startNs[this.#slot(index)]
  }

  setStartNsAt (index: number, startNs: number): void {
    this.#startNs[this.#slot(index)] = startNs
  }

  sizeAt (index: number): number {
    const size = this.#size[this.#slot(index)]
    return size < 0 ? ~size : size
  }

  lostAt (index: number): boolean {
    return this.#size[this.#slot(index)] < 0
  }

  #slot (index: number): number {
    return (this.#head + index) & (this.#size.length - 1)
  }

  #grow (): void {
    this.#startNs = unrolled(this.#startNs, this.#head, new Float64Array(nextCapacity(this.#size.length)))
    this.#size = unrolled(this.#size, this.#head, new Int32Array(nextCapacity(this.#size.length)))
    this.#head = 0
  }
}

/** Times of the packets inside links, by packet: shared by all links of a network, because a packet is in one at a time. */
export class FlightTimes {
  /** When its last bit has left the serialiser. */
  departureNs = new Float64Array(0)
  /** From there to the end of the link, where that is not the same for all of the link's packets. */
  propagationNs = new Float64Array(0)
  /** The one behind it in the same link. */
  next = new Int32Array(0)

  /** Makes room for a packet. */
  grow (packet: PacketId): void {
    const capacity = Math.max(1024, 2 ** Math.ceil(Math.log2(packet + 1)))
    this.departureNs = extended(this.departureNs, new Float64Array(capacity))
    this.propagationNs = extended(this.propagationNs, new Float64Array(capacity))
    this.next = extended(this.next, new Int32Array(capacity))
  }
}

/**
 * The packets inside a link that will reach its end, in order: waiting, in service or propagating. A list threaded through
 * the columns of `FlightTimes`: a network of many links that hold a packet or two each has no storage a link to miss.
 */
export class FlightList {
  count = 0

  readonly #times: FlightTimes
  /** Negative where each packet has its own. */
  readonly #propagationNs: number
  #first: PacketId = 0
  #last: PacketId = 0

  /** Without `propagationNs` each packet has its own. */
  constructor (times: FlightTimes, propagationNs = -1) {
    this.#times = times
    this.#propagationNs = propagationNs
  }

  push (packet: PacketId, departureNs: number, propagationNs: number): void {
    const times = this.#times
    if (packet >= times.next.length) {
      times.grow(packet)
    }
    times.departureNs[packet] = departureNs
    if (this.#propagationNs < 0) {
      times.propagationNs[packet] = propagationNs
    }
    if (this.count++ === 0) {
      this.#first = packet
    } else {
      times.next[this.#last] = packet
    }
    this.#last = packet
  }

  /** Removes the oldest; there must be one. */
  shift (): PacketId {
    const packet = this.#first
    this.#first = this.#times.next[packet]
    this.count--
    return packet
  }

  /** When the oldest would arrive if nothing were before it. */
  get headArrivalNs (): number {
    const first = this.#first
    const propagationNs = this.#propagationNs
    return this.#times.departureNs[first] + (propagationNs < 0 ? this.#times.propagationNs[first] : propagationNs)
  }

  /** How many leave the serialiser after this instant: those that came last. */
  countDepartingAfter (timeNs: number): number {
    let packet = this.#first
    let left = this.count
    while (left > 0 && this.#times.departureNs[packet] <= timeNs) {
      packet = this.#times.next[packet]
      left--
    }
    return left
  }

  /** The one at `index`, 0 being the oldest. There must be one. */
  packetAt (index: number): PacketId {
    let packet = this.#first
    for (let i = 0; i < index; i++) {
      packet = this.#times.next[packet]
    }
    return packet
  }
}

function nextCapacity (capacity: number): number {
  return capacity === 0 ? FIRST_CAPACITY : capacity * 2
}

/** The content of a full ring, oldest first, at the start of `to`. */
function unrolled<Column extends Int32Array | Float64Array> (from: Column, head: number, to: Column): Column {
  to.set(from.subarray(head))
  to.set(from.subarray(0, head), from.length - head)
  return to
}

function extended<Column extends Int32Array | Float64Array> (from: Column, to: Column): Column {
  to.set(from)
  return to
}
