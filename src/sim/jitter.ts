import { TwinwireError } from '../core/errors.ts'
import { power } from '../core/power.ts'
import type { RandomStream } from '../core/random.ts'

/**
 * What is added to a link's propagation delay, drawn for each packet.
 *
 * - `uniform`: in [0, boundNs).
 * - `normal`: mean 0 and this deviation, as netem's; the whole delay is 0 where it would be negative.
 * - `pareto`: scale ((1 - u)^(-1/shape) - 1), which begins at 0 and has the mean scale / (shape - 1) (Lomax's form).
 * - `empirical`: one of the samples, each as likely.
 *
 * No draw adds more than an hour.
 */
export type JitterOptions =
  | { readonly distribution: 'uniform', readonly boundNs: number }
  | { readonly distribution: 'normal', readonly deviationNs: number }
  | { readonly distribution: 'pareto', readonly scaleNs: number, readonly shape: number }
  | { readonly distribution: 'empirical', readonly samplesNs: ArrayLike<number> }

/** Draws one packet's propagation delay after the other. */
export interface Jitter {
  /** Whole nanoseconds, 0 or more. */
  delayNs(): number
}

/** A Pareto tail has no end: without a limit, a single draw could lie beyond the end of time. */
const MAXIMUM_NS = 3600e9

/**
 * @param baseNs the delay without jitter
 * @throws ERR_INVALID_OPTION, its path beginning with `path`
 */
export function createJitter (options: JitterOptions, baseNs: number, random: RandomStream, path: string): Jitter {
  switch (options.distribution) {
    case 'uniform':
      checkNumber(options.boundNs, 0, `${path}.boundNs`)
      return new UniformJitter(options.boundNs, baseNs, random)
    case 'normal':
      checkNumber(options.deviationNs, 0, `${path}.deviationNs`)
      return new NormalJitter(options.deviationNs, baseNs, random)
    case 'pareto':
      checkNumber(options.scaleNs, 0, `${path}.scaleNs`)
      checkNumber(options.shape, 1, `${path}.shape`)
      return new ParetoJitter(options.scaleNs, options.shape, baseNs, random)
    default:
      return new EmpiricalJitter(checkedSamples(options.samplesNs, `${path}.samplesNs`), baseNs, random)
  }
}

class UniformJitter implements Jitter {
  readonly #boundNs: number
  readonly #baseNs: number
  readonly #random: RandomStream

  constructor (boundNs: number, baseNs: number, random: RandomStream) {
    this.#boundNs = boundNs
    this.#baseNs = baseNs
    this.#random = random
  }

  delayNs (): number {
    return this.#baseNs + this.#random.integer(this.#boundNs)
  }
}

class NormalJitter implements Jitter {
  readonly #deviationNs: number
  readonly #baseNs: number
  readonly #random: RandomStream

  constructor (deviationNs: number, baseNs: number, random: RandomStream) {
    this.#deviationNs = deviationNs
    this.#baseNs = baseNs
    this.#random = random
  }

  delayNs (): number {
    const extraNs = Math.round(this.#random.normal(0, this.#deviationNs))
    return Math.max(0, this.#baseNs + Math.min(MAXIMUM_NS, extraNs))
  }
}

class ParetoJitter implements Jitter {
  readonly #scaleNs: number
  readonly #exponent: number
  readonly #baseNs: number
  readonly #random: RandomStream

  constructor (scaleNs: number, shape: number, baseNs: number, random: RandomStream) {
    this.#scaleNs = scaleNs
    this.#exponent = -1 / shape
    this.#baseNs = baseNs
    this.#random = random
  }

  delayNs (): number {
    const extraNs = this.#scaleNs * (power(1 - this.#random.next(), this.#exponent) - 1)
    return this.#baseNs + Math.min(MAXIMUM_NS, Math.floor(extraNs))
  }
}

class EmpiricalJitter implements Jitter {
  readonly #samplesNs: Float64Array
  readonly #baseNs: number
  readonly #random: RandomStream

  constructor (samplesNs: Float64Array, baseNs: number, random: RandomStream) {
    this.#samplesNs = samplesNs
    this.#baseNs = baseNs
    this.#random = random
  }

  delayNs (): number {
    return this.#baseNs + this.#samplesNs[this.#random.integer(this.#samplesNs.length)]
  }
}

function checkedSamples (samplesNs: ArrayLike<number>, path: string): Float64Array {
  if (samplesNs.length === 0) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'no samples to draw from', { path, expected: 'one sample or more', found: 'none' })
  }
  return Float64Array.from(samplesNs, (sampleNs, index) => {
    if (!(sampleNs >= 0 && sampleNs <= MAXIMUM_NS)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'not a delay', { path: `${path}[${index}]`, expected: `a number of ns, 0 to ${MAXIMUM_NS}`, found: String(sampleNs) })
    }
    return Math.round(sampleNs)
  })
}

function checkNumber (value: number, above: number, path: string): void {
  if (!(value > above && value <= MAXIMUM_NS)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not a parameter of this distribution', { path, expected: `a number above ${above}, at most ${MAXIMUM_NS}`, found: String(value) })
  }
}
