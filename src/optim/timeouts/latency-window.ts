/** How many answers a window remembers. */
export const LATENCY_WINDOW = 64

/** The last answers' times, for percentiles. */
export class LatencyWindow {
  /** As long as it must be: most peers answer a few requests, and a typed array costs 200 bytes beside its numbers. */
  readonly #samples: number[] = []
  #next = 0

  /** How many are in the window. */
  get count (): number {
    return this.#samples.length
  }

  add (latencyMs: number): void {
    this.#samples[this.#next] = latencyMs
    this.#next = (this.#next + 1) % LATENCY_WINDOW
  }

  /** Undefined where there is none. */
  get meanMs (): number | undefined {
    const { count } = this
    return count === 0 ? undefined : this.#samples.reduce((sum, latencyMs) => sum + latencyMs, 0) / count
  }

  /** The smallest sample that at least the share `quantile` of the window does not exceed (nearest rank); undefined where there is none. */
  quantileMs (quantile: number): number | undefined {
    const { count } = this
    if (count === 0) {
      return undefined
    }
    const sorted = Float64Array.from(this.#samples).sort()
    return sorted[Math.max(0, Math.ceil(quantile * count) - 1)]
  }
}
