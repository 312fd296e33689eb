/** What one request adds to the bare round trip. */
export interface Allowance {
  /** Payload bytes, as far as known. */
  readonly bytes: number
  /** The slowest that those bytes are expected to move. */
  readonly rateBitsPerSecond: number
  /** How long the far side is known to work on such a request. */
  readonly serverTimeMs: number
}

/** Time that is no round trip: moving the bytes and the far side's work. Subtracted from samples, added to timeouts. */
export function allowanceMs ({ bytes, rateBitsPerSecond, serverTimeMs }: Allowance): number {
  return bytes * 8e3 / rateBitsPerSecond + serverTimeMs
}

/** How long one attempt may take: the policy's wait and the request's allowance, never beyond the remaining deadline. */
export function attemptTimeoutMs (waitMs: number, allowanceMs: number, remainingMs: number): number {
  return Math.max(0, Math.min(waitMs + allowanceMs, remainingMs))
}

/**
 * The round trip in an answer's time; undefined where the answer came within the allowance, for then it says only that
 * the allowance was too large.
 */
export function roundTripMs (elapsedMs: number, allowanceMs: number): number | undefined {
  return elapsedMs > allowanceMs || allowanceMs === 0 ? elapsedMs - allowanceMs : undefined
}
