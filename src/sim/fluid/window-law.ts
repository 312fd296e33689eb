import type { TcpOptions } from '../tcp/options.ts'

/** A controller whose window answers to losses; BBR's does not. */
export type LossBased = Exclude<TcpOptions['congestion'], 'bbr'>

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
  return congestion === 'reno' ? reno : Math.max(reno, CUBIC_FACTOR * (rttS / loss) ** CUBIC_POWER)
}

/** The loss at which `meanWindow` is `window`: what a full link must lose to hold a flow there. */
export function lossFor (congestion: LossBased, window: number, rttS: number): number {
  const reno = RENO_SQUARE / window ** 2
  return congestion === 'reno' ? reno : Math.max(reno, rttS / (window / CUBIC_FACTOR) ** (1 / CUBIC_POWER))
}
