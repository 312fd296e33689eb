import { INITIAL_LIMIT } from './concurrency-limit.ts'
import type { RandomStream } from '../../core/random.ts'
import type { ConcurrencyLimit, ConcurrencySample } from './concurrency-limit.ts'

/** After about this many samples for each of the limit the least round trip is measured anew. */
const PROBE_MULTIPLIER = 30

/**
 * TCP Vegas for requests, after Netflix's concurrency-limits: estimates what queues at the peer as
 * `L (1 - least round trip / round trip)` and holds it between alpha = 3 log10 L and beta = 6 log10 L.
 */
export class Vegas implements ConcurrencyLimit {
  readonly #maximum: number
  readonly #random: RandomStream
  #estimate: number
  #leastRttMs = Infinity
  #samples = 0
  #probeJitter: number

  /** @param maximum of the limit, whatever the samples say */
  constructor (maximum: number, random: RandomStream) {
    this.#maximum = maximum
    this.#random = random
    this.#probeJitter = random.uniform(0.5, 1)
    this.#estimate = Math.min(INITIAL_LIMIT, maximum)
  }

  get limit (): number {
    return Math.floor(this.#estimate)
  }

  /** Moves the limit by one sample. */
  onSample ({ rttMs, inFlight, dropped }: ConcurrencySample): void {
    if (dropped) {
      this.#move(-step(this.#estimate))
      return
    }
    // Peers that probe together would see one another's queues: each at a time of its own.
    if (++this.#samples >= this.#probeJitter * PROBE_MULTIPLIER * this.#estimate) {
      this.#samples = 0
      this.#probeJitter = this.#random.uniform(0.5, 1)
      this.#leastRttMs = rttMs
      return
    }
    if (rttMs < this.#leastRttMs) {
      this.#leastRttMs = rttMs
      return
    }
    if (2 * inFlight < this.#estimate) {
      return
    }
    const queue = rttMs === 0 ? 0 : Math.ceil(this.#estimate * (1 - this.#leastRttMs / rttMs))
    const log = step(this.#estimate)
    if (queue <= log) {
      this.#move(6 * log)
    } else if (queue < 3 * log) {
      this.#move(log)
    } else if (queue > 6 * log) {
      this.#move(-log)
    }
  }

  #move (by: number): void {
    this.#estimate = Math.min(Math.max(this.#estimate + by, 1), this.#maximum)
  }
}

/** log10 L, 1 or more, whole. */
function step (limit: number): number {
  return Math.max(1, Math.floor(Math.log10(limit)))
}
