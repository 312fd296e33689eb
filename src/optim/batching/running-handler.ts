import { LazySignal } from '../lazy-signal.ts'
import type { PeerId } from '../port.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { Answered } from './answer.ts'

/**
 * Serves what came in a batch: answers a request with its reply, takes a message in. The payload is a view of the batch:
 * whoever keeps it for long copies it. A request that it answers with anything but bytes or nothing has failed. What it throws for a message before it returns a promise is told to the sender;
 * what it rejects with later is not, as the message was acknowledged.
 */
export type BatchHandler = (payload: Uint8Array, context: HandlerContext) => Uint8Array | void | Promise<Uint8Array | void>

/** What a handler knows of what it is given. Not to be spread: `signal` is made when it is asked for, and is not copied. */
export interface HandlerContext {
  /** Aborted when nobody waits for the reply any more, or the stream is gone. */
  readonly signal: AbortSignal
  readonly peer: PeerId
  readonly protocol: string
  readonly kind: 'message' | 'request'
}

/** A handler at work. */
export class RunningHandler extends LazySignal implements HandlerContext {
  readonly peer: PeerId
  readonly protocol: string
  readonly kind: 'message' | 'request'
  readonly trafficClass: TrafficClass
  /** The attempts that wait for its reply. */
  attempts: Answered[]

  constructor (peer: PeerId, protocol: string, kind: 'message' | 'request', trafficClass: TrafficClass, first: Answered) {
    super()
    this.peer = peer
    this.protocol = protocol
    this.kind = kind
    this.trafficClass = trafficClass
    this.attempts = [first]
  }
}
