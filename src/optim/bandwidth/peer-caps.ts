import { Gcra } from './gcra.ts'

/**
 * What each peer may be sent at most, one cap for all its classes. A cap outlasts what waits for the peer until it is paid
 * off, or a peer that never has much waiting would never be held up.
 */
export class PeerCaps {
  readonly #rateBitsPerSecond: number
  readonly #burstBytes: number
  readonly #claimed = new Map<string, { readonly cap: Gcra, claims: number }>()
  /** Of peers for which nothing waits, in the order in which they came to that. */
  readonly #idle = new Map<string, Gcra>()

  constructor (rateBitsPerSecond: number, burstBytes: number) {
    this.#rateBitsPerSecond = rateBitsPerSecond
    this.#burstBytes = burstBytes
  }

  /** Peers with state. */
  get size (): number {
    return this.#claimed.size + this.#idle.size
  }

  /** A class has something waiting for the peer. To be released as often. */
  claim (peer: string): Gcra {
    let entry = this.#claimed.get(peer)
    if (entry === undefined) {
      entry = { cap: this.#idle.get(peer) ?? new Gcra(this.#rateBitsPerSecond, this.#burstBytes), claims: 0 }
      this.#idle.delete(peer)
      this.#claimed.set(peer, entry)
    }
    entry.claims++
    return entry.cap
  }

  release (peer: string): void {
    const entry = this.#claimed.get(peer)
    if (entry !== undefined && --entry.claims === 0) {
      this.#claimed.delete(peer)
      this.#idle.set(peer, entry.cap)
    }
  }

  /** Forgets a few of those that are paid off: called for each grant, it keeps pace, since a grant makes one idle at most. */
  sweep (nowMs: number): void {
    let left = SWEPT_AT_A_TIME
    for (const [peer, cap] of this.#idle) {
      if (left-- === 0 || !cap.isAtRest(nowMs)) {
        return
      }
      this.#idle.delete(peer)
    }
  }
}

const SWEPT_AT_A_TIME = 2
