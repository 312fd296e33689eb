/**
 * Requests and messages over a node of js-libp2p, by way of modules that can each be switched off:
 * `createOptimizedNetwork(node)`. The modules are exported by themselves, too, each with the policies that it goes by.
 *
 * @module twinwire
 */

// The network.
export { createOptimizedNetwork } from './network.ts'
export { classBySize, TRAFFIC_CLASSES } from './traffic-class.ts'
export { plainRequest } from './plain-request.ts'
export { serveRequests } from './reply-stream.ts'
export { RequestStream } from './request-stream.ts'
export type { RequestStreamOptions } from './request-stream.ts'
export { MAXIMUM_FRAME_BYTES } from './frames.ts'
export type { RequestOptions, SendOptions } from './errand.ts'
export type { OptimizedNetwork, OptimizedNetworkComponents, StopOptions } from './network.ts'
export type { OptimizedNetworkOptions } from './options.ts'
export type { NetworkMetrics, NetworkModules } from './network-metrics.ts'
export type { NetworkEvent } from './network-event.ts'
export type { NetworkEventMap } from './network-events.ts'
export type { RequestHandler, ServeOptions } from './request-server.ts'
export type { Responder, ServeRequestsOptions, ServingBudget } from './reply-stream.ts'
export type { PlainRequestOptions } from './plain-request.ts'
export type { ClassPolicy, ClassQuestion, TrafficClass } from './traffic-class.ts'

// The connection pool.
export { ConnectionPool } from './pool/pool.ts'
export { leastRecentlyUsed } from './pool/prune.ts'
export { addressKind, rankAddresses } from './pool/rank.ts'
export type { ConnectionPoolOptions } from './pool/options.ts'
export type { AcquireOptions, ConnectionPoolComponents } from './pool/pool.ts'
export type { StreamLease } from './pool/lease.ts'
export type { AddressKind, AddressRanker, RankedAddress } from './pool/rank.ts'
export type { PruneCandidate, PrunePolicy } from './pool/prune.ts'
export type {
  AddressEvent, ClearEvent, CloseEvent as PoolCloseEvent, DialEvent, DialReason, EndEvent, EvictEvent, EvictReason, LeaseEvent, OpenEvent, PoolEvent, PoolMetrics,
  PruneEvent, ReplaceEvent, RetireReason, SuspectEvent, SuspectReason
} from './pool/events.ts'

// Message batching.
export { MessageBatching } from './batching/message-batching.ts'
export { BATCH_PROTOCOL } from './batching/wire/format.ts'
export { compressWhereItPays } from './batching/compression/policy.ts'
export type { MessageBatchingOptions } from './batching/options.ts'
export type { BatchedOptions, BatchedRequestOptions, MessageBatchingComponents } from './batching/message-batching.ts'
export type { AcquireLease } from './batching/channel.ts'
export type { DeliveryHooks } from './batching/delivery.ts'
export type { BatchingObservation } from './batching/environment.ts'
export type { BatchLease } from './batching/outbound-stream.ts'
export type { BatchHandlerOptions } from './batching/responder.ts'
export type { BatchHandler, HandlerContext } from './batching/running-handler.ts'
export type { CompressionPolicy, CompressionQuestion } from './batching/compression/policy.ts'
export type { CodecEstimate, CodecEstimates } from './batching/compression/ratio-estimator.ts'
export type { CompressingCodec } from './batching/compression/codecs.ts'
export type { Codec, RefusalCode } from './batching/wire/items.ts'
export type {
  AcknowledgedEvent, BatchingEvent, BatchingMetrics, BatchReason, BatchSentEvent, EndEvent as BatchStreamEndEvent, FallbackEvent, HandlerFailedEvent, PolicyFailedEvent, RefusedEvent,
  StreamEvent as BatchStreamEvent, ViolationEvent
} from './batching/events.ts'

// The bandwidth manager.
export { BandwidthManager } from './bandwidth/bandwidth-manager.ts'
export { FixedLimit } from './bandwidth/concurrency-limit.ts'
export { Gradient2 } from './bandwidth/gradient2.ts'
export { Vegas } from './bandwidth/vegas.ts'
export type { BandwidthComponents } from './bandwidth/bandwidth-manager.ts'
export type { BandwidthOptions, ClassOptions, ConcurrencyOptions } from './bandwidth/options.ts'
export type { ConcurrencyCallbacks, ConcurrencyLimiter, Permit, PermitEnd, PermitOptions } from './bandwidth/concurrency-limiter.ts'
export type { BandwidthMeter, Direction, Rates } from './bandwidth/meter.ts'
export type { MiddlewareChain, StreamMiddleware } from './bandwidth/middleware.ts'
export type { ConcurrencyLimit, ConcurrencySample } from './bandwidth/concurrency-limit.ts'
export type { BandwidthEvent, BandwidthMetrics, LimitEvent, QueueFullEvent, SaturatedEvent, StreamPausedEvent, StreamResumedEvent } from './bandwidth/events.ts'

// Adaptive timeouts.
export { AdaptiveTimeouts } from './timeouts/adaptive-timeouts.ts'
export { RatioBudget } from './timeouts/retry-budget.ts'
export { RetryThrottle } from './timeouts/retry-throttle.ts'
export type { AdaptiveTimeoutsComponents, TimeoutMetrics } from './timeouts/adaptive-timeouts.ts'
export type { AdaptiveTimeoutsOptions, HedgingOptions, RatioBudgetOptions, RetryBackoffOptions, RetryThrottleOptions, SuspicionOptions } from './timeouts/options.ts'
export type { PeerConditions, StrategyName, Tier, TimeoutPolicy } from './timeouts/policy.ts'
export type { PhiAccrualOptions } from './timeouts/phi-accrual.ts'
export type { RatioBudgetLimits, RetryBudget } from './timeouts/retry-budget.ts'
export type { RetryThrottleLimits } from './timeouts/retry-throttle.ts'
export type { Attempt, AttemptContext, TimedRequest } from './timeouts/request.ts'
export type * from './timeouts/events.ts'

// The health monitor.
export { NetworkHealth } from './health/network-health.ts'
export { accrualDetector, pingDetector } from './health/liveness.ts'
export type { NetworkHealthComponents } from './health/network-health.ts'
export type {
  DetectorName, HealthRecoveryOptions, HealthSuspicionOptions, LocalHealthMultiplierOptions, NetworkHealthOptions, OutlierDetectionOptions
} from './health/options.ts'
export type { LivenessOptions, LivenessPolicy, Silence, Verdict } from './health/liveness.ts'
export type { ActiveCondition } from './health/condition-watch.ts'
export type { Condition } from './health/conditions.ts'
export type { Admission } from './health/ejections.ts'
export type { LocalReason } from './health/local-health.ts'
export type { AccrualReason } from './health/outlier-detection.ts'
export type * from './health/observations.ts'
export type {
  ConditionEvent, EjectedEvent, HealthEvent, HealthMetrics, LivenessState, LocalEvent, ProbeEvent, ReadmittedEvent, RecoveryEvent, StateEvent, StateReason
} from './health/events.ts'

// What they meet in.
export { Deadlines } from './deadlines.ts'
export { UnshapedUplink } from './uplink.ts'
export type { Downlink, PausableStream } from './downlink.ts'
export type { AcknowledgedSample, Flow, SendWindow, Uplink } from './uplink.ts'
export type { Clock, Timer } from '../core/clock.ts'
export { TwinwireError } from '../core/errors.ts'
export type { ErrorCode, ErrorDetails } from '../core/errors.ts'
export type { RandomStream } from '../core/random.ts'
export type { RecordedEvent, Recorder } from '../core/recorder.ts'
export type * from './port.ts'

// Metrics and events of anything that records.
export { fanOut, logged, NetworkEvents } from './network-events.ts'
export { Histogram, LATENCY_BUCKETS, SIZE_BUCKETS } from './metrics/histogram.ts'
export { LabelCounts } from './metrics/label-counts.ts'
export { registerMetrics } from './metrics/libp2p-metrics.ts'
export { networkFamilies } from './metrics/network-families.ts'
export { createNetworkHistograms } from './metrics/network-snapshot.ts'
export { OPEN_METRICS_CONTENT_TYPE, openMetricsText } from './metrics/open-metrics.ts'
export type { HistogramFamily, LabelledFamily, MetricFamily, NamedFamily, ScalarFamily, ScalarType } from './metrics/family.ts'
export type { MetricsRegistration } from './metrics/libp2p-metrics.ts'
export type { BandwidthSnapshot, BatchingSnapshot, HealthSnapshot, NetworkHistograms, NetworkSnapshot, RequestCounts, WindowedRates } from './metrics/network-snapshot.ts'
