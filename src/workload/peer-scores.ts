import type { Clock } from '../core/clock.ts'
import { power } from '../core/power.ts'

/** What each kind of failure takes from a peer's score. */
export interface ScoreRule {
  /** No answer in time, ms not told. */
  readonly timeoutPenalty: number
  /** Any other. */
  readonly errorPenalty: number
}

/** Peers are disconnected, and let in again, at the node's heartbeat only: HEARTBEAT_INTERVAL_MS of Lodestar's peerManager.ts. */
const HEARTBEAT_MS = 30_000
/** These five as in Lodestar's packages/beacon-node/src/network/peers/score/constants.ts. */
const HALF_LIFE_MS = 600_000
const LEAST_SCORE = -100
/** At it a peer is disconnected, and not asked until its score is above. */
const DISCONNECT_SCORE = -20
const BAN_SCORE = -50
/** So long a banned peer's score does not decay. */
const COOL_DOWN_MS = 1_800_000

interface PeerScore {
  readonly score: number
  readonly atMs: number
  /** Of a banned peer: no decay before. */
  readonly frozenUntilMs: number
}

/** Lodestar's scores of peers by what requests to them failed with: they go down with each failure, and decay. */
export class PeerScores {
  readonly #clock: Clock
  readonly #rule: ScoreRule
  readonly #peers = new Map<string, PeerScore>()
  /** By what the last heartbeat found. */
  readonly #decided = new Map<string, { readonly heartbeat: number, readonly usable: boolean }>()
  readonly #onBan: (peer: string) => void

  constructor (clock: Clock, rule: ScoreRule, onBan: (peer: string) => void) {
    this.#clock = clock
    this.#rule = rule
    this.#onBan = onBan
  }

  /** Whether the peer is connected, or may be. To be asked about each peer often, for it is decided when somebody asks. */
  usable (peer: string): boolean {
    const heartbeat = Math.floor(this.#clock.now() / HEARTBEAT_MS)
    let decided = this.#decided.get(peer)
    if (decided?.heartbeat !== heartbeat) {
      decided = { heartbeat, usable: this.#score(peer) > DISCONNECT_SCORE }
      this.#decided.set(peer, decided)
    }
    return decided.usable
  }

  /** A request to the peer failed. */
  failed (peer: string, timedOut: boolean): void {
    const { timeoutPenalty, errorPenalty } = this.#rule
    const before = this.#score(peer)
    const score = Math.max(LEAST_SCORE, before - (timedOut ? timeoutPenalty : errorPenalty))
    const atMs = this.#clock.now()
    const bans = before > BAN_SCORE && score <= BAN_SCORE
    this.#peers.set(peer, { score, atMs, frozenUntilMs: bans ? atMs + COOL_DOWN_MS : this.#peers.get(peer)?.frozenUntilMs ?? 0 })
    if (bans) {
      this.#onBan(peer)
    }
  }

  #score (peer: string): number {
    const known = this.#peers.get(peer)
    if (known === undefined) {
      return 0
    }
    const decayedMs = Math.max(0, this.#clock.now() - Math.max(known.atMs, known.frozenUntilMs))
    return known.score * power(0.5, decayedMs / HALF_LIFE_MS)
  }
}
