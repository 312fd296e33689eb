import { TwinwireError } from '../../core/errors.ts'
import type { LossOptions } from '../loss.ts'

/** Losses of packets in the long run. */
export interface LossRates {
  /** The share of packets lost. */
  readonly packets: number
  /** The share of packets that begin an episode of loss, to which a window answers once. */
  readonly episodes: number
}

/** An initial window (RFC 6928): as long as a stay in the bad state may be in the mean, to be one episode for most windows. */
const LONGEST_STAY = 10

export const LOSSLESS: LossRates = { packets: 0, episodes: 0 }

/**
 * A Gilbert-Elliott chain's stay in the bad state is one episode, where it loses anything: a window has to be longer than
 * such a stay.
 *
 * @throws ERR_UNSUPPORTED for scripted losses, which are about single packets, and for stays that outlast a first window
 */
export function lossRates (options: LossOptions, path: string): LossRates {
  switch (options.model) {
    case 'bernoulli':
      return { packets: options.probability, episodes: options.probability }
    case 'periodic':
      return { packets: 1 / options.every, episodes: 1 / options.every }
    case 'gilbert-elliott':
      checkStay(options, path)
      return chainRates(options)
    default:
      throw new TwinwireError('ERR_UNSUPPORTED', 'the fluid level has no single packets to lose', {
        path, expected: 'bernoulli, gilbert-elliott or periodic', found: options.model
      })
  }
}

/** Over links one behind the other. */
export function inSeries (rates: readonly LossRates[]): LossRates {
  return {
    packets: 1 - rates.reduce((kept, { packets }) => kept * (1 - packets), 1),
    episodes: 1 - rates.reduce((kept, { episodes }) => kept * (1 - episodes), 1)
  }
}

function checkStay ({ p, r, lossBad }: Extract<LossOptions, { model: 'gilbert-elliott' }>, path: string): void {
  if (p > 0 && lossBad > 0 && r < 1 / LONGEST_STAY) {
    throw new TwinwireError('ERR_UNSUPPORTED', 'the fluid level has no formula for losses that outlast a window', {
      path: `${path}.r`, expected: `at least ${1 / LONGEST_STAY}: bad states of ${LONGEST_STAY} packets in the mean`, found: String(r)
    })
  }
}

function chainRates ({ p, r, lossGood, lossBad }: Extract<LossOptions, { model: 'gilbert-elliott' }>): LossRates {
  if (p === 0) {
    return { packets: lossGood, episodes: lossGood }
  }
  const bad = p / (p + r)
  const packets = bad * lossBad + (1 - bad) * lossGood
  // Of a stay of geometric length, mean 1/r, the probability that at least one packet is lost.
  const stayLoses = lossBad === 0 ? 0 : lossBad / (lossBad + r * (1 - lossBad))
  return { packets, episodes: Math.min(packets, (1 - bad) * (lossGood + p * stayLoses)) }
}
