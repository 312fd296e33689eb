import type { Clock } from '../../core/clock.ts'
import { timeoutSignal } from '../../core/clock.ts'
import type { SimConnection } from './connection.ts'
import type { SimMultiaddr, SimPeerId } from './identity.ts'
import { abortReason, SessionError, timeoutError } from './errors.ts'
import type { SessionOptions } from './options.ts'
import { settled } from './settled.ts'

// libp2p 3.3, connection-manager/constants.defaults.ts.
const DIAL_TIMEOUT_MS = 10_000
const MAX_PEER_ADDRESSES_TO_DIAL = 25
// @libp2p/utils 7, queue/index.ts: `then`, `catch`, and the promise that an async function returns.
const PASSED_ON = 5

export interface DialTarget {
  readonly peer: SimPeerId | undefined
  readonly addresses: readonly SimMultiaddr[]
}

type DialOptions = Pick<SessionOptions, 'addressDialTimeoutMs' | 'limits'>
type DialAddress = (address: SimMultiaddr, peer: SimPeerId | undefined, signal: AbortSignal) => Promise<SimConnection>

/** A dial that waits or is under way. */
interface Dial {
  readonly peer: SimPeerId | undefined
  /** Still to be tried; those who join may add to it. Empty once the dial has begun on them. */
  readonly addresses: Map<string, SimMultiaddr>
  readonly controller: AbortController
  readonly result: PromiseWithResolvers<SimConnection>
  /** Of each who waits; undefined for one who waits for ever. */
  readonly waiting: Set<AbortSignal | undefined>
  running: boolean
}

/**
 * Dials as libp2p 3.3's dial queue does: so many peers at a time, each one's addresses one after the other, 6 s each where nothing else is said. A
 * dial of a peer that waits or is under way is joined, and so is one that still has an address in common; it goes on until
 * all who wait have given up. Whoever brings no signal gives up after 10 s, unless he joined.
 */
export class DialQueue {
  readonly #clock: Clock
  readonly #options: DialOptions
  readonly #dialAddress: DialAddress
  /** In the order begun: those that run, then those that wait. */
  readonly #dials = new Set<Dial>()
  #running = 0

  constructor (clock: Clock, options: DialOptions, dialAddress: DialAddress) {
    this.#clock = clock
    this.#options = options
    this.#dialAddress = dialAddress
  }

  /** @throws DialError where too many wait, what the dial failed with, or the signal's reason */
  async dial (target: DialTarget, signal?: AbortSignal): Promise<SimConnection> {
    signal?.throwIfAborted()
    const existing = this.#find(target)
    if (existing !== undefined) {
      target.addresses.forEach(address => existing.addresses.set(address.toString(), address))
      return await this.#wait(existing, signal)
    }
    if (this.#dials.size >= this.#options.limits.maxDialQueueLength) {
      throw new SessionError('DialError', 'Dial queue is full')
    }
    using limit = signal === undefined ? timeoutSignal(this.#clock, DIAL_TIMEOUT_MS, undefined, timeoutError) : undefined
    const connection = await this.#wait(this.#add(target), signal ?? limit?.signal)
    // Whoever joined is told first: to him who began, the real queue passes the result on through promises of its own.
    for (let i = 0; i < PASSED_ON; i++) {
      await Promise.resolve()
    }
    return connection
  }

  stop (): void {
    for (const dial of this.#dials) {
      this.#abort(dial, new SessionError('AbortError', 'the node was stopped'))
    }
  }

  #find ({ peer, addresses }: DialTarget): Dial | undefined {
    for (const dial of this.#dials) {
      if (!dial.controller.signal.aborted && (peer?.equals(dial.peer) === true || addresses.some(address => dial.addresses.has(address.toString())))) {
        return dial
      }
    }
    return undefined
  }

  #add ({ peer, addresses }: DialTarget): Dial {
    const dial: Dial = {
      peer,
      addresses: new Map(addresses.map(address => [address.toString(), address])),
      controller: new AbortController(),
      result: Promise.withResolvers<SimConnection>(),
      waiting: new Set(),
      running: false
    }
    // Those who wait are told through their own promise; a dial that everybody left may fail unheard.
    dial.result.promise.catch(() => {})
    this.#dials.add(dial)
    this.#beginNext()
    return dial
  }

  async #wait (dial: Dial, signal?: AbortSignal): Promise<SimConnection> {
    dial.waiting.add(signal)
    return await settled<SimConnection>(signal, (resolve, reject) => {
      dial.result.promise.then(resolve, reject)
      const onAbort = (): void => {
        if ([...dial.waiting].every(waiting => waiting?.aborted === true)) {
          this.#abort(dial, new SessionError('AbortError', 'nobody waits for the dial any more'))
        }
      }
      signal?.addEventListener('abort', onAbort)
      return () => signal?.removeEventListener('abort', onAbort)
    })
  }

  #abort (dial: Dial, reason: Error): void {
    dial.controller.abort(reason)
    dial.result.reject(reason)
    if (!dial.running) {
      this.#dials.delete(dial)
    }
  }

  #beginNext (): void {
    for (const dial of this.#dials) {
      if (this.#running >= this.#options.limits.maxParallelDials) {
        return
      }
      if (!dial.running) {
        dial.running = true
        this.#running++
        void this.#run(dial).then(dial.result.resolve, dial.result.reject).finally(() => {
          this.#running--
          this.#dials.delete(dial)
          this.#beginNext()
        })
      }
    }
  }

  async #run ({ peer, addresses, controller: { signal } }: Dial): Promise<SimConnection> {
    const failed = new Set<string>()
    const errors: unknown[] = []
    let tried = 0
    // Rounds, because whoever joins may bring addresses that this dial does not have.
    while (addresses.size > 0) {
      const round = [...addresses].filter(([text]) => !failed.has(text))
      addresses.clear()
      for (const [text, address] of round) {
        if (tried++ === MAX_PEER_ADDRESSES_TO_DIAL) {
          throw new SessionError('DialError', 'Peer had more than maxPeerAddrsToDial')
        }
        using each = timeoutSignal(this.#clock, this.#options.addressDialTimeoutMs, signal, timeoutError)
        try {
          return await this.#dialAddress(address, peer, each.signal)
        } catch (error) {
          if (signal.aborted) {
            throw abortReason(signal)
          }
          failed.add(text)
          errors.push(error)
        }
      }
    }
    throw errors.length === 1 ? errors[0] : new AggregateError(errors, 'All multiaddr dials failed')
  }
}
