import type { ConnectionHealth } from './health.ts'

/** One idle connection that the pool opened, as far as it may matter which of them goes. */
export interface PruneCandidate {
  readonly peer: string
  readonly connection: string
  /** The IP address, name or relay that it leads to. */
  readonly host: string
  readonly health: ConnectionHealth['state']
  /** Another connection has taken its place. */
  readonly retired: boolean
  readonly ageMs: number
  /** Since it was opened, leased, or given back last. */
  readonly idleMs: number
  /** What a request on it is expected to take; 0 where nothing is known. */
  readonly responseMs: number
}

/** Orders idle connections, the first to be closed first; one that it leaves out is kept. Must be pure, and not throw. */
export type PrunePolicy = (candidates: readonly PruneCandidate[]) => readonly PruneCandidate[]

/** The default: what is under suspicion, then what has a successor, then what was not used for longest. */
export function leastRecentlyUsed (candidates: readonly PruneCandidate[]): PruneCandidate[] {
  return candidates.toSorted((a, b) => worth(a) - worth(b) || b.idleMs - a.idleMs)
}

function worth ({ health, retired }: PruneCandidate): number {
  return health !== 'healthy' ? 0 : retired ? 1 : 2
}
