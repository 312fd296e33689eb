import { Pace } from '../pool/pace.ts'
import type { RandomStream } from '../../core/random.ts'

export interface RecoveryOptions {
  /** Replacements a second, of all peers together, ... */
  readonly perSecond: number
  /** ... and how many may be made at once after a quiet time. */
  readonly burst: number
  /** Each waits up to so long first, so that nodes that lost the same peer do not come back to it together. */
  readonly jitterMs: number
  /** Replacements of one peer in a row that fail before it is given up. */
  readonly tries: number
  /** The wait before the second replacement of one peer; it doubles with each, up to the maximum. */
  readonly backoffMs: number
  readonly maximumBackoffMs: number
}

/** What is to be replaced again and again in vain is given up by and by; one record a peer that had to be. */
export interface RecoveryRecord {
  readonly pace: Pace
  /** Failed replacements since the last sign of life. */
  tries: number
}

/**
 * When which connection is replaced: in any window of T seconds at most `burst + perSecond x T` are, whatever happened
 * (a token bucket), and those of one peer wait longer each time. Decides only; who asks does what it answers.
 */
export class Recovery {
  readonly #options: RecoveryOptions
  readonly #random: RandomStream
  /** When each may be replaced at the earliest; of a bounded number of peers, since they are all known ones. */
  readonly #waiting = new Map<string, number>()
  #tokens: number
  #asOfMs: number | undefined

  constructor (options: RecoveryOptions, random: RandomStream) {
    this.#options = options
    this.#random = random
    this.#tokens = options.burst
  }

  get waiting (): number {
    return this.#waiting.size
  }

  newRecord (): RecoveryRecord {
    const { backoffMs, maximumBackoffMs } = this.#options
    return { pace: new Pace(this.#random, backoffMs, maximumBackoffMs), tries: 0 }
  }

  /** Whether it was tried so often in vain that it is not tried any more. */
  givesUp ({ tries }: RecoveryRecord): boolean {
    return tries >= this.#options.tries
  }

  /** Asks for a replacement; a peer that waits already waits on. */
  request (peer: string, nowMs: number): void {
    if (!this.#waiting.has(peer)) {
      this.#waiting.set(peer, nowMs + this.#random.uniform(0, this.#options.jitterMs))
    }
  }

  /** It is not needed any more. */
  cancel (peer: string): void {
    this.#waiting.delete(peer)
  }

  clear (): void {
    this.#waiting.clear()
  }

  /** The peers to replace connections to now, those first that asked first; each is paid for and waits no more. */
  take (nowMs: number, recordOf: (peer: string) => RecoveryRecord): string[] {
    this.#refill(nowMs)
    const taken: string[] = []
    for (const [peer, dueMs] of this.#waiting) {
      if (this.#tokens < 1) {
        break
      }
      const { pace } = recordOf(peer)
      if (dueMs <= nowMs && pace.allows(nowMs)) {
        this.#tokens--
        this.#waiting.delete(peer)
        pace.advance(nowMs)
        taken.push(peer)
      }
    }
    return taken
  }

  #refill (nowMs: number): void {
    const { perSecond, burst } = this.#options
    const passedMs = nowMs - (this.#asOfMs ?? nowMs)
    this.#asOfMs = nowMs
    this.#tokens = Math.min(burst, this.#tokens + passedMs * perSecond / 1e3)
  }
}
