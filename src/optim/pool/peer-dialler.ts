import { TwinwireError } from '../../core/errors.ts'
import { HostClaims, hostOf } from './hosts.ts'
import { afterReading } from './late.ts'
import { DialRace, isDenial } from './race.ts'
import type { Connection, Multiaddr, PeerId } from '../port.ts'
import type { AddressEvent, DialReason } from './events.ts'
import type { RaceResult } from './race.ts'
import type { RankedAddress } from './rank.ts'
import type { PoolShared } from './shared.ts'

export interface DiallerCallbacks {
  /** `host` is that of the address that was dialled. */
  readonly onConnection: (connection: Connection, host: string, reason: DialReason, startedMs: number) => void
  /** `error` is fit for callers: ERR_DIAL_FAILED, ERR_NO_ADDRESS, the gater's denial, or what the dial was aborted with. */
  readonly onFailure: (reason: DialReason, error: unknown) => void
  /** No connection can be had before one to any of these hosts ends. */
  readonly onHostsFull: (hosts: ReadonlySet<string>) => void
  /** The dial takes longer than requests should wait for it while they have another choice. */
  readonly onOverdue: () => void
}

/** Dials one peer, one race at a time: however many want a connection, they share it. */
export class PeerDialler {
  readonly #peer: PeerId
  readonly #shared: PoolShared
  readonly #callbacks: DiallerCallbacks
  #dial: Dial | undefined

  constructor (peer: PeerId, shared: PoolShared, callbacks: DiallerCallbacks) {
    this.#peer = peer
    this.#shared = shared
    this.#callbacks = callbacks
  }

  /** Why it dials, where it does. */
  get reason (): DialReason | undefined {
    return this.#dial?.reason
  }

  get overdue (): boolean {
    return this.#dial?.overdue === true
  }

  /** Whether a connection that just opened may be the result of the dial under way. */
  mayOwn (connection: Connection): boolean {
    return this.#dial?.race?.mayOwn(connection) === true
  }

  /** Must not be called while a dial is under way. */
  start (reason: DialReason): void {
    const { clock, deadlines, settings, counters } = this.#shared
    const dial: Dial = {
      reason,
      startedMs: clock.now(),
      race: undefined,
      claims: new HostClaims(this.#shared.hosts),
      overdue: false,
      timers: [
        afterReading(deadlines, clock, settings.dialTimeoutMs, () => this.abort(new TwinwireError('ERR_TIMEOUT', `no connection after ${settings.dialTimeoutMs} ms`))),
        deadlines.after(settings.replacementWaitMs, () => {
          dial.overdue = true
          this.#callbacks.onOverdue()
        })
      ]
    }
    this.#dial = dial
    counters.dialling++
    counters.dials++
    this.#shared.record({ type: 'pool:dial', peer: this.#peer.toString(), reason })
    void this.#run(dial)
  }

  /** Ends the dial under way, if any, with `error`. */
  abort (error: TwinwireError): void {
    const dial = this.#dial
    if (dial !== undefined) {
      this.#fail(dial, error)
      dial.race?.abort(error)
    }
  }

  async #run (dial: Dial): Promise<void> {
    const known = await this.#addresses()
    if (this.#dial !== dial) {
      return
    }
    let result: RaceResult
    try {
      const ranked = this.#rank(known)
      const race = new DialRace(this.#peer, ranked, this.#shared.settings.addressTimeoutMs, {
        deadlines: this.#shared.deadlines,
        clock: this.#shared.clock,
        dial: (address, signal) => this.#dialAddress(address, signal),
        // Where libp2p's routing leads is not known before.
        claim: address => address instanceof RoutedAddress || dial.claims.claim(hostOf(address)),
        onAddress: (address, reason, elapsedMs) => this.#onAddress(dial, address, reason, elapsedMs)
      })
      dial.race = race
      result = await race.result
    } catch (error) {
      if (this.#dial !== dial) {
        return
      }
      if (dial.claims.refused.size > 0) {
        this.#onHostsFull(dial)
      } else {
        this.#fail(dial, error)
      }
      return
    }
    const { connection, address } = result
    if (this.#dial !== dial) {
      connection.abort(new TwinwireError('ERR_ABORTED', 'the dial is no longer needed'))
      return
    }
    const host = hostOf(address instanceof RoutedAddress ? connection.remoteAddr : address)
    if (address instanceof RoutedAddress && !dial.claims.claim(host)) {
      connection.abort(new TwinwireError('ERR_ABORTED', 'there are as many connections to this host as may be'))
      this.#onHostsFull(dial)
      return
    }
    this.#end(dial)
    this.#callbacks.onConnection(connection, host, dial.reason, dial.startedMs)
  }

  #onHostsFull (dial: Dial): void {
    this.#end(dial)
    this.#shared.counters.failedDials++
    this.#callbacks.onHostsFull(dial.claims.refused)
  }

  #fail (dial: Dial, error: unknown): void {
    const unreachable = dial.unroutable === true
      ? new TwinwireError('ERR_NO_ADDRESS', `no address of ${this.#peer.toString()} is known`, { cause: error })
      : new TwinwireError('ERR_DIAL_FAILED', `could not connect to ${this.#peer.toString()}`, { cause: error })
    this.#end(dial)
    this.#shared.counters.failedDials++
    const passedOn = isDenial(error) || (error instanceof TwinwireError && (error.code === 'ERR_STOPPED' || error.code === 'ERR_ABORTED'))
    this.#callbacks.onFailure(dial.reason, passedOn ? error : unreachable)
  }

  #end (dial: Dial): void {
    this.#dial = undefined
    this.#shared.counters.dialling--
    dial.claims.releaseAll()
    for (const timer of dial.timers) {
      timer.cancel()
    }
  }

  async #addresses (): Promise<Multiaddr[]> {
    try {
      const { addresses } = await this.#shared.node.peerStore.get(this.#peer)
      const byText = new Map(addresses.map(({ multiaddr }) => [multiaddr.toString(), multiaddr]))
      return [...byText.values()]
    } catch {
      return [] // Nothing is known of the peer; its routing may know.
    }
  }

  /** Leaves out what is not worth a dial now, unless that is all there is. */
  #rank (known: readonly Multiaddr[]): readonly RankedAddress[] {
    const { blackHoles, backoff, clock, settings } = this.#shared
    const reachable = known.filter(address => blackHoles.allows(address))
    const due = backoff.due(reachable.length > 0 ? reachable : known, clock.now())
    const ranked = settings.rank(due).slice(0, MAX_ADDRESSES)
    if (ranked.length > 0) {
      return ranked
    }
    if (this.#dial !== undefined) {
      this.#dial.unroutable = known.length === 0
    }
    return [{ address: new RoutedAddress(this.#peer), delayMs: 0 }]
  }

  #dialAddress (address: Multiaddr, signal: AbortSignal): Promise<Connection> {
    // Forced, because libp2p would otherwise hand back a connection to the same address, suspect or not.
    return this.#shared.node.dial(address instanceof RoutedAddress ? this.#peer : address, { signal, force: true })
  }

  #onAddress ({ claims }: Dial, address: Multiaddr, reason: AddressEvent['reason'], elapsedMs: number): void {
    const { blackHoles, backoff, clock } = this.#shared
    if (reason !== 'won' && reason !== 'host-full') {
      claims.release(hostOf(address))
    }
    this.#shared.record({ type: 'pool:address', peer: this.#peer.toString(), address: address.toString(), reason, elapsedMs })
    if (address instanceof RoutedAddress || SAYS_NOTHING.has(reason)) {
      return
    }
    if (reason === 'won') {
      backoff.succeeded(address)
    } else {
      backoff.failed(address, clock.now())
    }
    // Who shakes hands, if badly, is no black hole.
    if (reason !== 'mismatch' && reason !== 'handshake') {
      blackHoles.record(address, reason === 'won')
    }
  }
}

interface Dial {
  readonly reason: DialReason
  readonly startedMs: number
  readonly timers: ReadonlyArray<{ cancel(): void }>
  race: DialRace | undefined
  readonly claims: HostClaims
  overdue: boolean
  /** No address was known before the dial. */
  unroutable?: boolean
}

/** Stands for whatever address libp2p's own peer routing finds, where the peer store knows none. */
class RoutedAddress implements Multiaddr {
  readonly #text: string

  constructor (peer: PeerId) {
    this.#text = `/p2p/${peer.toString()}`
  }

  toString (): string {
    return this.#text
  }

  decapsulate (): Multiaddr {
    return this
  }

  encapsulate (): Multiaddr {
    return this
  }
}

/** What is not the address's doing. */
const SAYS_NOTHING: ReadonlySet<AddressEvent['reason']> = new Set(['cancelled', 'denied', 'host-full'])

/** libp2p's own limit: a peer record may name any number. */
const MAX_ADDRESSES = 25
