import { sleep } from '../../../src/core/clock.ts'
import { TwinwireError } from '../../../src/core/errors.ts'
import { Listeners } from '../paired-stream.ts'
import { peerNamed } from '../timeouts/virtual-time.ts'
import type { Clock } from '../../../src/core/clock.ts'
import type { BatchLease } from '../../../src/optim/batching/outbound-stream.ts'
import type { AcquireLease } from '../../../src/optim/batching/channel.ts'
import type { Bytes, CloseEvent, Connection, Multiaddr, NetworkNode, NodeEvents, PeerId, PeerStore, Stream, StreamEvents, StreamHandler, TransferStatus } from '../../../src/optim/port.ts'

export interface LinkOptions {
  readonly clock: Clock
  /** Default 20. */
  readonly rttMs?: number
  /** Bytes that one direction of a stream holds until they are read; default 256 KiB, as yamux's window. */
  readonly capacityBytes?: number
}

/**
 * Nodes that are all connected, as messages batching sees them: streams take a round trip to open, bytes half of one, a
 * direction holds so many bytes until they are read, and idle streams are kept as a pool would.
 */
export class LinkedNodes {
  readonly clock: Clock
  readonly rttMs: number
  readonly capacityBytes: number
  readonly nodes = new Map<string, LinkedNode>()
  #streams = 0

  constructor ({ clock, rttMs = 20, capacityBytes = 256 * 1024 }: LinkOptions) {
    this.clock = clock
    this.rttMs = rttMs
    this.capacityBytes = capacityBytes
  }

  node (name: string): LinkedNode {
    const node = new LinkedNode(this, name)
    this.nodes.set(name, node)
    return node
  }

  nextStreamId (): string {
    return `s${++this.#streams}`
  }
}

export class LinkedNode extends Listeners<NodeEvents> implements NetworkNode {
  readonly network: LinkedNodes
  readonly peerId: PeerId
  readonly handlers = new Map<string, StreamHandler>()
  readonly connections = new Map<string, LinkedConnection>()
  /** Those that were left, too. */
  readonly everyConnection: LinkedConnection[] = []
  /** What became of leases, in order: `released`, `discarded`, `timeout`, `error`. */
  readonly leases: string[] = []
  openLeases = 0
  suspected = 0
  /** Each acquire fails with it. */
  refusal: Error | undefined

  constructor (network: LinkedNodes, name: string) {
    super()
    this.network = network
    this.peerId = peerNamed(name)
  }

  readonly peerStore: PeerStore = { get: async () => ({ addresses: [] }), merge: async () => undefined }

  async dial (): Promise<Connection> {
    throw new Error('not dialled here')
  }

  getConnections (peer?: PeerId): Connection[] {
    return [...this.connections.values()].filter(({ status, remotePeer }) => status === 'open' && (peer === undefined || remotePeer.equals(peer)))
  }

  async handle (protocol: string, handler: StreamHandler): Promise<void> {
    this.handlers.set(protocol, handler)
  }

  async unhandle (protocol: string): Promise<void> {
    this.handlers.delete(protocol)
  }

  connectionTo (name: string): LinkedConnection {
    let connection = this.connections.get(name)
    if (connection === undefined || connection.status !== 'open') {
      connection = new LinkedConnection(this, name)
      this.connections.set(name, connection)
      this.everyConnection.push(connection)
    }
    return connection
  }

  /** The next connection takes the place of this one. */
  replace (name: string): void {
    this.connectionTo(name).retired = true
    this.connections.delete(name)
  }

  /** Leases of streams of one protocol, kept when they come back. */
  pool (protocol: string): AcquireLease {
    return async (peer, { signal, onOpening }) => {
      const connection = this.connectionTo(peer.toString())
      let stream = connection.idle.find(({ status }) => status === 'open')
      connection.idle = connection.idle.filter(idle => idle !== stream && idle.status === 'open')
      if (stream === undefined) {
        onOpening(connection)
        await sleep(this.network.clock, this.network.rttMs, signal)
        if (this.refusal !== undefined) {
          throw this.refusal
        }
        stream = await connection.newStream(protocol)
      }
      this.openLeases++
      return this.#lease(stream, connection)
    }
  }

  #lease (stream: LinkedStream, connection: LinkedConnection): BatchLease {
    let over = false
    const end = (how: string): boolean => {
      if (over) {
        throw new Error('a lease was given back twice')
      }
      over = true
      this.openLeases--
      this.leases.push(how)
      return true
    }
    return {
      stream,
      connection,
      get retired () { return connection.retired },
      answered () {},
      release: () => {
        end('released')
        connection.idle.push(stream)
      },
      discard: error => {
        end('discarded')
        stream.abort(error)
      },
      fail: (kind, error) => {
        end(kind)
        stream.abort(error)
      },
      suspect: () => {
        this.suspected++
        connection.suspect = true
        this.connections.delete(connection.remotePeer.toString())
      }
    }
  }
}

/** As libp2p's list of bytes: asked for more than it has, it throws. */
class StrictBytes implements Bytes {
  readonly #bytes: Uint8Array

  constructor (bytes: Uint8Array) {
    this.#bytes = bytes
  }

  get byteLength (): number {
    return this.#bytes.length
  }

  subarray (start = 0, end = this.#bytes.length): Uint8Array {
    if (start < 0 || end > this.#bytes.length) {
      throw new RangeError('index is out of bounds')
    }
    return this.#bytes.subarray(start, end)
  }
}

export class LinkedConnection extends Listeners<{ close: CloseEvent }> implements Connection {
  readonly id: string
  readonly remotePeer: PeerId
  readonly remoteAddr: Multiaddr = { toString: () => '/memory', decapsulate: () => this.remoteAddr, encapsulate: () => this.remoteAddr }
  readonly direction: 'inbound' | 'outbound' = 'outbound'
  status: TransferStatus = 'open'
  idle: LinkedStream[] = []
  suspect = false
  retired = false
  readonly streams: LinkedStream[] = []
  readonly #node: LinkedNode

  constructor (node: LinkedNode, remote: string) {
    super()
    this.id = `${node.peerId.toString()}>${remote}`
    this.remotePeer = peerNamed(remote)
    this.#node = node
  }

  async newStream (protocol: string): Promise<LinkedStream> {
    const { network } = this.#node
    const remote = network.nodes.get(this.remotePeer.toString())
    const handler = remote?.handlers.get(protocol)
    if (remote === undefined || handler === undefined) {
      throw new TwinwireError('ERR_UNSUPPORTED_PROTOCOL', 'the peer does not speak it')
    }
    const [outbound, inbound] = LinkedStream.pair(network, protocol)
    this.streams.push(outbound)
    void handler(inbound, remote.connectionTo(this.#node.peerId.toString()))
    return outbound
  }

  async close (): Promise<void> {}
  abort (): void {}
}

export class LinkedStream extends Listeners<StreamEvents> implements Stream {
  readonly id: string
  readonly protocol: string
  readonly direction: 'inbound' | 'outbound'
  status: TransferStatus = 'open'
  writableNeedsDrain = false
  readBufferLength = 0
  writeBufferLength = 0
  /** Every frame that was sent, in order. */
  readonly sent: Uint8Array[] = []
  /** Nothing that is sent here arrives any more, and nobody is told. */
  silent = false
  /** What arrives here is read this slowly, in bytes a second. */
  readsBytesPerSecond = Infinity
  paused = false
  remote!: LinkedStream
  readonly #network: LinkedNodes
  readonly #unread: Uint8Array[] = []
  /** Sent from here and not read there. */
  #unreadThere = 0
  #readableAtMs = -Infinity
  #writeClosed = false
  #remoteWriteClosed = false

  constructor (network: LinkedNodes, protocol: string, direction: 'inbound' | 'outbound') {
    super()
    this.id = network.nextStreamId()
    this.#network = network
    this.protocol = protocol
    this.direction = direction
  }

  static pair (network: LinkedNodes, protocol: string): [outbound: LinkedStream, inbound: LinkedStream] {
    const outbound = new LinkedStream(network, protocol, 'outbound')
    const inbound = new LinkedStream(network, protocol, 'inbound')
    outbound.remote = inbound
    inbound.remote = outbound
    return [outbound, inbound]
  }

  /** Sent and not read by the far side. */
  get unreadThere (): number {
    return this.#unreadThere
  }

  send (data: Uint8Array): boolean {
    if (this.#writeClosed || this.status !== 'open') {
      throw new Error(`cannot send on a stream that is ${this.status}`)
    }
    const copy = data.slice()
    this.sent.push(copy)
    this.#unreadThere += copy.length
    this.#later(() => this.remote.#receive(copy))
    this.writableNeedsDrain = this.#unreadThere >= this.#network.capacityBytes
    return !this.writableNeedsDrain
  }

  pause (): void {
    this.paused = true
  }

  resume (): void {
    this.paused = false
    this.#deliver()
  }

  async close (): Promise<void> {
    if (!this.#writeClosed && this.status === 'open') {
      this.#writeClosed = true
      this.#later(() => {
        if (this.remote.status === 'open') {
          this.remote.#remoteWriteClosed = true
          this.remote.emit('remoteCloseWrite', {})
          this.remote.#endIfClosed()
        }
      })
      this.#endIfClosed()
    }
  }

  abort (error: Error): void {
    if (this.status === 'open') {
      this.#end('aborted', { error, local: true })
      this.#later(() => this.remote.reset())
    }
  }

  reset (): void {
    if (this.status === 'open') {
      this.#end('reset', { error: Object.assign(new Error('the stream was reset'), { name: 'StreamResetError' }), local: false })
    }
  }

  #later (action: () => void): void {
    if (!this.silent) {
      this.#network.clock.setTimeout(action, this.#network.rttMs / 2)
    }
  }

  #receive (data: Uint8Array): void {
    if (this.status === 'open') {
      this.#unread.push(data)
      this.readBufferLength += data.length
      this.#deliver()
    }
  }

  #deliver (): void {
    const nowMs = this.#network.clock.now()
    while (!this.paused && this.status === 'open' && this.#unread.length > 0 && this.#readableAtMs <= nowMs) {
      const data = this.#readsOne()
      this.readBufferLength -= data.length
      this.#later(() => this.remote.#wasRead(data.length))
      this.emit('message', { data: new StrictBytes(data) })
    }
  }

  #readsOne (): Uint8Array {
    const [data] = this.#unread
    if (this.readsBytesPerSecond === Infinity) {
      this.#unread.shift()
      return data
    }
    if (data.length === 1) {
      this.#unread.shift()
    } else {
      this.#unread[0] = data.subarray(1)
    }
    this.#readableAtMs = this.#network.clock.now() + 1_000 / this.readsBytesPerSecond
    this.#network.clock.setTimeout(() => this.#deliver(), 1_000 / this.readsBytesPerSecond)
    return data.subarray(0, 1)
  }

  #wasRead (bytes: number): void {
    this.#unreadThere -= bytes
    if (this.writableNeedsDrain && this.status === 'open' && this.#unreadThere < this.#network.capacityBytes) {
      this.writableNeedsDrain = false
      this.emit('drain', {})
    }
  }

  #endIfClosed (): void {
    if (this.#writeClosed && this.#remoteWriteClosed) {
      this.#end('closed', {})
    }
  }

  #end (status: TransferStatus, event: CloseEvent): void {
    this.status = status
    this.#unread.length = 0
    this.emit('close', event)
  }
}
