import type { AckSample } from './congestion.ts'

/** A heuristic that ends slow start before it loses packets. */
export interface SlowStartExit {
  /** It watches the first slow start alone, which no threshold ends. */
  readonly firstOnly: boolean
  /** The connection stands: the first round begins. */
  begin(nowNs: number): void
  /** Slow start begins anew, after a timeout. */
  reset(): void
  /** Whether slow start is to end with this acknowledgement, at a window of `cwnd` segments. */
  full(sample: AckSample, cwnd: number, leastRttNs: number): boolean
  /** By how many segments the window may grow for so many delivered. */
  growth(segments: number): number
}
