import type { RecordedEvent } from '../../core/recorder.ts'
import type { TrafficClass } from '../traffic-class.ts'
import type { Rates } from './meter.ts'

/** Everything that the bandwidth manager records, each with its reason; nothing is recorded for each packet. */
export type BandwidthEvent = SaturatedEvent | StreamPausedEvent | StreamResumedEvent | QueueFullEvent | LimitEvent

/** One direction wants more than its rate, and has for a while; or no longer does. */
export interface SaturatedEvent extends RecordedEvent {
  readonly type: 'bandwidth:saturated'
  readonly direction: 'upload' | 'download'
  readonly phase: 'begin' | 'end'
  /** `rate`: what waits, waits for the rate or a cap. `streams`: streams had to be paused. `idle`: nothing waits any more. */
  readonly reason: 'rate' | 'streams' | 'idle'
}

/** A stream is not read for a while, because more came than the rate allows. */
export interface StreamPausedEvent extends RecordedEvent {
  readonly type: 'bandwidth:stream-paused'
  readonly peer: string
  readonly class: TrafficClass
  readonly reason: 'rate'
  /** For about as long. */
  readonly forMs: number
}

/** It is read again. */
export interface StreamResumedEvent extends RecordedEvent {
  readonly type: 'bandwidth:stream-resumed'
  readonly peer: string
  readonly class: TrafficClass
  readonly reason: 'rate' | 'stopped'
}

/** Something was refused for want of room. */
export interface QueueFullEvent extends RecordedEvent {
  readonly type: 'bandwidth:queue-full'
  readonly peer: string
  readonly class: TrafficClass
  readonly reason: 'stream' | 'waiters'
}

/** The limit of requests under way at a peer came to twice or half of what was recorded last. */
export interface LimitEvent extends RecordedEvent {
  readonly type: 'bandwidth:concurrency-limit'
  readonly peer: string
  readonly limit: number
  readonly from: number
  readonly reason: 'samples'
}

/** A snapshot. */
export interface BandwidthMetrics {
  readonly uploadBitsPerSecond: number
  readonly downloadBitsPerSecond: number
  /** Flows that wait for their turn, and what they have. */
  readonly waitingFlows: number
  readonly waitingBytes: number
  readonly saturated: { readonly upload: boolean, readonly download: boolean }
  readonly pausedStreams: number
  readonly permits: number
  readonly permitWaiters: number
  readonly upload: Readonly<Record<TrafficClass, Rates>>
  readonly download: Readonly<Record<TrafficClass, Rates>>
}
