/** How many answers a window remembers. */
export const LATENCY_WINDOW = 64

/** The last answers' times, for percentiles. */
export class LatencyWindow {
  readonly #samples = new Float64Array(LATENCY_WINDOW)
  #added = 0

  /** How many are in the window. */
  get count (): number {
    return Math.min(this.#added, LATENCY_WINDOW)
  }

  add (latencyMs: number): void {
    this.#samples[this.#added++ % LATENCY_WINDOW] = latencyMs
  }

  /** Undefined where there is none. */
  get meanMs (): number | undefined {
    const { count } = this
    return count === 0 ? undefined : this.#samples.subarray(0, count).reduce((sum, latencyMs) => sum + latencyMs, 0) / count
  }

  /** The smallest sample that at least the share `quantile` of the window does not exceed (nearest rank); undefined where there is none. */
  quantileMs (quantile: number): number | undefined {
    const { count } = this
    if (count === 0) {
      return undefined
    }
    const sorted = this.#samples.slice(0, count).sort()
    return sorted[Math.max(0, Math.ceil(quantile * count) - 1)]
  }
}
