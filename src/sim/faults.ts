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
 * while any of them holds. Beginning and ending one costs the same however many are active.
 */
export class FaultChain {
  /** Packets of connections up to this number are dropped; `Infinity` takes all, -1 none. */
  holeUpTo = NO_HOLE
  readonly #active = new Set<LinkFault>()
  /** How many there are of each kind, and of holes by the number up to which they take. */
  readonly #kinds = { 'black-hole': 0, down: 0, stall: 0 }
  readonly #holes = new Map<number, number>()

  /** True while a stall is active. */
  get stalled (): boolean {
    return this.#kinds.stall > 0
  }

  get down (): boolean {
    return this.#kinds.down > 0
  }

  /** Returns the key under which to remove it. */
  add (fault: LinkFault): LinkFault {
    const entry = { ...fault }
    this.#active.add(entry)
    this.#count(entry, 1)
    return entry
  }

  /** False where it was removed already. */
  remove (entry: LinkFault): boolean {
    const active = this.#active.delete(entry)
    if (active) {
      this.#count(entry, -1)
    }
    return active
  }

  #count (fault: LinkFault, change: 1 | -1): void {
    this.#kinds[fault.kind] += change
    if (fault.kind === 'stall') {
      return
    }
    const upTo = fault.kind === 'down' ? Infinity : fault.connectionsUpTo ?? Infinity
    const count = (this.#holes.get(upTo) ?? 0) + change
    if (count > 0) {
      this.#holes.set(upTo, count)
      this.holeUpTo = Math.max(this.holeUpTo, upTo)
    } else {
      this.#holes.delete(upTo)
      this.holeUpTo = this.holeUpTo === upTo ? highest(this.#holes.keys()) : this.holeUpTo
    }
  }
}

/** Without a spread: there may be more than arguments to a call. */
function highest (numbers: Iterable<number>): number {
  let most = NO_HOLE
  for (const number of numbers) {
    most = Math.max(most, number)
  }
  return most
}
