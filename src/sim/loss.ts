import { parseOptions } from '../core/options.ts'
import type { RandomStream } from '../core/random.ts'
import { lossSchema } from './loss-schema.ts'

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
  const loss = parseOptions(lossSchema, options, path)
  switch (loss.model) {
    case 'bernoulli':
      return new BernoulliLoss(loss.probability, random)
    case 'gilbert-elliott':
      return new GilbertElliottLoss(loss.p, loss.r, loss.lossGood, loss.lossBad, random)
    case 'periodic':
      return new PeriodicLoss(loss.every)
    default:
      return new ScriptedLoss(loss.packets)
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
