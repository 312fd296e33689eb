import type { Unstamped } from '../pool/shared.ts'
import type { HealthEvent, HealthMetrics } from './events.ts'
import type { LocalHealth } from './local-health.ts'
import type { MonitoredPeers } from './monitored-peers.ts'
import type { HealthSettings } from './options.ts'

/** What the parts of one monitor have in common. */
export interface HealthShared {
  readonly settings: HealthSettings
  readonly peers: MonitoredPeers
  readonly local: LocalHealth
  readonly counters: HealthCounters
  /** Adds time and host. */
  record(event: Unstamped<HealthEvent>): void
}

/** What is counted as it happens. */
export type HealthCounters = {
  -readonly [Name in Exclude<keyof HealthMetrics, 'peers' | 'monitored' | 'dead' | 'ejected' | 'localScore' | 'stalledMs'>]: number
}
