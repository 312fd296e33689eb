import type { Clock } from '../../core/clock.ts'
import type { Deadlines } from '../deadlines.ts'
import type { Downlink } from '../downlink.ts'
import type { DeliveryObservation, LifeObservation, RoundTripObservation } from '../health/observations.ts'
import type { Uplink } from '../uplink.ts'
import type { BatchingEvent, BatchingMetrics, Unstamped } from './events.ts'
import type { BatchingSettings } from './options.ts'
import type { OutboundStream } from './outbound-stream.ts'

/** What all parts of batching have in common. */
export interface BatchingEnvironment {
  readonly clock: Clock
  readonly deadlines: Deadlines
  readonly uplink: Uplink
  readonly downlink: Downlink
  readonly settings: BatchingSettings
  readonly counters: BatchingCounters
  /** The asking ends of all streams that are open, leased or not. */
  readonly outbound: Set<OutboundStream>
  /** Adds time and host. */
  record(event: Unstamped<BatchingEvent>): void
  observe(observation: BatchingObservation): void
}

/** What batching learns of a peer beside what becomes of its requests. */
export type BatchingObservation = RoundTripObservation | DeliveryObservation | LifeObservation

/** What is counted as it happens. */
export type BatchingCounters = { -readonly [Name in Exclude<keyof BatchingMetrics, Levels>]: number }

type Levels = 'queuedMessages' | 'queuedBytes' | 'peers' | 'streams' | 'incomingStreams' | 'running' | 'waitingReplyBytes'
