import { NS_PER_MS } from '../core/units.ts'
import type { LinkOptions } from '../sim/network.ts'
import { meanLoss } from './options.ts'
import type { PathOptions } from './options.ts'

/** From the client to the server: the queue is limited in this direction only. */
export function forwardLink (options: PathOptions): LinkOptions {
  const { bufferBdp, rateBitsPerSecond, rttMs } = options
  return { ...linkOf(options, true), queue: { limitBytes: bufferBdp * rateBitsPerSecond * rttMs / 8e3 } }
}

/** Of the same rate and delay. */
export function reverseLink (options: PathOptions): LinkOptions {
  return linkOf(options, options.lossDirection === 'both')
}

function linkOf ({ rateBitsPerSecond, rttMs, loss }: PathOptions, loses: boolean): LinkOptions {
  return { rateBitsPerSecond, delayNs: Math.round(rttMs * NS_PER_MS / 2), ...(loses && meanLoss(loss) > 0 ? { loss } : {}) }
}
