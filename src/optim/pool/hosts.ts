import type { Multiaddr } from '../port.ts'

/**
 * What counts as one host: an IP address; of a name the name, and of a relayed address the way to its relay, as they are
 * written, since what lies behind them is not known before the dial.
 */
export function hostOf (address: Multiaddr): string {
  const text = address.toString()
  const circuit = text.indexOf('/p2p-circuit')
  if (circuit >= 0) {
    return text.slice(0, circuit)
  }
  const [, first = '', host = '', ...rest] = text.split('/')
  // An IPv6 address with a zone stands behind its zone.
  return first === 'ip6zone' ? [host, ...rest.slice(0, 2)].join('/') : host
}

/** Counts the places at each host that connections and dials have taken. Its size is bounded by theirs. */
export class HostPlaces {
  readonly #limit: number
  readonly #taken = new Map<string, number>()

  /** @param limit places at each host; null for any number */
  constructor (limit: number | null) {
    this.#limit = limit ?? Infinity
  }

  /** Places left. */
  room (host: string): number {
    return Math.max(0, this.#limit - this.taken(host))
  }

  taken (host: string): number {
    return this.#taken.get(host) ?? 0
  }

  /** Connections that others opened take a place whether there is one or not. */
  take (host: string): void {
    this.#taken.set(host, this.taken(host) + 1)
  }

  give (host: string): void {
    const left = this.taken(host) - 1
    if (left > 0) {
      this.#taken.set(host, left)
    } else {
      this.#taken.delete(host)
    }
  }
}

/** The places that one dial holds: one at each host, however many addresses race there, since one connection is left. */
export class HostClaims {
  /** Hosts that had no place for it. */
  readonly refused = new Set<string>()
  readonly #places: HostPlaces
  /** Addresses being dialled at each host. */
  readonly #held = new Map<string, number>()

  constructor (places: HostPlaces) {
    this.#places = places
  }

  /** False where the host has no place left. */
  claim (host: string): boolean {
    const held = this.#held.get(host) ?? 0
    if (held === 0) {
      if (this.#places.room(host) === 0) {
        this.refused.add(host)
        return false
      }
      this.#places.take(host)
    }
    this.#held.set(host, held + 1)
    return true
  }

  /** An address of the host is dialled no more. Does nothing once all were given back. */
  release (host: string): void {
    const held = this.#held.get(host)
    if (held === 1) {
      this.#held.delete(host)
      this.#places.give(host)
    } else if (held !== undefined) {
      this.#held.set(host, held - 1)
    }
  }

  releaseAll (): void {
    for (const host of this.#held.keys()) {
      this.#places.give(host)
    }
    this.#held.clear()
  }
}
