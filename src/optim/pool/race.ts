import { TwinwireError } from '../../core/errors.ts'
import { afterReading } from './late.ts'
import type { Clock, Timer } from '../../core/clock.ts'
import type { Connection, Multiaddr, PeerId } from '../port.ts'
import type { RankedAddress } from './rank.ts'
import type { Deadlines } from '../deadlines.ts'
import type { AddressEvent } from './events.ts'

export interface RaceComponents {
  readonly deadlines: Deadlines
  readonly clock: Clock
  /** Dials one address, as it is given; may ignore the signal, what it returns too late is closed. */
  readonly dial: (address: Multiaddr, signal: AbortSignal) => Promise<Connection>
  /** Asked before each address is dialled: false where its host is full. */
  readonly claim: (address: Multiaddr) => boolean
  /** What became of an address, once for each that was claimed or refused. */
  readonly onAddress: (address: Multiaddr, reason: AddressEvent['reason'], elapsedMs: number) => void
}

/** The winner of a race, and the address that it was dialled at. */
export interface RaceResult {
  readonly connection: Connection
  readonly address: Multiaddr
}

/**
 * Dials the addresses of one peer after each other with a head start for the better ones, and keeps the first
 * connection that is made (RFC 8305). An address that fails starts the next at once; losers are aborted, and a
 * connection that a loser makes all the same is closed.
 *
 * libp2p joins dials that name the same peer into one that goes through their addresses one after the other, but asks
 * its connection gater about the peer only where a dial names it. So the first address names the peer and the others do
 * not; where the first is denied they begin again, the next of them with the name.
 */
export class DialRace {
  /** Resolves with the winner; rejects once every address failed, or with the reason of the abort. */
  readonly result: Promise<RaceResult>

  readonly #peer: PeerId
  readonly #components: RaceComponents
  readonly #addressTimeoutMs: number
  readonly #waiting: RankedAddress[]
  readonly #attempts = new Set<Attempt>()
  readonly #errors: unknown[] = []
  /** Whether an address that names the peer is being dialled or was, and was not denied. */
  #named = false
  readonly #startedMs: number
  #next: Timer | undefined
  #over = false
  #resolve: (result: RaceResult) => void = () => {}
  #reject: (error: unknown) => void = () => {}

  /** @param ranked at least one */
  constructor (peer: PeerId, ranked: readonly RankedAddress[], addressTimeoutMs: number, components: RaceComponents) {
    this.#peer = peer
    this.#components = components
    this.#addressTimeoutMs = addressTimeoutMs
    this.#waiting = [...ranked].sort((a, b) => a.delayMs - b.delayMs)
    this.#startedMs = components.clock.now()
    this.result = new Promise((resolve, reject) => {
      this.#resolve = resolve
      this.#reject = reject
    })
    this.#startNext()
  }

  /** Whether a connection that just opened may be this race's own: its address is being dialled. */
  mayOwn (connection: Connection): boolean {
    const remote = connection.remoteAddr.toString()
    return [...this.#attempts].some(({ address }) => {
      const bare = withoutPeer(address, this.#peer).toString()
      return remote === bare || remote.startsWith(`${bare}/`) || !isExact(bare)
    })
  }

  abort (reason: unknown): void {
    if (!this.#over) {
      this.#end()
      this.#reject(reason)
    }
  }

  #startNext (): void {
    this.#next?.cancel()
    this.#next = undefined
    const ranked = this.#waiting.shift()
    if (ranked !== undefined) {
      if (this.#components.claim(ranked.address)) {
        // Armed first: the attempt may fail at once.
        this.#armNext()
        void this.#attempt(ranked.address)
      } else {
        this.#components.onAddress(ranked.address, 'host-full', 0)
        this.#errors.push(new TwinwireError('ERR_DIAL_FAILED', 'there are as many connections to this host as may be', { path: ranked.address.toString() }))
        this.#startNext()
      }
    } else if (this.#attempts.size === 0) {
      this.#end()
      this.#reject(this.#errors.length === 1 || this.#errors.every(isDenial) ? this.#errors[0] : new AggregateError(this.#errors, 'every address failed'))
    }
  }

  #armNext (): void {
    if (this.#waiting.length > 0) {
      const delayMs = this.#startedMs + this.#waiting[0].delayMs - this.#components.clock.now()
      this.#next = this.#components.deadlines.after(Math.max(0, delayMs), () => this.#startNext())
    }
  }

  async #attempt (address: Multiaddr): Promise<void> {
    const { deadlines, clock, dial, onAddress } = this.#components
    const controller = new AbortController()
    const startedMs = clock.now()
    const elapsedMs = (): number => clock.now() - startedMs
    const named = !this.#named
    this.#named = true
    const attempt: Attempt = { address, controller, timer: undefined, settle: () => {} }
    // Not left to the dial: a transport that ignores its signal must not hold up the next address.
    const interrupted = new Promise<never>((_resolve, reject) => {
      attempt.settle = reject
    })
    attempt.timer = afterReading(deadlines, clock, this.#addressTimeoutMs, () => {
      const error = new TwinwireError('ERR_TIMEOUT', `no connection after ${this.#addressTimeoutMs} ms`, { path: address.toString() })
      attempt.settle(error)
      controller.abort(error)
    })
    this.#attempts.add(attempt)
    try {
      const dialled = dial(named ? withPeer(address, this.#peer) : withoutPeer(address, this.#peer), controller.signal)
      dialled.then(connection => {
        if (!this.#attempts.has(attempt)) {
          connection.abort(new TwinwireError('ERR_ABORTED', 'another address was faster'))
        }
      }, () => { /* the race below sees it */ })
      const connection = await Promise.race([dialled, interrupted])
      if (!this.#attempts.has(attempt)) {
        // Given up at the same instant.
        connection.abort(new TwinwireError('ERR_ABORTED', 'another address was faster'))
        onAddress(address, 'cancelled', elapsedMs())
        return
      }
      if (!connection.remotePeer.equals(this.#peer)) {
        connection.abort(new TwinwireError('ERR_PEER_MISMATCH', 'another peer answers at this address'))
        throw new TwinwireError('ERR_PEER_MISMATCH', 'another peer answers at this address', {
          path: address.toString(), expected: this.#peer.toString(), found: connection.remotePeer.toString()
        })
      }
      if (connection.status !== 'open') {
        throw new TwinwireError('ERR_CONNECTION_CLOSED', 'the connection was closed while it was opened', { path: address.toString() })
      }
      attempt.timer.cancel()
      this.#attempts.delete(attempt)
      onAddress(address, 'won', elapsedMs())
      this.#end()
      this.#resolve({ connection, address })
    } catch (error) {
      attempt.timer.cancel()
      if (!this.#attempts.delete(attempt)) {
        onAddress(address, 'cancelled', elapsedMs())
        return
      }
      onAddress(address, reasonOf(error), elapsedMs())
      this.#errors.push(error)
      if (named && isDenial(error)) {
        this.#beginAgain()
      }
      this.#startNext()
    }
  }

  /** Takes back what is under way without the peer's name: whether the peer may be dialled is open again. */
  #beginAgain (): void {
    this.#named = false
    for (const { address } of this.#attempts) {
      this.#waiting.unshift({ address, delayMs: 0 })
    }
    this.#cancelAll()
  }

  /** Stops whatever is still under way. */
  #end (): void {
    this.#over = true
    this.#waiting.length = 0
    this.#next?.cancel()
    this.#cancelAll()
  }

  #cancelAll (): void {
    const attempts = [...this.#attempts]
    this.#attempts.clear()
    for (const attempt of attempts) {
      attempt.timer?.cancel()
      const error = new TwinwireError('ERR_ABORTED', 'the dial is no longer needed')
      attempt.settle(error)
      attempt.controller.abort(error)
    }
  }
}

interface Attempt {
  readonly address: Multiaddr
  readonly controller: AbortController
  timer: Timer | undefined
  settle: (error: Error) => void
}

/** The address with the peer's id at its end; a relay's or a name's is left as it is. */
function withPeer (address: Multiaddr, peer: PeerId): Multiaddr {
  const suffix = `/p2p/${peer.toString()}`
  return withoutPeer(address, peer) === address && !address.toString().includes('/p2p/') ? address.encapsulate(suffix) : address
}

/**
 * The address without the peer's id at its end. With it, libp2p would join all addresses of a peer into one dial and
 * try them one after the other. Kept where the id is part of the way (relays) or picks among many peers (dnsaddr).
 */
export function withoutPeer (address: Multiaddr, peer: PeerId): Multiaddr {
  const text = address.toString()
  const suffix = `/p2p/${peer.toString()}`
  return text.endsWith(suffix) && !text.includes('/p2p-circuit') && !text.startsWith('/dnsaddr/') && text.length > suffix.length
    ? address.decapsulate(suffix)
    : address
}

/** Whether a connection's remote address is the very one that was dialled: names and relays resolve to others. */
function isExact (text: string): boolean {
  return /^\/ip[46]\//.test(text) && !text.includes('/p2p-circuit')
}

/** The node's connection gater will have none of it. */
export function isDenial (error: unknown): boolean {
  return error instanceof Error && error.name === 'DialDeniedError'
}

function reasonOf (error: unknown): AddressEvent['reason'] {
  if (isDenial(error)) {
    return 'denied'
  }
  const name = error instanceof Error ? error.name : ''
  if (name === 'EncryptionFailedError') {
    return 'handshake'
  }
  const code = error instanceof TwinwireError ? error.code : undefined
  return code === 'ERR_PEER_MISMATCH' || name === 'UnexpectedPeerError' ? 'mismatch' : code === 'ERR_TIMEOUT' ? 'timeout' : 'failed'
}
