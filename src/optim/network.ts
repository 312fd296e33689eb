import { systemClock } from '../core/clock.ts'
import { show, TwinwireError } from '../core/errors.ts'
import { randomStream } from '../core/random.ts'
import { nullRecorder } from '../core/recorder.ts'
import { BandwidthManager } from './bandwidth/bandwidth-manager.ts'
import { MessageBatching } from './batching/message-batching.ts'
import { BATCH_PROTOCOL } from './batching/wire/format.ts'
import { Deadlines } from './deadlines.ts'
import { ErrandRunner } from './errand-runner.ts'
import { errandOf } from './errand.ts'
import { HealthLink } from './health-link.ts'
import { NetworkHealth } from './health/network-health.ts'
import { registerMetrics } from './metrics/libp2p-metrics.ts'
import { networkFamilies } from './metrics/network-families.ts'
import { openMetricsText } from './metrics/open-metrics.ts'
import { fanOut, logged, NetworkEvents } from './network-events.ts'
import { NetworkMeter } from './network-metrics.ts'
import { NodeLeases } from './node-leases.ts'
import { parseNetworkOptions } from './options.ts'
import { ConnectionPool } from './pool/pool.ts'
import { RequestPath } from './request-path.ts'
import { RequestServer } from './request-server.ts'
import { AdaptiveTimeouts } from './timeouts/adaptive-timeouts.ts'
import { UnshapedUplink } from './uplink.ts'
import type { Clock } from '../core/clock.ts'
import type { RandomStream } from '../core/random.ts'
import type { Recorder } from '../core/recorder.ts'
import type { Errand, RequestOptions, SendOptions } from './errand.ts'
import type { Observation } from './health/observations.ts'
import type { MetricFamily } from './metrics/family.ts'
import type { MetricsRegistration } from './metrics/libp2p-metrics.ts'
import type { NetworkEvent } from './network-event.ts'
import type { NetworkEventMap } from './network-events.ts'
import type { NetworkMetrics, NetworkModules } from './network-metrics.ts'
import type { NetworkSettings, OptimizedNetworkOptions } from './options.ts'
import type { AbortOptions, ComponentLogger, Connection, EventSource, MetricsRegistry, NetworkNode, PeerId } from './port.ts'
import type { RequestHandler, ServeOptions } from './request-server.ts'

/** What a network works with, where that is not the node's own. */
export interface OptimizedNetworkComponents {
  /** Default: real time. */
  readonly clock?: Clock
  /** For jitter and for choices among equals. Default: a stream seeded with the node's peer id, so that each node draws differently and always alike. */
  readonly random?: RandomStream
  readonly recorder?: Recorder<NetworkEvent>
  /** Where events are logged. Default the node's: shown with DEBUG=twinwire:*. */
  readonly logger?: ComponentLogger
  /** Where metrics are registered. Default the node's, where it has any. */
  readonly metrics?: MetricsRegistry
}

/** How a network is stopped. */
export interface StopOptions {
  /** For so long what was begun may go on, in milliseconds. Default 1000, as long as libp2p gives a stream to close. */
  readonly deadlineMs?: number
}

/** Requests and messages over a node, by way of the modules that are on. The node stays usable beside it. */
export interface OptimizedNetwork extends NetworkModules, EventSource<NetworkEventMap<NetworkEvent>>, AsyncDisposable {
  readonly metrics: NetworkMetrics
  /**
   * Sends one request and answers with its reply. The far side serves it with `handle` of its own network, or, on streams,
   * with `serveRequests` or anything that answers each length-prefixed frame with one.
   *
   * A handler that ends its stream with its first answer is noticed, but by then one request may be under way on the kept
   * stream: it fails with ERR_STREAM_CLOSED unless it is idempotent, since nobody can tell whether it was read. Where that
   * must not be, name the protocol in `connectionPool.oneShotProtocols`.
   *
   * @throws ERR_FRAME_TOO_LARGE before anything is sent, ERR_PEER_EJECTED where the peer failed too often lately,
   * ERR_QUEUE_FULL or ERR_TOO_MANY_WAITERS where too much waits, ERR_DEADLINE, ERR_STOPPED, what `signal` was aborted
   * with, or the error of the last attempt
   */
  request(peer: PeerId, protocol: string, payload: Uint8Array, options?: RequestOptions): Promise<Uint8Array>
  /**
   * Sends one message that needs no answer. Resolves when the far side has acknowledged it; where that takes no batches,
   * when all of it was sent.
   *
   * @throws as `request` does
   */
  send(peer: PeerId, protocol: string, message: Uint8Array, options?: SendOptions): Promise<void>
  /** What waits to be sent to this peer, or to all, goes as soon as it may. Resolves when it was handed to the transport. */
  flush(peer?: PeerId): Promise<void>
  /**
   * Serves a protocol, to peers that send batches and to those that do not.
   *
   * @throws ERR_INVALID_STATE where this network serves it already, ERR_STOPPED, or what the node throws where somebody else does
   */
  handle(protocol: string, handler: RequestHandler, options?: ServeOptions): Promise<void>
  /** Does nothing where it is not served. */
  unhandle(protocol: string): Promise<void>
  /** A connection to the peer: one that there is, or a new one. */
  connect(peer: PeerId, options?: AbortOptions): Promise<Connection>
  /** All metrics as OpenMetrics text, to be served with `OPEN_METRICS_CONTENT_TYPE`. */
  openMetrics(): string
  /**
   * Refuses what is new with ERR_STOPPED, lets what was begun go on until the deadline, rejects the rest with
   * ERR_STOPPED, and resolves when nothing is left: no timer, listener or stream. The node itself is left running.
   */
  stop(options?: StopOptions): Promise<void>
}

/**
 * Puts the optimisation modules in front of a node: a libp2p node as it is, or one of the simulator.
 *
 * @throws ERR_INVALID_OPTION or ERR_UNKNOWN_OPTION
 */
export function createOptimizedNetwork (node: NetworkNode, options: OptimizedNetworkOptions = {}, components: OptimizedNetworkComponents = {}): OptimizedNetwork {
  return new ModularNetwork(node, options, components)
}

class ModularNetwork implements OptimizedNetwork {
  readonly pool: NetworkModules['pool']
  readonly batching: NetworkModules['batching']
  readonly bandwidth: NetworkModules['bandwidth']
  readonly timeouts: NetworkModules['timeouts']
  readonly health: NetworkModules['health']
  readonly #node: NetworkNode
  readonly #clock: Clock
  readonly #settings: NetworkSettings
  readonly #events: NetworkEvents<NetworkEvent>
  readonly #meter: NetworkMeter
  readonly #families: readonly MetricFamily[]
  readonly #registration: MetricsRegistration | undefined
  readonly #path: RequestPath
  readonly #server: RequestServer
  readonly #runner: ErrandRunner
  readonly #leases: NodeLeases
  readonly #healthLink: HealthLink
  #stopping: Promise<void> | undefined

  constructor (node: NetworkNode, options: OptimizedNetworkOptions, components: OptimizedNetworkComponents) {
    const settings = parseNetworkOptions(options)
    const host = node.peerId.toString()
    const { clock = systemClock, random = randomStream(host), logger = node.logger, metrics = node.metrics } = components
    const deadlines = new Deadlines(clock)
    this.#node = node
    this.#clock = clock
    this.#settings = settings
    this.#events = new NetworkEvents(logger?.forComponent('twinwire:events'))
    this.#meter = new NetworkMeter({ batching: settings.messageBatching !== undefined })
    const recorder = fanOut<NetworkEvent>([this.#meter, components.recorder ?? nullRecorder, this.#events, ...logger === undefined ? [] : [logged<NetworkEvent>(logger)]])
    const shared = { node, clock, deadlines, host, recorder }
    this.#healthLink = new HealthLink(node, clock, settings.networkHealth?.maximumPeers)
    this.#leases = new NodeLeases(node, clock, BATCH_PROTOCOL)

    // First what does not listen to the node, so that wrong options leave no listener behind.
    const { networkHealth, bandwidthManager, adaptiveTimeouts, connectionPool, messageBatching } = settings
    const health = this.health = networkHealth && new NetworkHealth({ ...shared, random: random.fork('health'), actions: this.#healthLink }, networkHealth)
    const bandwidth = this.bandwidth = bandwidthManager && new BandwidthManager({ ...shared, random: random.fork('bandwidth') }, bandwidthManager)
    this.timeouts = adaptiveTimeouts && new AdaptiveTimeouts({ ...shared, random: random.fork('timeouts'), timeoutFactor: () => health?.timeoutFactor ?? 1 }, adaptiveTimeouts)
    const pool = this.pool = connectionPool && new ConnectionPool({ ...shared, random: random.fork('pool') }, connectionPool)
    const leases = pool ?? this.#leases
    const observe = (observation: Observation): void => {
      if (observation.kind === 'life' && observation.connection !== undefined) {
        pool?.heard(observation.peer, observation.connection)
      }
      health?.observe(observation)
    }
    try {
      this.batching = messageBatching && new MessageBatching({
        ...shared,
        uplink: bandwidth ?? new UnshapedUplink(),
        ...bandwidth && { downlink: bandwidth },
        acquire: async (peer, acquireOptions) => await leases.acquire(peer, BATCH_PROTOCOL, acquireOptions),
        observe
      }, { maximumReplyPayloadBytes: settings.maximumFrameBytes, ...messageBatching })
    } catch (error) {
      void pool?.stop()
      throw error
    }

    this.#runner = new ErrandRunner({ clock, meter: this.#meter, health, timeouts: this.timeouts })
    this.#path = new RequestPath({
      node,
      clock,
      leases,
      batching: this.batching,
      bandwidth,
      maximumFrameBytes: settings.maximumFrameBytes,
      observe,
      onRoundTrip: rttMs => this.#meter.roundTrip(rttMs)
    })
    this.#server = new RequestServer({
      node,
      clock,
      batching: this.batching,
      bandwidth,
      classify: settings.classify,
      maximumFrameBytes: settings.maximumFrameBytes,
      onLife: ({ remotePeer, id }) => observe({ kind: 'life', peer: remotePeer.toString(), connection: id, nowMs: clock.now() })
    })
    this.#families = networkFamilies(() => this.#meter.snapshot(this))
    this.#registration = metrics && registerMetrics(metrics, this.#families)
    if (health !== undefined) {
      this.#healthLink.connect(health, pool)
    }
  }

  get metrics (): NetworkMetrics {
    return this.#meter.metrics(this.#node, this)
  }

  openMetrics (): string {
    return openMetricsText(this.#families)
  }

  async request (peer: PeerId, protocol: string, payload: Uint8Array, options: RequestOptions = {}): Promise<Uint8Array> {
    this.#assertRunning()
    const errand = this.#errand(peer, protocol, payload, options)
    return await this.#runner.run(errand, {
      operation: protocol,
      attempt: context => this.#path.ask(errand, context)
    })
  }

  async send (peer: PeerId, protocol: string, message: Uint8Array, options: SendOptions = {}): Promise<void> {
    this.#assertRunning()
    const errand = this.#errand(peer, protocol, message, options)
    // Timed apart from requests of the same protocol, whose answers take the far side's work as well.
    await this.#runner.run(errand, { operation: `${protocol} message`, attempt: context => this.#path.tell(errand, context) })
  }

  async flush (peer?: PeerId): Promise<void> {
    await this.batching?.flush(peer)
  }

  async handle (protocol: string, handler: RequestHandler, options: ServeOptions = {}): Promise<void> {
    this.#assertRunning()
    await this.#server.handle(protocol, handler, options)
  }

  async unhandle (protocol: string): Promise<void> {
    await this.#server.unhandle(protocol)
  }

  async connect (peer: PeerId, options?: AbortOptions): Promise<Connection> {
    this.#assertRunning()
    return await (this.pool?.connect(peer, options) ?? this.#node.dial(peer, options))
  }

  addEventListener<Type extends NetworkEvent['type']> (type: Type, listener: (event: NetworkEventMap<NetworkEvent>[Type]) => void, options?: { once?: boolean }): void {
    this.#events.addEventListener(type, listener, options)
  }

  removeEventListener<Type extends NetworkEvent['type']> (type: Type, listener: (event: NetworkEventMap<NetworkEvent>[Type]) => void): void {
    this.#events.removeEventListener(type, listener)
  }

  stop ({ deadlineMs = DEFAULT_STOP_MS }: StopOptions = {}): Promise<void> {
    if (!(Number.isFinite(deadlineMs) && deadlineMs >= 0)) {
      return Promise.reject(new TwinwireError('ERR_INVALID_OPTION', 'the deadline is not valid', { path: 'deadlineMs', expected: 'a number of at least 0', found: show(deadlineMs) }))
    }
    this.#stopping ??= this.#stop(deadlineMs)
    return this.#stopping
  }

  async [Symbol.asyncDispose] (): Promise<void> {
    await this.stop()
  }

  async #stop (deadlineMs: number): Promise<void> {
    // Lets `stopping` be true before anything reacts to what follows.
    await Promise.resolve()
    const deadlineAtMs = this.#clock.now() + deadlineMs
    void this.flush()
    void this.batching?.stopServing()
    await Promise.all([this.#runner.settled(deadlineMs), this.#server.stop(deadlineMs)])
    // Not before: what was begun may wait for a permit, and come to batching only then.
    await this.batching?.stop(Math.max(0, deadlineAtMs - this.#clock.now()))
    const stopped = this.#runner.stop(stoppedError())
    this.bandwidth?.stop()
    this.health?.stop()
    this.#healthLink.stop()
    await Promise.all([this.pool?.stop(), this.#leases.stop(), stopped])
    this.#registration?.stop()
    this.#events.removeAll()
  }

  #assertRunning (): void {
    if (this.#stopping !== undefined) {
      throw stoppedError()
    }
  }

  #errand (peer: PeerId, protocol: string, payload: Uint8Array, options: RequestOptions): Errand {
    const { classify, maximumFrameBytes } = this.#settings
    // All attempts bear the id, so that the far side knows a retry of what it is at work on.
    return errandOf(this.batching?.nextId() ?? 0, peer, protocol, payload, options, classify, maximumFrameBytes)
  }
}

/** As long as libp2p gives a stream to close. */
const DEFAULT_STOP_MS = 1_000

function stoppedError (): TwinwireError {
  return new TwinwireError('ERR_STOPPED', 'the network was stopped')
}
