import { TwinwireError } from '../../core/errors.ts'
import { RecentMap } from '../recent-map.ts'
import { AddressBackoff } from './address-backoff.ts'
import { BlackHoleDetector } from './black-hole.ts'
import { Deadlines } from '../deadlines.ts'
import { HostPlaces } from './hosts.ts'
import { parsePoolOptions } from './options.ts'
import { PeerPool } from './peer-pool.ts'
import { Room } from './room.ts'
import { StreamHabits } from './stream-habits.ts'
import { PeerTags } from './tags.ts'
import { Upkeep } from './upkeep.ts'
import type { Clock } from '../../core/clock.ts'
import type { RandomStream } from '../../core/random.ts'
import type { Recorder } from '../../core/recorder.ts'
import type { AbortOptions, Connection, NetworkNode, NodeEvents, PeerId } from '../port.ts'
import type { ConnectionPoolOptions } from './options.ts'
import type { PoolEvent, PoolMetrics } from './events.ts'
import type { Lease, StreamLease } from './lease.ts'
import type { PoolShared } from './shared.ts'
import type { Waiter, WaiterQueue } from './waiters.ts'

export type { ConnectionPoolOptions } from './options.ts'
export type { PoolEvent, PoolMetrics } from './events.ts'
export type { StreamLease } from './lease.ts'
export type { PruneCandidate, PrunePolicy } from './prune.ts'

/** What a pool works with. */
export interface ConnectionPoolComponents {
  readonly node: NetworkNode
  readonly clock: Clock
  readonly random: RandomStream
  readonly recorder?: Recorder<PoolEvent>
  /** The name that events bear; default the node's peer id. */
  readonly host?: string
  /** One timer for all: those of the network. Default: its own. */
  readonly deadlines?: Deadlines
}

/** How to wait for a lease. */
export interface AcquireOptions extends AbortOptions {
  /** Among waiters, higher goes first, and equals in order of arrival; default 0. */
  priority?: number
  /** Called when a stream begins to be opened, on this connection; until then the request queues or a connection is dialled. */
  onOpening?: (connection: Connection) => void
}

/**
 * Keeps connections and streams open between requests, dials the addresses of a peer in a race, spreads requests over
 * healthy connections and replaces those that stop answering.
 *
 * It works beside whatever else uses the node: connections that others opened are used but not closed, and its own are
 * closed only while they carry nothing of others. libp2p's pruner stays in charge: what it chose is closed as soon as it
 * carries nothing any more, and is not dialled again before somebody asks for the peer.
 *
 * The limits hold at every moment for open connections and dials together. A dial counts once, and once for each host
 * that it tries, however many addresses race in it, since it leaves at most one connection.
 */
export class ConnectionPool {
  readonly #node: NetworkNode
  readonly #clock: Clock
  readonly #shared: PoolShared
  readonly #upkeep: Upkeep
  readonly #tags: PeerTags
  readonly #peers = new Map<string, PeerPool>()
  readonly #waiters = new Set<Waiter>()
  readonly #room: Room
  /** Connections that closed without the pool's doing, for libp2p's pruner to say later that it was its own. */
  readonly #lost = new RecentMap<true>(MAX_LOST)
  #sequence = 0
  #stopping: Promise<void> | undefined

  /**
   * @throws ERR_INVALID_OPTION or ERR_UNKNOWN_OPTION
   */
  constructor (components: ConnectionPoolComponents, options: ConnectionPoolOptions = {}) {
    const { node, clock, random, deadlines = new Deadlines(components.clock) } = components
    const settings = parsePoolOptions(options)
    const { recorder } = components
    const host = components.host ?? node.peerId.toString()
    const habits = new RecentMap<StreamHabits>(MAX_HABITS)
    const isStopped = (): boolean => this.#stopping !== undefined
    this.#node = node
    this.#clock = clock
    this.#shared = {
      node,
      clock,
      random,
      settings,
      deadlines,
      backoff: new AddressBackoff(random.fork('backoff')),
      blackHoles: new BlackHoleDetector(settings.blackHoleWindow, settings.blackHoleSuccesses),
      hosts: new HostPlaces(settings.maxConnectionsPerHost),
      counters: { connections: 0, ownConnections: 0, dialling: 0, dials: 0, failedDials: 0, streamsOpened: 0, streamsReused: 0, evictions: 0, replacements: 0 },
      leases: new Set<Lease>(),
      leaving: new Set<Promise<void>>(),
      get stopped () {
        return isStopped()
      },
      habitsOf: peer => habits.obtain(peer, () => new StreamHabits(settings.oneShotProtocols)),
      record: event => recorder?.record({ ...event, timeMs: clock.now(), host }),
      hasRoom: (peerPool, urgent, leaving) => this.#room.has(peerPool, urgent, leaving),
      onRoom: () => this.#room.offer(),
      onOpened: () => this.#upkeep.trim(),
      onIdle: () => this.#room.make(),
      schedule: (peerPool, pooled) => this.#upkeep.schedule(peerPool, pooled),
      forgetIfEmpty: peerPool => this.#forgetIfEmpty(peerPool)
    }
    this.#upkeep = new Upkeep(this.#shared, this.#peers, peerPool => this.#letGo(peerPool))
    this.#room = new Room(this.#shared, this.#peers, this.#upkeep)
    this.#tags = new PeerTags(node.peerStore, settings.tagValue)
    node.addEventListener('connection:open', this.#onConnectionOpen)
    node.addEventListener('connection:close', this.#onConnectionClose)
    node.addEventListener('connection:prune', this.#onConnectionPrune)
  }

  /**
   * A stream to a peer: one kept from an earlier request (no round trip), a new one on an open connection (1), or after
   * a dial (1 more than the dial), whichever can be had first.
   *
   * @throws what `signal` was aborted with; a `TwinwireError` with ERR_TIMEOUT as its reason counts against the
   * connection on which the stream was being opened, any other reason does not
   * @throws ERR_DIAL_FAILED where no address of the peer could be connected to, ERR_NO_ADDRESS where none is known
   * and no connection is open, libp2p's
   * `DialDeniedError` where the connection gater will have none of the peer
   * @throws ERR_UNSUPPORTED_PROTOCOL where the peer does not speak the protocol
   * @throws ERR_CONNECTION_RESET or ERR_TIMEOUT where no stream could be opened in three attempts
   * @throws ERR_TOO_MANY_WAITERS or ERR_STOPPED at once
   */
  acquire (peer: PeerId, protocol: string, options: AcquireOptions = {}): Promise<StreamLease> {
    return this.#wait<StreamLease>(peer, protocol, options, ({ waiters }) => waiters)
  }

  /**
   * A connection to a peer, new or not; it stays the pool's.
   *
   * @throws as `acquire` does
   */
  connect (peer: PeerId, options: AbortOptions = {}): Promise<Connection> {
    // It takes no place on a connection, so that it need not queue behind those that do.
    return this.#wait<Connection>(peer, undefined, { ...options, priority: Infinity }, ({ waiters }) => waiters)
  }

  /**
   * Dials another connection to a peer, or waits for the dial under way, and leaves the present ones as soon as it is
   * there: they are used no more, and the pool's own are closed when they are idle. Replacements of one peer are spaced,
   * by 1, 2, 4 s and so on up to 30 s; those asked for meanwhile are one. Where the limits leave no room for a further
   * connection it waits for that too.
   *
   * @throws as `connect` does
   */
  async replace (peer: PeerId, options: AbortOptions = {}): Promise<void> {
    await this.#wait<Connection>(peer, undefined, options, ({ replacers }) => replacers)
  }

  /**
   * Puts a connection (by its id), or all to a peer, under suspicion: a replacement is dialled as where a request timed
   * out, and whatever comes on it clears it. Does nothing where the pool knows none.
   */
  suspect (target: PeerId | string): void {
    if (typeof target !== 'string') {
      const peerPool = this.#peers.get(target.toString())
      peerPool?.suspect(peerPool.connections.all)
      return
    }
    for (const peerPool of this.#peers.values()) {
      peerPool.suspect(peerPool.connections.all.filter(({ connection }) => connection.id === target))
    }
  }

  /** Bytes came on a connection, both by their ids: what was held to be silent is alive. To be called with any that come, on whosever stream. */
  heard (peer: string, connection: string): void {
    this.#peers.get(peer)?.heard(connection)
  }

  /** The state of now. */
  get metrics (): PoolMetrics {
    let idle = 0
    let idleStreams = 0
    for (const { connections } of this.#peers.values()) {
      for (const pooled of connections.all) {
        idle += pooled.pending === 0 ? 1 : 0
        idleStreams += pooled.idleStreams
      }
    }
    return { ...this.#shared.counters, idle, leases: this.#shared.leases.size, waiters: this.#waiters.size, idleStreams }
  }

  /**
   * Rejects whoever waits, takes all leases back, and closes the connections that the pool opened (those that carry
   * streams of others excepted). Afterwards no timer and no listener is left. Never rejects.
   */
  stop (): Promise<void> {
    this.#stopping ??= this.#stop()
    return this.#stopping
  }

  async #stop (): Promise<void> {
    // Lets `stopped` be true before anything reacts to what follows.
    await Promise.resolve()
    this.#node.removeEventListener('connection:open', this.#onConnectionOpen)
    this.#node.removeEventListener('connection:prune', this.#onConnectionPrune)
    const error = new TwinwireError('ERR_STOPPED', 'the connection pool was stopped')
    for (const waiter of this.#waiters) {
      waiter.fail(error)
    }
    for (const lease of this.#shared.leases) {
      lease.end('stopped', error)
    }
    const closing: Array<Promise<void>> = []
    for (const peerPool of this.#peers.values()) {
      peerPool.stop(error)
      for (const pooled of peerPool.connections.all.slice()) {
        if (pooled.closing === undefined) {
          pooled.closeIdleStreams()
          if (pooled.own && !pooled.carriesOthers()) {
            closing.push(peerPool.connections.close(pooled, 'stopped'))
          } else {
            peerPool.connections.remove(pooled, 'released')
          }
        }
      }
      this.#tags.set(peerPool.peer, false)
    }
    await Promise.all([...closing, ...this.#shared.leaving])
    // Connections that were being closed before end within the same bound.
    await Promise.all([...this.#peers.values()].flatMap(({ connections }) => connections.all.map(async ({ closed }) => closed)))
    await this.#tags.settled()
    this.#node.removeEventListener('connection:close', this.#onConnectionClose)
    this.#peers.clear()
  }

  #wait<Result extends StreamLease | Connection> (peer: PeerId, protocol: string | undefined, { priority = 0, signal, onOpening }: AcquireOptions, queueOf: (peerPool: PeerPool) => WaiterQueue): Promise<Result> {
    return new Promise<Result>((resolve, reject) => {
      if (this.#stopping !== undefined) {
        throw new TwinwireError('ERR_STOPPED', 'the connection pool was stopped')
      }
      signal?.throwIfAborted()
      const { maxWaiters } = this.#shared.settings
      if (this.#waiters.size >= maxWaiters) {
        throw new TwinwireError('ERR_TOO_MANY_WAITERS', `${maxWaiters} requests wait for a connection already`)
      }
      const peerPool = this.#peerPool(peer)
      const settle = (): boolean => {
        if (waiter.settled) {
          return false
        }
        waiter.settled = true
        this.#waiters.delete(waiter)
        signal?.removeEventListener('abort', onAbort)
        return true
      }
      const waiter: Waiter = {
        protocol,
        priority,
        sequence: this.#sequence++,
        sinceMs: this.#clock.now(),
        attempts: 0,
        settled: false,
        onOpening,
        cancelOpening: undefined,
        succeed: result => {
          if (settle()) {
            resolve(result as Result)
          }
        },
        fail: error => {
          if (settle()) {
            reject(error)
            peerPool.onWaiterGone(waiter, error)
          }
        }
      }
      const onAbort = (): void => waiter.fail(signal?.reason)
      signal?.addEventListener('abort', onAbort, { once: true })
      this.#waiters.add(waiter)
      queueOf(peerPool).add(waiter)
      peerPool.serve()
    })
  }

  #peerPool (peer: PeerId): PeerPool {
    const id = peer.toString()
    const known = this.#peers.get(id)
    if (known !== undefined) {
      return known
    }
    const peerPool = new PeerPool(peer, this.#shared)
    this.#peers.set(id, peerPool)
    peerPool.connections.adoptAll()
    this.#tags.set(peer, true)
    return peerPool
  }

  /** Leaves a peer's connections to whoever opened them. */
  #letGo (peerPool: PeerPool): void {
    for (const pooled of peerPool.connections.all.slice()) {
      pooled.closeIdleStreams()
      peerPool.connections.remove(pooled, 'released')
    }
  }

  #forgetIfEmpty (peerPool: PeerPool): void {
    if (!peerPool.wanted) {
      this.#room.forget(peerPool)
    }
    if (peerPool.empty && this.#stopping === undefined && this.#peers.get(peerPool.id) === peerPool) {
      this.#peers.delete(peerPool.id)
      this.#tags.set(peerPool.peer, false)
    }
  }

  readonly #onConnectionOpen = ({ detail }: NodeEvents['connection:open']): void => {
    this.#peers.get(detail.remotePeer.toString())?.onConnectionOpen(detail)
  }

  readonly #onConnectionClose = ({ detail }: NodeEvents['connection:close']): void => {
    const peerPool = this.#peers.get(detail.remotePeer.toString())
    const pooled = peerPool?.connections.find(detail)
    if (peerPool !== undefined && pooled !== undefined) {
      if (pooled.closing === undefined) {
        this.#lost.obtain(detail.id, () => true)
      }
      peerPool.onClosed(pooled)
    }
  }

  readonly #onConnectionPrune = ({ detail }: NodeEvents['connection:prune']): void => {
    for (const connection of detail) {
      const peer = connection.remotePeer.toString()
      if (this.#lost.peek(connection.id) === true) {
        this.#shared.record({ type: 'pool:prune', peer, connection: connection.id, reason: 'closed' })
      } else {
        this.#peers.get(peer)?.onPruned(connection)
      }
    }
  }
}

/** Closed connections remembered: libp2p's pruner tells of them within the second that it gives them to close. */
const MAX_LOST = 1_000

/** Peers whose streams' habits are remembered while they are not connected: a few hundred bytes each. */
const MAX_HABITS = 1_000
