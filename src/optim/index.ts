/**
 * Requests over a node of js-libp2p, by way of modules that can each be switched off: `createOptimizedNetwork(node)`. The
 * modules are exported by themselves, too.
 *
 * @module twinwire
 */
export { MAXIMUM_FRAME_BYTES } from './frames.ts'
export { Histogram, LATENCY_BUCKETS, SIZE_BUCKETS } from './metrics/histogram.ts'
export { LabelCounts } from './metrics/label-counts.ts'
export { registerMetrics } from './metrics/libp2p-metrics.ts'
export { networkFamilies } from './metrics/network-families.ts'
export { createNetworkHistograms } from './metrics/network-snapshot.ts'
export { OPEN_METRICS_CONTENT_TYPE, openMetricsText } from './metrics/open-metrics.ts'
export { fanOut, logged, NetworkEvents } from './network-events.ts'
export { createOptimizedNetwork } from './network.ts'
export { plainRequest } from './plain-request.ts'
export { ConnectionPool } from './pool/pool.ts'
export { serveRequests } from './reply-stream.ts'
export { RequestStream } from './request-stream.ts'
export { AdaptiveTimeouts } from './timeouts/adaptive-timeouts.ts'
export type { Clock, Timer } from '../core/clock.ts'
export type { RandomStream } from '../core/random.ts'
export type { RecordedEvent, Recorder } from '../core/recorder.ts'
export type { Codec } from './batching/wire/items.ts'
export type { HistogramFamily, LabelledFamily, MetricFamily, NamedFamily, ScalarFamily, ScalarType } from './metrics/family.ts'
export type { MetricsRegistration } from './metrics/libp2p-metrics.ts'
export type { BandwidthSnapshot, BatchingSnapshot, HealthSnapshot, NetworkHistograms, NetworkSnapshot, RequestCounts, WindowedRates } from './metrics/network-snapshot.ts'
export type { NetworkEventMap } from './network-events.ts'
export type { OptimizedNetwork, OptimizedNetworkComponents, RequestOptions, SendOptions, StopOptions } from './network.ts'
export type { NetworkEvent } from './network-event.ts'
export type { NetworkMetrics, NetworkModules } from './network-metrics.ts'
export type { OptimizedNetworkOptions } from './options.ts'
export type { PlainRequestOptions } from './plain-request.ts'
export type {
  AddressEvent, ClearEvent, CloseEvent as PoolCloseEvent, DialEvent, DialReason, EndEvent, EvictEvent, EvictReason, LeaseEvent, OpenEvent, PoolEvent, PoolMetrics,
  ReplaceEvent, SuspectEvent
} from './pool/events.ts'
export type { StreamLease } from './pool/lease.ts'
export type { ConnectionPoolOptions } from './pool/options.ts'
export type { AcquireOptions, ConnectionPoolComponents } from './pool/pool.ts'
export type { AddressRanker, RankedAddress } from './pool/rank.ts'
export type * from './port.ts'
export type { Responder } from './reply-stream.ts'
export type { AdaptiveTimeoutsComponents, TimeoutMetrics } from './timeouts/adaptive-timeouts.ts'
export type * from './timeouts/events.ts'
export type { AdaptiveTimeoutsOptions, HedgingOptions, RetryBackoffOptions, RatioBudgetOptions, SuspicionOptions } from './timeouts/options.ts'
export type { PeerConditions, StrategyName, Tier, TimeoutPolicy } from './timeouts/policy.ts'
export type { Attempt, AttemptContext, TimedRequest } from './timeouts/request.ts'
export type { TrafficClass } from './traffic-class.ts'
