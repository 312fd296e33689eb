import type { ObservationSink } from '../port.ts'

/**
 * For times, in seconds: from half a millisecond, which is a round trip within a data centre, to 30 s, which is a request's
 * default deadline. Neighbours are a factor of 2 or 2.5 apart, which is how far a quantile read from them can be off.
 */
export const LATENCY_BUCKETS: readonly number[] = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]

/** For sizes, in bytes: powers of four, from the smallest frame to a batch of 64 KiB, and one above it for what compression adds. */
export const SIZE_BUCKETS: readonly number[] = [64, 256, 1024, 4096, 16_384, 65_536, 262_144]

/** Counts observations in fixed buckets: constant memory, and none taken by an observation. */
export class Histogram {
  /** Upper bounds (inclusive), ascending; what is above the last has a bucket of its own. */
  readonly bounds: readonly number[]
  /** By bucket, not cumulative. */
  readonly #counts: Float64Array
  #sum = 0
  #count = 0
  #sink: ObservationSink | undefined

  /** `bounds`: finite, not negative, ascending, at least one. */
  constructor (bounds: readonly number[]) {
    if (bounds.length === 0 || !bounds.every((bound, index) => Number.isFinite(bound) && bound >= 0 && (index === 0 || bound > bounds[index - 1]))) {
      throw new Error(`the bounds of a histogram ascend from 0, found ${bounds.join(', ')}`)
    }
    this.bounds = bounds
    this.#counts = new Float64Array(bounds.length + 1)
  }

  get count (): number {
    return this.#count
  }

  /** Of all that was observed. */
  get sum (): number {
    return this.#sum
  }

  /** Counts a finite value that is not negative. */
  observe (value: number): void {
    if (!(value >= 0 && value < Infinity)) {
      throw new Error(`a histogram counts finite values that are not negative, found ${value}`)
    }
    let bucket = 0
    while (bucket < this.bounds.length && value > this.bounds[bucket]) {
      bucket++
    }
    this.#counts[bucket]++
    this.#count++
    this.#sum += value
    this.#sink?.observe(value)
  }

  /** How many observations did not exceed each bound; the last is the number of all. */
  cumulativeCounts (): number[] {
    let total = 0
    return Array.from(this.#counts, count => total += count)
  }

  /** From here on `sink` is told of each observation as well; undefined ends that. There is one sink at a time. */
  forwardTo (sink: ObservationSink | undefined): void {
    if (sink !== undefined && this.#sink !== undefined) {
      throw new Error('the histogram is forwarded already')
    }
    this.#sink = sink
  }
}
