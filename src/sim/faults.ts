/**
 * What can befall one direction of a link, beside a change of its rate.
 *
 * - `black-hole`: what enters is dropped, with reason `fault`. With `connectionsUpTo`, only packets of connections with
 *   that number or a lower one are (numbers grow in the order in which connections are started, so this takes those that
 *   exist and lets new ones pass). What entered before is delivered: the hole is at the link's entrance.
 * - `stall`: nothing is served and nothing is delivered, until it ends. Packets go on to arrive, wait, and are dropped
 *   where the queue is full.
 * - `down`: as if the cable were cut: what is inside is dropped at once, wherever it is, and what enters until it ends.
 */
export type LinkFault =
  | { readonly kind: 'black-hole', readonly connectionsUpTo?: number }
  | { readonly kind: 'down' }
  | { readonly kind: 'stall' }

/** A fault that has begun. Ending it twice does nothing. */
export interface ActiveFault {
  end(): void
}

/** No connection has a number as low. */
export const NO_HOLE = -1

/**
 * The faults that are active on one link. They may overlap: a packet is dropped where any of them drops it, and held
 * while any of them holds.
 */
export class FaultChain {
  /** Packets of connections up to this number are dropped; `Infinity` takes all, -1 none. */
  holeUpTo = NO_HOLE
  readonly #active = new Set<LinkFault>()

  /** True while a stall is active. */
  get stalled (): boolean {
    for (const fault of this.#active) {
      if (fault.kind === 'stall') {
        return true
      }
    }
    return false
  }

  get down (): boolean {
    for (const fault of this.#active) {
      if (fault.kind === 'down') {
        return true
      }
    }
    return false
  }

  /** Returns the key under which to remove it. */
  add (fault: LinkFault): LinkFault {
    const entry = { ...fault }
    this.#active.add(entry)
    this.#findHole()
    return entry
  }

  /** False where it was removed already. */
  remove (entry: LinkFault): boolean {
    const active = this.#active.delete(entry)
    this.#findHole()
    return active
  }

  #findHole (): void {
    this.holeUpTo = NO_HOLE
    for (const fault of this.#active) {
      if (fault.kind === 'black-hole') {
        this.holeUpTo = Math.max(this.holeUpTo, fault.connectionsUpTo ?? Infinity)
      } else if (fault.kind === 'down') {
        this.holeUpTo = Infinity
      }
    }
  }
}
