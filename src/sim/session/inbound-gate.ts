import type { Clock } from '../../core/clock.ts'
import type { SessionLimits } from './options.ts'

/** What the limit on new connections counts in. */
const PERIOD_MS = 1_000

interface Arrivals {
  count: number
  readonly endsMs: number
}

/**
 * Which inbound connections a node takes, in the order of libp2p 3.3's connection manager: not too many that are being
 * set up, not too many a second from one address, not too many in all.
 */
export class InboundGate {
  readonly #clock: Clock
  readonly #limits: SessionLimits
  readonly #openConnections: () => number
  readonly #arrivals = new Map<string, Arrivals>()
  #pending = 0

  constructor (clock: Clock, limits: SessionLimits, openConnections: () => number) {
    this.#clock = clock
    this.#limits = limits
    this.#openConnections = openConnections
  }

  /** Whether a connection from this address is taken. One that is counts as pending until `settle`. */
  admits (address: string): boolean {
    if (this.#pending === this.#limits.maxIncomingPendingConnections || !this.#withinRate(address) || this.#openConnections() >= this.#limits.maxConnections) {
      return false
    }
    this.#pending++
    return true
  }

  /** A connection that was taken is set up, or has failed. */
  settle (): void {
    this.#pending--
  }

  /** A period begins with the first connection that is counted; those refused count as well, and prolong nothing. */
  #withinRate (address: string): boolean {
    // The real one compares dates: whole milliseconds.
    const nowMs = Math.floor(this.#clock.now())
    let arrivals = this.#arrivals.get(address)
    if (arrivals === undefined || arrivals.endsMs <= nowMs) {
      arrivals = { count: 0, endsMs: nowMs + PERIOD_MS }
      this.#arrivals.set(address, arrivals)
    }
    return ++arrivals.count <= this.#limits.inboundConnectionThreshold
  }
}
