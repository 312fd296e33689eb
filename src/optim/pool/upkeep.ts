import type { PeerPool } from './peer-pool.ts'
import type { PooledConnection } from './pooled-connection.ts'
import type { EvictReason } from './events.ts'
import type { PruneCandidate } from './prune.ts'
import type { PoolShared } from './shared.ts'

/**
 * Closes what is idle, old, or too much. It touches only connections that the pool dialled, and of those none that
 * carries a lease or anybody's stream.
 */
export class Upkeep {
  readonly #shared: PoolShared
  readonly #peers: ReadonlyMap<string, PeerPool>
  readonly #letGo: (peerPool: PeerPool) => void

  /** @param letGo takes a peer out of the pool without closing its connections */
  constructor (shared: PoolShared, peers: ReadonlyMap<string, PeerPool>, letGo: (peerPool: PeerPool) => void) {
    this.#shared = shared
    this.#peers = peers
    this.#letGo = letGo
  }

  /** Arms the next look at a connection, unless an earlier one is armed: activity only ever moves it back. */
  schedule (peerPool: PeerPool, pooled: PooledConnection): void {
    if (this.#shared.stopped || pooled.closing !== undefined) {
      return
    }
    const nowMs = this.#shared.clock.now()
    // Not at this very instant: a clock that rounds could otherwise stand still over it.
    const atMs = Math.max(nowMs + 1, this.#dueMs(pooled))
    if (pooled.review !== undefined && pooled.review.atMs <= atMs) {
      return
    }
    pooled.review?.timer.cancel()
    const timer = this.#shared.deadlines.after(atMs - nowMs, () => {
      pooled.review = undefined
      this.#review(peerPool, pooled)
    })
    pooled.review = { atMs, timer }
  }

  /** Closes the first idle connection, of those that suit, for a peer that waits for room; false where there is none. */
  evictForWaiter (suits: (pooled: PooledConnection) => boolean): boolean {
    const [victim] = this.#idle(({ peerPool, pooled }) => !peerPool.wanted && suits(pooled))
    if (victim !== undefined) {
      void victim.peerPool.connections.close(victim.pooled, 'waiter')
    }
    return victim !== undefined
  }

  /** Leaves a peer's connections, one of which suits, to those others who opened them where they carry no request; false where there are none. */
  letGoForWaiter (suits: (pooled: PooledConnection) => boolean): boolean {
    let victim: { readonly peerPool: PeerPool, readonly usedMs: number } | undefined
    for (const peerPool of this.#peers.values()) {
      const { all } = peerPool.connections
      if (all.some(suits) && !peerPool.wanted && !peerPool.dialling && all.every(pooled => !pooled.own && pooled.pending === 0)) {
        const usedMs = Math.max(...all.map(pooled => pooled.usedMs))
        if (victim === undefined || usedMs < victim.usedMs) {
          victim = { peerPool, usedMs }
        }
      }
    }
    if (victim !== undefined) {
      this.#letGo(victim.peerPool)
    }
    return victim !== undefined
  }

  /** Above the high-water mark: closes idle connections down to the low-water mark, in the order of the prune policy. */
  trim (): void {
    const { counters, settings, clock } = this.#shared
    if (counters.connections <= settings.highWater) {
      return
    }
    let surplus = counters.connections - settings.lowWater
    for (const peerPool of this.#peers.values()) {
      surplus -= peerPool.connections.all.filter(pooled => pooled.closing !== undefined).length
    }
    const old = ({ pooled }: Idle): boolean => clock.now() - pooled.openedMs >= settings.waterGraceMs
    for (const { peerPool, pooled } of surplus > 0 ? this.#idle(old).slice(0, surplus) : []) {
      void peerPool.connections.close(pooled, 'high-water')
    }
  }

  /** Those of the pool's own idle connections that may go, in the order in which they are to. */
  #idle (may: (idle: Idle) => boolean): Idle[] {
    const nowMs = this.#shared.clock.now()
    const idle = new Map<PruneCandidate, Idle>()
    for (const peerPool of this.#peers.values()) {
      for (const pooled of peerPool.connections.all) {
        if (pooled.own && pooled.closing === undefined && !pooled.inUse && may({ peerPool, pooled })) {
          idle.set(candidateOf(peerPool, pooled, nowMs), { peerPool, pooled })
        }
      }
    }
    // What the policy answers may be anything.
    const chosen = new Set(this.#shared.settings.prune([...idle.keys()]))
    return [...chosen].map(candidate => idle.get(candidate)).filter(found => found !== undefined)
  }

  #review (peerPool: PeerPool, pooled: PooledConnection): void {
    const { settings, clock } = this.#shared
    if (this.#shared.stopped || pooled.closing !== undefined) {
      return
    }
    const nowMs = clock.now()
    pooled.closeIdleStreams(nowMs - pooled.idleTimeoutMs)
    this.trim()
    if (pooled.closing !== undefined) {
      return
    }
    if (pooled.health.state === 'dead' && !peerPool.connections.spares(pooled)) {
      // Schedules the next look where it has to stay.
      peerPool.connections.reap(pooled)
      return
    }
    const reason = this.#reasonToClose(pooled, nowMs)
    if (reason !== undefined) {
      void peerPool.connections.close(pooled, reason)
      return
    }
    if (!pooled.own && peerPool.connections.all.every(other => this.#forgettable(other, nowMs)) && !peerPool.wanted && !peerPool.dialling) {
      this.#letGo(peerPool)
      return
    }
    if (pooled.own && nowMs >= pooled.expiresMs && pooled.retired === undefined && !peerPool.renew()) {
      pooled.expiresMs = nowMs + settings.maxLifetimeMs * POSTPONEMENT
    }
    this.schedule(peerPool, pooled)
  }

  #reasonToClose (pooled: PooledConnection, nowMs: number): EvictReason | undefined {
    const { settings } = this.#shared
    if (!pooled.own || pooled.inUse) {
      return undefined
    }
    const idleMs = nowMs - pooled.usedMs
    if (idleMs >= pooled.idleTimeoutMs) {
      return 'idle'
    }
    if (pooled.retired !== undefined && nowMs - pooled.retired.sinceMs >= settings.duplicateGraceMs) {
      return pooled.retired.reason
    }
    // One that is not being used needs no successor.
    return nowMs >= pooled.expiresMs && idleMs >= pooled.idleTimeoutMs / 2 ? 'lifetime' : undefined
  }

  #forgettable (pooled: PooledConnection, nowMs: number): boolean {
    return !pooled.own && pooled.pending === 0 && nowMs - pooled.usedMs >= pooled.idleTimeoutMs
  }

  #dueMs (pooled: PooledConnection): number {
    const { settings, clock } = this.#shared
    const nowMs = clock.now()
    const recheckMs = nowMs + pooled.idleTimeoutMs * RECHECK
    if (pooled.health.state === 'dead') {
      return recheckMs
    }
    const idleMs = pooled.usedMs + pooled.idleTimeoutMs
    const streamsMs = pooled.oldestIdleStreamMs + pooled.idleTimeoutMs
    const oldMs = pooled.own && pooled.retired === undefined ? pooled.expiresMs : Infinity
    const retiredMs = pooled.retired === undefined ? Infinity : pooled.retired.sinceMs + settings.duplicateGraceMs
    // What was due and is still here is kept by others' streams, whose end nobody reports.
    return Math.min(...[idleMs, streamsMs, oldMs, retiredMs].map(dueMs => dueMs > nowMs ? dueMs : recheckMs))
  }
}

/** How long, of the lifetime, to put a replacement off that cannot be had now. */
const POSTPONEMENT = 0.1
/** How often, in idle timeouts, to look again at what only others keep open. */
const RECHECK = 0.25

interface Idle {
  readonly peerPool: PeerPool
  readonly pooled: PooledConnection
}

function candidateOf ({ id }: PeerPool, { connection, host, health, retired, openedMs, usedMs, cost }: PooledConnection, nowMs: number): PruneCandidate {
  return {
    peer: id,
    connection: connection.id,
    host,
    health: health.state,
    retired: retired !== undefined,
    ageMs: nowMs - openedMs,
    idleMs: nowMs - usedMs,
    responseMs: cost.costMs(nowMs)
  }
}
