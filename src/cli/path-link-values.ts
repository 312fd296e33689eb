import { show, TwinwireError } from '../core/errors.ts'
import { msToNs, parseDuration, parseRate, parseSize } from '../core/units.ts'
import type { PathTraffic } from '../path/link-fields.ts'
import type { PathInput } from '../path/options.ts'
import { congestionName } from '../path/tcp.ts'
import type { CongestionName } from '../path/tcp.ts'
import type { JitterOptions } from '../sim/jitter.ts'
import { jitterFromFile } from '../wires/input-files.ts'
import { jitterOptions } from '../wires/link-options.ts'

/** The shape of netem's Pareto delays. */
const PARETO_SHAPE = 3

/** A whole number, or one with a unit. */
export function parseBytes (text: string, option: string): number {
  return /^\d+$/.test(text) ? Number(text) : parseSize(text, option)
}

export function readProbability (text: string, option: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0 && value <= 1)) {
    throw invalid(option, 'a probability from 0 to 1', text)
  }
  return value
}

/** `fq-codel:ecn` */
export function readQueue (text: string): Partial<PathInput> {
  const [, name, ecn] = /^(droptail|red|codel|fq-codel)(:ecn)?$/.exec(text) ?? []
  if (name === undefined || name === 'droptail' && ecn !== undefined) {
    throw invalid('--queue', 'droptail, red, codel or fq-codel, the last three also with :ecn', text)
  }
  return name === 'droptail' ? {} : { discipline: name as 'red' | 'codel' | 'fq-codel', ecn: ecn !== undefined }
}

/** `5mbit,32KiB` */
export function readPolicer (text: string): { readonly rateBitsPerSecond: number, readonly burstBytes: number } {
  const [rate, burst, ...rest] = text.split(',')
  if (burst === undefined || rest.length > 0) {
    throw invalid('--policer', 'a rate and a burst, as in 5mbit,32KiB', text)
  }
  return { rateBitsPerSecond: parseRate(rate, '--policer'), burstBytes: parseBytes(burst, '--policer') }
}

/** @throws ERR_INVALID_OPTION at `option` */
export function congestionOf (option: string, text: string): CongestionName {
  try {
    return congestionName(text)
  } catch (error) {
    if (!(error instanceof TwinwireError)) {
      throw error
    }
    throw new TwinwireError('ERR_INVALID_OPTION', 'no such congestion controller', {
      path: option, expected: error.expected ?? 'a name', found: show(text)
    })
  }
}

/** `poisson:5mbit`, `on-off:5mbit,200ms,300ms`, `bulk:bbr` or `bulk:cubic,3` */
export function readTraffic (text: string): PathTraffic {
  const [, kind, first, rest] = /^(poisson|on-off|bulk):([^,]*)((?:,[^,]*)*)$/.exec(text) ?? []
  const others = rest?.split(',').slice(1) ?? []
  if (kind === 'bulk' && others.length <= 1) {
    return { kind, congestion: congestionOf('--cross-traffic', first), flows: others.length === 0 ? 1 : Number(others[0]) }
  }
  if (kind === 'poisson' && others.length === 0) {
    return { kind, rateBitsPerSecond: parseRate(first, '--cross-traffic') }
  }
  if (kind === 'on-off' && others.length === 2) {
    const [meanOnMs, meanOffMs] = others.map(time => parseDuration(time, '--cross-traffic'))
    return { kind, rateBitsPerSecond: parseRate(first, '--cross-traffic'), meanOnMs, meanOffMs }
  }
  throw invalid('--cross-traffic', 'poisson:5mbit, on-off:5mbit,200ms,300ms, or bulk:bbr,2', text)
}

/**
 * `uniform:5ms`, `normal:5ms`, `pareto:5ms`, `pareto:5ms,1.5`, or the name of a file.
 *
 * @throws ERR_INVALID_OPTION, ERR_INVALID_UNIT, ERR_INVALID_FILE
 */
export async function readJitter (text: string, inDirectory: (file: string) => string): Promise<JitterOptions> {
  const [, distribution, values] = DISTRIBUTION.exec(text) ?? []
  if (distribution === undefined) {
    if (/^\w{2,}:/.test(text)) {
      throw invalid('--jitter', 'uniform:5ms, normal:5ms, pareto:5ms, or a file', text)
    }
    return jitterOptions(await jitterFromFile(inDirectory(text)))
  }
  const [amount, shape, ...rest] = values.split(',')
  const amountNs = msToNs(parseDuration(amount, '--jitter'))
  const paretoShape = shape === undefined ? PARETO_SHAPE : Number(shape)
  if (!(amountNs > 0) || rest.length > 0 || shape !== undefined && distribution !== 'pareto' || !(paretoShape > 1)) {
    throw invalid('--jitter', 'a time above 0, and only for pareto a shape above 1 behind it, as in pareto:5ms,1.5', text)
  }
  switch (distribution) {
    case 'uniform':
      return { distribution: 'uniform', boundNs: amountNs }
    case 'normal':
      return { distribution: 'normal', deviationNs: amountNs }
    default:
      return { distribution: 'pareto', scaleNs: amountNs * (paretoShape - 1), shape: paretoShape }
  }
}

/** The file that such a text names; undefined where it is a distribution. */
export function jitterFileName (text: string): string | undefined {
  return DISTRIBUTION.test(text) ? undefined : text
}

const DISTRIBUTION = /^(uniform|normal|pareto):(.*)$/

function invalid (option: string, expected: string, found: string): TwinwireError {
  return new TwinwireError('ERR_INVALID_OPTION', 'the option is not valid', { path: option, expected, found: show(found) })
}
