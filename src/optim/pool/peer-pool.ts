import { TwinwireError } from '../../core/errors.ts'
import { pickOfTwo } from './balance.ts'
import { PeerDialler } from './peer-dialler.ts'
import { Later } from './later.ts'
import { LeaseGiver } from './lease-giver.ts'
import { Pace } from './pace.ts'
import { PeerConnections } from './peer-connections.ts'
import { WaiterQueue } from './waiters.ts'
import type { Connection, PeerId } from '../port.ts'
import type { ClearEvent, DialReason, SuspectReason } from './events.ts'
import type { PooledConnection } from './pooled-connection.ts'
import type { PoolShared } from './shared.ts'
import type { Waiter } from './waiters.ts'

/**
 * The pool's connections to one peer: gives leases on them to waiters, dials where there are too few, suspects those
 * that do not answer, and replaces them.
 */
export class PeerPool {
  readonly peer: PeerId
  readonly id: string
  readonly connections: PeerConnections
  readonly waiters = new WaiterQueue()
  /** Those who wait for another connection in place of the present ones. */
  readonly replacers = new WaiterQueue()
  /** Hosts of the peer that were found full, all that it has; undefined where a dial is to find out. */
  fullHosts: ReadonlySet<string> | undefined

  readonly #shared: PoolShared
  readonly #dialler: PeerDialler
  readonly #leases: LeaseGiver
  readonly #coldPace: Pace
  readonly #growthPace: Pace
  readonly #replacementPace: Pace
  /** The next look at what nobody reports: a pace, or the end of streams that are not ours. */
  readonly #later: Later
  /** The next look at whether full hosts are all that the peer has. */
  readonly #relook: Later
  #serving = false
  #again = false

  constructor (peer: PeerId, shared: PoolShared) {
    this.peer = peer
    this.id = peer.toString()
    this.#shared = shared
    this.connections = new PeerConnections(peer, shared, {
      onChange: pooled => shared.schedule(this, pooled),
      onLeft: () => {
        this.serve()
        shared.onRoom()
        shared.forgetIfEmpty(this)
      }
    })
    this.#dialler = new PeerDialler(peer, shared, {
      onConnection: (connection, host, reason, startedMs) => this.#onDialled(connection, host, reason, startedMs),
      onFailure: (reason, error) => this.#onDialFailed(reason, error),
      onHostsFull: hosts => this.#onHostsFull(hosts),
      onOverdue: () => this.serve()
    })
    this.#leases = new LeaseGiver(this.id, shared, {
      onAnswer: (pooled, isReply) => this.#onAnswer(pooled, isReply),
      onTimeout: (pooled, startedMs) => this.#onTimeout(pooled, startedMs),
      onFailure: (pooled, changed, reason) => this.#suspect(pooled, changed, reason),
      onLimited: pooled => this.connections.refuse(pooled),
      onReturn: waiter => this.waiters.add(waiter),
      onProgress: () => this.serve(),
      onEnd: pooled => {
        this.#onPossiblyIdle(pooled)
        shared.forgetIfEmpty(this)
      }
    })
    this.#later = new Later(shared.clock, shared.deadlines, () => this.serve())
    this.#relook = new Later(shared.clock, shared.deadlines, () => {
      this.fullHosts = undefined
      this.serve()
    })
    // Cold dials pause only after a connection that the far side closed at once: it may have too many. Growth pauses only
    // after a dial that failed, replacement after every dial: what answers nobody could be a peer that is overloaded, and
    // more dials do not help it.
    this.#coldPace = new Pace(shared.random, 1_000, 30_000)
    this.#growthPace = new Pace(shared.random, 1_000, 30_000)
    this.#replacementPace = new Pace(shared.random, 1_000, 30_000)
  }

  get dialling (): boolean {
    return this.#dialler.reason !== undefined
  }

  /** Nothing is held and nobody waits. */
  get empty (): boolean {
    return this.connections.all.length === 0 && !this.dialling && !this.wanted && this.#leases.opening === 0
  }

  /** Somebody waits for a connection. */
  get wanted (): boolean {
    return this.waiters.size > 0 || this.replacers.size > 0
  }

  /** Gives leases to as many waiters as possible, in order, and dials for the rest. */
  serve (): void {
    if (this.#serving) {
      this.#again = true
      return
    }
    this.#serving = true
    try {
      do {
        this.#again = false
        this.#serveOnce()
      } while (this.#again)
    } finally {
      this.#serving = false
      this.#restIfUnwanted()
    }
  }

  /** A waiter lost interest. A dial on behalf of waiters ends with the last of them. */
  onWaiterGone (waiter: Waiter, reason: unknown): void {
    waiter.cancelOpening?.(reason)
    this.waiters.remove(waiter)
    this.replacers.remove(waiter)
    this.#restIfUnwanted()
    if (!this.wanted && (this.#dialler.reason === 'cold' || this.#dialler.reason === 'growth' || this.#dialler.reason === 'health')) {
      this.#dialler.abort(new TwinwireError('ERR_ABORTED', 'nobody waits for the connection any more'))
    }
    this.#shared.forgetIfEmpty(this)
  }

  /** The node reports a connection to this peer. */
  onConnectionOpen (connection: Connection): void {
    if (connection.direction === 'outbound' && this.#dialler.mayOwn(connection)) {
      return // The dial will say.
    }
    this.connections.adopt(connection)
    this.serve()
    // Both sides dialled. The other's connection is there and ours is not yet known to it: one is enough.
    if (!this.wanted && this.#dialler.reason === 'cold') {
      this.#dialler.abort(new TwinwireError('ERR_ABORTED', 'the peer connected first'))
    }
  }

  /** One of them closed, whoever closed it. */
  onClosed (pooled: PooledConnection): void {
    const nowMs = this.#shared.clock.now()
    if (pooled.own && pooled.closing === undefined && !pooled.proven && nowMs - pooled.openedMs < YOUNG_MS) {
      this.#coldPace.advance(nowMs)
    }
    this.connections.remove(pooled, pooled.closing ?? 'lost')
  }

  /** libp2p's pruner chose this connection. */
  onPruned (connection: Connection): void {
    const pooled = this.connections.find(connection)
    if (pooled !== undefined && pooled.closing === undefined) {
      this.connections.onPruned(pooled)
    }
  }

  /** Bytes came on this connection, which may have been silent for long. */
  heard (connection: string): void {
    for (const pooled of this.connections.all) {
      if (pooled.health.state !== 'healthy' && pooled.connection.id === connection) {
        if (pooled.health.onBytes()) {
          this.#recordCleared(pooled, 'bytes')
          this.serve()
        }
        return
      }
    }
  }

  /** Somebody outside finds that connections do not do. */
  suspect (connections: readonly PooledConnection[]): void {
    const nowMs = this.#shared.clock.now()
    for (const pooled of connections.slice()) {
      this.#suspect(pooled, pooled.usable && pooled.health.onSilence(nowMs), 'health')
    }
  }

  /** Dials a successor for a connection that grew old; false where there is no room for one, or a dial already. */
  renew (): boolean {
    if (this.dialling || !this.#shared.hasRoom(this, false)) {
      return false
    }
    this.#dialler.start('lifetime')
    return true
  }

  /** Ends the dial under way. */
  stop (error: TwinwireError): void {
    this.#dialler.abort(error)
  }

  #serveOnce (): void {
    if (this.#shared.stopped) {
      return
    }
    if (this.waiters.size > 0) {
      this.#serveWaiters()
    }
    if (this.replacers.size > 0 && !this.dialling) {
      this.#dialForReplacers()
    }
  }

  #serveWaiters (): void {
    const candidates = this.#candidates()
    for (const waiter of this.waiters) {
      if (candidates.every(candidate => candidate.blocked) && waiter.protocol !== undefined) {
        break
      }
      const pooled = this.#choose(candidates, waiter.protocol)
      if (pooled !== undefined) {
        this.waiters.remove(waiter)
        this.#leases.give(waiter, pooled)
      }
    }
    if (this.waiters.size > 0 && !this.dialling) {
      this.#dialForWaiters(candidates)
    }
  }

  /** What may be leased: healthy connections; without any, those that were on their way out; then suspects. */
  #candidates (): PooledConnection[] {
    const usable = this.connections.all.filter(pooled => pooled.usable)
    const healthy = usable.filter(pooled => pooled.health.state === 'healthy')
    const current = healthy.filter(pooled => pooled.retired === undefined)
    if (current.length > 0) {
      return current
    }
    if (healthy.length > 0) {
      // Whatever was to take their place is gone.
      for (const pooled of healthy) {
        pooled.retired = undefined
      }
      return healthy
    }
    if (this.dialling ? !this.#dialler.overdue : this.#replace()) {
      return [] // A better one is on its way.
    }
    const suspects = usable.filter(pooled => pooled.health.state === 'suspect')
    // Where nothing else can be had (no address is known, or all places are taken by dead ones that carry others' streams),
    // even a dead one.
    return suspects.length > 0 || (this.#hasPlace() && !usable.some(pooled => this.connections.spares(pooled))) ? suspects : usable
  }

  #hasPlace (): boolean {
    return this.connections.all.length + (this.dialling ? 1 : 0) < this.#shared.settings.maxConnectionsPerPeer
  }

  #choose (candidates: readonly PooledConnection[], protocol: string | undefined): PooledConnection | undefined {
    const nowMs = this.#shared.clock.now()
    const roomy = protocol === undefined ? candidates : candidates.filter(candidate => candidate.hasRoom(protocol))
    return pickOfTwo(roomy, this.#shared.random, candidate => {
      // A stream that is not open yet costs a round trip more, like one more request in front.
      const warm = protocol === undefined || candidate.hasIdleStream(protocol)
      return candidate.cost.load(nowMs, candidate.pending + (warm ? 0 : 1))
    })
  }

  #dialForWaiters (candidates: readonly PooledConnection[]): void {
    if (candidates.length === 0) {
      const pauseMs = this.#coldPace.remainingMs(this.#shared.clock.now())
      if (pauseMs > 0) {
        this.#later.within(pauseMs)
      } else if (this.#shared.hasRoom(this, true)) {
        this.#dialler.start('cold')
      }
    } else if (this.#isCrowded(candidates)) {
      if (this.#growthPace.allows(this.#shared.clock.now()) && this.#shared.hasRoom(this, true)) {
        this.#dialler.start('growth')
      } else if (!candidates.every(candidate => candidate.full)) {
        // The streams in the way are not ours, and nobody reports their end.
        this.#later.within(CROWDED_RETRY_MS)
      }
    }
  }

  #dialForReplacers (): void {
    const nowMs = this.#shared.clock.now()
    const pauseMs = this.#replacementPace.remainingMs(nowMs)
    if (pauseMs > 0) {
      this.#later.within(pauseMs)
      return
    }
    const { connections } = this
    const leaving = this.#hasPlace() || connections.all.some(({ closing }) => closing !== undefined) ? undefined : connections.dispensable()
    if (!this.#shared.hasRoom(this, true, leaving)) {
      return
    }
    if (leaving?.own === true) {
      // Once it is closed, all this is asked again.
      void connections.close(leaving, 'health')
      return
    }
    this.#replacementPace.advance(nowMs)
    this.#dialler.start('health')
    if (leaving !== undefined) {
      // Not before: the room that it leaves is the dial's.
      connections.leave(leaving)
    }
  }

  /** Whether some waiter can be given nothing on any of them before a stream ends. */
  #isCrowded (candidates: readonly PooledConnection[]): boolean {
    if (candidates.every(candidate => candidate.full)) {
      return true
    }
    const protocols = new Set<string>()
    for (const { protocol } of this.waiters) {
      if (protocol !== undefined) {
        protocols.add(protocol)
      }
    }
    for (const protocol of protocols) {
      if (candidates.every(candidate => candidate.isCrowded(protocol))) {
        return true
      }
    }
    return false
  }

  /** No look at anything for nobody. */
  #restIfUnwanted (): void {
    if (!this.wanted) {
      this.#later.cancel()
      this.#relook.cancel()
      this.fullHosts = undefined
    }
  }

  /** Something came back: whatever was suspected, it is alive. */
  #onAnswer (pooled: PooledConnection, isReply: boolean): void {
    if (pooled.health.onAnswer(isReply)) {
      this.#recordCleared(pooled, 'answered')
    }
  }

  #recordCleared ({ connection: { id } }: PooledConnection, reason: ClearEvent['reason']): void {
    this.#shared.record({ type: 'pool:clear', peer: this.id, connection: id, reason })
  }

  #onTimeout (pooled: PooledConnection, startedMs: number): void {
    if (pooled.closing !== undefined || !this.connections.all.includes(pooled)) {
      return
    }
    const change = pooled.health.onTimeout(this.#shared.clock.now(), startedMs)
    if (change === 'dead') {
      this.connections.onDead(pooled)
    }
    this.#suspect(pooled, change === 'suspect', 'timeout')
  }

  #suspect (pooled: PooledConnection, changed: boolean, reason: SuspectReason): void {
    if (changed && this.connections.all.includes(pooled)) {
      this.#shared.record({ type: 'pool:suspect', peer: this.id, connection: pooled.connection.id, reason })
    }
    this.#replace()
    this.serve()
  }

  /** Dials a replacement for suspects, and for the dead that are still in use; false where that has to wait. */
  #replace (): boolean {
    const nowMs = this.#shared.clock.now()
    if (this.dialling || !this.connections.all.some(pooled => pooled.health.state === 'suspect' || this.connections.spares(pooled)) || !this.#replacementPace.allows(nowMs) || !this.#shared.hasRoom(this, false)) {
      return false
    }
    this.#replacementPace.advance(nowMs)
    this.#dialler.start('replacement')
    return true
  }

  #onPossiblyIdle (pooled: PooledConnection): void {
    if (pooled.pending === 0 && this.connections.all.includes(pooled)) {
      this.connections.reap(pooled)
      this.#shared.onIdle()
    }
  }

  #onDialled (connection: Connection, host: string, reason: DialReason, startedMs: number): void {
    this.connections.onDialled(connection, host, reason, startedMs, this.replacers.size > 0)
    for (const replacer of this.replacers) {
      this.replacers.remove(replacer)
      replacer.succeed(connection)
    }
    this.serve()
    this.#shared.onOpened()
  }

  #onDialFailed (reason: DialReason, error: unknown): void {
    this.connections.onNotDialled(error)
    if (reason === 'growth') {
      this.#growthPace.advance(this.#shared.clock.now())
    }
    for (const replacer of this.replacers) {
      this.replacers.remove(replacer)
      replacer.fail(error)
    }
    // A dead one is nothing to wait for, unless it is all that there can be: it would be dialled again, and for ever.
    if (!this.connections.all.some(pooled => pooled.usable && (pooled.health.state !== 'dead' || this.connections.spares(pooled)))) {
      for (const waiter of this.waiters) {
        this.waiters.remove(waiter)
        waiter.fail(error)
      }
    }
    this.serve()
    this.#shared.onRoom()
    this.#shared.forgetIfEmpty(this)
  }

  #onHostsFull (hosts: ReadonlySet<string>): void {
    this.connections.onNotDialled()
    this.fullHosts = hosts
    this.#relook.within(HOSTS_RELOOK_MS)
    this.serve()
    this.#shared.onRoom()
    this.#shared.forgetIfEmpty(this)
  }
}

/** A connection that ends before this, without having carried anything, was not meant to be. */
const YOUNG_MS = 5_000
/** How often to look whether full hosts are all that the peer has: it may have moved. */
const HOSTS_RELOOK_MS = 10_000
/** How often to look whether streams of others have ended. */
const CROWDED_RETRY_MS = 50
