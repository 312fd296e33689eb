import type { RandomStream } from '../../core/random.ts'
import type { Multiaddr } from '../port.ts'

/**
 * How long to leave an address alone after it failed: `min(5 s + 1 s x tries^2, 5 min)` (go-libp2p's swarm), within 20%
 * either way so that peers that failed together are not tried again together.
 */
export class AddressBackoff {
  readonly #random: RandomStream
  readonly #entries = new Map<string, { tries: number, untilMs: number }>()

  constructor (random: RandomStream) {
    this.#random = random
  }

  failed (address: Multiaddr, nowMs: number): void {
    const key = address.toString()
    const tries = (this.#entries.get(key)?.tries ?? 0) + 1
    // Deleted first, so that the map's order is that of the last failure and the oldest goes first.
    this.#entries.delete(key)
    if (this.#entries.size >= MAX_ENTRIES) {
      this.#entries.delete(this.#entries.keys().next().value ?? '')
    }
    const delayMs = Math.min(BASE_MS + STEP_MS * tries ** 2, CEILING_MS)
    this.#entries.set(key, { tries, untilMs: nowMs + delayMs * this.#random.uniform(1 - JITTER, 1 + JITTER) })
  }

  succeeded (address: Multiaddr): void {
    this.#entries.delete(address.toString())
  }

  /** The addresses that are due; where none is, the one that will be soonest: a peer is never given up for good. */
  due (addresses: readonly Multiaddr[], nowMs: number): Multiaddr[] {
    const untilMs = (address: Multiaddr): number => this.#entries.get(address.toString())?.untilMs ?? -Infinity
    const due = addresses.filter(address => untilMs(address) <= nowMs)
    if (due.length > 0 || addresses.length === 0) {
      return due
    }
    return [addresses.reduce((soonest, address) => untilMs(address) < untilMs(soonest) ? address : soonest)]
  }
}

const BASE_MS = 5_000
const STEP_MS = 1_000
const CEILING_MS = 300_000
const JITTER = 0.2
/** Bounds the memory that unreachable addresses take: about 2 MB. */
const MAX_ENTRIES = 10_000
