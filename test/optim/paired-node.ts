import { sleep } from '../../src/core/clock.ts'
import { serveRequests } from '../../src/optim/reply-stream.ts'
import { FakeMultiaddr, FakePeerId } from './fake-node.ts'
import { Listeners, PairedStream } from './paired-stream.ts'
import type { Clock } from '../../src/core/clock.ts'
import type {
  AbortOptions, CloseEvent, Connection, DialOptions, Multiaddr, NetworkNode, NodeEvents, PeerId, PeerStore, Stream, TransferStatus
} from '../../src/optim/port.ts'
import type { Responder } from '../../src/optim/reply-stream.ts'

export const PROTOCOL = '/test/1'

/** Where a peer listens. */
export function addressOf (peer: PeerId): Multiaddr {
  return new FakeMultiaddr(`/dns4/${peer.toString()}/tcp/1/p2p/${peer.toString()}`)
}

/**
 * A node whose every peer answers requests: a dial takes 3 round trips, a stream 1, and so do request and reply. What a
 * peer does in an unkind way is set on the node or on its connections.
 */
export class PairedNode extends Listeners<NodeEvents> implements NetworkNode {
  readonly peerId: PeerId = new FakePeerId('client')
  readonly clock: Clock
  readonly rttMs: number
  readonly connections: PairedConnection[] = []
  /** What every peer speaks. */
  protocol = PROTOCOL
  /** What every peer answers with. */
  respond: Responder = payload => payload
  /** Each stream ends 5 ms after its first answer. */
  oneShot = false
  /** What a peer sends arrives in pieces at most so often; 0: at once. */
  pacedMs = 0
  /** Nobody can be dialled. */
  refuses = false
  dials = 0

  constructor (clock: Clock, rttMs: number) {
    super()
    this.clock = clock
    this.rttMs = rttMs
  }

  readonly peerStore: PeerStore = {
    get: async peer => ({ addresses: [{ multiaddr: addressOf(peer) }] }),
    merge: async () => undefined
  }

  async dial (target: PeerId | Multiaddr | Multiaddr[], { signal, force = false }: DialOptions = {}): Promise<Connection> {
    const text = String(Array.isArray(target) ? target[0] : target)
    // A peer's id, or an address that names it.
    const name = text.startsWith('/') ? text.split('/')[2] : text
    // The newest, as libp2p gives it out.
    const open = this.getConnections(new FakePeerId(name)).at(-1)
    if (open !== undefined && !force) {
      return open
    }
    this.dials++
    if (this.refuses) {
      throw new Error('connection refused')
    }
    await sleep(this.clock, 3 * this.rttMs, signal)
    const connection = new PairedConnection(this, `c${this.dials}`, new FakePeerId(name))
    this.connections.push(connection)
    this.emit('connection:open', { detail: connection })
    return connection
  }

  getConnections (peer?: PeerId): Connection[] {
    return this.connections.filter(({ remotePeer, status }) => status === 'open' && (peer === undefined || remotePeer.equals(peer)))
  }

  async handle (): Promise<void> {}
  async unhandle (): Promise<void> {}
}

export class PairedConnection extends Listeners<{ close: CloseEvent }> implements Connection {
  readonly id: string
  readonly remotePeer: PeerId
  readonly remoteAddr: Multiaddr
  readonly direction = 'outbound'
  readonly node: PairedNode
  status: TransferStatus = 'open'
  /** Open ones and others. */
  readonly all: PairedStream[] = []
  /** Nothing comes through any more, and nobody is told. */
  wedged = false

  constructor (node: PairedNode, id: string, remotePeer: PeerId) {
    super()
    this.node = node
    this.id = id
    this.remotePeer = remotePeer
    this.remoteAddr = addressOf(remotePeer)
  }

  get streams (): PairedStream[] {
    return this.all.filter(({ status }) => status === 'open')
  }

  async newStream (protocol: string, { signal }: AbortOptions = {}): Promise<Stream> {
    const { clock, rttMs } = this.node
    await sleep(clock, this.wedged ? 10_000 : rttMs, signal)
    if (this.wedged || this.status !== 'open') {
      throw Object.assign(new Error('no stream'), { name: 'TimeoutError' })
    }
    if (protocol !== this.node.protocol) {
      throw Object.assign(new Error('protocol selection failed'), { name: 'UnsupportedProtocolError' })
    }
    const [outbound, inbound] = PairedStream.pair(`${this.id}/${this.all.length}`, protocol)
    const pipe = { freeMs: 0 }
    for (const stream of [outbound, inbound]) {
      stream.deliver = action => {
        if (!this.wedged) {
          const freeMs = stream === inbound ? pipe.freeMs : 0
          const atMs = Math.max(clock.now() + rttMs / 2, freeMs)
          pipe.freeMs = stream === inbound ? atMs + this.node.pacedMs : freeMs
          clock.setTimeout(action, atMs - clock.now())
        }
      }
    }
    this.all.push(outbound)
    void serveRequests(inbound, async (payload, options) => {
      if (this.node.oneShot) {
        clock.setTimeout(() => void inbound.close(), 5)
      }
      return await this.node.respond(payload, options)
    })
    return outbound
  }

  async close (): Promise<void> {
    this.end('closed')
  }

  abort (): void {
    this.end('aborted')
  }

  end (status: TransferStatus): void {
    if (this.status !== 'open') {
      return
    }
    this.status = status
    for (const stream of this.streams) {
      stream.reset()
    }
    this.node.connections.splice(this.node.connections.indexOf(this), 1)
    this.emit('close', {})
    this.node.emit('connection:close', { detail: this })
  }
}
