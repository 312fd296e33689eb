import type { RecordedEvent } from '../../core/recorder.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { Codec, RefusalCode } from './wire/items.ts'

/** Everything that batching does, each with its reason. `peer` and `connection` are ids as text. */
export type BatchingEvent =
  | BatchSentEvent | AcknowledgedEvent | RefusedEvent | ViolationEvent | FallbackEvent | StreamEvent | EndEvent | HandlerFailedEvent | PolicyFailedEvent

/**
 * Why a batch went when it did: nothing was under way (`idle`), it could not take more (`full`), its first item had waited
 * long enough (`linger`), all that was under way had arrived (`completion`), or somebody asked for it (`flush`).
 */
export type BatchReason = 'idle' | 'full' | 'linger' | 'completion' | 'flush'

interface Base<Type extends string> extends RecordedEvent {
  readonly type: Type
  readonly peer: string
}

/** A batch was handed to the transport. `waitedMs`: its first item since it was queued. */
export interface BatchSentEvent extends Base<'batching:batch-sent'> {
  readonly connection: string
  readonly class: TrafficClass
  readonly reason: BatchReason
  readonly items: number
  readonly plainBytes: number
  readonly wireBytes: number
  readonly codec: Codec
  readonly waitedMs: number
}

/** Batches arrived. `rateBitsPerSecond` is what arrived over the time that it took (the delivery rate of BBR, section 4.1). */
export interface AcknowledgedEvent extends Base<'batching:acknowledged'> {
  readonly connection: string
  readonly class: TrafficClass
  readonly rttMs: number
  readonly bytes: number
  readonly rateBitsPerSecond: number
  readonly applicationLimited: boolean
}

/** Something was not taken: by our own queue, by the far side (`remote`), or by us from the far side (`local`). */
export interface RefusedEvent extends Base<'batching:refused'> {
  readonly protocol: string
  readonly by: 'queue' | 'remote' | 'local'
  readonly reason: 'queue-full' | RefusalCode
}

/** The far side broke the protocol, and its stream was aborted. */
export interface ViolationEvent extends Base<'batching:violation'> {
  readonly connection: string
  readonly reason: string
}

/** A peer, or one of its protocols, has to be served without batches. */
export interface FallbackEvent extends Base<'batching:fallback'> {
  readonly protocol: string
  readonly reason: 'unsupported-protocol'
}

/** A stream is used from now on. */
export interface StreamEvent extends Base<'batching:stream'> {
  readonly connection: string
  readonly reason: 'leased' | 'incoming'
}

/** ... and is not any more. `retired`: what is under way is waited for, but nothing more is sent on it. */
export interface EndEvent extends Base<'batching:end'> {
  readonly connection: string
  readonly reason: 'released' | 'retired' | 'closed' | 'violation' | 'stalled' | 'stopped'
}

/** A handler threw, or answered a request with what is not bytes. The far side of a message is told only where that was at once: later it has been acknowledged. */
export interface HandlerFailedEvent extends Base<'batching:handler-failed'> {
  readonly protocol: string
  readonly reason: string
}

/** The compression policy threw, or chose what it may not: the batch was not compressed. */
export interface PolicyFailedEvent extends Base<'batching:policy-failed'> {
  readonly reason: string
}

/** A snapshot; the first seven are levels, the others count from the start. */
export interface BatchingMetrics {
  readonly queuedMessages: number
  readonly queuedBytes: number
  /** Peers that something is queued, under way or remembered for. */
  readonly peers: number
  /** Streams held to peers. */
  readonly streams: number
  readonly incomingStreams: number
  /** Handlers at work. */
  readonly running: number
  readonly waitingReplyBytes: number
  readonly messages: number
  readonly requests: number
  /** Of both, such that were delivered or answered. */
  readonly succeeded: number
  readonly failed: number
  readonly batchesSent: number
  readonly itemsSent: number
  readonly plainBytesSent: number
  readonly wireBytesSent: number
  readonly acknowledgementsSent: number
  readonly batchesReceived: number
  /** Replies to requests that nobody waited for any more. */
  readonly lateReplies: number
  /** By this node, of what came in. */
  readonly refusals: number
  /** Retries that found their request still being worked on. */
  readonly joined: number
  readonly violations: number
  readonly stalls: number
}

/** Distributive, so that each event keeps its own fields. */
export type Unstamped<Event> = Event extends unknown ? Omit<Event, 'timeMs' | 'host'> : never
