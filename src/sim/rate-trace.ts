import { NS_PER_MS } from '../core/units.ts'

/** What one line of a mahimahi trace lets pass, in IP bytes. */
export const OPPORTUNITY_BYTES = 1500

/** A link's rate as instants at which it may deliver `OPPORTUNITY_BYTES` each, over and over. */
export interface RateTrace {
  /** Not descending; the last one, above 0, is the period. Milliseconds from the start of the run. */
  readonly opportunitiesMs: Uint32Array
}

/** The rate over a whole period. */
export function meanBitsPerSecond ({ opportunitiesMs }: RateTrace): number {
  return opportunitiesMs.length * OPPORTUNITY_BYTES * 8 / (opportunitiesMs[opportunitiesMs.length - 1] / 1e3)
}

/** Walks through the opportunities of a trace. */
export class RateTraceCursor {
  /** The instant of the opportunities that `advance` found. */
  atNs = 0
  /** How many fall on it. */
  count = 0

  readonly #opportunitiesMs: Uint32Array
  readonly #periodMs: number
  /** Next to look at, and the number of periods before it. */
  #index = 0
  #periods = 0

  constructor ({ opportunitiesMs }: RateTrace) {
    this.#opportunitiesMs = opportunitiesMs
    this.#periodMs = opportunitiesMs[opportunitiesMs.length - 1]
  }

  /** Finds the first opportunities after `nowNs`. What was in between has passed unused. */
  advance (nowNs: number): void {
    if (this.#instantNs() <= nowNs) {
      this.#skipTo(nowNs)
    }
    this.atNs = this.#instantNs()
    this.count = 0
    while (this.#instantNs() === this.atNs) {
      this.count++
      this.#step()
    }
  }

  #instantNs (): number {
    return (this.#periods * this.#periodMs + this.#opportunitiesMs[this.#index]) * NS_PER_MS
  }

  #step (): void {
    if (++this.#index === this.#opportunitiesMs.length) {
      this.#index = 0
      this.#periods++
    }
  }

  #skipTo (nowNs: number): void {
    const opportunities = this.#opportunitiesMs
    const nowMs = nowNs / NS_PER_MS
    const periods = Math.floor(nowMs / this.#periodMs)
    if (periods > this.#periods) {
      this.#periods = periods
      this.#index = 0
    }
    const inPeriodMs = nowMs - this.#periods * this.#periodMs
    // The first one above, by bisection; the last one is, because a period has not passed, or falls on the next period's start.
    let low = this.#index
    let high = opportunities.length
    while (low < high) {
      const middle = (low + high) >> 1
      if (opportunities[middle] > inPeriodMs) {
        high = middle
      } else {
        low = middle + 1
      }
    }
    this.#index = low
    if (low === opportunities.length) {
      this.#index = 0
      this.#periods++
    }
    while (this.#instantNs() <= nowNs) {
      this.#step()
    }
  }
}
