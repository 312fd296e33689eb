import { timeoutSignal } from '../core/clock.ts'
import { TwinwireError } from '../core/errors.ts'
import { ping } from './ping.ts'
import { RecentMap } from './recent-map.ts'
import type { Clock } from '../core/clock.ts'
import type { NetworkHealth } from './health/network-health.ts'
import type { HealthActions } from './health/observations.ts'
import type { ConnectionPool } from './pool/pool.ts'
import type { Connection, NetworkNode, NodeEvents, PeerId } from './port.ts'

/** Between the health monitor and the node: tells it of connections, and does what it asks for. */
export class HealthLink implements HealthActions {
  readonly #node: NetworkNode
  readonly #clock: Clock
  /** The monitor knows peers by their text. As many as have connections. */
  readonly #connected = new Map<string, ConnectedPeer>()
  /** Peers that had connections, which the monitor may want back. */
  readonly #recent: RecentMap<PeerId>
  readonly #stopping = new AbortController()
  #monitor: NetworkHealth | undefined
  #pool: ConnectionPool | undefined

  /** @param maximumPeers the option of `networkHealth`: peers without a connection that are remembered */
  constructor (node: NetworkNode, clock: Clock, maximumPeers = DEFAULT_MAXIMUM_PEERS) {
    this.#node = node
    this.#clock = clock
    this.#recent = new RecentMap(maximumPeers)
  }

  /** Replaces connections through the pool, where there is one. Connections that are open already are told, too. */
  connect (monitor: NetworkHealth, pool: ConnectionPool | undefined): void {
    this.#monitor = monitor
    this.#pool = pool
    this.#node.addEventListener('connection:open', this.#onOpen)
    this.#node.addEventListener('connection:close', this.#onClose)
    for (const connection of this.#node.getConnections()) {
      this.#opened(connection)
    }
  }

  /** Ends what is under way; no listener, timer or stream is left. */
  stop (): void {
    this.#node.removeEventListener('connection:open', this.#onOpen)
    this.#node.removeEventListener('connection:close', this.#onClose)
    this.#stopping.abort(new TwinwireError('ERR_STOPPED', 'the health monitor was stopped'))
  }

  /** Of several connections each has its turn: the one that was not asked for longest. */
  async probe (peer: string, signal: AbortSignal): Promise<number | undefined> {
    const [connection] = this.#connectionsTo(peer)
    if (connection === undefined) {
      throw new TwinwireError('ERR_CONNECTION_CLOSED', `no connection to ${peer}`)
    }
    const connections = this.#connected.get(peer)?.connections
    connections?.delete(connection.id)
    connections?.set(connection.id, connection)
    const rttMs = await ping(connection, this.#clock, { signal, closing: this.#stopping.signal })
    this.#pool?.heard(peer, connection.id)
    return rttMs
  }

  async replace (peer: string, signal: AbortSignal): Promise<void> {
    const peerId = this.#connected.get(peer)?.peerId ?? this.#recent.peek(peer)
    if (peerId === undefined) {
      throw new TwinwireError('ERR_NO_ADDRESS', `the peer ${peer} was forgotten`)
    }
    const present = this.#connectionsTo(peer)
    if (this.#pool !== undefined) {
      await this.#pool.replace(peerId, { signal })
    } else {
      await this.#node.dial(peerId, { signal, force: true })
    }
    for (const connection of present) {
      void this.#abortIfSilent(connection)
    }
  }

  /** Other connections to the peer work by now, so that silence is this one's own. */
  async #abortIfSilent (connection: Connection): Promise<void> {
    const closing = this.#stopping.signal
    using limit = timeoutSignal(this.#clock, LAST_PROBE_TIMEOUT_MS, closing)
    try {
      await ping(connection, this.#clock, { signal: limit.signal, closing })
    } catch {
      // Any other failure is an answer, or the connection's end.
      if (limit.timedOut) {
        connection.abort(new TwinwireError('ERR_CONNECTION_CLOSED', 'the connection does not answer any more'))
      }
    }
  }

  #connectionsTo (peer: string): Connection[] {
    return [...this.#connected.get(peer)?.connections.values() ?? []].filter(({ status }) => status === 'open')
  }

  #opened (connection: Connection): void {
    const { remotePeer, id } = connection
    const peer = remotePeer.toString()
    const known = this.#connected.get(peer) ?? { peerId: remotePeer, connections: new Map() }
    known.connections.set(id, connection)
    this.#connected.set(peer, known)
    this.#tell(peer, id, 'open')
  }

  #closed ({ remotePeer, id }: Connection): void {
    const peer = remotePeer.toString()
    const known = this.#connected.get(peer)
    known?.connections.delete(id)
    if (known?.connections.size === 0) {
      this.#connected.delete(peer)
    }
    this.#recent.obtain(peer, () => remotePeer)
    this.#tell(peer, id, 'close')
  }

  #tell (peer: string, connection: string, change: 'open' | 'close'): void {
    this.#monitor?.observe({ kind: 'connection', peer, connection, nowMs: this.#clock.now(), change })
  }

  readonly #onOpen = ({ detail }: NodeEvents['connection:open']): void => this.#opened(detail)
  readonly #onClose = ({ detail }: NodeEvents['connection:close']): void => this.#closed(detail)
}

interface ConnectedPeer {
  readonly peerId: PeerId
  /** By their ids, in the order in which they are to be asked. */
  readonly connections: Map<string, Connection>
}

/** As many as the monitor remembers by default. */
const DEFAULT_MAXIMUM_PEERS = 1024
/** For the last ping on a connection that was replaced: within it TCP sends what was lost again, several times. */
const LAST_PROBE_TIMEOUT_MS = 5000
