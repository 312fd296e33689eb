import type { PoolMetrics } from '../pool/events.ts'
import type { TimeoutMetrics } from '../timeouts/adaptive-timeouts.ts'
import type { LabelledFamily, MetricFamily, ScalarFamily } from './family.ts'
import type { Histogram } from './histogram.ts'
import type { BandwidthSnapshot, BatchingSnapshot, HealthSnapshot, NetworkHistograms, NetworkSnapshot, RequestCounts, WindowedRates } from './network-snapshot.ts'

/**
 * Describes a network's metrics, all of them with the prefix `twinwire_`. What the first snapshot lacks is left out. However
 * many families are read in one turn, one snapshot is taken.
 */
export function networkFamilies (snapshot: () => NetworkSnapshot): MetricFamily[] {
  const read = oncePerTurn(snapshot)
  return [
    ...familiesOf(read, now => now.requests, requestFamilies),
    ...familiesOf(read, now => now.pool, poolFamilies),
    ...familiesOf(read, now => now.timeouts, timeoutFamilies),
    ...familiesOf(read, now => now.bandwidth, bandwidthFamilies),
    ...familiesOf(read, now => now.batching, batchingFamilies),
    ...familiesOf(read, now => now.health, healthFamilies),
    ...familiesOf(read, now => now.histograms, histogramFamilies)
  ]
}

function requestFamilies (now: () => RequestCounts): MetricFamily[] {
  return [
    counter('requests', 'Requests made by the application.', () => now().requests),
    counter('requests_answered', 'Requests that got their reply.', () => now().answered),
    labelled('counter', 'request_failures', 'Requests that failed, by the code or name of the error.', 'reason', () => now().failed)
  ]
}

function poolFamilies (now: () => PoolMetrics): MetricFamily[] {
  return [
    gauge('pool_connections', 'Open connections that the pool looks after.', () => now().connections),
    gauge('pool_own_connections', 'Of the connections, those that the pool opened itself.', () => now().ownConnections),
    gauge('pool_idle_connections', 'Connections that nothing is lent of.', () => now().idle),
    gauge('pool_dialling', 'Dials under way.', () => now().dialling),
    gauge('pool_leases', 'Streams that are lent.', () => now().leases),
    gauge('pool_waiters', 'Requests that wait for a stream.', () => now().waiters),
    gauge('pool_idle_streams', 'Streams kept for the next request.', () => now().idleStreams),
    counter('pool_dials', 'Dials begun.', () => now().dials),
    counter('pool_dial_failures', 'Dials that led to no connection.', () => now().failedDials),
    labelled('counter', 'pool_streams', 'Streams lent, by whether they were opened for it.', 'origin', () => Object.entries({ opened: now().streamsOpened, reused: now().streamsReused })),
    counter('pool_evictions', 'Connections that the pool closed.', () => now().evictions),
    counter('pool_replacements', 'Connections that took the place of another.', () => now().replacements)
  ]
}

function timeoutFamilies (now: () => TimeoutMetrics): MetricFamily[] {
  return [
    counter('attempts', 'Attempts at requests, retries and hedges included.', () => now().attempts),
    counter('retries', 'Attempts made after a failed or overdue one.', () => now().retries),
    counter('hedges', 'Attempts made beside one that took long.', () => now().hedges),
    counter('attempts_overdue', 'Attempts that outlasted their timeout.', () => now().overdue),
    counter('timeouts_spurious', 'Overdue attempts that turned out to be merely slow.', () => now().spurious),
    counter('retries_refused', 'Retries that the budget did not grant.', () => now().overBudget),
    gauge('requests_running', 'Requests of which something is under way.', () => now().running),
    gauge('peers_known', 'Peers whose round trips are known.', () => now().peers)
  ]
}

function bandwidthFamilies (now: () => BandwidthSnapshot): MetricFamily[] {
  return [
    { ...labelled('counter', 'upload_bytes', 'Bytes sent, by class.', 'class', () => Object.entries(now().uploadBytes)), unit: 'bytes' },
    { ...labelled('counter', 'download_bytes', 'Bytes received, by class.', 'class', () => Object.entries(now().downloadBytes)), unit: 'bytes' },
    { ...labelled('gauge', 'upload_rate_bytes_per_second', 'Mean rate of sending, by how long it was measured.', 'window', () => byWindow(now().uploadRates)), unit: 'bytes_per_second' },
    { ...labelled('gauge', 'download_rate_bytes_per_second', 'Mean rate of receiving, by how long it was measured.', 'window', () => byWindow(now().downloadRates)), unit: 'bytes_per_second' },
    { ...gauge('upload_queued_bytes', 'Bytes that wait for their turn to be sent.', () => now().queuedBytes), unit: 'bytes' }
  ]
}

function batchingFamilies (now: () => BatchingSnapshot): MetricFamily[] {
  return [
    labelled('counter', 'batches', 'Batches sent, by compression.', 'codec', () => Object.entries(now().batches)),
    counter('batched_messages', 'Messages sent in batches.', () => now().messages),
    counter('batched_requests', 'Requests sent in batches.', () => now().requests),
    { ...counter('batched_payload_bytes', 'Payload sent in batches, before compression.', () => now().batchedBytes), unit: 'bytes' },
    { ...counter('batched_wire_bytes', 'Batches on the wire, framing included.', () => now().wireBytes), unit: 'bytes' },
    gauge('batch_queued_messages', 'Messages and requests that wait for a batch.', () => now().queuedMessages),
    { ...gauge('batch_queued_bytes', 'Payload that waits for a batch.', () => now().queuedBytes), unit: 'bytes' },
    counter('batch_plain_retries', 'What was sent again on a stream of its own.', () => now().retriesPlain)
  ]
}

function healthFamilies (now: () => HealthSnapshot): MetricFamily[] {
  return [
    labelled('gauge', 'health_peers', 'Peers by state.', 'state', () => Object.entries(now().peers)),
    counter('health_ejections', 'Peers ejected.', () => now().ejections),
    labelled('gauge', 'health_conditions', 'Conditions that hold, by kind.', 'condition', () => Object.entries(now().conditions)),
    gauge('health_local_score', 'How unwell the node itself is; 0 is well.', () => now().localHealth),
    counter('health_probes', 'Probes sent into silence.', () => now().probes),
    counter('health_recoveries', 'Connections replaced for the sake of health.', () => now().recoveries)
  ]
}

function histogramFamilies (now: () => NetworkHistograms): MetricFamily[] {
  const { requestSeconds, roundTripSeconds, batchBytes } = now()
  return [
    histogram('request_duration_seconds', 'From a request to its reply.', requestSeconds, 'seconds'),
    histogram('round_trip_seconds', 'Round trips, without queueing on this side and work on the other.', roundTripSeconds, 'seconds'),
    ...batchBytes === undefined ? [] : [histogram('batch_size_bytes', 'Batches by their size on the wire.', batchBytes, 'bytes')]
  ]
}

const PREFIX = 'twinwire_'

function counter (name: string, help: string, value: () => number): ScalarFamily {
  return { name: PREFIX + name, help, type: 'counter', value }
}

function gauge (name: string, help: string, value: () => number): ScalarFamily {
  return { name: PREFIX + name, help, type: 'gauge', value }
}

function labelled (type: LabelledFamily['type'], name: string, help: string, label: string, samples: LabelledFamily['samples']): LabelledFamily {
  return { name: PREFIX + name, help, type, label, samples }
}

function histogram (name: string, help: string, counted: Histogram, unit: string): MetricFamily {
  return { name: PREFIX + name, help, type: 'histogram', unit, histogram: counted }
}

function byWindow ({ over1s, over10s, over60s }: WindowedRates): Array<[window: string, bytesPerSecond: number]> {
  return [['1s', over1s], ['10s', over10s], ['60s', over60s]]
}

function familiesOf<Part> (read: () => NetworkSnapshot, partOf: (snapshot: NetworkSnapshot) => Part | undefined, describe: (now: () => Part) => MetricFamily[]): MetricFamily[] {
  const first = partOf(read())
  return first === undefined ? [] : describe(() => partOf(read()) ?? first)
}

/** Asks once for all that is read before other code has its turn: so the numbers agree, and cost one look at the network. */
function oncePerTurn<T> (read: () => T): () => T {
  let kept: { readonly value: T } | undefined
  return () => {
    if (kept === undefined) {
      kept = { value: read() }
      queueMicrotask(() => {
        kept = undefined
      })
    }
    return kept.value
  }
}
