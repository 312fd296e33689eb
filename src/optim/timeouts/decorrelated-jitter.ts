import type { RandomStream } from '../../core/random.ts'

export interface BackoffOptions {
  /** The shortest wait before a retry. */
  readonly baseMs: number
  /** The longest. */
  readonly capMs: number
}

/**
 * The wait before a retry: uniform between the base and three times the wait before ('decorrelated jitter', AWS
 * Architecture Blog, 2015), so that clients which failed together do not come back together.
 */
export function decorrelatedJitterMs (previousMs: number, random: RandomStream, { baseMs, capMs }: BackoffOptions): number {
  return Math.min(capMs, random.uniform(baseMs, Math.max(baseMs, previousMs) * 3))
}
