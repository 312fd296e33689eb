import { sleep } from '../../src/core/clock.ts'
import { addressOf } from './paired-node.ts'
import { FakePeerId } from './fake-node.ts'
import { Listeners, PairedStream } from './paired-stream.ts'
import type { Clock } from '../../src/core/clock.ts'
import type { AbortOptions, CloseEvent, Connection, DialOptions, Multiaddr, NetworkNode, NewStreamOptions, NodeEvents, PeerId, PeerStore, Stream, TransferStatus } from '../../src/optim/port.ts'

/** A round trip: a stream takes one to be opened, and so does an echo. */
export const RTT = 20

/** A connection whose far side echoes what comes on any stream, as far as it is kind. */
export class PingConnection extends Listeners<{ close: CloseEvent }> implements Connection {
  readonly id: string
  readonly remotePeer: PeerId
  readonly remoteAddr: Multiaddr
  readonly direction = 'inbound'
  readonly clock: Clock
  readonly node: PingNode | undefined
  status: TransferStatus = 'open'
  readonly streams: PairedStream[] = []
  /** Relayed: only streams that ask for it are opened. */
  limited = false
  /** Nothing comes back: `streams`: not even a stream; `echoes`: streams are opened, and what is sent on them is lost. */
  silent: 'no' | 'streams' | 'echoes' = 'no'
  /** The far side does not speak ping. */
  unsupported = false
  /** What closing a stream does beside closing it. */
  onStreamClose: (options: AbortOptions | undefined) => Promise<void> = async () => {}
  /** Pings that were asked for. */
  pings = 0

  constructor (clock: Clock, id = 'c', peer = 'server', node?: PingNode) {
    super()
    this.clock = clock
    this.id = id
    this.remotePeer = new FakePeerId(peer)
    this.remoteAddr = addressOf(this.remotePeer)
    this.node = node
  }

  async newStream (protocol: string, { signal, runOnLimitedConnection = false }: NewStreamOptions = {}): Promise<Stream> {
    this.pings++
    if (this.limited && !runOnLimitedConnection) {
      throw Object.assign(new Error('the connection is limited'), { name: 'LimitedConnectionError' })
    }
    await sleep(this.clock, this.silent === 'streams' ? 1e6 : RTT, signal)
    if (this.unsupported) {
      throw Object.assign(new Error('protocol selection failed'), { name: 'UnsupportedProtocolError' })
    }
    const [outbound, inbound] = PairedStream.pair(`${this.id}/${this.pings}`, protocol)
    outbound.deliver = action => this.#deliver(action)
    inbound.deliver = action => this.#deliver(action)
    inbound.addEventListener('message', ({ data }) => inbound.send(data.subarray()))
    inbound.addEventListener('remoteCloseWrite', () => { void inbound.close() })
    const close = outbound.close.bind(outbound)
    outbound.close = async (options?: AbortOptions) => {
      await this.onStreamClose(options)
      await close()
    }
    this.streams.push(outbound)
    return outbound
  }

  /** Streams that are not over, and listeners on any. */
  get left (): number {
    return this.streams.reduce((sum, { status, listeners }) => sum + listeners + (status === 'open' ? 1 : 0), 0)
  }

  #deliver (action: () => void): void {
    if (this.silent === 'no') {
      this.clock.setTimeout(action, RTT / 2)
    }
  }

  async close (): Promise<void> {
    this.end('closed')
  }

  abort (): void {
    this.end('aborted')
  }

  end (status: TransferStatus): void {
    if (this.status === 'open') {
      this.status = status
      this.streams.forEach(stream => stream.reset())
      this.emit('close', {})
      this.node?.emit('connection:close', { detail: this })
    }
  }
}

/** A node that can be told of connections. A dial takes 3 round trips. */
export class PingNode extends Listeners<NodeEvents> implements NetworkNode {
  readonly peerId: PeerId = new FakePeerId('client')
  readonly clock: Clock
  readonly connections: PingConnection[] = []
  readonly peerStore: PeerStore = { get: async peer => ({ addresses: [{ multiaddr: addressOf(peer) }] }), merge: async () => undefined }
  dials = 0
  refuses = false

  constructor (clock: Clock) {
    super()
    this.clock = clock
  }

  /** A connection opens, whoever opened it. */
  open (id: string, peer = 'server'): PingConnection {
    const connection = new PingConnection(this.clock, id, peer, this)
    this.connections.push(connection)
    this.emit('connection:open', { detail: connection })
    return connection
  }

  async dial (target: PeerId | Multiaddr | Multiaddr[], { signal }: DialOptions = {}): Promise<Connection> {
    this.dials++
    await sleep(this.clock, 3 * RTT, signal)
    if (this.refuses) {
      throw new Error('connection refused')
    }
    // A peer's id, or an address that names it.
    const text = String(target)
    return this.open(`dialled ${this.dials}`, text.startsWith('/') ? text.split('/')[2] : text)
  }

  getConnections (peer?: PeerId): Connection[] {
    return this.connections.filter(({ status, remotePeer }) => status === 'open' && (peer === undefined || remotePeer.equals(peer)))
  }

  async handle (): Promise<void> {}
  async unhandle (): Promise<void> {}
}
