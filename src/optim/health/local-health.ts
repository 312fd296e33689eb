export interface LocalHealthOptions {
  /** Lateness of the monitor's own deadline from which on this node counts as slow. */
  readonly lagMs: number
  /** How long without a further sign of slowness until the score falls by one. */
  readonly decayMs: number
  /** The share of the peers in use that must fail at once for the fault to be this node's. */
  readonly failingShare: number
}

/** The scale of Lifeguard's local health multiplier. */
const HIGHEST_SCORE = 7
/** Peers that fail at once are more often cut off than this node is slow, and longer waits do not mend that. */
const HIGHEST_SCORE_BY_FAILURES = 2
/** Fewer failing peers are a coincidence. */
const LEAST_FAILING_PEERS = 3

/** Why the score changed. */
export type LocalReason = 'lag' | 'peers-failing' | 'decay'

/**
 * Whether it is this node that is sick (Lifeguard: Dadgar, Phillips, Currey, 2017): a score from 0, well, to 7. A late
 * deadline means that this node did not read what came meanwhile: the lateness is told as a stall, in which no peer's
 * silence counts.
 */
export class LocalHealth {
  readonly #options: LocalHealthOptions
  #score = 0
  #lastSignMs = 0
  #stalledMs = 0
  #stallEndMs = -Infinity
  #troubledMs = -Infinity
  #dueMs = Infinity

  constructor (options: LocalHealthOptions) {
    this.#options = options
  }

  /** 0 where this node is well, 7 where it is as sick as can be. */
  get score (): number {
    return this.#score
  }

  /** How many times as long timeouts should be: 1 + score, at most 8. */
  get timeoutFactor (): number {
    return 1 + this.#score
  }

  /** All time in which this node stood still. */
  get stalledMs (): number {
    return this.#stalledMs
  }

  /** Time that passed while this node was there to see it. */
  awakeMs (nowMs: number): number {
    return nowMs - this.#stalledMs
  }

  /** Whether this node stood still after what began then: its failure is this node's fault, or may be. */
  stalledSince (sinceMs: number): boolean {
    return sinceMs < this.#stallEndMs
  }

  /** Whether so many peers failed at once after what began then: its failure may be this node's fault. */
  troubledSince (sinceMs: number): boolean {
    return sinceMs < this.#troubledMs
  }

  /** So many peers fail at once now. */
  troubled (nowMs: number): void {
    this.#troubledMs = nowMs
  }

  /** The deadline that tells lateness: to come at `dueMs`, Infinity where none is set. */
  expect (dueMs: number): void {
    this.#dueMs = dueMs
  }

  /** To be told whenever anything happens: the deadline may be late and yet behind it. True where the score rose. */
  advance (nowMs: number): boolean {
    const { lagMs } = this.#options
    const lateMs = nowMs - this.#dueMs
    if (lateMs <= 0) {
      return false
    }
    // Whatever happens shows that this node is awake: only from here on is the deadline's lateness unexplained.
    this.#dueMs = nowMs
    if (lateMs < lagMs) {
      return false
    }
    this.#stalledMs += lateMs
    this.#stallEndMs = nowMs
    // One point for `lagMs`, one more for each doubling: at 250 ms a stall of 16 s reaches the highest score.
    return this.#raise(this.#score + 1 + Math.floor(Math.log2(lateMs / lagMs)), nowMs)
  }

  /** To be told once a second, after `advance`: what else happened. Answers why the score changed, where it did. */
  review (manyFailing: boolean, nowMs: number): LocalReason | undefined {
    if (manyFailing) {
      const raised = this.#score < HIGHEST_SCORE_BY_FAILURES && this.#raise(this.#score + 1, nowMs)
      this.#lastSignMs = nowMs
      return raised ? 'peers-failing' : undefined
    }
    if (this.#score > 0 && nowMs - this.#lastSignMs >= this.#options.decayMs) {
      this.#score--
      this.#lastSignMs = nowMs
      return 'decay'
    }
    return undefined
  }

  /** Whether so many of the peers in use fail at once that the fault is more likely here. */
  isOurs (failingPeers: number, peersInUse: number): boolean {
    return failingPeers >= LEAST_FAILING_PEERS && failingPeers >= peersInUse * this.#options.failingShare
  }

  #raise (score: number, nowMs: number): boolean {
    const before = this.#score
    this.#score = Math.min(score, HIGHEST_SCORE)
    this.#lastSignMs = nowMs
    return this.#score > before
  }
}
