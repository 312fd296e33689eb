import { RecentMap } from '../recent-map.ts'
import type { Clock } from '../../core/clock.ts'

/** Which peers take batches, and with which of their protocols not; that they do not is believed for a while. */
export class SpokenProtocols {
  readonly #clock: Clock
  readonly #unsupportedForMs: number
  readonly #peers = new RecentMap<Peer>(MAXIMUM_PEERS)

  constructor (clock: Clock, unsupportedForMs: number) {
    this.#clock = clock
    this.#unsupportedForMs = unsupportedForMs
  }

  /** Undefined where it is not known. */
  speaks (peer: string, protocol?: string): boolean | undefined {
    const known = this.#peers.peek(peer)
    const nowMs = this.#clock.now()
    if (known?.state === true && protocol !== undefined) {
      return !((known.refusedUntilMs.peek(protocol)?.ms ?? -Infinity) > nowMs)
    }
    return typeof known?.state === 'number' ? (known.state > nowMs ? false : undefined) : known?.state
  }

  onSpoken (peer: string): void {
    this.#of(peer).state = true
  }

  /** It takes no batches; or, of a peer that does, none with this protocol. */
  onUnsupported (peer: string, protocol?: string): void {
    const untilMs = this.#clock.now() + this.#unsupportedForMs
    if (protocol === undefined) {
      this.#of(peer).state = untilMs
    } else {
      this.#of(peer).refusedUntilMs.obtain(protocol, () => ({ ms: 0 })).ms = untilMs
    }
  }

  /** It may have become another. */
  forget (peer: string): void {
    const known = this.#peers.peek(peer)
    if (known !== undefined) {
      known.state = undefined
      known.refusedUntilMs.clear()
    }
  }

  #of (peer: string): Peer {
    return this.#peers.obtain(peer, () => ({ state: undefined, refusedUntilMs: new RecentMap(MAXIMUM_PROTOCOLS) }))
  }
}

interface Peer {
  /** True where it takes batches; until when it is believed that it does not. */
  state: true | number | undefined
  readonly refusedUntilMs: RecentMap<{ ms: number }>
}

const MAXIMUM_PEERS = 1_000
const MAXIMUM_PROTOCOLS = 16
