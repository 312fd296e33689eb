import { destinationOf, destinationPortOf, opensConnection, sequenceOf, sourceHostOf, sourcePortOf } from './tunnelled-packet.ts'

/** Hosts of a scenario have 16 bits, and ports. */
const PORTS = 2 ** 16

interface Numbered {
  readonly number: number
  /** Of the SYN; undefined where none was seen. */
  readonly firstSequence: number | undefined
}

/** Numbers TCP connections in the order in which they are opened, by what their segments say of themselves. */
export class ConnectionNumbers {
  readonly #next: () => number
  /** By one end, then by the other: the lower first. An end is a host and a port. */
  readonly #connections = new Map<number, Map<number, Numbered>>()

  constructor (next: () => number) {
    this.#next = next
  }

  /** The connection of a segment. A SYN begins another between the same ends, unless it is the same SYN, sent again. */
  of (datagram: Uint8Array): number {
    const from = sourceHostOf(datagram) * PORTS + sourcePortOf(datagram)
    const to = destinationOf(datagram).host * PORTS + destinationPortOf(datagram)
    const [first, second] = from < to ? [from, to] : [to, from]
    const ofFirst = this.#connections.get(first) ?? new Map<number, Numbered>()
    const known = ofFirst.get(second)
    const firstSequence = opensConnection(datagram) ? sequenceOf(datagram) : undefined
    if (known !== undefined && (firstSequence === undefined || firstSequence === known.firstSequence)) {
      return known.number
    }
    const number = this.#next()
    this.#connections.set(first, ofFirst.set(second, { number, firstSequence }))
    return number
  }
}
