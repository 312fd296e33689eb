import type { Clock } from '../../core/clock.ts'
import { timeoutSignal } from '../../core/clock.ts'
import type { SimConnection } from './connection.ts'
import type { SimMultiaddr, SimPeerId } from './identity.ts'
import { abortReason, SessionError, timeoutError } from './errors.ts'
import { settled } from './settled.ts'

// libp2p 3.3, connection-manager/constants.defaults.ts.
const DIAL_TIMEOUT_MS = 10_000
const ADDRESS_DIAL_TIMEOUT_MS = 6_000

export interface DialTarget {
  readonly peer: SimPeerId | undefined
  readonly addresses: readonly SimMultiaddr[]
}

type DialAddress = (address: SimMultiaddr, peer: SimPeerId | undefined, signal: AbortSignal) => Promise<SimConnection>

interface Dial {
  readonly peer: SimPeerId | undefined
  /** Still to be tried; those who join may add to it. */
  readonly addresses: Map<string, SimMultiaddr>
  readonly controller: AbortController
  readonly result: Promise<SimConnection>
  waiting: number
}

/**
 * Dials as libp2p 3.3's dial queue does: one after the other over a peer's addresses, 6 s each and 10 s in all, and a
 * dial of a peer that is under way is joined. Dials of bare addresses name no peer and are not joined.
 */
export class DialQueue {
  readonly #clock: Clock
  readonly #dialAddress: DialAddress
  readonly #dials = new Set<Dial>()

  constructor (clock: Clock, dialAddress: DialAddress) {
    this.#clock = clock
    this.#dialAddress = dialAddress
  }

  async dial (target: DialTarget, signal?: AbortSignal): Promise<SimConnection> {
    signal?.throwIfAborted()
    const dial = this.#join(target) ?? this.#begin(target, signal === undefined)
    dial.waiting++
    try {
      return await settled<SimConnection>(signal, (resolve, reject) => {
        dial.result.then(resolve, reject)
        return () => {}
      })
    } finally {
      if (--dial.waiting === 0) {
        dial.controller.abort(new SessionError('AbortError', 'nobody waits for the dial any more'))
      }
    }
  }

  stop (): void {
    for (const dial of this.#dials) {
      dial.controller.abort(new SessionError('AbortError', 'the node was stopped'))
    }
  }

  #join ({ peer, addresses }: DialTarget): Dial | undefined {
    for (const dial of this.#dials) {
      if (peer?.equals(dial.peer) === true && !dial.controller.signal.aborted) {
        addresses.forEach(address => dial.addresses.set(address.toString(), address))
        return dial
      }
    }
    return undefined
  }

  #begin ({ peer, addresses }: DialTarget, limited: boolean): Dial {
    const controller = new AbortController()
    const waiting = new Map(addresses.map(address => [address.toString(), address]))
    const dial: Dial = {
      peer,
      addresses: waiting,
      controller,
      result: this.#run(peer, waiting, controller.signal, limited).finally(() => this.#dials.delete(dial)),
      waiting: 0
    }
    this.#dials.add(dial)
    // Those who wait are told through their own promise; a dial that everybody left may fail unheard.
    dial.result.catch(() => {})
    return dial
  }

  async #run (peer: SimPeerId | undefined, waiting: Map<string, SimMultiaddr>, signal: AbortSignal, limited: boolean): Promise<SimConnection> {
    // As in libp2p, the 10 s for all addresses are only a default for those who bring no signal.
    using whole = limited ? timeoutSignal(this.#clock, DIAL_TIMEOUT_MS, signal, timeoutError) : undefined
    const outer = whole?.signal ?? signal
    const failed = new Set<string>()
    const errors: unknown[] = []
    // Rounds, because whoever joins may bring addresses that this dial does not have.
    while (waiting.size > 0) {
      const round = [...waiting].filter(([text]) => !failed.has(text))
      waiting.clear()
      for (const [text, address] of round) {
        using each = timeoutSignal(this.#clock, ADDRESS_DIAL_TIMEOUT_MS, outer, timeoutError)
        try {
          return await this.#dialAddress(address, peer, each.signal)
        } catch (error) {
          if (outer.aborted) {
            throw signal.aborted ? abortReason(signal) : timeoutError()
          }
          failed.add(text)
          errors.push(error)
        }
      }
    }
    throw errors.length === 1 ? errors[0] : new AggregateError(errors, 'All multiaddr dials failed')
  }
}
