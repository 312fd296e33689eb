import type { PacketId } from './packets.ts'

const FIRST_CAPACITY = 8

/** Packets that propagate and may overtake each other: a binary heap by (arrival, order of departure), in typed columns. */
export class FlightHeap {
  count = 0

  #packet = new Int32Array(0)
  #arrivalNs = new Float64Array(0)
  #order = new Float64Array(0)
  #departures = 0

  push (packet: PacketId, departureNs: number, propagationNs: number): void {
    if (this.count === this.#packet.length) {
      this.#grow()
    }
    const arrivalNs = departureNs + propagationNs
    let at = this.count++
    while (at > 0) {
      const parent = (at - 1) >> 1
      // One that departed earlier wins a tie, so that equal times never move up.
      if (this.#arrivalNs[parent] <= arrivalNs) {
        break
      }
      this.#move(parent, at)
      at = parent
    }
    this.#set(at, packet, arrivalNs, this.#departures++)
  }

  /** Removes the earliest; there must be one. */
  shift (): PacketId {
    const first = this.#packet[0]
    const last = --this.count
    const arrivalNs = this.#arrivalNs[last]
    const order = this.#order[last]
    let at = 0
    for (;;) {
      let child = 2 * at + 1
      if (child + 1 < last && this.#isEarlier(child + 1, this.#arrivalNs[child], this.#order[child])) {
        child++
      }
      if (child >= last || !this.#isEarlier(child, arrivalNs, order)) {
        break
      }
      this.#move(child, at)
      at = child
    }
    this.#set(at, this.#packet[last], arrivalNs, order)
    return first
  }

  get headArrivalNs (): number {
    return this.#arrivalNs[0]
  }

  #isEarlier (index: number, arrivalNs: number, order: number): boolean {
    return this.#arrivalNs[index] < arrivalNs || (this.#arrivalNs[index] === arrivalNs && this.#order[index] < order)
  }

  #move (from: number, to: number): void {
    this.#set(to, this.#packet[from], this.#arrivalNs[from], this.#order[from])
  }

  #set (at: number, packet: PacketId, arrivalNs: number, order: number): void {
    this.#packet[at] = packet
    this.#arrivalNs[at] = arrivalNs
    this.#order[at] = order
  }

  #grow (): void {
    const capacity = Math.max(FIRST_CAPACITY, this.count * 2)
    const packet = new Int32Array(capacity)
    const arrivalNs = new Float64Array(capacity)
    const order = new Float64Array(capacity)
    packet.set(this.#packet)
    arrivalNs.set(this.#arrivalNs)
    order.set(this.#order)
    this.#packet = packet
    this.#arrivalNs = arrivalNs
    this.#order = order
  }
}
