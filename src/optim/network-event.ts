import type { BandwidthEvent } from './bandwidth/events.ts'
import type { BatchingEvent } from './batching/events.ts'
import type { HealthEvent } from './health/events.ts'
import type { PoolEvent } from './pool/events.ts'
import type { TimeoutEvent } from './timeouts/events.ts'

/** Everything that the modules of a network record. */
export type NetworkEvent = PoolEvent | BatchingEvent | BandwidthEvent | TimeoutEvent | HealthEvent
