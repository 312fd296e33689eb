/**
 * The whole of what the optimisation modules see of a network: a subset of libp2p's own interfaces. A `Libp2p` node
 * satisfies `NetworkNode` as it is (a compile-time test proves it), and so do the peers of the simulator.
 *
 * Semantics are libp2p's: `send` returning false asks to wait for `drain`; a stream that was closed for writing can
 * still be read; `abort` resets the remote end; `status` tells the rest.
 */

/** Bytes as they arrive: a Uint8Array or a list of them. */
export interface Bytes {
  readonly byteLength: number
  /** A contiguous copy or view of a part. */
  subarray(start?: number, end?: number): Uint8Array
}

export interface AbortOptions {
  signal?: AbortSignal
}

export interface PeerId {
  toString(): string
  equals(other?: unknown): boolean
}

export interface Multiaddr {
  toString(): string
  /** The address up to the last occurrence of `address`, which must occur: `decapsulate('/p2p/<id>')`. */
  decapsulate(address: string): Multiaddr
  /** The address with `address` behind it: `encapsulate('/p2p/<id>')`. */
  encapsulate(address: string): Multiaddr
}

export type TransferStatus = 'open' | 'closing' | 'closed' | 'aborted' | 'reset'

/** Listener bookkeeping as in the DOM; the same listener added twice is called once. */
export interface EventSource<Events> {
  addEventListener<Type extends keyof Events & string>(type: Type, listener: (event: Events[Type]) => void, options?: { once?: boolean }): void
  removeEventListener<Type extends keyof Events & string>(type: Type, listener: (event: Events[Type]) => void): void
}

export interface CloseEvent {
  /** Set when the end was not a graceful one. */
  readonly error?: Error
  /** True when this side aborted. */
  readonly local?: boolean
}

export interface StreamEvents {
  message: { readonly data: Bytes }
  drain: unknown
  /** The remote end will send no more. */
  remoteCloseWrite: unknown
  close: CloseEvent
}

export interface Stream extends EventSource<StreamEvents> {
  readonly id: string
  readonly protocol: string
  readonly direction: 'inbound' | 'outbound'
  readonly status: TransferStatus
  /** True after `send` returned false, until `drain`. */
  readonly writableNeedsDrain: boolean
  readonly readBufferLength: number
  readonly writeBufferLength: number
  send(data: Uint8Array): boolean
  close(options?: AbortOptions): Promise<void>
  abort(error: Error): void
  pause(): void
  resume(): void
}

export interface Connection extends EventSource<{ close: CloseEvent }> {
  readonly id: string
  readonly remotePeer: PeerId
  readonly remoteAddr: Multiaddr
  readonly direction: 'inbound' | 'outbound'
  readonly status: TransferStatus
  readonly streams: readonly Stream[]
  newStream(protocol: string, options?: AbortOptions): Promise<Stream>
  close(options?: AbortOptions): Promise<void>
  abort(error: Error): void
}

export interface DialOptions extends AbortOptions {
  /** Open another connection even where one exists. */
  force?: boolean
}

export type StreamHandler = (stream: Stream, connection: Connection) => void | Promise<void>

export interface HandlerOptions {
  maxInboundStreams?: number
  maxOutboundStreams?: number
}

export interface NodeEvents {
  /** There were too many connections, and libp2p chose these: it has closed those of them that carried no stream. */
  'connection:prune': { readonly detail: Connection[] }
  'connection:open': { readonly detail: Connection }
  'connection:close': { readonly detail: Connection }
  'peer:connect': { readonly detail: PeerId }
  'peer:disconnect': { readonly detail: PeerId }
}

export interface PeerStore {
  /** Rejects with a `NotFoundError` where nothing is known of the peer. */
  get(peer: PeerId): Promise<{ readonly addresses: ReadonlyArray<{ readonly multiaddr: Multiaddr }> }>
  /** Adds addresses, sets tags (a tag of `undefined` is removed), keeps the rest. */
  merge(peer: PeerId, data: PeerData): Promise<unknown>
}

export interface PeerData {
  multiaddrs?: Multiaddr[]
  tags?: Map<string, { value?: number } | undefined> | Record<string, { value?: number } | undefined>
}

/** A logger of libp2p: called with printf's formatters, and not to be called with anything dear unless `enabled`. */
export interface Logger {
  (formatter: string, ...args: readonly unknown[]): void
  readonly enabled: boolean
  error(formatter: string, ...args: readonly unknown[]): void
}

/** Where libp2p's loggers come from: shown with DEBUG=twinwire*. */
export interface ComponentLogger {
  forComponent(name: string): Logger
}

/** The part of libp2p's metrics that a network's need; a node has it where metrics were configured. */
export interface MetricsRegistry {
  registerMetric(name: string, options: CalculatedMetric<number>): void
  /** What is calculated is what came to the counter since it was last asked. */
  registerCounter(name: string, options: CalculatedMetric<number>): void
  registerMetricGroup(name: string, options: CalculatedMetricGroup): void
  /** As with `registerCounter`. */
  registerCounterGroup(name: string, options: CalculatedMetricGroup): void
  registerHistogram(name: string, options: HistogramOptions): { observe(value: number): void }
}

export interface CalculatedMetric<Value> {
  readonly help: string
  /** Asked for when metrics are read. */
  readonly calculate: () => Value
}

/** Values by label. */
export interface CalculatedMetricGroup extends CalculatedMetric<Record<string, number>> {
  readonly label: string
}

export interface HistogramOptions {
  readonly help: string
  /** Upper bounds, ascending. */
  readonly buckets: number[]
}

export interface NetworkNode extends EventSource<NodeEvents> {
  readonly peerId: PeerId
  readonly peerStore: PeerStore
  readonly logger?: ComponentLogger
  readonly metrics?: MetricsRegistry
  /**
   * With a peer: an existing connection, or a new one to a known address. With addresses: tried in libp2p's order, one
   * after the other. Dials of one peer, or that share an address, are joined.
   */
  dial(target: PeerId | Multiaddr | Multiaddr[], options?: DialOptions): Promise<Connection>
  getConnections(peer?: PeerId): Connection[]
  handle(protocol: string, handler: StreamHandler, options?: HandlerOptions): Promise<void>
  unhandle(protocol: string): Promise<void>
}
