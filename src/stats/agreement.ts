import type { RandomStream } from '../core/random.ts'
import { percentileInterval } from './interval.ts'
import type { Interval } from './interval.ts'
import { checkFinite } from './quantile.ts'

const PROBABILITIES = [0.5, 0.9, 0.99] as const

/** How far a model's samples are from those of the reference. */
export interface Agreement {
  readonly modelSamples: number
  readonly referenceSamples: number
  readonly quantiles: readonly QuantileAgreement[]
  /** The largest vertical distance between the two distribution functions (Kolmogorov and Smirnov's D), 0 to 1. */
  readonly maximumGap: number
}

export interface QuantileAgreement {
  readonly probability: number
  readonly model: number
  readonly reference: number
  /** Model over reference, minus 1; its interval resamples runs. Infinite where only the reference is zero. */
  readonly relative: Interval
}

/** Samples of one run. */
export type RunSamples = readonly number[]

/**
 * Compares a model with its reference, sample by sample's quantiles. Where both have the same number of runs they are
 * taken as pairs (the same seeds in the same order) and resampled together; otherwise apart.
 *
 * @throws ERR_INVALID_OPTION for no runs, a run without samples, or a sample that is not finite
 */
export function agreement (model: readonly RunSamples[], reference: readonly RunSamples[], random: RandomStream): Agreement {
  checkRuns(model, 'model')
  checkRuns(reference, 'reference')
  const modelPool = new Pool(model)
  const referencePool = new Pool(reference)
  const paired = model.length === reference.length
  return {
    modelSamples: modelPool.values.length,
    referenceSamples: referencePool.values.length,
    quantiles: PROBABILITIES.map((probability) => {
      const atModel = modelPool.quantile(probability)
      const atReference = referencePool.quantile(probability)
      const estimate = relativeDifference(atModel, atReference)
      const stream = random.fork(String(probability))
      const relative = model.length === 1 || reference.length === 1
        ? { estimate, low: -Infinity, high: Infinity }
        : percentileInterval(estimate, () => {
          modelPool.resample(stream)
          if (paired) {
            referencePool.counts.set(modelPool.counts)
          } else {
            referencePool.resample(stream)
          }
          return relativeDifference(modelPool.quantile(probability), referencePool.quantile(probability))
        })
      modelPool.counts.fill(1)
      referencePool.counts.fill(1)
      return { probability, model: atModel, reference: atReference, relative }
    }),
    maximumGap: maximumGap(modelPool.values, referencePool.values)
  }
}

function checkRuns (runs: readonly RunSamples[], path: string): void {
  checkFinite(runs.map(({ length }) => length), path)
  runs.forEach((samples, index) => checkFinite(samples, `${path}[${index}]`))
}

/** Samples between two places at which is known how many of each run lie below. */
const STRIDE = 64

/** Samples of many runs sorted once; a resample only changes how often each run counts. */
class Pool {
  readonly values: Float64Array
  readonly counts: Uint32Array
  readonly #runOf: Uint32Array
  readonly #sizes: readonly number[]
  /** How many samples of each run lie below each multiple of the stride; place by place, run by run. */
  readonly #below: Uint32Array

  constructor (runs: readonly RunSamples[]) {
    const samples = runs.flatMap((values, run) => values.map((value) => ({ value, run }))).sort((a, b) => a.value - b.value)
    this.values = Float64Array.from(samples, ({ value }) => value)
    this.#runOf = Uint32Array.from(samples, ({ run }) => run)
    this.#sizes = runs.map(({ length }) => length)
    this.counts = new Uint32Array(runs.length).fill(1)
    const places = Math.ceil(samples.length / STRIDE)
    this.#below = new Uint32Array(places * runs.length)
    const seen = new Uint32Array(runs.length)
    samples.forEach(({ run }, index) => {
      if (index % STRIDE === 0) {
        this.#below.set(seen, index / STRIDE * runs.length)
      }
      seen[run]++
    })
  }

  resample (random: RandomStream): void {
    this.counts.fill(0)
    for (let i = 0; i < this.counts.length; i++) {
      this.counts[random.integer(this.counts.length)]++
    }
  }

  /** Type 7, over the samples of each run as often as the run counts. */
  quantile (probability: number): number {
    let total = 0
    for (let run = 0; run < this.counts.length; run++) {
      total += this.counts[run] * this.#sizes[run]
    }
    const position = (total - 1) * probability
    const index = Math.floor(position)
    const place = this.#placeOf(index)
    let seen = this.#seenAt(place)
    let i = place * STRIDE - 1
    while (seen <= index) {
      seen += this.counts[this.#runOf[++i]]
    }
    const low = this.values[i]
    while (seen <= index + 1 && i + 1 < this.values.length) {
      seen += this.counts[this.#runOf[++i]]
    }
    return low + (this.values[i] - low) * (position - index)
  }

  /** The last place below which there are not more than so many resampled samples. */
  #placeOf (index: number): number {
    let low = 0
    let high = Math.ceil(this.values.length / STRIDE)
    while (high - low > 1) {
      const middle = (low + high) >> 1
      if (this.#seenAt(middle) <= index) {
        low = middle
      } else {
        high = middle
      }
    }
    return low
  }

  #seenAt (place: number): number {
    const first = place * this.counts.length
    let seen = 0
    for (let run = 0; run < this.counts.length; run++) {
      seen += this.counts[run] * this.#below[first + run]
    }
    return seen
  }
}

function relativeDifference (model: number, reference: number): number {
  return model === reference ? 0 : (model - reference) / Math.abs(reference)
}

/** @param a ascending, like `b` */
function maximumGap (a: Float64Array, b: Float64Array): number {
  let gap = 0
  let i = 0
  let j = 0
  while (i < a.length && j < b.length) {
    const value = Math.min(a[i], b[j])
    while (i < a.length && a[i] === value) {
      i++
    }
    while (j < b.length && b[j] === value) {
      j++
    }
    gap = Math.max(gap, Math.abs(i / a.length - j / b.length))
  }
  return gap
}
