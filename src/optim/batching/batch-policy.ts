import type { TrafficClass } from '../traffic-class.ts'
import type { BatchReason } from './events.ts'

/** What speaks for and against sending what one flow has waiting; it has something. */
export interface FlowState {
  readonly nowMs: number
  /** When the first of what waits was queued. */
  readonly oldestMs: number
  readonly lingerMs: number
  readonly items: number
  readonly bytes: number
  /** What makes a batch full. */
  readonly maximumItems: number
  readonly quantumBytes: number
  /** Batches of this flow that were not acknowledged yet. */
  readonly inFlightBatches: number
  /** The last of those under way was just acknowledged. */
  readonly completed: boolean
  /** Somebody asked for the first item to be sent. */
  readonly flushing: boolean
}

/**
 * Why what waits should go now; undefined where it should wait until `oldestMs + lingerMs`. Nagle's rule (RFC 896): with
 * nothing under way there is nothing to wait for, and while something is, its acknowledgement ends the wait.
 */
export function whyNow (state: FlowState): BatchReason | undefined {
  if (state.flushing) {
    return 'flush'
  }
  if (state.inFlightBatches === 0) {
    return state.completed ? 'completion' : 'idle'
  }
  if (state.items >= state.maximumItems || state.bytes >= state.quantumBytes) {
    return 'full'
  }
  return state.nowMs >= state.oldestMs + state.lingerMs ? 'linger' : undefined
}

/** How long an item waits for company: an eighth of a round trip is not noticed, and what is urgent does not wait. */
export function lingerMsOf (trafficClass: TrafficClass, srttMs: number | undefined, maximumLingerMs: number): number {
  return trafficClass === 'urgent' ? 0 : Math.min(maximumLingerMs, (srttMs ?? Infinity) / 8)
}

/** From here on more in one batch saves nothing: a millisecond of the rate, at least two segments (BBR's send quantum). */
export function quantumBytesOf (rateBitsPerSecond: number, maximumBytes: number): number {
  return Math.min(maximumBytes, Math.max(2 * SEGMENT_BYTES, rateBitsPerSecond / 8 / 1_000))
}

/** What Ethernet leaves of a packet to TCP. */
const SEGMENT_BYTES = 1_460
