import type { RandomStream } from '../../core/random.ts'
import { msToNs, nsToMs } from '../../core/units.ts'
import { createJitter } from '../../sim/jitter.ts'
import type { Jitter } from '../../sim/jitter.ts'
import { HEADER_BYTES } from '../../sim/tcp/segment.ts'
import { jitterOptions } from '../link-options.ts'
import type { PathDirection } from '../scenario.ts'
import type { FaultPlan } from './fault-plan.ts'

/** What Ethernet's 1500 bytes leave after 20 bytes of IP and 32 of TCP with timestamps. */
export const SEGMENT_BYTES = 1448

/** Linux's default limit of the receive buffer (tcp_rmem): a connection has no more in flight, whatever the path holds. */
const WINDOW_BYTES = 6 * 2 ** 20

/** IP bytes of a payload that is cut into full segments. */
export function wireBytes (payloadBytes: number): number {
  return payloadBytes + Math.ceil(payloadBytes / SEGMENT_BYTES) * HEADER_BYTES
}

/** Decides when what is sent in one direction of a path arrives. All connections of the path share it. */
export class PathPipe {
  /** How much may be on its way before a sender is made to wait: what the path and its queue hold. */
  readonly limitBytes: number
  /** TCP's first time-out for data: Linux's, whose minimum of 200 ms stands beside the round trip. */
  readonly retransmissionMs: number
  /** Payload bytes that were sent and have not arrived. */
  heldBytes = 0
  /** Lanes whose sources wait for room. */
  readonly waiting = new Set<{ resume (): void }>()
  faults: FaultPlan

  readonly #description: PathDirection
  readonly #jitter: Jitter | undefined
  #freeAtMs = -Infinity
  #lastArrivalMs = -Infinity

  /** `roundTripMs` is the path's, without queueing. */
  constructor (description: PathDirection, roundTripMs: number, faults: FaultPlan, random: RandomStream) {
    this.#description = description
    const { delayMs, jitter } = description
    this.#jitter = jitter && createJitter(jitterOptions(jitter), msToNs(delayMs), random, 'jitter')
    this.faults = faults
    this.retransmissionMs = roundTripMs + 200
    this.limitBytes = limit(description, roundTripMs)
  }

  /**
   * Payload bytes that are handed on together, so that a large chunk arrives bit by bit as it would on a line: what the
   * rate carries in a millisecond, in whole segments.
   */
  pieceBytes (nowMs: number): number {
    const rate = this.faults.rateAt(nowMs, this.#description.rateBitsPerSecond)
    return rate === undefined ? Infinity : Math.max(1, Math.floor(rate / 8e3 / (SEGMENT_BYTES + HEADER_BYTES))) * SEGMENT_BYTES
  }

  /** `bytes` of payload have arrived, or never will. */
  release (bytes: number): void {
    this.heldBytes -= bytes
    if (this.heldBytes <= this.limitBytes / 2) {
      for (const lane of this.waiting) {
        lane.resume()
      }
    }
  }

  /** When the last of `bytes` (headers included) that are sent now has left the sender's end. */
  depart (nowMs: number, bytes: number): number {
    this.#freeAtMs = this.faults.serialised(Math.max(nowMs, this.#freeAtMs), bytes * 8, this.#description.rateBitsPerSecond)
    return this.#freeAtMs
  }

  /** When what departed at `departedMs` arrives: never before what departed earlier. */
  arrive (departedMs: number): number {
    const delayMs = this.#jitter === undefined ? this.#description.delayMs : nsToMs(this.#jitter.delayNs())
    this.#lastArrivalMs = Math.max(this.#lastArrivalMs, this.faults.passable(departedMs + delayMs))
    return this.#lastArrivalMs
  }
}

/** A relay has no other queue than drop-tail. */
function limit ({ rateBitsPerSecond, queue }: PathDirection, roundTripMs: number): number {
  if (rateBitsPerSecond === undefined || queue === undefined || queue.discipline !== undefined && queue.discipline !== 'drop-tail') {
    return WINDOW_BYTES
  }
  const { limitBytes, limitPackets = Infinity } = queue
  const queueBytes = limitBytes ?? limitPackets * (SEGMENT_BYTES + HEADER_BYTES)
  const inFlightBytes = rateBitsPerSecond * roundTripMs / 8e3
  return Math.min(WINDOW_BYTES, Math.max(SEGMENT_BYTES, inFlightBytes + queueBytes))
}
