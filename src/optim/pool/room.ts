import { before } from './waiters.ts'
import type { PeerPool } from './peer-pool.ts'
import type { PooledConnection } from './pooled-connection.ts'
import type { PoolShared } from './shared.ts'
import type { Upkeep } from './upkeep.ts'

/**
 * Says whether there is room for one connection more, and whose it is where many want it. Nobody holds one place while
 * waiting for another, so that no two peers can wait for each other.
 */
export class Room {
  readonly #shared: PoolShared
  readonly #peers: ReadonlyMap<string, PeerPool>
  readonly #upkeep: Upkeep
  /** Peers that would dial if there was room, with how many connections they would leave for that. */
  readonly #starved = new Map<PeerPool, number>()

  constructor (shared: PoolShared, peers: ReadonlyMap<string, PeerPool>, upkeep: Upkeep) {
    this.#shared = shared
    this.#peers = peers
    this.#upkeep = upkeep
  }

  /**
   * Whether one connection more may be dialled now, with `leaving`, one of the peer's, gone. Where not, and `urgent`, the
   * peer is served as soon as there is.
   */
  has (peerPool: PeerPool, urgent: boolean, leaving?: PooledConnection): boolean {
    const { settings, stopped } = this.#shared
    const left = leaving === undefined ? 0 : 1
    if (stopped || peerPool.connections.all.length - left + (peerPool.dialling ? 1 : 0) >= settings.maxConnectionsPerPeer) {
      return false
    }
    const { fullHosts: hosts } = peerPool
    const hasHost = hosts === undefined || this.#hostWithRoom(hosts) !== undefined || (leaving !== undefined && hosts.has(leaving.host))
    if (this.#connections - left < settings.maxConnections && hasHost) {
      this.#starved.delete(peerPool)
      peerPool.fullHosts = undefined
      return true
    }
    if (urgent) {
      this.#starved.set(peerPool, left)
      this.make()
    }
    return false
  }

  /** Closes one idle connection for each peer that waits for room, or leaves one that others opened to them. */
  make (): void {
    if (this.#starved.size === 0) {
      return
    }
    const leaving = this.#leaving()
    // What nothing was found for is not looked for again: many peers may wait for the same host.
    const barren = new Set<string>()
    let allBarren = false
    for (const { fullHosts: hosts } of this.#starved.keys()) {
      if (allBarren || (hosts !== undefined && [...hosts].every(host => barren.has(host)))) {
        continue
      }
      const suits = ({ host }: PooledConnection): boolean => hosts === undefined || hosts.has(host)
      const i = leaving.findIndex(suits)
      if (i >= 0) {
        leaving.splice(i, 1)
      } else if (!this.#upkeep.evictForWaiter(suits) && !this.#upkeep.letGoForWaiter(suits)) {
        allBarren = hosts === undefined
        hosts?.forEach(host => barren.add(host))
      }
    }
  }

  /** Room came free. It goes to the peer whose first waiter is first of all, among those that it is of use to. */
  offer (): void {
    if (this.#starved.size === 0) {
      return
    }
    const { maxConnections } = this.#shared.settings
    // A dial takes its place at a host only once it knows the addresses: until then, the offer does.
    const offered = new Map<string, number>()
    for (const [peerPool, left] of [...this.#starved].sort(([a], [b]) => byFirstWaiter(a, b))) {
      if (this.#connections - left >= maxConnections) {
        continue
      }
      const { fullHosts } = peerPool
      const host = fullHosts && this.#hostWithRoom(fullHosts, offered)
      if (fullHosts === undefined || host !== undefined) {
        if (host !== undefined) {
          offered.set(host, (offered.get(host) ?? 0) + 1)
        }
        this.#starved.delete(peerPool)
        peerPool.serve()
      }
    }
  }

  /** The peer needs none any more. */
  forget (peerPool: PeerPool): void {
    this.#starved.delete(peerPool)
  }

  #hostWithRoom (hosts: ReadonlySet<string>, offered?: ReadonlyMap<string, number>): string | undefined {
    for (const host of hosts) {
      if (this.#shared.hosts.room(host) > (offered?.get(host) ?? 0)) {
        return host
      }
    }
    return undefined
  }

  /** With those that are dialled. */
  get #connections (): number {
    const { counters } = this.#shared
    return counters.connections + counters.dialling
  }

  #leaving (): PooledConnection[] {
    const leaving = []
    for (const { connections } of this.#peers.values()) {
      for (const pooled of connections.all) {
        if (pooled.closing !== undefined) {
          leaving.push(pooled)
        }
      }
    }
    return leaving
  }
}

/** Who wants another connection for no waiter comes last. */
function byFirstWaiter ({ waiters: { first: a } }: PeerPool, { waiters: { first: b } }: PeerPool): number {
  if (a === undefined || b === undefined) {
    return (a === undefined ? 1 : 0) - (b === undefined ? 1 : 0)
  }
  return before(a, b) ? -1 : 1
}
