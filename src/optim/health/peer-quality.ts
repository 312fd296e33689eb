import { power } from '../../core/power.ts'

/** What is thought of whom nothing is known. */
export const NEUTRAL_QUALITY = 0.5

/** How much one piece of evidence moves the score towards itself. */
const WEIGHT = 1 / 8
/** A silent death says more than one failed attempt. */
const DEATH_WEIGHT = 1 / 2

/**
 * How good a peer or a connection is, in 0..1, by answers, delay and silence: for reports and for ordering, not for
 * ejecting. The distance from neutral halves with every `halfLifeMs` in which nothing is heard of it, so that neither
 * merit nor guilt is for ever.
 */
export class QualityScore {
  #value = NEUTRAL_QUALITY
  #asOfMs = 0

  /** The score now. */
  at (nowMs: number, halfLifeMs: number): number {
    const age = Math.max(0, nowMs - this.#asOfMs) / halfLifeMs
    return NEUTRAL_QUALITY + (this.#value - NEUTRAL_QUALITY) * power(0.5, age)
  }

  /** An attempt was answered, or not. */
  attempt (answered: boolean, nowMs: number, halfLifeMs: number): void {
    this.#move(answered ? 1 : 0, WEIGHT, nowMs, halfLifeMs)
  }

  /** A round trip: as good as what is usual divided by it, and at best 1. */
  roundTrip (rttMs: number, usualRttMs: number, nowMs: number, halfLifeMs: number): void {
    this.#move(rttMs > usualRttMs ? usualRttMs / rttMs : 1, WEIGHT, nowMs, halfLifeMs)
  }

  /** It was found dead. */
  death (nowMs: number, halfLifeMs: number): void {
    this.#move(0, DEATH_WEIGHT, nowMs, halfLifeMs)
  }

  #move (towards: number, weight: number, nowMs: number, halfLifeMs: number): void {
    const value = this.at(nowMs, halfLifeMs)
    this.#value = value + weight * (towards - value)
    this.#asOfMs = nowMs
  }
}
