import { TwinwireError } from '../core/errors.ts'
import { PRESET_FLAGS } from './path-link-options.ts'
import type { LinkFlags } from './path-link-options.ts'

/** The flags of the `path` commands by what the layers below call the options that are made of them. */
const FLAGS: Readonly<Record<string, string>> = {
  congestion: '--congestion',
  duration: '--duration',
  rateBitsPerSecond: '--rate',
  rttMs: '--rtt',
  loss: '--loss',
  lossDirection: '--loss-direction',
  bufferBdp: '--buffer-bdp',
  gso: '--gso',
  'tcp.preset': '--preset',
  'tcp.ecn': '--ecn',
  'tcp.hystart': '--hystart',
  seed: '--seed',
  rateBackwardBitsPerSecond: '--rate-backward',
  delayBackwardMs: '--delay-backward',
  trace: '--trace',
  traceBackward: '--trace-backward',
  'link:1-0.trace': '--trace-backward',
  queue: '--queue',
  discipline: '--queue',
  ecn: '--queue',
  policer: '--policer',
  crossTraffic: '--cross-traffic',
  jitter: '--jitter',
  reorder: '--reorder',
  duplication: '--duplicate',
  corruption: '--corrupt',
  mtuBytes: '--mtu'
}

/** An option of the path, or of a link of the network that is made of it, or of the measurement. */
const PLACE = /^(?:(?:path|link:\d+-\d+)\.(tcp\.\w+|\w+)|duration$|congestion$)/

/**
 * Does what reads or carries out a command line. Errors name the flag: `path.loss.every` is `--loss.every` for who typed
 * it, or `--path` where a preset said it.
 */
export async function namingFlags<T> ({ path }: Pick<LinkFlags, 'path'>, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    throw error instanceof TwinwireError ? withFlag(error, path !== undefined) : error
  }
}

function withFlag (error: TwinwireError, preset: boolean): TwinwireError {
  const { path = '' } = error
  const [place, name = place] = PLACE.exec(path) ?? ['']
  const flag = FLAGS[place] ?? FLAGS[name]
  if (flag === undefined) {
    return error
  }
  return error.at(preset && PRESET_FLAGS.includes(flag) ? '--path' : flag + path.slice(place.length))
}
