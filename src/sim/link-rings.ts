import type { PacketId } from './packets.ts'

// Ring buffers of a link, as typed columns: nothing is allocated a packet. Their capacity is zero until the first packet
// (networks have many links that never carry one), and doubles when full.

const FIRST_CAPACITY = 8

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

  #startNs = new Float64Array(0)
  /** The complement (so negative) for a packet that is to be lost. */
  #size = new Int32Array(0)
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

/** The packets inside a link that will reach its end, in order: waiting, in service or propagating. */
export class FlightRing {
  count = 0

  #packet = new Int32Array(0)
  /** When its last bit has left the serialiser. */
  #departureNs = new Float64Array(0)
  /** From there to the end of the link, jitter included. */
  #propagationNs = new Float64Array(0)
  #head = 0

  push (packet: PacketId, departureNs: number, propagationNs: number): void {
    if (this.count === this.#packet.length) {
      this.#grow()
    }
    const at = (this.#head + this.count++) & (this.#packet.length - 1)
    this.#packet[at] = packet
    this.#departureNs[at] = departureNs
    this.#propagationNs[at] = propagationNs
  }

  /** Removes the oldest; there must be one. */
  shift (): PacketId {
    const packet = this.#packet[this.#head]
    this.#head = (this.#head + 1) & (this.#packet.length - 1)
    this.count--
    return packet
  }

  /** When the oldest would arrive if nothing were before it. */
  get headArrivalNs (): number {
    return this.#departureNs[this.#head] + this.#propagationNs[this.#head]
  }

  departureNsAt (index: number): number {
    return this.#departureNs[(this.#head + index) & (this.#packet.length - 1)]
  }

  setDepartureNsAt (index: number, departureNs: number): void {
    this.#departureNs[(this.#head + index) & (this.#packet.length - 1)] = departureNs
  }

  #grow (): void {
    const capacity = nextCapacity(this.#packet.length)
    this.#packet = unrolled(this.#packet, this.#head, new Int32Array(capacity))
    this.#departureNs = unrolled(this.#departureNs, this.#head, new Float64Array(capacity))
    this.#propagationNs = unrolled(this.#propagationNs, this.#head, new Float64Array(capacity))
    this.#head = 0
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
