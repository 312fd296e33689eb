import type { RecordedEvent } from '../../core/recorder.ts'

/** Everything that the pool does, each with its reason. `peer` and `connection` are ids as text. */
export type PoolEvent =
  | DialEvent | AddressEvent | OpenEvent | CloseEvent | ReplaceEvent | EvictEvent | PruneEvent | SuspectEvent | ClearEvent | LeaseEvent | EndEvent

/** Why a connection is dialled; `health`: another was asked for from outside. */
export type DialReason = 'cold' | 'growth' | 'replacement' | 'lifetime' | 'health'

/** Why the pool closes a connection on purpose; `pruned`: libp2p's pruner chose it. */
export type EvictReason = RetireReason | 'idle' | 'high-water' | 'waiter' | 'dead' | 'stopped'

/** Why a connection is used no more, and closed once it is idle. */
export type RetireReason = 'lifetime' | 'duplicate' | 'health' | 'pruned'

interface Base<Type extends string> extends RecordedEvent {
  readonly type: Type
  readonly peer: string
}

/** A dial begins, of all the peer's addresses together. */
export interface DialEvent extends Base<'pool:dial'> {
  readonly reason: DialReason
}

/**
 * What became of one address of a dial. `handshake`: connected, but no secure channel came of it, as where another peer
 * answers; `mismatch` where that is known. `host-full`: not dialled, for there are as many connections to its host as may be.
 */
export interface AddressEvent extends Base<'pool:address'> {
  readonly address: string
  readonly reason: 'won' | 'failed' | 'timeout' | 'handshake' | 'mismatch' | 'denied' | 'host-full' | 'cancelled'
  readonly elapsedMs: number
}

/** A connection joins the pool. `adopted`: others, or the remote peer, opened it. */
export interface OpenEvent extends Base<'pool:open'> {
  readonly connection: string
  readonly reason: DialReason | 'adopted'
}

/** A connection left the pool: on purpose, `lost` where the pool did not close it, `released` where it is left to others. */
export interface CloseEvent extends Base<'pool:close'> {
  readonly connection: string
  readonly reason: EvictReason | 'lost' | 'released'
}

/** `connection` takes the place of `replaced`. */
export interface ReplaceEvent extends Base<'pool:replace'> {
  readonly connection: string
  readonly replaced: string
  readonly reason: 'suspect' | 'lifetime' | 'health'
}

/** The pool begins to close a connection. */
export interface EvictEvent extends Base<'pool:evict'> {
  readonly connection: string
  readonly reason: EvictReason
}

/**
 * libp2p's pruner chose a connection of the pool. It has `closed` it already (its `pool:close` says `lost`, since libp2p
 * tells only afterwards); or kept streams of the pool alone were on it, `idle`, and the pool closes it now; or it is `in-use`,
 * and is closed when it is not any more.
 */
export interface PruneEvent extends Base<'pool:prune'> {
  readonly connection: string
  readonly reason: 'closed' | 'idle' | 'in-use'
}

/** A connection is under suspicion (or, with `dead`, beyond it); `health`: from outside. */
export interface SuspectEvent extends Base<'pool:suspect'> {
  readonly connection: string
  readonly reason: SuspectReason | 'dead' | 'limited'
}

/** What put a connection under suspicion. */
export type SuspectReason = 'timeout' | 'error' | 'stream-refused' | 'health'

/** A connection is trusted again: it answered after all, or, where it had been silent, anything came on it. */
export interface ClearEvent extends Base<'pool:clear'> {
  readonly connection: string
  readonly reason: 'answered' | 'bytes'
}

/** A lease is given out. */
export interface LeaseEvent extends Base<'pool:lease'> {
  readonly connection: string
  readonly reason: 'reused' | 'opened'
  readonly waitedMs: number
}

/** A lease came back. */
export interface EndEvent extends Base<'pool:end'> {
  readonly connection: string
  readonly reason: 'released' | 'discarded' | 'timeout' | 'error' | 'stopped'
  readonly heldMs: number
}

/** A snapshot; the first seven are levels, the others count from the start. */
export interface PoolMetrics {
  readonly connections: number
  /** Of these, opened by the pool itself. */
  readonly ownConnections: number
  readonly dialling: number
  /** Connections without a lease. */
  readonly idle: number
  readonly leases: number
  readonly waiters: number
  readonly idleStreams: number
  readonly dials: number
  /** Dials that led to no connection, for whatever reason. */
  readonly failedDials: number
  readonly streamsOpened: number
  readonly streamsReused: number
  readonly evictions: number
  readonly replacements: number
}
