import { show, TwinwireError } from '../core/errors.ts'
import { parseDuration, parseRate, parseSize } from '../core/units.ts'
import { pathOptions } from '../path/options.ts'
import type { PathInput, PathLoss, PathOptions } from '../path/options.ts'
import type { CongestionName } from '../path/tcp.ts'
import { congestionOf } from './path-link-values.ts'
import { readTcp } from './path-tcp-options.ts'
import type { PathTcpFlags } from './path-tcp-options.ts'

/** What commander gives for the options that every `path` command has. */
export interface PathFlags extends PathTcpFlags {
  readonly rate: string
  readonly rtt: string
  readonly loss: string
  readonly lossDirection: PathOptions['lossDirection']
  readonly bufferBdp: number
  readonly gso: PathOptions['gso']
  readonly seed: string
}

/**
 * @param links what the options of the links say, also in place of others
 * @throws ERR_INVALID_UNIT, ERR_INVALID_OPTION
 */
export function readPath (flags: PathFlags, links: Partial<PathInput> = {}): PathOptions {
  return pathOptions({
    rateBitsPerSecond: parseRate(flags.rate, '--rate'),
    rttMs: parseDuration(flags.rtt, '--rtt'),
    loss: readLoss(flags.loss),
    lossDirection: flags.lossDirection,
    bufferBdp: flags.bufferBdp,
    gso: flags.gso,
    tcp: readTcp(flags),
    seed: flags.seed,
    ...links
  })
}

/** `0.01`, `ge:p,r,lossGood,lossBad`, `periodic:n`, or `scripted:i,j,k`. */
function readLoss (text: string): PathLoss {
  const [, model, values] = /^(periodic|scripted):(\d+(?:,\d+)*)$/.exec(text) ?? []
  if (model === 'scripted') {
    return { model: 'scripted', packets: values.split(',').map(Number) }
  }
  if (model === 'periodic' && !values.includes(',')) {
    return { model: 'periodic', every: Number(values) }
  }
  const chain = /^ge:(.*)$/.exec(text)?.[1].split(',')
  const numbers = (chain ?? [text]).map(part => probabilityOf(part))
  if (numbers.includes(NaN) || numbers.length !== (chain === undefined ? 1 : 4)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'cannot read the loss', {
      path: '--loss', expected: 'a probability such as 0.01, or ge:p,r,lossGood,lossBad, each from 0 to 1, or periodic:n, or scripted:i,j,k', found: show(text)
    })
  }
  if (chain === undefined) {
    return { model: 'bernoulli', probability: numbers[0] }
  }
  const [p, r, lossGood, lossBad] = numbers
  return { model: 'gilbert-elliott', p, r, lossGood, lossBad }
}

/** NaN for what is none. */
function probabilityOf (text: string): number {
  const value = Number(text)
  return text.trim() !== '' && value >= 0 && value <= 1 ? value : NaN
}

/** @throws ERR_INVALID_OPTION */
export function readCongestion (text: string): CongestionName {
  return congestionOf('--congestion', text)
}

/**
 * `bbr,cubic`
 *
 * @throws ERR_INVALID_OPTION
 */
export function readPair (text: string): readonly [CongestionName, CongestionName] {
  const names = text.split(',')
  if (names.length !== 2) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'a pair is two flows', {
      path: '--congestion', expected: 'two controllers, as in bbr,cubic', found: show(text)
    })
  }
  return [readCongestion(names[0]), readCongestion(names[1])]
}

/** @throws ERR_INVALID_UNIT */
export function readDurationS (text: string): number {
  return parseDuration(text, '--duration') / 1e3
}

/**
 * `102400` or `100KiB`
 *
 * @throws ERR_INVALID_UNIT, ERR_INVALID_OPTION
 */
export function readSize (text: string): number {
  const bytes = /^\d+$/.test(text) ? Number(text) : parseSize(text, '--size')
  if (!Number.isSafeInteger(bytes) || bytes < 1 || bytes > MAXIMUM_SIZE_BYTES) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the option is not valid', {
      path: '--size', expected: `a whole number of bytes from 1 to ${MAXIMUM_SIZE_BYTES}`, found: show(text)
    })
  }
  return bytes
}

const MAXIMUM_SIZE_BYTES = 1e12

/** @throws ERR_INVALID_OPTION */
export function readBufferBdp (text: string): number {
  const value = Number(text)
  if (text.trim() === '' || !(value >= 0)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the option is not valid', {
      path: '--buffer-bdp', expected: 'a number of bandwidth-delay products, 0 or more', found: show(text)
    })
  }
  return value
}

/** @throws ERR_INVALID_OPTION */
export function readGso (text: string): PathOptions['gso'] {
  if (text !== 'default' && text !== '1') {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the option is not valid', { path: '--gso', expected: 'default or 1', found: show(text) })
  }
  return text === '1' ? 1 : 'default'
}

/** @throws ERR_INVALID_OPTION */
export function readLossDirection (text: string): PathOptions['lossDirection'] {
  if (text !== 'forward' && text !== 'both') {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the option is not valid', { path: '--loss-direction', expected: 'forward or both', found: show(text) })
  }
  return text
}

/** Packets, or flows with rates in closed form. */
export type Level = 'packet' | 'fluid'

/** @throws ERR_INVALID_OPTION */
export function readLevel (text: string): Level {
  if (text !== 'packet' && text !== 'fluid') {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the option is not valid', { path: '--level', expected: 'packet or fluid', found: show(text) })
  }
  return text
}
