import type { Clock, Timer } from '../../core/clock.ts'
import type { RandomStream } from '../../core/random.ts'
import type { TcpHost } from '../tcp/host.ts'
import type { TcpSocket } from '../tcp/socket.ts'
import type { Channel, Message } from './channel.ts'
import type { ConnectionOwner, Protocol, StreamHandler } from './connection.ts'
import type { Fabric } from './fabric.ts'
import { pruneConnections } from './connection-pruner.ts'
import { ConnectionMonitor, PING_PROTOCOL, servePing } from './connection-monitor.ts'
import { DEFAULT_MAX_INBOUND_STREAMS, DEFAULT_MAX_OUTBOUND_STREAMS, SimConnection } from './connection.ts'
import { DialQueue } from './dial-queue.ts'
import { Emitter } from './emitter.ts'
import { SessionError } from './errors.ts'
import { Identify, IDENTIFY_MAX_STREAMS, IDENTIFY_PROTOCOL } from './identify.ts'
import { SimMultiaddr, SimPeerId } from './identity.ts'
import { InboundGate } from './inbound-gate.ts'
import type { SessionOptions } from './options.ts'
import { UNLIMITED_SESSION } from './options.ts'
import { SimPeerStore } from './peer-store.ts'
import { settled } from './settled.ts'
import type { Direction } from './stream.ts'
import { Upgrade, upgradeError } from './upgrade.ts'

// libp2p 3.3, connection-manager/constants.defaults.ts.
const INBOUND_UPGRADE_TIMEOUT_MS = 10_000
const FIRST_EPHEMERAL_PORT = 32_768

const NONE: readonly SimConnection[] = []

interface NodeEvents {
  'connection:prune': { readonly detail: SimConnection[] }
  'connection:open': { readonly detail: SimConnection }
  'connection:close': { readonly detail: SimConnection }
  'peer:connect': { readonly detail: SimPeerId }
  'peer:disconnect': { readonly detail: SimPeerId }
}

export interface SimNodeInit {
  readonly name: string
  readonly tcp: TcpHost
  /** Those it listens on, at least one. Others see the first, with another port, as the remote address of what it dials. */
  readonly addresses: readonly SimMultiaddr[]
  readonly random: RandomStream
  readonly options?: SessionOptions
  /** Of what runs at this node. Default: the fabric's. */
  readonly clock?: Clock
}

/**
 * A simulated libp2p node: what plain js-libp2p 3.3 does with TCP, Noise and yamux, as round trips and bytes on the
 * simulated network. It has the interface of a real one as far as the optimisation modules use it.
 */
export class SimNode extends Emitter<NodeEvents> implements ConnectionOwner {
  readonly peerId: SimPeerId
  readonly peerStore = new SimPeerStore()

  readonly #fabric: Fabric
  readonly #clock: Clock
  readonly #tcp: TcpHost
  readonly #addresses: SimNodeInit['addresses']
  readonly #options: SessionOptions
  readonly #protocols = new Map<string, Protocol>()
  readonly #connections = new Map<SimConnection, Channel>()
  /** By the peer's id, in the same order: a node may have thousands, of which one peer's are asked for again and again. */
  readonly #byPeer = new Map<string, SimConnection[]>()
  /** Connections that are being set up, from or to this node. */
  readonly #upgrading = new Set<Channel>()
  readonly #dialQueue: DialQueue
  readonly #gate: InboundGate
  readonly #monitor: ConnectionMonitor | undefined
  readonly #identify: Identify | undefined

  constructor (fabric: Fabric, { name, tcp, addresses, random, options = UNLIMITED_SESSION, clock = fabric.clock }: SimNodeInit) {
    super()
    this.peerId = new SimPeerId(name)
    this.#fabric = fabric
    this.#clock = clock
    this.#tcp = tcp
    this.#addresses = addresses
    this.#options = options
    this.#dialQueue = new DialQueue(clock, options, async (target, peer, signal) => await this.#dialAddress(target, peer, signal))
    this.#gate = new InboundGate(clock, options.limits, () => this.#connections.size)
    this.#protocols.set(PING_PROTOCOL, { handler: servePing, maxInboundStreams: Infinity, maxOutboundStreams: Infinity })
    if (options.connectionMonitor) {
      this.#monitor = new ConnectionMonitor(clock, options, random.fork('connection-monitor'), () => this.getConnections())
      this.#monitor.start()
    }
    if (options.identify) {
      const identify = new Identify(clock, this.peerStore, () => ({ addresses: this.#addresses, protocols: [...this.#protocols.keys()] }))
      this.#protocols.set(IDENTIFY_PROTOCOL, {
        handler: async (stream, connection) => await identify.answer(stream, connection), maxInboundStreams: IDENTIFY_MAX_STREAMS, maxOutboundStreams: IDENTIFY_MAX_STREAMS
      })
      this.#identify = identify
    }
  }

  /** Accepts connections at a port. */
  listen (port: number): void {
    this.#tcp.listen(port, socket => this.#accept(socket))
  }

  /**
   * @throws NoValidAddressesError, InvalidPeerIdError, DialError, TimeoutError, AbortError, an Error with the code ECONNREFUSED,
   * EncryptionFailedError, ConnectionClosedError, an AggregateError of those, or the signal's reason
   */
  async dial (target: SimPeerId | SimMultiaddr | SimMultiaddr[], options: { signal?: AbortSignal, force?: boolean } = {}): Promise<SimConnection> {
    options.signal?.throwIfAborted()
    const { peer, addresses } = await this.#target(target)
    if (peer?.equals(this.peerId) === true) {
      throw new SessionError('InvalidPeerIdError', 'Can not dial self')
    }
    if (peer !== undefined && options.force !== true) {
      // The newest: libp2p sorts direct ones first with a comparison that puts each before all earlier ones.
      const existing = this.#connectionsTo(peer).findLast(({ status }) => status === 'open')
      if (existing !== undefined) {
        return existing
      }
    }
    if (addresses.length === 0) {
      throw new SessionError('NoValidAddressesError', 'The dial request has no valid addresses')
    }
    const connection = await this.#dialQueue.dial({ peer, addresses }, options.signal)
    if (connection.status !== 'open') {
      throw new SessionError('ConnectionClosedError', 'Remote closed connection during opening')
    }
    // As in libp2p: a bare address does not tell in time that its peer is connected already.
    const duplicate = options.force === true ? undefined : this.#connectionsTo(connection.remotePeer).find(({ id, remoteAddr }) => id !== connection.id && remoteAddr.endpoint === connection.remoteAddr.endpoint)
    if (duplicate !== undefined) {
      connection.abort(new SessionError('InvalidMultiaddrError', 'Duplicate multiaddr connection'))
      return duplicate
    }
    return connection
  }

  getConnections (peer?: SimPeerId): SimConnection[] {
    return peer === undefined ? [...this.#connections.keys()] : this.#connectionsTo(peer).slice()
  }

  /** @throws DuplicateProtocolHandlerError */
  async handle (protocol: string, handler: StreamHandler, options: { maxInboundStreams?: number, maxOutboundStreams?: number } = {}): Promise<void> {
    if (this.#protocols.has(protocol)) {
      throw new SessionError('DuplicateProtocolHandlerError', `Handler already registered for protocol ${protocol}`)
    }
    this.#protocols.set(protocol, {
      handler,
      maxInboundStreams: options.maxInboundStreams ?? DEFAULT_MAX_INBOUND_STREAMS,
      maxOutboundStreams: options.maxOutboundStreams ?? DEFAULT_MAX_OUTBOUND_STREAMS
    })
  }

  async unhandle (protocol: string): Promise<void> {
    this.#protocols.delete(protocol)
  }

  /** Ends everything at once; nothing of it is left in the kernel but what is under way in the network. */
  stop (): void {
    this.#monitor?.stop()
    this.#dialQueue.stop()
    for (const connection of this.getConnections()) {
      connection.abort(new SessionError('AbortError', 'the node was stopped'))
    }
    this.#tcp.stop()
  }

  protocol (name: string): Protocol | undefined {
    return this.#protocols.get(name)
  }

  onConnectionClosed (connection: SimConnection): void {
    const channel = this.#connections.get(connection)
    if (channel !== undefined) {
      this.#connections.delete(connection)
      this.#forget(connection)
      channel.release()
      this.#fabric.release(channel.socket.connection)
    }
    this.emit('connection:close', { detail: connection })
    if (this.#connectionsTo(connection.remotePeer).length === 0) {
      this.emit('peer:disconnect', { detail: connection.remotePeer })
    }
  }

  async #target (target: SimPeerId | SimMultiaddr | SimMultiaddr[]): Promise<{ peer: SimPeerId | undefined, addresses: readonly SimMultiaddr[] }> {
    if (target instanceof SimPeerId) {
      const known = await this.peerStore.get(target).catch(() => undefined)
      return { peer: target, addresses: known?.addresses.map(({ multiaddr }) => multiaddr) ?? [] }
    }
    const addresses = Array.isArray(target) ? target : [target]
    return { peer: addresses.find(({ peer }) => peer !== undefined)?.peer, addresses }
  }

  async #dialAddress (address: SimMultiaddr, peer: SimPeerId | undefined, signal: AbortSignal): Promise<SimConnection> {
    signal.throwIfAborted()
    const endpoint = this.#fabric.resolve(address, this.#tcp.node)
    if (endpoint === undefined) {
      throw new SessionError('DialError', `no route to ${address.toString()}`)
    }
    const socket = this.#tcp.connect(endpoint.node, endpoint.port)
    const identity = this.peerId.toString()
    let upgrade: Upgrade | undefined
    try {
      const connection = await settled<SimConnection>(signal, (resolve, reject) => {
        const channel = this.#fabric.dialled(socket, this.#outgoingAddress(socket), opened => {
          upgrade = new Upgrade(opened, { dialler: true, identity, ...peer === undefined ? {} : { expected: peer.toString() } }, {
            onUpgraded: (remote, early) => resolve(this.#open(channel, remote, address.endpoint, 'outbound', early)),
            onFailed: reject
          })
          return upgrade
        })
        this.#begin(channel)
        return () => this.#giveUp(channel)
      })
      await this.peerStore.merge(connection.remotePeer, { multiaddrs: [connection.remoteAddr] })
      return connection
    } catch (error) {
      if (!signal.aborted) {
        throw error
      }
      // What the real ones say of a dial that was given up: TCP's, and whoever waits in the handshake.
      throw upgrade?.connected === true ? upgradeError('The operation was aborted') : new SessionError('AbortError', 'The operation was aborted')
    }
  }

  #accept (socket: TcpSocket): void {
    let remoteEndpoint = ''
    const channel = this.#fabric.accepted(socket, (opened, { endpoint }) => {
      remoteEndpoint = endpoint
      return new Upgrade(opened, { dialler: false, identity: this.peerId.toString() }, {
        onUpgraded: (remote, early) => {
          timer.cancel()
          this.#gate.settle()
          this.#open(opened, remote, endpoint, 'inbound', early)
        },
        onFailed: () => this.#refuse(opened, timer)
      })
    })
    if (channel === undefined) {
      socket.abort()
      return
    }
    this.#begin(channel)
    if (!this.#gate.admits(hostOf(remoteEndpoint))) {
      this.#giveUp(channel)
      return
    }
    const timer = this.#clock.setTimeout(() => this.#refuse(channel, timer), INBOUND_UPGRADE_TIMEOUT_MS)
  }

  #begin (channel: Channel): void {
    this.#upgrading.add(channel)
    if (this.#options.socketInactivityMs > 0) {
      channel.limitInactivity(this.#clock, this.#options.socketInactivityMs)
    }
  }

  /** An inbound connection that was let in did not become one. */
  #refuse (channel: Channel, timer: Timer): void {
    timer.cancel()
    this.#gate.settle()
    this.#giveUp(channel)
  }

  /** Ends a connection in the making. One that has become a connection is left alone. */
  #giveUp (channel: Channel): void {
    if (this.#upgrading.delete(channel)) {
      channel.release()
      this.#fabric.release(channel.socket.connection)
      channel.socket.handler = null
      channel.socket.abort()
    }
  }

  #open (channel: Channel, identity: string, endpoint: string, direction: Direction, early: readonly Message[]): SimConnection {
    this.#upgrading.delete(channel)
    const remotePeer = new SimPeerId(identity)
    const connection = new SimConnection(channel, this.#clock, this, {
      id: `${this.peerId.toString()}-${channel.socket.connection}`, remotePeer, remoteAddr: new SimMultiaddr(`${endpoint}/p2p/${identity}`), direction, limits: this.#options.limits, early
    })
    const others = this.#connectionsTo(remotePeer)
    const first = others.length === 0
    this.#connections.set(connection, channel)
    this.#byPeer.set(identity, [...others, connection])
    // In the order in which a real node's parts have asked to hear of it; the application comes last.
    void this.#identify?.ask(connection)
    if (first) {
      this.emit('peer:connect', { detail: remotePeer })
    }
    if (this.#connections.size > this.#options.limits.maxConnections) {
      void this.#prune()
    }
    this.emit('connection:open', { detail: connection })
    return connection
  }

  #connectionsTo (peer: SimPeerId): readonly SimConnection[] {
    return this.#byPeer.get(peer.toString()) ?? NONE
  }

  #forget (connection: SimConnection): void {
    const identity = connection.remotePeer.toString()
    const left = this.#connectionsTo(connection.remotePeer).filter(other => other !== connection)
    if (left.length === 0) {
      this.#byPeer.delete(identity)
    } else {
      this.#byPeer.set(identity, left)
    }
  }

  async #prune (): Promise<void> {
    const chosen = await pruneConnections(this.#clock, this.peerStore, this.getConnections(), this.#options.limits.maxConnections)
    if (chosen !== undefined) {
      this.emit('connection:prune', { detail: chosen })
    }
  }

  /** Each connection leaves from a port of its own, never the one that is listened on. */
  #outgoingAddress ({ connection }: TcpSocket): SimMultiaddr {
    return new SimMultiaddr(`${hostOf(this.#addresses[0].endpoint)}/${FIRST_EPHEMERAL_PORT + connection % (65_536 - FIRST_EPHEMERAL_PORT)}`)
  }
}

/** An endpoint without its port. */
function hostOf (endpoint: string): string {
  return endpoint.slice(0, endpoint.lastIndexOf('/'))
}
