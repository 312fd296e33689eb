import { LatencyWindow } from './timeouts/latency-window.ts'
import { LabelCounts } from './metrics/label-counts.ts'
import { createNetworkHistograms } from './metrics/network-snapshot.ts'
import { reasonOf } from './timeouts/retry-decision.ts'
import type { BandwidthManager } from './bandwidth/bandwidth-manager.ts'
import type { BandwidthMetrics } from './bandwidth/events.ts'
import type { BatchingMetrics } from './batching/events.ts'
import type { MessageBatching } from './batching/message-batching.ts'
import type { HealthMetrics } from './health/events.ts'
import type { NetworkHealth } from './health/network-health.ts'
import type { NetworkHistograms, NetworkSnapshot } from './metrics/network-snapshot.ts'
import type { NetworkEvent } from './network-event.ts'
import type { PoolMetrics } from './pool/events.ts'
import type { ConnectionPool } from './pool/pool.ts'
import type { NetworkNode } from './port.ts'
import type { AdaptiveTimeouts, TimeoutMetrics } from './timeouts/adaptive-timeouts.ts'
import type { Recorder } from '../core/recorder.ts'

/** A snapshot: how the network does as a whole, and each module that is on. Counts are since the start. */
export interface NetworkMetrics {
  /** Requests and messages that the application gave. */
  readonly requests: number
  readonly answered: number
  /** For whatever reason: full queues and ejected peers included. */
  readonly failed: number
  /** Given up by the caller's signal. */
  readonly aborted: number
  /** Answered of those that were answered or failed, 0 to 1; undefined before the first. */
  readonly successRate: number | undefined
  /** Connections of the node that are open, whoever opened them. */
  readonly activeConnections: number
  /** Mean of the last 64 round trips of all peers, in milliseconds: of batches without the far side's work, of requests on streams of their own with it. Undefined before the first. */
  readonly averageRttMs: number | undefined
  /** Over the last ten seconds, in bit/s; undefined where the bandwidth manager is off. */
  readonly uploadBitsPerSecond: number | undefined
  readonly downloadBitsPerSecond: number | undefined
  readonly pool?: PoolMetrics
  readonly batching?: BatchingMetrics
  readonly bandwidth?: BandwidthMetrics
  readonly timeouts?: TimeoutMetrics
  readonly health?: HealthMetrics
}

/** The modules that are on. */
export interface NetworkModules {
  readonly pool: ConnectionPool | undefined
  readonly batching: MessageBatching | undefined
  readonly bandwidth: BandwidthManager | undefined
  readonly timeouts: AdaptiveTimeouts | undefined
  readonly health: NetworkHealth | undefined
}

/** Counts what a network does, from its events and its requests' ends. */
export class NetworkMeter implements Recorder<NetworkEvent> {
  readonly histograms: NetworkHistograms
  readonly #roundTrips = new LatencyWindow()
  readonly #failures = new LabelCounts()
  readonly #counts = { requests: 0, answered: 0, failed: 0, aborted: 0 }
  readonly #batches = { none: 0, snappy: 0, deflate: 0 }
  #fallbacks = 0

  constructor ({ batching }: { readonly batching: boolean }) {
    this.histograms = createNetworkHistograms({ batching })
  }

  record (event: NetworkEvent): void {
    switch (event.type) {
      case 'batching:acknowledged':
        this.roundTrip(event.rttMs)
        break
      case 'batching:batch-sent':
        this.histograms.batchBytes?.observe(event.wireBytes)
        this.#batches[event.codec]++
        break
      case 'batching:fallback':
        this.#fallbacks++
        break
    }
  }

  roundTrip (rttMs: number): void {
    this.#roundTrips.add(rttMs)
    this.histograms.roundTripSeconds.observe(rttMs / 1_000)
  }

  requested (): void {
    this.#counts.requests++
  }

  answered (elapsedMs: number): void {
    this.#counts.answered++
    this.histograms.requestSeconds.observe(elapsedMs / 1_000)
  }

  /** @param aborted the caller gave up, which is no failure */
  failed (error: unknown, aborted: boolean): void {
    if (aborted) {
      this.#counts.aborted++
    } else {
      this.#counts.failed++
      this.#failures.add(reasonOf(error))
    }
  }

  /** For the application. */
  metrics (node: NetworkNode, { pool, batching, bandwidth, timeouts, health }: NetworkModules): NetworkMetrics {
    const { answered, failed } = this.#counts
    const bandwidthMetrics = bandwidth?.metrics
    return {
      ...this.#counts,
      successRate: answered + failed === 0 ? undefined : answered / (answered + failed),
      activeConnections: node.getConnections().length,
      averageRttMs: this.#roundTrips.meanMs,
      uploadBitsPerSecond: bandwidthMetrics && totalOf(bandwidthMetrics.upload, 'over10s'),
      downloadBitsPerSecond: bandwidthMetrics && totalOf(bandwidthMetrics.download, 'over10s'),
      ...pool && { pool: pool.metrics },
      ...batching && { batching: batching.metrics },
      ...bandwidthMetrics && { bandwidth: bandwidthMetrics },
      ...timeouts && { timeouts: timeouts.metrics },
      ...health && { health: health.metrics }
    }
  }

  /** For what describes metrics to others. */
  snapshot ({ pool, batching, bandwidth, timeouts, health }: NetworkModules): NetworkSnapshot {
    const { requests, answered } = this.#counts
    return {
      requests: { requests, answered, failed: this.#failures },
      histograms: this.histograms,
      ...pool && { pool: pool.metrics },
      ...timeouts && { timeouts: timeouts.metrics },
      ...bandwidth && { bandwidth: bandwidthSnapshot(bandwidth.metrics) },
      ...batching && { batching: this.#batchingSnapshot(batching.metrics) },
      ...health && { health: healthSnapshot(health) }
    }
  }

  #batchingSnapshot ({ messages, requests, plainBytesSent, wireBytesSent, queuedMessages, queuedBytes }: BatchingMetrics): NonNullable<NetworkSnapshot['batching']> {
    return { batches: this.#batches, messages, requests, batchedBytes: plainBytesSent, wireBytes: wireBytesSent, queuedMessages, queuedBytes, retriesPlain: this.#fallbacks }
  }
}

function bandwidthSnapshot ({ upload, download, waitingBytes }: BandwidthMetrics): NonNullable<NetworkSnapshot['bandwidth']> {
  return {
    uploadBytes: bytesOf(upload),
    downloadBytes: bytesOf(download),
    uploadRates: ratesOf(upload),
    downloadRates: ratesOf(download),
    queuedBytes: waitingBytes
  }
}

function healthSnapshot (health: NetworkHealth): NonNullable<NetworkSnapshot['health']> {
  const { monitored, dead, ejected, peers, localScore, ejections, probes, recoveries } = health.metrics
  const conditions: Record<string, number> = {}
  for (const { condition } of health.conditions) {
    conditions[condition] = (conditions[condition] ?? 0) + 1
  }
  return { peers: { known: peers, monitored, dead, ejected }, ejections, conditions, localHealth: localScore, probes, recoveries }
}

type ByClass = BandwidthMetrics['upload']

function totalOf ({ urgent, normal, bulk }: ByClass, window: 'over1s' | 'over10s' | 'over60s'): number {
  return urgent[window] + normal[window] + bulk[window]
}

function bytesOf ({ urgent, normal, bulk }: ByClass): { readonly urgent: number, readonly normal: number, readonly bulk: number } {
  return { urgent: urgent.bytes, normal: normal.bytes, bulk: bulk.bytes }
}

/** In bytes a second, as Prometheus wants it. */
function ratesOf (rates: ByClass): { readonly over1s: number, readonly over10s: number, readonly over60s: number } {
  return { over1s: totalOf(rates, 'over1s') / 8, over10s: totalOf(rates, 'over10s') / 8, over60s: totalOf(rates, 'over60s') / 8 }
}
