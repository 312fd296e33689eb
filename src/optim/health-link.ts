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
  /** The monitor knows peers by their text. */
  readonly #peerIds = new RecentMap<PeerId>(MAXIMUM_PEERS)
  #monitor: NetworkHealth | undefined
  #pool: ConnectionPool | undefined

  constructor (node: NetworkNode, clock: Clock) {
    this.#node = node
    this.#clock = clock
  }

  /** Replaces connections through the pool, where there is one. Connections that are open already are told, too. */
  connect (monitor: NetworkHealth, pool: ConnectionPool | undefined): void {
    this.#monitor = monitor
    this.#pool = pool
    this.#node.addEventListener('connection:open', this.#onOpen)
    this.#node.addEventListener('connection:close', this.#onClose)
    for (const connection of this.#node.getConnections()) {
      this.#tell(connection, 'open')
    }
  }

  stop (): void {
    this.#node.removeEventListener('connection:open', this.#onOpen)
    this.#node.removeEventListener('connection:close', this.#onClose)
  }

  async probe (peer: string, signal: AbortSignal): Promise<number | undefined> {
    const connection = this.#connectionsTo(peer).at(-1)
    if (connection === undefined) {
      throw new TwinwireError('ERR_CONNECTION_CLOSED', `no connection to ${peer}`)
    }
    return await ping(connection, this.#clock, signal)
  }

  async replace (peer: string, signal: AbortSignal): Promise<void> {
    const peerId = this.#peerIds.peek(peer)
    if (peerId === undefined) {
      throw new TwinwireError('ERR_NO_ADDRESS', `the peer ${peer} was forgotten`)
    }
    if (this.#pool !== undefined) {
      await this.#pool.replace(peerId, { signal })
      return
    }
    const silent = this.#connectionsTo(peer)
    await this.#node.dial(peerId, { signal, force: true })
    for (const connection of silent) {
      connection.abort(new TwinwireError('ERR_CONNECTION_CLOSED', 'the connection does not answer any more'))
    }
  }

  #connectionsTo (peer: string): Connection[] {
    const peerId = this.#peerIds.peek(peer)
    return peerId === undefined ? [] : this.#node.getConnections(peerId).filter(({ status }) => status === 'open')
  }

  #tell (connection: Connection, change: 'open' | 'close'): void {
    const { remotePeer, id } = connection
    const peer = remotePeer.toString()
    this.#peerIds.obtain(peer, () => remotePeer)
    this.#monitor?.observe({ kind: 'connection', peer, connection: id, nowMs: this.#clock.now(), change })
  }

  readonly #onOpen = ({ detail }: NodeEvents['connection:open']): void => this.#tell(detail, 'open')
  readonly #onClose = ({ detail }: NodeEvents['connection:close']): void => this.#tell(detail, 'close')
}

/** As many as the monitor remembers. */
const MAXIMUM_PEERS = 1024
