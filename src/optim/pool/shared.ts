import type { Clock } from '../../core/clock.ts'
import type { RandomStream } from '../../core/random.ts'
import type { NetworkNode } from '../port.ts'
import type { AddressBackoff } from './address-backoff.ts'
import type { BlackHoleDetector } from './black-hole.ts'
import type { Deadlines } from '../deadlines.ts'
import type { PoolEvent, PoolMetrics } from './events.ts'
import type { HostPlaces } from './hosts.ts'
import type { Lease } from './lease.ts'
import type { PoolSettings } from './options.ts'
import type { PeerPool } from './peer-pool.ts'
import type { PooledConnection } from './pooled-connection.ts'
import type { StreamHabits } from './stream-habits.ts'

/** What the pools of single peers have in common, and what they ask of the pool as a whole. */
export interface PoolShared {
  readonly node: NetworkNode
  readonly clock: Clock
  readonly random: RandomStream
  readonly settings: PoolSettings
  readonly deadlines: Deadlines
  readonly backoff: AddressBackoff
  readonly blackHoles: BlackHoleDetector
  readonly hosts: HostPlaces
  readonly counters: Counters
  /** Leases that were not given back. */
  readonly leases: Set<Lease>
  /** Streams on their way out, of connections that are not the pool's any more. */
  readonly leaving: Set<Promise<void>>
  readonly stopped: boolean
  /** What is known of a peer's streams, also from connections that are gone. */
  habitsOf(peer: string): StreamHabits
  /** Adds time and host. */
  record(event: Unstamped<PoolEvent>): void
  /** Whether one connection more may be dialled now, with `leaving` gone. Where not, and `urgent`, the peer is served as soon as there is. */
  hasRoom(peerPool: PeerPool, urgent: boolean, leaving?: PooledConnection): boolean
  /** A connection closed, or a dial ended. */
  onRoom(): void
  /** A connection was opened. */
  onOpened(): void
  /** A connection has no lease any more. */
  onIdle(): void
  /** Sees to it that the connection is looked at when it may have become idle or old. */
  schedule(peerPool: PeerPool, pooled: PooledConnection): void
  forgetIfEmpty(peerPool: PeerPool): void
}

/** What is counted as it happens. */
export type Counters = { -readonly [Name in Exclude<keyof PoolMetrics, 'idle' | 'leases' | 'waiters' | 'idleStreams'>]: number }

/** Distributive, so that each event keeps its own fields. */
export type Unstamped<Event> = Event extends unknown ? Omit<Event, 'timeMs' | 'host'> : never
