import { destinationOf, destinationPortOf, opensConnection, sourceHostOf, sourcePortOf } from './tunnelled-packet.ts'

/** Hosts of a scenario have 16 bits, and ports. */
const PORTS = 2 ** 16

/** Numbers TCP connections in the order in which they are opened, by what their packets say of themselves. */
export class ConnectionNumbers {
  readonly #next: () => number
  /** By one end, then by the other: the lower first. An end is a host and a port. */
  readonly #numbers = new Map<number, Map<number, number>>()

  constructor (next: () => number) {
    this.#next = next
  }

  /** The connection of a segment. A SYN begins another between the same ends. */
  of (datagram: Uint8Array): number {
    const from = sourceHostOf(datagram) * PORTS + sourcePortOf(datagram)
    const to = destinationOf(datagram).host * PORTS + destinationPortOf(datagram)
    const [first, second] = from < to ? [from, to] : [to, from]
    const ofFirst = this.#numbers.get(first) ?? new Map<number, number>()
    let number = ofFirst.get(second)
    if (number === undefined || opensConnection(datagram)) {
      number = this.#next()
      this.#numbers.set(first, ofFirst.set(second, number))
    }
    return number
  }
}
