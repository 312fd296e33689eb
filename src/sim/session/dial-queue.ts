import type { Clock } from '../../core/clock.ts'
import { timeoutSignal } from '../../core/clock.ts'
import type { SimConnection } from './connection.ts'
import type { SimMultiaddr, SimPeerId } from './identity.ts'
import { abortReason, SessionError } from './errors.ts'

// libp2p 3.3, connection-manager/constants.defaults.ts.
const DIAL_TIMEOUT_MS = 10_000
const ADDRESS_DIAL_TIMEOUT_MS = 6_000

export interface DialTarget {
  readonly peer: SimPeerId | undefined
  readonly addresses: readonly SimMultiaddr[]
}

interface Dial {
  readonly target: DialTarget
  readonly addresses: Set<string>
  readonly controller: AbortController
  readonly result: Promise<SimConnection>
  waiting: number
}

/**
 * Dials as libp2p 3.3's dial queue does: one after the other over a peer's addresses, 6 s each and 10 s in all, and a
 * dial that is wanted again while it is under way is joined.
 */
export class DialQueue {
  readonly #clock: Clock
  readonly #dialAddress: (address: SimMultiaddr, peer: SimPeerId | undefined, signal: AbortSignal) => Promise<SimConnection>
  readonly #dials = new Set<Dial>()

  constructor (clock: Clock, dialAddress: (address: SimMultiaddr, peer: SimPeerId | undefined, signal: AbortSignal) => Promise<SimConnection>) {
    this.#clock = clock
    this.#dialAddress = dialAddress
  }

  async dial (target: DialTarget, signal?: AbortSignal): Promise<SimConnection> {
    signal?.throwIfAborted()
    const dial = this.#underWay(target) ?? this.#begin(target, signal === undefined)
    dial.waiting++
    try {
      return await raceSignal(dial.result, signal)
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

  #underWay ({ peer, addresses }: DialTarget): Dial | undefined {
    for (const dial of this.#dials) {
      if ((peer !== undefined && peer.equals(dial.target.peer)) || addresses.some(address => dial.addresses.has(address.toString()))) {
        return dial
      }
    }
    return undefined
  }

  #begin (target: DialTarget, limited: boolean): Dial {
    const controller = new AbortController()
    const dial: Dial = {
      target,
      addresses: new Set(target.addresses.map(address => address.toString())),
      controller,
      result: this.#run(target, controller.signal, limited).finally(() => this.#dials.delete(dial)),
      waiting: 0
    }
    this.#dials.add(dial)
    // Those who wait are told through their own promise; a dial that everybody left may fail unheard.
    dial.result.catch(() => {})
    return dial
  }

  async #run ({ peer, addresses }: DialTarget, signal: AbortSignal, limited: boolean): Promise<SimConnection> {
    // As in libp2p, the 10 s for all addresses are only a default for those who bring no signal.
    using whole = limited ? timeoutSignal(this.#clock, DIAL_TIMEOUT_MS, signal) : undefined
    const outer = whole?.signal ?? signal
    const errors: unknown[] = []
    for (const address of addresses) {
      using each = timeoutSignal(this.#clock, ADDRESS_DIAL_TIMEOUT_MS, outer)
      try {
        return await this.#dialAddress(address, peer, each.signal)
      } catch (error) {
        if (outer.aborted) {
          throw signal.aborted ? abortReason(signal) : new SessionError('TimeoutError', 'the dial timed out', error)
        }
        errors.push(error)
      }
    }
    throw errors.length === 1 ? errors[0] : new AggregateError(errors, 'All multiaddr dials failed')
  }
}

/** `promise`, or the signal's reason if that comes first; no listener stays. */
async function raceSignal<T> (promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) {
    return await promise
  }
  return await new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(abortReason(signal))
    signal.addEventListener('abort', onAbort, { once: true })
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
