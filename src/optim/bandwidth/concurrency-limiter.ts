import { TwinwireError } from '../../core/errors.ts'
import { RecentMap } from '../recent-map.ts'
import { TRAFFIC_CLASSES } from '../traffic-class.ts'
import { FixedLimit } from './concurrency-limit.ts'
import { Gradient2 } from './gradient2.ts'
import { Vegas } from './vegas.ts'
import type { RandomStream } from '../../core/random.ts'
import type { AbortOptions } from '../port.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { ConcurrencyLimit } from './concurrency-limit.ts'
import type { ConcurrencySettings } from './options.ts'

/** Leave to have one request under way at a peer. It must be given back exactly once; what follows does nothing. */
export interface Permit {
  /** The request has ended. */
  release(end: PermitEnd): void
}

/** How a request ended. */
export interface PermitEnd {
  /** From sending until the answer, in milliseconds. */
  readonly rttMs: number
  /** `dropped`: refused or timed out. `ignored`: says nothing about the peer (the caller gave up, or it was never sent). */
  readonly outcome: 'answered' | 'dropped' | 'ignored'
}

export interface PermitOptions extends AbortOptions {
  /** Default `normal`. */
  class?: TrafficClass
}

/** What a limiter tells. */
export interface ConcurrencyCallbacks {
  /** Somebody was refused, because too many wait. */
  readonly onFull: (peer: string, trafficClass: TrafficClass) => void
  /** A limit came to twice or half of what was told last. */
  readonly onLimit: (peer: string, limit: number, from: number) => void
}

/**
 * Bounds the requests under way at each peer by a limit that follows how the peer copes (`ConcurrencyLimit`). Whoever
 * comes when all permits are out waits, the more pressing class first, in a queue of bounded length.
 */
export class ConcurrencyLimiter {
  readonly #settings: ConcurrencySettings
  readonly #random: RandomStream
  readonly #callbacks: ConcurrencyCallbacks
  /** Kept while nothing is under way, so that what was learnt is not lost. */
  readonly #limits: RecentMap<PeerLimit>
  readonly #active = new Map<string, PeerPermits>()
  #permits = 0
  #waiters = 0
  #stopped = false

  constructor (settings: ConcurrencySettings, random: RandomStream, callbacks: ConcurrencyCallbacks) {
    this.#settings = settings
    this.#random = random
    this.#callbacks = callbacks
    this.#limits = new RecentMap(settings.maximumPeers)
  }

  /** Permits that are out. */
  get permits (): number {
    return this.#permits
  }

  get waiters (): number {
    return this.#waiters
  }

  /** Peers at which something is under way. */
  get activePeers (): number {
    return this.#active.size
  }

  /** Requests that may be under way at the peer. */
  limit (peer: string): number {
    return this.#limitOf(peer).policy.limit
  }

  /** A permit at once; undefined where all are out, or others wait. */
  tryAcquire (peer: string): Permit | undefined {
    const permits = this.#active.get(peer)
    if (this.#stopped || (permits !== undefined && (permits.waiting > 0 || permits.inFlight >= Math.max(1, permits.limit.policy.limit)))) {
      return undefined
    }
    return this.#grant(permits ?? this.#activate(peer))
  }

  /**
   * @throws ERR_QUEUE_FULL or ERR_STOPPED at once, or what `signal` was aborted with
   */
  async acquire (peer: string, { class: trafficClass = 'normal', signal }: PermitOptions = {}): Promise<Permit> {
    signal?.throwIfAborted()
    if (this.#stopped) {
      throw stoppedError()
    }
    const permit = this.tryAcquire(peer)
    if (permit !== undefined) {
      return permit
    }
    if (this.#waiters >= this.#settings.maximumWaiters) {
      this.#callbacks.onFull(peer, trafficClass)
      throw new TwinwireError('ERR_QUEUE_FULL', `${this.#waiters} requests wait for a permit already`)
    }
    return await this.#wait(this.#active.get(peer) ?? this.#activate(peer), trafficClass, signal)
  }

  /** Rejects whoever waits with ERR_STOPPED. Permits that are out may still be given back. */
  stop (): void {
    this.#stopped = true
    for (const permits of this.#active.values()) {
      for (const name of TRAFFIC_CLASSES) {
        for (const waiter of permits.queues[name]) {
          waiter.fail(stoppedError())
        }
      }
    }
  }

  #limitOf (peer: string): PeerLimit {
    return this.#limits.obtain(peer, () => {
      const policy = this.#policy(peer)
      return { policy, reported: policy.limit }
    })
  }

  #policy (peer: string): ConcurrencyLimit {
    const { limit, fixedLimit, maximumLimit } = this.#settings
    switch (limit) {
      case 'fixed':
        return new FixedLimit(fixedLimit)
      case 'gradient2':
        return new Gradient2(maximumLimit)
      case 'vegas':
        return new Vegas(maximumLimit, this.#random.fork(peer))
      default:
        return limit(peer)
    }
  }

  #activate (peer: string): PeerPermits {
    const permits: PeerPermits = { peer, limit: this.#limitOf(peer), inFlight: 0, waiting: 0, queues: { urgent: new Set(), normal: new Set(), bulk: new Set() } }
    this.#active.set(peer, permits)
    return permits
  }

  #grant (permits: PeerPermits): Permit {
    permits.inFlight++
    this.#permits++
    return new IssuedPermit(end => this.#release(permits, end))
  }

  #release (permits: PeerPermits, { rttMs, outcome }: PermitEnd): void {
    if (outcome !== 'ignored') {
      permits.limit.policy.onSample({ rttMs, inFlight: permits.inFlight, dropped: outcome === 'dropped' })
      this.#report(permits)
    }
    permits.inFlight--
    this.#permits--
    this.#serve(permits)
  }

  #report ({ peer, limit }: PeerPermits): void {
    const { policy, reported } = limit
    if (policy.limit >= 2 * reported || policy.limit <= reported / 2) {
      limit.reported = policy.limit
      this.#callbacks.onLimit(peer, policy.limit, reported)
    }
  }

  #serve (permits: PeerPermits): void {
    // A limit of one's own may answer less than 1: nobody would ever be served again.
    while (permits.waiting > 0 && permits.inFlight < Math.max(1, permits.limit.policy.limit)) {
      const [waiter] = TRAFFIC_CLASSES.map(name => permits.queues[name]).find(queue => queue.size > 0) ?? []
      waiter.succeed()
    }
    if (permits.inFlight === 0 && permits.waiting === 0) {
      this.#active.delete(permits.peer)
    }
  }

  #wait (permits: PeerPermits, trafficClass: TrafficClass, signal: AbortSignal | undefined): Promise<Permit> {
    return new Promise((resolve, reject) => {
      const queue = permits.queues[trafficClass]
      const leave = (): void => {
        queue.delete(waiter)
        permits.waiting--
        this.#waiters--
        signal?.removeEventListener('abort', onAbort)
      }
      const waiter: Waiter = {
        succeed: () => {
          leave()
          resolve(this.#grant(permits))
        },
        fail: error => {
          leave()
          reject(error)
        }
      }
      const onAbort = (): void => waiter.fail(signal?.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      queue.add(waiter)
      permits.waiting++
      this.#waiters++
    })
  }
}

interface PeerLimit {
  readonly policy: ConcurrencyLimit
  /** The limit that was recorded last. */
  reported: number
}

interface PeerPermits {
  readonly peer: string
  readonly limit: PeerLimit
  inFlight: number
  waiting: number
  readonly queues: Readonly<Record<TrafficClass, Set<Waiter>>>
}

interface Waiter {
  succeed(): void
  fail(error: unknown): void
}

class IssuedPermit implements Permit {
  #onRelease: ((end: PermitEnd) => void) | undefined

  constructor (onRelease: (end: PermitEnd) => void) {
    this.#onRelease = onRelease
  }

  release (end: PermitEnd): void {
    const onRelease = this.#onRelease
    this.#onRelease = undefined
    onRelease?.(end)
  }
}

function stoppedError (): TwinwireError {
  return new TwinwireError('ERR_STOPPED', 'the bandwidth manager was stopped')
}
