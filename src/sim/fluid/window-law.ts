import { power } from '../../core/power.ts'
import type { TcpOptions } from '../tcp/options.ts'

/** A controller whose window answers to losses; BBR's does not. */
export type LossBased = Exclude<TcpOptions['congestion'], 'bbr'>

/** What is left of a window after a loss: RFC 5681 (4), RFC 9438 4.6. */
export const BETA: Readonly<Record<LossBased, number>> = { reno: 1 / 2, cubic: 0.7 }

/** RFC 9438 5.1: the mean window is 1.054 (RTT/p)^0.75 for C = 0.4 and beta = 0.7. */
const CUBIC_FACTOR = 1.054
const CUBIC_POWER = 0.75
/** Mathis et al. 1997, without delayed acknowledgements: the window counts bytes (RFC 3465), not acknowledgements. */
const RENO_SQUARE = 3 / 2

/**
 * The mean window in segments where a share `loss` of them begins an episode of loss: Reno's sqrt(3/(2p)) (Mathis et al.
 * 1997); of CUBIC the larger of 1.054 (RTT/p)^0.75 and Reno's, which its Reno-friendly region keeps up with (RFC 9438 5.1
 * and 4.3). Infinite without loss.
 *
 * Padhye et al. (1998) add timeouts, which Reno needs where fewer than three segments follow a loss. With SACK, RACK and
 * tail loss probes it does not: at 3% loss the packet level has none.
 */
export function meanWindow (congestion: LossBased, loss: number, rttS: number): number {
  const reno = Math.sqrt(RENO_SQUARE / loss)
  return congestion === 'reno' ? reno : Math.max(reno, CUBIC_FACTOR * power(rttS / loss, CUBIC_POWER))
}

/** The loss at which `meanWindow` is `window`: what a full link must lose to hold a flow there. */
export function lossFor (congestion: LossBased, window: number, rttS: number): number {
  const reno = RENO_SQUARE / window ** 2
  return congestion === 'reno' ? reno : Math.max(reno, rttS / power(window / CUBIC_FACTOR, 1 / CUBIC_POWER))
}

export interface Relaxation {
  /** The window to begin with, and the one of the long run. */
  readonly start: number
  readonly mean: number
  /** The share of segments that begin an episode of loss. */
  readonly loss: number
  /** Sent since. */
  readonly segments: number
}

/**
 * How a window goes over into its mean. A segment adds 1/W to a window W and takes (1 - beta) W with probability p, so that
 * W^2 nears its equilibrium exponentially, at 2 p (1 - beta) a segment (the fluid model of Misra et al. 2000, counted in
 * segments). CUBIC grows otherwise, but falls like this, which is what counts after slow start.
 */
export function relaxedWindow (congestion: LossBased, { start, mean, loss, segments }: Relaxation): number {
  return Math.sqrt(mean ** 2 + (start ** 2 - mean ** 2) * Math.exp(-2 * loss * (1 - BETA[congestion]) * segments))
}
