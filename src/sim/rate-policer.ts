import { checkPositive } from './option-checks.ts'

/** A token bucket that drops what it has no tokens for: a rate limit without a queue. */
export interface PolicerOptions {
  readonly rateBitsPerSecond: number
  /** What may pass at once after a silence. A packet larger than this never passes. */
  readonly burstBytes: number
}

/** Starts with a full bucket. */
export class TokenBucketPolicer {
  readonly #bytesPerNs: number
  readonly #burstBytes: number
  #tokens: number
  #atNs = 0

  /** @throws ERR_INVALID_OPTION, its path beginning with `path` */
  constructor ({ rateBitsPerSecond, burstBytes }: PolicerOptions, path: string) {
    checkPositive(rateBitsPerSecond, `${path}.rateBitsPerSecond`)
    checkPositive(burstBytes, `${path}.burstBytes`)
    this.#bytesPerNs = rateBitsPerSecond / 8e9
    this.#burstBytes = burstBytes
    this.#tokens = burstBytes
  }

  /** Takes the tokens where there are enough. */
  conforms (size: number, nowNs: number): boolean {
    this.#tokens = Math.min(this.#burstBytes, this.#tokens + (nowNs - this.#atNs) * this.#bytesPerNs)
    this.#atNs = nowNs
    if (size > this.#tokens) {
      return false
    }
    this.#tokens -= size
    return true
  }
}
