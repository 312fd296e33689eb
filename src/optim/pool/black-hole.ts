import type { Multiaddr } from '../port.ts'
import { addressKind } from './rank.ts'

/**
 * Learns which kinds of address this host cannot reach at all (IPv6 without a route, UDP behind a firewall), after
 * go-libp2p's black-hole detector: of the last `window` dials of a kind fewer than `successes` succeeded. Such a kind is
 * then dialled once in `window` times only, until that works.
 */
export class BlackHoleDetector {
  readonly #window: number
  readonly #successes: number
  readonly #kinds = new Map<string, KindRecord>()

  constructor (window: number, successes: number) {
    this.#window = window
    this.#successes = successes
  }

  /** Whether to dial; a refusal is counted, because every `window`-th dial is let through as a probe. */
  allows (address: Multiaddr): boolean {
    const record = this.#kinds.get(kindOf(address))
    if (record?.blocked !== true) {
      return true
    }
    record.refused++
    if (record.refused < this.#window) {
      return false
    }
    record.refused = 0
    return true
  }

  /** Not to be called for a dial that was cancelled: it says nothing. */
  record (address: Multiaddr, succeeded: boolean): void {
    const kind = kindOf(address)
    const record = this.#kinds.get(kind) ?? { outcomes: [], blocked: false, refused: 0 }
    this.#kinds.set(kind, record)
    if (record.blocked && succeeded) {
      // The probe got through: forget the bad times, or it would take as many successes to be believed.
      record.outcomes = []
    }
    record.outcomes.push(succeeded)
    if (record.outcomes.length > this.#window) {
      record.outcomes.shift()
    }
    record.blocked = record.outcomes.length === this.#window && record.outcomes.filter(Boolean).length < this.#successes
  }
}

interface KindRecord {
  outcomes: boolean[]
  blocked: boolean
  /** Dials refused since the last that was let through. */
  refused: number
}

function kindOf (address: Multiaddr): string {
  const { reach, family, transport } = addressKind(address)
  return `${reach}/${family}/${transport}`
}
