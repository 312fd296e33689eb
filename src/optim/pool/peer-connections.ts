import { TwinwireError } from '../../core/errors.ts'
import { hostOf } from './hosts.ts'
import { PooledConnection } from './pooled-connection.ts'
import type { Timer } from '../../core/clock.ts'
import type { Connection, PeerId } from '../port.ts'
import type { DialReason, EvictReason, ReplaceEvent, RetireReason } from './events.ts'
import type { PoolShared } from './shared.ts'
import type { StreamHabits } from './stream-habits.ts'

export interface PeerConnectionsCallbacks {
  /** A connection has to be looked at again: it was used, retired, or declared dead. */
  readonly onChange: (pooled: PooledConnection) => void
  /** A connection is no longer in the pool. */
  readonly onLeft: () => void
}

/** The connections to one peer that the pool knows: how they come, step back for others, and go. */
export class PeerConnections {
  readonly all: PooledConnection[] = []
  readonly #peer: PeerId
  readonly #id: string
  readonly #shared: PoolShared
  readonly #callbacks: PeerConnectionsCallbacks
  readonly #habits: StreamHabits
  /** Not for us: connections that libp2p limits to other protocols (relays), and such as were left to others for good. */
  readonly #notOurs = new WeakSet<Connection>()
  /** A dial has found an address of the peer, and none since has found that there is none. */
  #dialable = false
  /** Was left for the result of the dial under way. */
  #left: Connection | undefined

  constructor (peer: PeerId, shared: PoolShared, callbacks: PeerConnectionsCallbacks) {
    this.#peer = peer
    this.#id = peer.toString()
    this.#shared = shared
    this.#callbacks = callbacks
    this.#habits = shared.habitsOf(this.#id)
    this.#habits.onOneShot = protocol => {
      for (const pooled of this.all) {
        pooled.closeIdleStreamsOf(protocol)
      }
    }
  }

  find (connection: Connection): PooledConnection | undefined {
    return this.all.find(pooled => pooled.connection.id === connection.id)
  }

  /** Takes in connections that the node has already. */
  adoptAll (): void {
    for (const connection of this.#shared.node.getConnections(this.#peer)) {
      this.adopt(connection)
    }
  }

  /** Takes in a connection that the pool did not dial. */
  adopt (connection: Connection): void {
    if (connection.status === 'open' && !this.#notOurs.has(connection) && this.find(connection) === undefined) {
      this.#add(connection, hostOf(connection.remoteAddr), 'adopted')
      this.#resolveDuplicates()
    }
  }

  /**
   * Takes in the result of a dial that began at `startedMs`, and with it relieves those that it was to take the place of:
   * suspects, what is old, and with `relieveAll` whatever was there when it began.
   */
  onDialled (connection: Connection, host: string, reason: DialReason, startedMs: number, relieveAll: boolean): void {
    this.#left = undefined
    this.#dialable = true
    // There already where the dial was joined to one of somebody else.
    const added = this.find(connection) ?? this.#add(connection, host, reason)
    for (const other of this.all.slice()) {
      if (other.health.onReplaced(startedMs)) {
        this.#recordReplacement(added, other, 'suspect')
        this.onDead(other)
      } else if (reason === 'lifetime' && other !== added && other.own && this.#shared.clock.now() >= other.expiresMs) {
        this.#recordReplacement(added, other, 'lifetime')
        this.#retire(other, 'lifetime')
      } else if (relieveAll && other !== added && other.openedMs <= startedMs && other.closing === undefined && other.retired === undefined) {
        this.#recordReplacement(added, other, 'health')
        this.#retire(other, 'health')
      } else if (other.health.state === 'dead') {
        // One that was all that there was.
        this.reap(other)
      }
    }
    this.adoptAll()
    this.#resolveDuplicates()
  }

  /** No connection came of a dial: what was left for it is taken back, and whatever else the node has by now. `error` is what callers are told. */
  onNotDialled (error?: unknown): void {
    const code = error instanceof TwinwireError ? error.code : undefined
    // What was aborted has found nothing out.
    if (code !== 'ERR_ABORTED') {
      this.#dialable = code !== 'ERR_NO_ADDRESS'
    }
    if (this.#left !== undefined) {
      this.#notOurs.delete(this.#left)
      this.#left = undefined
    }
    this.adoptAll()
  }

  /** Closes a connection gracefully, or abruptly once that takes too long. It counts as open until it is closed. */
  close (pooled: PooledConnection, reason: EvictReason): Promise<void> {
    this.#evict(pooled, reason)
    pooled.closed = this.#close(pooled, reason)
    return pooled.closed
  }

  /** libp2p's pruner chose the connection: what spared it may be streams that the pool keeps. */
  onPruned (pooled: PooledConnection): void {
    const reason = pooled.inUse ? 'in-use' : 'idle'
    this.#shared.record({ type: 'pool:prune', peer: this.#id, connection: pooled.connection.id, reason })
    if (reason === 'idle') {
      void this.close(pooled, 'pruned')
    } else {
      this.#retire(pooled, 'pruned')
    }
  }

  /** To be called when a connection was found dead. */
  onDead (pooled: PooledConnection): void {
    this.#shared.record({ type: 'pool:suspect', peer: this.#id, connection: pooled.connection.id, reason: 'dead' })
    pooled.closeIdleStreams()
    this.reap(pooled)
  }

  /**
   * Whether a dead connection is all that there is, and no address is known to dial another at: it may yet answer, and
   * without it nothing could be sent at all.
   */
  spares (pooled: PooledConnection): boolean {
    return pooled.health.state === 'dead' && !this.#dialable && this.all.every(other => !other.usable || other.health.state === 'dead')
  }

  /** Aborts a dead connection unless it carries anything of anybody, or is all that there is. */
  reap (pooled: PooledConnection): void {
    if (pooled.health.state !== 'dead' || pooled.closing !== undefined || pooled.inUse || this.spares(pooled)) {
      this.#callbacks.onChange(pooled)
      return
    }
    this.#evict(pooled, 'dead')
    pooled.connection.abort(new TwinwireError('ERR_CONNECTION_CLOSED', 'the connection does not answer any more'))
    this.remove(pooled, 'dead')
  }

  /** Leaves a connection to others for good, because libp2p opens no streams of ours on it. */
  refuse (pooled: PooledConnection): void {
    this.#notOurs.add(pooled.connection)
    this.#shared.record({ type: 'pool:suspect', peer: this.#id, connection: pooled.connection.id, reason: 'limited' })
    this.remove(pooled, 'released')
  }

  /** One that may go for a replacement: such as others opened first, then an idle one. Undefined where all carry requests. */
  dispensable (): PooledConnection | undefined {
    const idle = this.all.filter(({ pending, closing }) => pending === 0 && closing === undefined)
    return idle.find(({ own }) => !own) ?? idle.find(({ inUse }) => !inUse)
  }

  /** Leaves a connection that others opened to them, for good once the dial under way has its successor. */
  leave (pooled: PooledConnection): void {
    this.#left = pooled.connection
    this.#notOurs.add(pooled.connection)
    pooled.closeIdleStreams()
    this.remove(pooled, 'released')
  }

  /** Takes a connection out of the pool, whatever becomes of it. Does nothing where it is out already. */
  remove (pooled: PooledConnection, reason: EvictReason | 'lost' | 'released'): void {
    const i = this.all.indexOf(pooled)
    if (i < 0) {
      return
    }
    this.all.splice(i, 1)
    pooled.dispose()
    const { leaving } = this.#shared
    const closed = pooled.streamsClosed
    if (closed !== undefined) {
      leaving.add(closed)
      void closed.then(() => leaving.delete(closed))
    }
    this.#shared.hosts.give(pooled.host)
    this.#shared.counters.connections--
    this.#shared.counters.ownConnections -= pooled.own ? 1 : 0
    this.#shared.record({ type: 'pool:close', peer: this.#id, connection: pooled.connection.id, reason })
    this.#callbacks.onLeft()
  }

  #add (connection: Connection, host: string, origin: DialReason | 'adopted'): PooledConnection {
    const pooled = new PooledConnection(connection, host, origin, this.#shared, this.#habits)
    this.all.push(pooled)
    this.#shared.hosts.take(host)
    this.#shared.counters.connections++
    this.#shared.counters.ownConnections += pooled.own ? 1 : 0
    this.#shared.record({ type: 'pool:open', peer: this.#id, connection: connection.id, reason: origin })
    this.#callbacks.onChange(pooled)
    return pooled
  }

  #evict (pooled: PooledConnection, reason: EvictReason): void {
    pooled.closing = reason
    this.#shared.counters.evictions++
    this.#shared.record({ type: 'pool:evict', peer: this.#id, connection: pooled.connection.id, reason })
  }

  async #close (pooled: PooledConnection, reason: EvictReason): Promise<void> {
    const { deadlines, settings } = this.#shared
    const controller = new AbortController()
    let timer: Timer | undefined
    const expired = new Promise<never>((_resolve, reject) => {
      timer = deadlines.after(settings.closeTimeoutMs, () => {
        const error = new TwinwireError('ERR_TIMEOUT', `not closed after ${settings.closeTimeoutMs} ms`)
        reject(error)
        controller.abort(error)
      })
    })
    try {
      await Promise.race([pooled.connection.close({ signal: controller.signal }), expired])
    } catch (error) {
      pooled.connection.abort(error instanceof Error ? error : new Error(String(error)))
    } finally {
      timer?.cancel()
      this.remove(pooled, reason)
    }
  }

  /**
   * Two peers that dialled each other at once agree, without a word, on the connection that the peer with the lower id
   * dialled: both stop using the other, and only who dialled it closes it, so that one always remains.
   */
  #resolveDuplicates (): void {
    const { settings, node } = this.#shared
    const current = this.all.filter(pooled => pooled.usable && pooled.health.state === 'healthy' && pooled.retired === undefined)
    const dialled = current.find(pooled => pooled.origin === 'cold')
    if (dialled === undefined) {
      return
    }
    const accepted = current.find(pooled => pooled.connection.direction === 'inbound' && Math.abs(pooled.openedMs - dialled.openedMs) <= settings.duplicateGraceMs)
    if (accepted !== undefined) {
      this.#retire(node.peerId.toString() < this.#id ? accepted : dialled, 'duplicate')
    }
  }

  #retire (pooled: PooledConnection, reason: RetireReason): void {
    pooled.retired = { reason, sinceMs: this.#shared.clock.now() }
    pooled.closeIdleStreams()
    this.#callbacks.onChange(pooled)
  }

  #recordReplacement (added: PooledConnection, replaced: PooledConnection, reason: ReplaceEvent['reason']): void {
    this.#shared.counters.replacements++
    this.#shared.record({ type: 'pool:replace', peer: this.#id, connection: added.connection.id, replaced: replaced.connection.id, reason })
  }
}
