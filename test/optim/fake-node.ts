import { Kernel } from '../../src/sim/kernel.ts'
import { VirtualClock } from '../../src/sim/virtual-clock.ts'
import { msToNs } from '../../src/core/units.ts'
import type {
  AbortOptions, Bytes, CloseEvent, Connection, DialOptions, EventSource, Multiaddr, NetworkNode, NodeEvents, PeerData, PeerId, PeerStore, Stream, StreamEvents, TransferStatus
} from '../../src/optim/port.ts'

/** What listens at an address: a node, nothing that answers, a refusal, or a node whose connections ignore aborted dials. */
export type Behaviour = { readonly node: FakeNode, readonly ignoresAbort?: boolean } | 'black-hole' | 'refuse'

/**
 * A small network in virtual time that satisfies the port: a dial takes 3 round trips (the listener sees it half of one
 * later), a new stream 1. Connections can be made wedged (silent) or zombies (every stream is reset).
 */
export class FakeNetwork {
  readonly kernel = new Kernel()
  readonly clock = new VirtualClock(this.kernel)
  readonly rttMs: number
  readonly addresses = new Map<string, Behaviour>()

  constructor (rttMs = 20) {
    this.rttMs = rttMs
  }

  node (name: string, ...addresses: string[]): FakeNode {
    const node = new FakeNode(this, name)
    for (const address of addresses) {
      this.addresses.set(address, { node })
    }
    return node
  }

  /** Lets virtual time pass. */
  async run (durationMs: number): Promise<void> {
    await this.kernel.runAsync(() => false, this.kernel.nowNs + msToNs(durationMs))
  }

  /** Lets time pass until the promise has settled. */
  async until<T> (promise: Promise<T>): Promise<T> {
    let settled = false
    const done = promise.finally(() => {
      settled = true
    })
    done.catch(() => {})
    await this.kernel.runAsync(() => settled)
    return await done
  }
}

export class FakePeerId implements PeerId {
  readonly #name: string

  constructor (name: string) {
    this.#name = name
  }

  toString (): string {
    return this.#name
  }

  equals (other?: unknown): boolean {
    return other instanceof FakePeerId && other.toString() === this.#name
  }
}

export class FakeMultiaddr implements Multiaddr {
  readonly #text: string

  constructor (text: string) {
    this.#text = text
  }

  toString (): string {
    return this.#text
  }

  decapsulate (address: string): Multiaddr {
    const i = this.#text.lastIndexOf(address)
    if (i < 0) {
      throw new Error(`${this.#text} does not contain ${address}`)
    }
    return new FakeMultiaddr(this.#text.slice(0, i))
  }

  encapsulate (address: string): Multiaddr {
    return new FakeMultiaddr(this.#text + address)
  }
}

class Events<Map> implements EventSource<Map> {
  readonly #listeners = new globalThis.Map<string, Set<(event: never) => void>>()

  addEventListener<Type extends keyof Map & string> (type: Type, listener: (event: Map[Type]) => void): void {
    const listeners = this.#listeners.get(type) ?? new Set()
    this.#listeners.set(type, listeners.add(listener))
  }

  removeEventListener<Type extends keyof Map & string> (type: Type, listener: (event: Map[Type]) => void): void {
    this.#listeners.get(type)?.delete(listener)
  }

  get listenerCount (): number {
    return [...this.#listeners.values()].reduce((sum, listeners) => sum + listeners.size, 0)
  }

  emit<Type extends keyof Map & string> (type: Type, event: Map[Type]): void {
    for (const listener of this.#listeners.get(type) ?? []) {
      (listener as (event: Map[Type]) => void)(event)
    }
  }
}

export interface DialRecord {
  readonly address: string
  readonly atMs: number
  readonly force: boolean
  aborted: boolean
  /** Until it has settled. */
  active: boolean
}

export class FakeNode extends Events<NodeEvents> implements NetworkNode {
  readonly network: FakeNetwork
  readonly peerId: PeerId
  readonly dials: DialRecord[] = []
  readonly connections: FakeConnection[] = []
  readonly tags = new Map<string, Set<string>>()
  readonly protocols = new Set<string>(['/echo', '/gossip'])
  readonly #known = new Map<string, string[]>()
  /** The peer store rejects everything. */
  storeFails = false
  /** Called with each connection as it opens. */
  onConnection: (connection: FakeConnection) => void = () => {}
  /** What arrives is read no earlier: the event loop stands still until then. */
  readsFromMs = 0
  /** Where a dial by peer id alone leads. */
  readonly routes = new Map<string, string>()
  /** A connection gater: asked of each dial that names its peer, and of each address. */
  denies: (name: string) => boolean = () => false

  constructor (network: FakeNetwork, name: string) {
    super()
    this.network = network
    this.peerId = new FakePeerId(name)
  }

  /** Puts addresses into the peer store, with the peer's id at their end. */
  learn (peer: FakeNode, ...addresses: string[]): void {
    this.#known.set(peer.peerId.toString(), addresses.map(address => `${address}/p2p/${peer.peerId.toString()}`))
  }

  readonly peerStore: PeerStore = {
    get: async (peer: PeerId) => {
      const known = this.#known.get(peer.toString())
      if (known === undefined || this.storeFails) {
        throw Object.assign(new Error('not found'), { name: 'NotFoundError' })
      }
      return { addresses: known.map(text => ({ multiaddr: new FakeMultiaddr(text) })) }
    },
    merge: async (peer: PeerId, { tags }: PeerData) => {
      if (this.storeFails) {
        throw new Error('the store is broken')
      }
      const set = this.tags.get(peer.toString()) ?? new Set()
      this.tags.set(peer.toString(), set)
      for (const [tag, value] of tags instanceof Map ? tags : Object.entries(tags ?? {})) {
        if (value === undefined) {
          set.delete(tag)
        } else {
          set.add(tag)
        }
      }
      return undefined
    }
  }

  async dial (target: PeerId | Multiaddr | Multiaddr[], { signal, force = false }: DialOptions = {}): Promise<Connection> {
    const [text, name] = String(target).split('/p2p/')
    const record = { address: text, atMs: this.network.clock.now(), force, aborted: false, active: true }
    if (this.denies(text) || (name !== undefined && this.denies(name))) {
      throw Object.assign(new Error('denied by the gater'), { name: 'DialDeniedError' })
    }
    this.dials.push(record)
    try {
      return await this.#dial(text, record, signal)
    } finally {
      record.active = false
    }
  }

  async #dial (text: string, record: DialRecord, signal: AbortSignal | undefined): Promise<Connection> {
    signal?.throwIfAborted()
    const behaviour = this.network.addresses.get(text)
    if (behaviour === undefined || behaviour === 'refuse') {
      await this.#wait(this.network.rttMs, signal)
      throw new Error('connection refused')
    }
    const ignoresAbort = behaviour !== 'black-hole' && behaviour.ignoresAbort === true
    const onAbort = (): void => {
      record.aborted = true
    }
    signal?.addEventListener('abort', onAbort, { once: true })
    const arrivesMs = Math.max(3 * this.network.rttMs, this.readsFromMs - this.network.clock.now())
    await this.#wait(behaviour === 'black-hole' ? 1e9 : arrivesMs, ignoresAbort ? undefined : signal)
    signal?.removeEventListener('abort', onAbort)
    if (behaviour === 'black-hole') {
      throw new Error('timed out')
    }
    return connect(this, behaviour.node, this.routes.get(text) ?? text)
  }

  getConnections (peer?: PeerId): Connection[] {
    return this.connections.filter(connection => peer === undefined || connection.remotePeer.equals(peer))
  }

  /** libp2p's pruner, once it has chosen: closes those without a stream, and only then tells. */
  async prune (...chosen: FakeConnection[]): Promise<void> {
    await Promise.all(chosen.filter(({ streams }) => streams.length === 0).map(async connection => await connection.close()))
    this.emit('connection:prune', { detail: chosen })
  }

  async handle (): Promise<void> {}
  async unhandle (): Promise<void> {}

  async #wait (delayMs: number, signal: AbortSignal | undefined): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const onAbort = (): void => {
        timer.cancel()
        reject(signal?.reason)
      }
      const timer = this.network.clock.setTimeout(() => {
        signal?.removeEventListener('abort', onAbort)
        resolve()
      }, delayMs)
      signal?.addEventListener('abort', onAbort, { once: true })
    })
  }
}

let connectionIds = 0

function connect (from: FakeNode, to: FakeNode, address: string): FakeConnection {
  const id = `c${++connectionIds}`
  const dialled = new FakeConnection(`${id}>`, from, to.peerId, `${address}/p2p/${to.peerId.toString()}`, 'outbound')
  dialled.open()
  from.network.clock.setTimeout(() => {
    if (dialled.status === 'open') {
      const accepted = new FakeConnection(`${id}<`, to, from.peerId, `/ip4/10.9.9.9/tcp/${connectionIds}/p2p/${from.peerId.toString()}`, 'inbound')
      dialled.remote = accepted
      accepted.remote = dialled
      accepted.open()
    }
  }, from.network.rttMs / 2)
  return dialled
}

export class FakeConnection extends Events<{ close: CloseEvent }> implements Connection {
  readonly id: string
  readonly node: FakeNode
  readonly remotePeer: PeerId
  readonly remoteAddr: Multiaddr
  readonly direction: 'inbound' | 'outbound'
  status: TransferStatus = 'open'
  readonly streams: FakeStream[] = []
  remote: FakeConnection | undefined
  /** Nothing comes back any more. */
  wedged = false
  /** The far side resets every stream. */
  zombie = false
  /** Most streams that were under way before the first was acknowledged. */
  earlyStreams = 0
  #acknowledged = false
  #unacknowledged = 0

  constructor (id: string, node: FakeNode, remotePeer: PeerId, remoteAddr: string, direction: 'inbound' | 'outbound') {
    super()
    this.id = id
    this.node = node
    this.remotePeer = remotePeer
    this.remoteAddr = new FakeMultiaddr(remoteAddr)
    this.direction = direction
  }

  get clock (): VirtualClock {
    return this.node.network.clock
  }

  get rttMs (): number {
    return this.node.network.rttMs
  }

  open (): void {
    this.node.connections.push(this)
    this.node.onConnection(this)
    this.node.emit('connection:open', { detail: this })
  }

  async newStream (protocol: string, { signal }: AbortOptions = {}): Promise<Stream> {
    signal?.throwIfAborted()
    if (this.status !== 'open') {
      throw new Error('the connection is closed')
    }
    const stream = new FakeStream(this, protocol, 'outbound')
    this.streams.push(stream)
    this.#unacknowledged++
    if (!this.#acknowledged) {
      this.earlyStreams = Math.max(this.earlyStreams, this.#unacknowledged)
      // yamux: the far side resets everything where 10 arrive before it listens.
      this.zombie ||= this.#unacknowledged > 10
    }
    try {
      await new Promise<void>((resolve, reject) => {
        const onAbort = (): void => {
          stream.abort(new Error('aborted'))
          reject(signal?.reason)
        }
        signal?.addEventListener('abort', onAbort, { once: true })
        stream.onEnd = () => reject(new Error('the stream was reset'))
        this.clock.setTimeout(() => {
          if (this.wedged) {
            return
          }
          signal?.removeEventListener('abort', onAbort)
          stream.onEnd = undefined
          if (this.zombie || stream.status !== 'open') {
            stream.end('reset')
            reject(new Error('the stream was reset'))
          } else {
            resolve()
          }
        }, this.rttMs)
      })
    } finally {
      this.#unacknowledged--
    }
    this.#acknowledged = true
    if (!(this.remote?.node.protocols.has(protocol) ?? true)) {
      stream.abort(new Error('unsupported'))
      throw Object.assign(new Error('protocol selection failed'), { name: 'UnsupportedProtocolError' })
    }
    if (this.remote?.status === 'open') {
      stream.remote = new FakeStream(this.remote, protocol, 'inbound')
      stream.remote.remote = stream
      this.remote.streams.push(stream.remote)
    }
    return stream
  }

  async close ({ signal }: AbortOptions = {}): Promise<void> {
    if (this.status !== 'open') {
      return
    }
    if (this.wedged) {
      this.status = 'closing'
      await new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(signal.reason), { once: true }))
    }
    this.end('closed')
  }

  abort (): void {
    this.end('aborted')
  }

  end (status: 'closed' | 'aborted' | 'reset'): void {
    if (this.status === 'closed' || this.status === 'aborted' || this.status === 'reset') {
      return
    }
    this.status = status
    for (const stream of this.streams.slice()) {
      stream.end(status)
    }
    this.node.connections.splice(this.node.connections.indexOf(this), 1)
    this.node.emit('connection:close', { detail: this })
    this.emit('close', {})
    if (!this.wedged) {
      this.clock.setTimeout(() => this.remote?.end(status === 'closed' ? 'closed' : 'reset'), this.rttMs / 2)
    }
  }
}

let streamIds = 0

export class FakeStream extends Events<StreamEvents> implements Stream {
  readonly id = `s${++streamIds}`
  readonly connection: FakeConnection
  readonly protocol: string
  readonly direction: 'inbound' | 'outbound'
  status: TransferStatus = 'open'
  readonly writableNeedsDrain = false
  readBufferLength = 0
  readonly writeBufferLength = 0
  remote: FakeStream | undefined
  onEnd: (() => void) | undefined
  /** The far side never closes its half. */
  remoteLingers = false

  constructor (connection: FakeConnection, protocol: string, direction: 'inbound' | 'outbound') {
    super()
    this.connection = connection
    this.protocol = protocol
    this.direction = direction
  }

  send (): boolean {
    return true
  }

  /** The far side closes its half at once when it hears of it. */
  async close (): Promise<void> {
    if (this.status !== 'open') {
      return
    }
    this.status = 'closing'
    const { clock, rttMs } = this.connection
    clock.setTimeout(() => {
      if (!this.connection.wedged && !this.remoteLingers) {
        this.remote?.end('closed')
        clock.setTimeout(() => this.end('closed'), rttMs / 2)
      }
    }, rttMs / 2)
  }

  abort (_error: Error): void {
    this.end('aborted')
    this.connection.clock.setTimeout(() => this.remote?.end('reset'), this.connection.rttMs / 2)
  }

  /** Data arrives that nobody reads. */
  receive (data: Bytes): void {
    this.readBufferLength += data.byteLength
  }

  pause (): void {}
  resume (): void {}

  end (status: 'closed' | 'aborted' | 'reset'): void {
    if (this.status !== 'open' && this.status !== 'closing') {
      return
    }
    this.status = status
    const { streams } = this.connection
    if (streams.includes(this)) {
      streams.splice(streams.indexOf(this), 1)
    }
    this.onEnd?.()
    this.emit('close', {})
  }
}
