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

/** Aborting gives up what was begun; it rejects with what the signal was aborted with. */
export interface AbortOptions {
  signal?: AbortSignal
}

/** Who a peer is; equal ids have the same text. */
export interface PeerId {
  /** The id as text, `12D3KooW...`. */
  toString(): string
  /** Whether it is the same peer. */
  equals(other?: unknown): boolean
}

/** Where a peer can be dialled: `/ip4/192.0.2.1/tcp/4001/p2p/12D3KooW...`. */
export interface Multiaddr {
  /** The address as text. */
  toString(): string
  /** The address up to the last occurrence of `address`, which must occur: `decapsulate('/p2p/<id>')`. */
  decapsulate(address: string): Multiaddr
  /** The address with `address` behind it: `encapsulate('/p2p/<id>')`. */
  encapsulate(address: string): Multiaddr
}

/** What has become of a stream or connection; `aborted` by this side, `reset` by the other. */
export type TransferStatus = 'open' | 'closing' | 'closed' | 'aborted' | 'reset'

/** Listener bookkeeping as in the DOM; the same listener added twice is called once. */
export interface EventSource<Events> {
  /** Calls the listener with each event of this type, or with the next. */
  addEventListener<Type extends keyof Events & string>(type: Type, listener: (event: Events[Type]) => void, options?: { once?: boolean }): void
  /** Ends that. */
  removeEventListener<Type extends keyof Events & string>(type: Type, listener: (event: Events[Type]) => void): void
}

/** A stream or connection has ended. */
export interface CloseEvent {
  /** Set when the end was not a graceful one. */
  readonly error?: Error
  /** True when this side aborted. */
  readonly local?: boolean
}

/** What a stream tells its listeners. */
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
  /** Takes the bytes, which may be a part of a larger buffer; false asks to wait for `drain` before more are sent. */
  send(data: Uint8Array): boolean
  /** Sends what was taken and then the end of it; what the other side sends can still be read. */
  close(options?: AbortOptions): Promise<void>
  /** Ends both directions at once; the other side's is reset. */
  abort(error: Error): void
  /** Holds messages back; once buffers are full, the other side is held back, too. */
  pause(): void
  /** Ends that. */
  resume(): void
}

export interface Connection extends EventSource<{ close: CloseEvent }> {
  readonly id: string
  readonly remotePeer: PeerId
  readonly remoteAddr: Multiaddr
  readonly direction: 'inbound' | 'outbound'
  readonly status: TransferStatus
  readonly streams: readonly Stream[]
  /** Opens a stream and negotiates its protocol. */
  newStream(protocol: string, options?: NewStreamOptions): Promise<Stream>
  /** Closes its streams and then itself. */
  close(options?: AbortOptions): Promise<void>
  /** Ends it at once; the other side's is reset. */
  abort(error: Error): void
}

/** How to open a stream. */
export interface NewStreamOptions extends AbortOptions {
  /** Also where the connection is limited in time or bytes, as those through a relay are; elsewhere it fails at once. */
  runOnLimitedConnection?: boolean
}

/** How to dial. */
export interface DialOptions extends AbortOptions {
  /** Open another connection even where one exists. */
  force?: boolean
}

/** Serves a stream that a peer opened. */
export type StreamHandler = (stream: Stream, connection: Connection) => void | Promise<void>

/** How many streams of the protocol a connection may have in each direction. */
export interface HandlerOptions {
  maxInboundStreams?: number
  maxOutboundStreams?: number
}

/** What a node tells its listeners. */
export interface NodeEvents {
  /** There were too many connections, and libp2p chose these: it has closed those of them that carried no stream. */
  'connection:prune': { readonly detail: Connection[] }
  'connection:open': { readonly detail: Connection }
  'connection:close': { readonly detail: Connection }
  'peer:connect': { readonly detail: PeerId }
  'peer:disconnect': { readonly detail: PeerId }
}

/** What a node knows of its peers. */
export interface PeerStore {
  /** Rejects with a `NotFoundError` where nothing is known of the peer. */
  get(peer: PeerId): Promise<{ readonly addresses: ReadonlyArray<{ readonly multiaddr: Multiaddr }> }>
  /** Adds addresses, sets tags (a tag of `undefined` is removed), keeps the rest. */
  merge(peer: PeerId, data: PeerData): Promise<unknown>
}

/** What is added to what is known of a peer. */
export interface PeerData {
  multiaddrs?: Multiaddr[]
  tags?: Map<string, { value?: number } | undefined> | Record<string, { value?: number } | undefined>
}

/** A logger of libp2p: called with printf's formatters, and not to be called with anything dear unless `enabled`. */
export interface Logger {
  (formatter: string, ...args: readonly unknown[]): void
  readonly enabled: boolean
  /** Writes what is wrong, under the logger's name with `:error` behind it. */
  error(formatter: string, ...args: readonly unknown[]): void
}

/** Where libp2p's loggers come from: shown with DEBUG=twinwire*. */
export interface ComponentLogger {
  /** The logger of that name. */
  forComponent(name: string): Logger
}

/** The part of libp2p's metrics that a network's need; a node has it where metrics were configured. */
export interface MetricsRegistry {
  /** A level. */
  registerMetric(name: string, options: CalculatedMetric<number>): void
  /** A count; what is calculated is what came to the counter since it was last asked. */
  registerCounter(name: string, options: CalculatedMetric<number>): void
  /** A level for each value of a label. */
  registerMetricGroup(name: string, options: CalculatedMetricGroup): void
  /** A count for each value of a label; calculated as with `registerCounter`. */
  registerCounterGroup(name: string, options: CalculatedMetricGroup): void
  /** A distribution of what the answer is told. */
  registerHistogram(name: string, options: HistogramOptions): ObservationSink
}

/** One value. */
export interface CalculatedMetric<Value> {
  readonly help: string
  /** Asked for when metrics are read. */
  readonly calculate: () => Value
}

/** Values by label. */
export interface CalculatedMetricGroup extends CalculatedMetric<Record<string, number>> {
  readonly label: string
}

/** How a distribution is counted. */
export interface HistogramOptions {
  readonly help: string
  /** Upper bounds, ascending. */
  readonly buckets: number[]
}

/** What a histogram of libp2p's is told of. */
export interface ObservationSink {
  /** Counts a value. */
  observe(value: number): void
}

/** A node of libp2p, as far as a network uses it. */
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
  /** Open connections, of all peers or of one. */
  getConnections(peer?: PeerId): Connection[]
  /** Serves a protocol: the handler gets each stream that a peer opens for it. */
  handle(protocol: string, handler: StreamHandler, options?: HandlerOptions): Promise<void>
  /** Ends that; streams that are open stay so. */
  unhandle(protocol: string): Promise<void>
}
