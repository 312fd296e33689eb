import * as z from 'zod'
import { TwinwireError } from '../core/errors.ts'
import { parseOptions } from '../core/options.ts'
import { NS_PER_MS } from '../core/units.ts'
import { lossSchema } from '../sim/loss-schema.ts'
import { linkFields } from './link-fields.ts'
import { pathTcpSchema } from './tcp-fields.ts'

// Beyond these a unit was mistaken, and the arithmetic of nanoseconds and bytes would no longer be exact.
const MAXIMUM_RTT_MS = 3600e3
const MAXIMUM_RATE = 1e12
const MAXIMUM_BUFFER_BDP = 1e6
const MAXIMUM_DURATION_S = 24 * 3600

const pathOptionsSchema = z.strictObject({
  /** Of the serialiser in either direction, counted in IP bytes. */
  rateBitsPerSecond: z.number().positive().max(MAXIMUM_RATE),
  /** Twice the one-way delay, serialisation not counted. */
  rttMs: z.number().positive().max(MAXIMUM_RTT_MS),
  /** Behind queue and serialiser. */
  loss: lossSchema.default({ model: 'bernoulli', probability: 0 }),
  /** `forward` is from the client to the server; with `both` each direction loses packets on its own. */
  lossDirection: z.enum(['forward', 'both']),
  /** What may wait in the forward queue, in bandwidth-delay products; the packet in service is not counted. */
  bufferBdp: z.number().min(0).max(MAXIMUM_BUFFER_BDP).default(1),
  /**
   * Linux's `gso_max_segs`: with `default` a sender hands over bursts as the kernel does where no fq qdisc paces it; with
   * 1 it sends one segment at a time.
   */
  gso: z.union([z.literal('default'), z.literal(1)]).default('default'),
  /** How both ends do TCP, beside the congestion controller. */
  tcp: pathTcpSchema.prefault({}),
  /** Root of all chance. */
  seed: z.string(),
  ...linkFields
})

/** A path between two hosts, and how its senders behave: plain data, so that it crosses threads. */
export type PathOptions = Readonly<z.infer<typeof pathOptionsSchema>>
/** How a path loses packets, apart from those that its queue drops: a model of `LossOptions`. */
export type PathLoss = PathOptions['loss']
export type PathInput = Readonly<z.input<typeof pathOptionsSchema>>

/**
 * Fills in the defaults.
 *
 * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION; also where the path would lose every packet, or its delay is less than
 * two nanoseconds
 */
export function pathOptions (input: PathInput): PathOptions {
  const options = parseOptions(pathOptionsSchema, input, 'path')
  if (Math.round(options.rttMs * NS_PER_MS / 2) < 1) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the round trip is shorter than the clock can tell', {
      path: 'path.rttMs', expected: 'at least 2 ns', found: String(options.rttMs)
    })
  }
  if (!(meanLoss(options.loss) < 1)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'nothing would ever arrive', {
      path: 'path.loss', expected: 'a mean loss below 1', found: '1'
    })
  }
  if (options.delayBackwardMs !== undefined && options.delayBackwardMs > options.rttMs) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the way back takes longer than the round trip', {
      path: 'path.delayBackwardMs', expected: `at most rttMs (${options.rttMs})`, found: String(options.delayBackwardMs)
    })
  }
  if (options.reorder === true && options.jitter === undefined) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'without jitter no packet overtakes another', { path: 'path.reorder', expected: 'jitter beside it', found: 'none' })
  }
  if (options.policer !== undefined && options.policer.burstBytes < options.mtuBytes) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'no full packet would ever pass', {
      path: 'path.policer.burstBytes', expected: `at least ${options.mtuBytes} bytes`, found: String(options.policer.burstBytes)
    })
  }
  return options
}

/** The share of packets lost in the long run. */
export function meanLoss (loss: PathLoss): number {
  if (loss.model === 'bernoulli') {
    return loss.probability
  }
  if (loss.model === 'periodic') {
    return 1 / loss.every
  }
  if (loss.model === 'scripted') {
    return 0
  }
  const { p, r, lossGood, lossBad } = loss
  // A chain that never moves stays in the good state, where it starts.
  return p === 0 ? lossGood : (lossGood * r + lossBad * p) / (p + r)
}

export function losesNothing (loss: PathLoss): boolean {
  return loss.model === 'scripted' ? loss.packets.length === 0 : meanLoss(loss) === 0
}

/**
 * @param minimumS exclusive
 * @throws ERR_INVALID_OPTION
 */
export function checkDuration (durationS: number, minimumS: number): void {
  if (!(durationS > minimumS && durationS <= MAXIMUM_DURATION_S)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the measurement cannot take so long', {
      path: 'duration', expected: `more than ${minimumS} s, which are left out, and at most ${MAXIMUM_DURATION_S} s`, found: `${durationS} s`
    })
  }
}
