import { TwinwireError } from '../core/errors.ts'
import type { JitterOptions } from './jitter.ts'
import type { LossOptions } from './loss.ts'
import { checkProbability } from './option-checks.ts'
import { checkQueueOptions } from './queue.ts'
import type { QueueOptions } from './queue.ts'
import type { PolicerOptions } from './rate-policer.ts'
import type { RateTrace } from './rate-trace.ts'

export type { QueueLimit, QueueOptions } from './queue.ts'

/**
 * One direction of a link. A packet meets its parts in this order: MTU, policer, queue, serialiser, loss, corruption,
 * duplication, propagation.
 */
export interface LinkOptions {
  /** Serialisation rate, counted in IP bytes. Absent: infinitely fast. Whole numbers are served without rounding error. */
  readonly rateBitsPerSecond?: number
  /** Opportunities to deliver, instead of a rate. */
  readonly trace?: RateTrace
  /** One-way propagation delay, a whole number. */
  readonly delayNs: number
  /** Added to the delay, drawn for each packet. Absent: nothing. */
  readonly jitter?: JitterOptions
  /** Whether jitter may let a packet overtake another. Default false: a packet arrives with the one before it at the earliest. */
  readonly reorder?: boolean
  /** Behind queue and serialiser. Absent: none. */
  readonly loss?: LossOptions
  /** Probability that a packet arrives damaged: its checksum is found wrong at the far end, and it is dropped. Default 0. */
  readonly corruption?: number
  /** Probability that a packet arrives twice, each with a jitter of its own. Default 0. */
  readonly duplication?: number
  /** Larger packets are dropped; nothing is fragmented (as with DF set). Absent: no limit. */
  readonly mtuBytes?: number
  /** Drops what exceeds a rate before it can queue. Absent: none. */
  readonly policer?: PolicerOptions
  /** Absent: drop-tail without a limit. */
  readonly queue?: QueueOptions
}

/** @throws ERR_INVALID_OPTION, its path beginning with `path` */
export function checkLinkOptions (options: LinkOptions, path: string): void {
  const { rateBitsPerSecond, trace, delayNs, corruption = 0, duplication = 0, mtuBytes, queue } = options
  if (rateBitsPerSecond !== undefined) {
    checkRate(rateBitsPerSecond, `${path}.rateBitsPerSecond`)
  }
  if (trace !== undefined) {
    checkTrace(trace, rateBitsPerSecond, `${path}.trace`)
  }
  checkDuration(delayNs, `${path}.delayNs`)
  checkProbability(corruption, `${path}.corruption`)
  checkProbability(duplication, `${path}.duplication`)
  if (mtuBytes !== undefined && !(mtuBytes > 0)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not an MTU', { path: `${path}.mtuBytes`, expected: 'a number above 0', found: String(mtuBytes) })
  }
  if (queue !== undefined) {
    checkQueueOptions(queue, `${path}.queue`)
  }
}

/**
 * Whether all times follow from the arrivals alone, so that they can be computed when a packet arrives. Where a queue
 * decides at the end of a service which packet comes next, they do not.
 */
export function isForeseeable ({ trace, reorder, corruption, duplication, mtuBytes, policer, queue }: LinkOptions): boolean {
  return trace === undefined && reorder !== true && corruption === undefined && duplication === undefined &&
    mtuBytes === undefined && policer === undefined && (queue === undefined || !('discipline' in queue))
}

/** @throws ERR_INVALID_OPTION */
export function checkRate (rateBitsPerSecond: number, path: string): void {
  if (!(rateBitsPerSecond > 0)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not a rate', { path, expected: 'a number above 0', found: String(rateBitsPerSecond) })
  }
}

function checkTrace ({ opportunitiesMs }: RateTrace, rateBitsPerSecond: number | undefined, path: string): void {
  if (rateBitsPerSecond !== undefined) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'a link has a rate or a trace, not both', { path, expected: 'no trace', found: 'a trace and rateBitsPerSecond' })
  }
  const last = opportunitiesMs.at(-1) ?? 0
  if (last === 0 || opportunitiesMs.some((atMs, index) => index > 0 && atMs < opportunitiesMs[index - 1])) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not a trace', { path: `${path}.opportunitiesMs`, expected: 'instants that do not descend, and a period above 0', found: `${opportunitiesMs.length} instants, the last at ${last}` })
  }
}

function checkDuration (durationNs: number, path: string): void {
  if (!Number.isSafeInteger(durationNs) || durationNs < 0) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not a duration', { path, expected: 'a whole number of nanoseconds, 0 or more', found: String(durationNs) })
  }
}
