import { cube } from '../../core/power.ts'
import { BETA } from './window-law.ts'
import type { LossBased } from './window-law.ts'

/** A link that is full, and what may wait before it. Both in segments. */
export interface Bottleneck {
  /** Rate times round trip without waiting. */
  readonly pipe: number
  /** A drop-tail queue's limit. */
  readonly buffer: number
  readonly rttS: number
}

export interface Sawtooth {
  /** The share of the link that is used. */
  readonly utilisation: number
  /** What waits, a mean over the segments that pass. */
  readonly meanQueue: number
}

/** RFC 9438 4.3: segments a round trip in its Reno-friendly region, 3 (1 - beta) / (1 + beta). */
const FRIENDLY_GROWTH = 3 * (1 - BETA.cubic) / (1 + BETA.cubic)
/** RFC 9438's C, segments/s^3. */
const CUBIC_C = 0.4

/**
 * What windows that fall together and grow again make of a full drop-tail link: the window moves between beta (pipe +
 * buffer) and pipe + buffer; what exceeds the pipe waits, and below it the link is idle in part. Reno's grows by a segment
 * a round trip; without a buffer it uses 3/4 of the link, with a buffer of one pipe all of it (Appenzeller et al. 2004).
 * CUBIC's follows its curve up to the plateau, or the line of its Reno-friendly region where that gets there earlier.
 */
export function sawtooth (congestion: LossBased, { pipe, buffer, rttS }: Bottleneck): Sawtooth {
  const beta = BETA[congestion]
  const top = pipe + buffer
  const curveS = Math.cbrt(top * (1 - beta) / CUBIC_C)
  const lineS = top * (1 - beta) / FRIENDLY_GROWTH * rttS
  return congestion === 'cubic' && curveS < lineS ? onCurve(pipe, top, beta) : onLine(pipe, top, beta)
}

/**
 * The window is uniform over [beta top, top] when counted in round trips, each of which carries one window, and takes
 * max(window, pipe) of the link's time.
 */
function onLine (pipe: number, top: number, beta: number): Sawtooth {
  const bottom = beta * top
  const full = Math.max(bottom, Math.min(pipe, top))
  const carried = (top ** 2 - bottom ** 2) / 2
  const time = pipe * (full - bottom) + (top ** 2 - full ** 2) / 2
  // The integral of (window - pipe) window over the part of the way on which something waits.
  const waited = (cube(top) - cube(full)) / 3 - pipe * (top ** 2 - full ** 2) / 2
  return { utilisation: carried / time, meanQueue: waited / carried }
}

/** The window is top (1 - (1 - beta) x^3), x falling from 1 to 0 in time. */
function onCurve (pipe: number, top: number, beta: number): Sawtooth {
  const depth = 1 - beta
  const full = Math.min(1, Math.cbrt((1 - pipe / top) / depth))
  const utilisation = full + top / pipe * (1 - full - depth * (1 - (full ** 2) ** 2) / 4)
  const waited = (top - pipe) * full - top * depth * (full ** 2) ** 2 / 4
  return { utilisation, meanQueue: waited / utilisation }
}
