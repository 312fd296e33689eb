import type { Codec } from '../batching/wire/items.ts'
import type { PoolMetrics } from '../pool/events.ts'
import type { TimeoutMetrics } from '../timeouts/adaptive-timeouts.ts'
import type { TrafficClass } from '../traffic-class.ts'
import { Histogram, LATENCY_BUCKETS, SIZE_BUCKETS } from './histogram.ts'

/**
 * All that a network's metrics are made of, at one moment. Counts are since the start. What belongs to a module that is off
 * is absent, and stays so.
 */
export interface NetworkSnapshot {
  readonly requests?: RequestCounts
  readonly pool?: PoolMetrics
  readonly timeouts?: TimeoutMetrics
  readonly bandwidth?: BandwidthSnapshot
  readonly batching?: BatchingSnapshot
  readonly health?: HealthSnapshot
  readonly histograms?: NetworkHistograms
}

/** Requests of the application, whatever attempts they took. */
export interface RequestCounts {
  readonly requests: number
  readonly answered: number
  /** By the error's code or name: `LabelCounts` is one such. */
  readonly failed: Iterable<readonly [reason: string, count: number]>
}

/** What the bandwidth manager knows. */
export interface BandwidthSnapshot {
  readonly uploadBytes: Readonly<Record<TrafficClass, number>>
  readonly downloadBytes: Readonly<Record<TrafficClass, number>>
  readonly uploadRates: WindowedRates
  readonly downloadRates: WindowedRates
  /** Waiting for their turn. */
  readonly queuedBytes: number
}

/** Means over the last second, ten and sixty, in bytes per second. */
export interface WindowedRates {
  readonly over1s: number
  readonly over10s: number
  readonly over60s: number
}

/** What message batching knows. */
export interface BatchingSnapshot {
  /** Batches sent, by how they were compressed. */
  readonly batches: Readonly<Record<Codec, number>>
  readonly messages: number
  readonly requests: number
  /** Of payloads, before compression ... */
  readonly batchedBytes: number
  /** ... and what became of them on the wire, framing included. */
  readonly wireBytes: number
  readonly queuedMessages: number
  readonly queuedBytes: number
  /** What was sent again on a stream of its own. */
  readonly retriesPlain: number
}

/** What the health monitor knows. */
export interface HealthSnapshot {
  /** Peers by their state; the states are the monitor's. */
  readonly peers: Readonly<Record<string, number>>
  /** Ejections since the start. */
  readonly ejections: number
  /** Conditions found in the network that hold now, by kind. */
  readonly conditions: Readonly<Record<string, number>>
  /** Lifeguard's score of the node itself: 0 is well. */
  readonly localHealth: number
  readonly probes: number
  /** Connections replaced on the monitor's behalf. */
  readonly recoveries: number
}

/** What is counted as it happens. */
export interface NetworkHistograms {
  /** From `request` to its reply, in seconds; answered requests only. */
  readonly requestSeconds: Histogram
  /** Without our queueing and the far side's work, in seconds. */
  readonly roundTripSeconds: Histogram
  /** Of one batch on the wire, in bytes; absent where batching is off. */
  readonly batchBytes?: Histogram
}

/** Empty ones. */
export function createNetworkHistograms ({ batching }: { readonly batching: boolean }): NetworkHistograms {
  return {
    requestSeconds: new Histogram(LATENCY_BUCKETS),
    roundTripSeconds: new Histogram(LATENCY_BUCKETS),
    ...batching && { batchBytes: new Histogram(SIZE_BUCKETS) }
  }
}
