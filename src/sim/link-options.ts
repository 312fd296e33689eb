import { TwinwireError } from '../core/errors.ts'
import type { LossOptions } from './loss.ts'

/** A drop-tail queue's limit on what waits; the packet in service is not counted. */
export type QueueLimit = { readonly limitBytes: number } | { readonly limitPackets: number }

/** One direction of a link. */
export interface LinkOptions {
  /** Serialisation rate, counted in IP bytes. Absent: infinitely fast. Whole numbers are served without rounding error. */
  readonly rateBitsPerSecond?: number
  /** One-way propagation delay, a whole number. */
  readonly delayNs: number
  /** Uniform extra delay in [0, jitterNs), a whole number; packets keep their order. Default 0. */
  readonly jitterNs?: number
  /** Behind queue and serialiser. Absent: none. */
  readonly loss?: LossOptions
  /** A packet is dropped where what waits and the packet itself exceed it. Absent: no limit. */
  readonly queue?: QueueLimit
}

/** @throws ERR_INVALID_OPTION, its path beginning with `path` */
export function checkLinkOptions ({ rateBitsPerSecond, delayNs, jitterNs, queue }: LinkOptions, path: string): void {
  if (rateBitsPerSecond !== undefined) {
    checkRate(rateBitsPerSecond, `${path}.rateBitsPerSecond`)
  }
  checkDuration(delayNs, `${path}.delayNs`)
  checkDuration(jitterNs ?? 0, `${path}.jitterNs`)
  if (queue !== undefined) {
    const [unit, limit] = 'limitBytes' in queue ? ['limitBytes', queue.limitBytes] : ['limitPackets', queue.limitPackets]
    if (!(limit >= 0)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'not a queue limit', { path: `${path}.queue.${unit}`, expected: 'a number, 0 or more', found: String(limit) })
    }
  }
}

/** @throws ERR_INVALID_OPTION */
export function checkRate (rateBitsPerSecond: number, path: string): void {
  if (!(rateBitsPerSecond > 0)) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not a rate', { path, expected: 'a number above 0', found: String(rateBitsPerSecond) })
  }
}

function checkDuration (durationNs: number, path: string): void {
  if (!Number.isSafeInteger(durationNs) || durationNs < 0) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'not a duration', { path, expected: 'a whole number of nanoseconds, 0 or more', found: String(durationNs) })
  }
}
