import { TwinwireError } from '../core/errors.ts'
import type { RandomStream } from '../core/random.ts'

/**
 * Which packets a link loses, apart from those that its queue drops. Probabilities are per packet, in [0, 1].
 *
 * - `bernoulli`: each packet on its own.
 * - `gilbert-elliott`: a chain of a good and a bad state, in netem's order of parameters (good to bad `p`, bad to good
 *   `r`), with a loss probability in each. Share of the bad state p/(p+r), loss
 *   (lossGood r + lossBad p)/(p+r), and, where lossGood is 0 and lossBad 1, mean burst 1/r packets.
 * - `periodic`: the n-th, 2n-th, 3n-th, ... packet.
 * - `scripted`: the packets with these numbers, counted from 0 and ascending.
 */
export type LossOptions =
  | { readonly model: 'bernoulli', readonly probability: number }
  | { readonly model: 'gilbert-elliott', readonly p: number, readonly r: number, readonly lossGood: number, readonly lossBad: number }
  | { readonly model: 'periodic', readonly every: number }
  | { readonly model: 'scripted', readonly packets: readonly number[] }

/** Decides over one packet after the other, in the order in which they leave the serialiser. */
export interface LossModel {
  lost(): boolean
}

/**
 * @param path where the options stand, for the error
 * @throws ERR_INVALID_OPTION for what is no probability, no period, or no ascending list of numbers
 */
export function createLoss (options: LossOptions, random: RandomStream, path: string): LossModel {
  switch (options.model) {
    case 'bernoulli': {
      const { probability } = options
      checkProbability(probability, `${path}.probability`)
      return new BernoulliLoss(probability, random)
    }
    case 'gilbert-elliott': {
      const { p, r, lossGood, lossBad } = options
      checkProbability(p, `${path}.p`)
      checkProbability(r, `${path}.r`)
      checkProbability(lossGood, `${path}.lossGood`)
      checkProbability(lossBad, `${path}.lossBad`)
      return new GilbertElliottLoss(p, r, lossGood, lossBad, random)
    }
    case 'periodic':
      if (!Number.isSafeInteger(options.every) || options.every < 1) {
        throw new TwinwireError('ERR_INVALID_OPTION', 'not a period', { path: `${path}.every`, expected: 'a whole number, 1 or more', found: String(options.every) })
      }
      return new PeriodicLoss(options.every)
    default:
      return new ScriptedLoss(ascending(options.packets, `${path}.packets`))
  }
}

class BernoulliLoss implements LossModel {
  readonly #probability: number
  readonly #random: RandomStream

  constructor (probability: number, random: RandomStream) {
    this.#probability = probability
    this.#random = random
  }

  lost (): boolean {
    return this.#random.next() < this.#probability
  }
}

class GilbertElliottLoss implements LossModel {
  readonly #p: number
  readonly #r: number
  readonly #lossGood: number
  readonly #lossBad: number
  readonly #random: RandomStream
  #bad = false

  constructor (p: number, r: number, lossGood: number, lossBad: number, random: RandomStream) {
    this.#p = p
    this.#r = r
    this.#lossGood = lossGood
    this.#lossBad = lossBad
    this.#random = random
  }

  /** As netem's `loss_gilb_ell`: the packet fares as the state that it finds has it, and moves the state for the next. */
  lost (): boolean {
    const bad = this.#bad
    if (this.#random.next() < (bad ? this.#r : this.#p)) {
      this.#bad = !bad
    }
    return this.#random.next() < (bad ? this.#lossBad : this.#lossGood)
  }
}

class PeriodicLoss implements LossModel {
  readonly #every: number
  #passed = 0

  constructor (every: number) {
    this.#every = every
  }

  lost (): boolean {
    if (++this.#passed < this.#every) {
      return false
    }
    this.#passed = 0
    return true
  }
}

class ScriptedLoss implements LossModel {
  readonly #packets: readonly number[]
  #next = 0
  #number = 0

  constructor (packets: readonly number[]) {
    this.#packets = packets
  }

  lost (): boolean {
    if (this.#number++ !== this.#packets[this.#next]) {
      return false
    }
    this.#next++
    return true
  }
}

function ascending (packets: readonly number[], path: string): readonly number[] {
  packets.forEach((number, index) => {
    const atLeast = index === 0 ? 0 : packets[index - 1] + 1
    if (!Number.isSafeInteger(number) || number < atLeast) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'not a list of packets', { path: `${path}[${index}]`, expected: `a whole number, ${atLeast} or more`, found: String(number) })
    }
  })
  return [...packets]
}

function checkProbability (value: number, path: string): void {
  if (!(value >= 0 && value <= 1)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not a probability', { path, expected: 'a number from 0 to 1', found: String(value) })
  }
}
