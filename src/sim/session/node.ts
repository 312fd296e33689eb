import type { RandomStream } from '../../core/random.ts'
import type { TcpHost } from '../tcp/host.ts'
import type { TcpSocket } from '../tcp/socket.ts'
import type { Channel } from './channel.ts'
import type { ConnectionOwner, Protocol, StreamHandler } from './connection.ts'
import type { Fabric } from './fabric.ts'
import { ConnectionMonitor, PING_PROTOCOL, servePing } from './connection-monitor.ts'
import { DEFAULT_MAX_INBOUND_STREAMS, DEFAULT_MAX_OUTBOUND_STREAMS, SimConnection } from './connection.ts'
import { DialQueue } from './dial-queue.ts'
import { Emitter } from './emitter.ts'
import { SessionError } from './errors.ts'
import { SimMultiaddr, SimPeerId } from './identity.ts'
import { SimPeerStore } from './peer-store.ts'
import { settled } from './settled.ts'
import type { Direction } from './stream.ts'
import { Upgrade } from './upgrade.ts'

// libp2p 3.3, connection-manager/constants.defaults.ts.
const INBOUND_UPGRADE_TIMEOUT_MS = 10_000
const FIRST_EPHEMERAL_PORT = 32_768

interface NodeEvents {
  'connection:open': { readonly detail: SimConnection }
  'connection:close': { readonly detail: SimConnection }
  'peer:connect': { readonly detail: SimPeerId }
  'peer:disconnect': { readonly detail: SimPeerId }
}

export interface SimNodeInit {
  readonly name: string
  readonly tcp: TcpHost
  /** An address of its own; others see it, with another port, as the remote address of what it dials. */
  readonly address: SimMultiaddr
  readonly random: RandomStream
}

/**
 * A simulated libp2p node: what plain js-libp2p 3.3 does with TCP, Noise and yamux and without identify, as round trips
 * and bytes on the simulated network. It has the interface of a real one as far as the optimisation modules use it.
 */
export class SimNode extends Emitter<NodeEvents> implements ConnectionOwner {
  readonly peerId: SimPeerId
  readonly peerStore = new SimPeerStore()

  readonly #fabric: Fabric
  readonly #tcp: TcpHost
  readonly #address: SimMultiaddr
  readonly #protocols = new Map<string, Protocol>()
  readonly #connections = new Map<SimConnection, Channel>()
  /** Connections that are being set up, from or to this node. */
  readonly #upgrading = new Set<Channel>()
  readonly #dialQueue: DialQueue
  readonly #monitor: ConnectionMonitor

  constructor (fabric: Fabric, { name, tcp, address, random }: SimNodeInit) {
    super()
    this.peerId = new SimPeerId(name)
    this.#fabric = fabric
    this.#tcp = tcp
    this.#address = address
    this.#dialQueue = new DialQueue(fabric.clock, async (target, peer, signal) => await this.#dialAddress(target, peer, signal))
    this.#monitor = new ConnectionMonitor(fabric.clock, random.fork('connection-monitor'), () => this.getConnections())
    this.#protocols.set(PING_PROTOCOL, { handler: servePing, maxInboundStreams: Infinity, maxOutboundStreams: Infinity })
    this.#monitor.start()
  }

  /** Accepts connections at a port. */
  listen (port: number): void {
    this.#tcp.listen(port, socket => this.#accept(socket))
  }

  /**
   * @throws NoValidAddressesError, InvalidPeerIdError, DialError, TimeoutError, ConnectionRefusedError, an AggregateError of those, or the
   * signal's reason
   */
  async dial (target: SimPeerId | SimMultiaddr | SimMultiaddr[], options: { signal?: AbortSignal, force?: boolean } = {}): Promise<SimConnection> {
    options.signal?.throwIfAborted()
    const { peer, addresses } = await this.#target(target)
    if (peer?.equals(this.peerId) === true) {
      throw new SessionError('InvalidPeerIdError', 'Can not dial self')
    }
    if (peer !== undefined && options.force !== true) {
      const existing = this.getConnections(peer).find(({ status }) => status === 'open')
      if (existing !== undefined) {
        return existing
      }
    }
    if (addresses.length === 0) {
      throw new SessionError('NoValidAddressesError', 'The dial request has no valid addresses')
    }
    const connection = await this.#dialQueue.dial({ peer, addresses }, options.signal)
    await this.peerStore.merge(connection.remotePeer, { multiaddrs: [connection.remoteAddr] })
    // As in libp2p: a bare address does not tell in time that its peer is connected already.
    const duplicate = options.force === true ? undefined : this.getConnections(connection.remotePeer).find(({ id, remoteAddr }) => id !== connection.id && remoteAddr.endpoint === connection.remoteAddr.endpoint)
    if (duplicate !== undefined) {
      connection.abort(new SessionError('InvalidMultiaddrError', 'Duplicate multiaddr connection'))
      return duplicate
    }
    return connection
  }

  getConnections (peer?: SimPeerId): SimConnection[] {
    const connections = [...this.#connections.keys()]
    return peer === undefined ? connections : connections.filter(({ remotePeer }) => remotePeer.equals(peer))
  }

  async handle (protocol: string, handler: StreamHandler, options: { maxInboundStreams?: number, maxOutboundStreams?: number } = {}): Promise<void> {
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
    this.#monitor.stop()
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
      this.#fabric.release(channel.socket.connection)
    }
    this.emit('connection:close', { detail: connection })
    if (this.getConnections(connection.remotePeer).length === 0) {
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
    return await settled<SimConnection>(signal, (resolve, reject) => {
      const channel = this.#fabric.dialled(socket, this.#outgoingAddress(socket), opened => new Upgrade(opened, true, this.peerId.toString(), {
        onUpgraded: identity => {
          const remotePeer = new SimPeerId(identity)
          if (peer !== undefined && !peer.equals(remotePeer)) {
            reject(new SessionError('UnexpectedPeerError', `Payload identity key ${identity} does not match expected remote identity key ${peer.toString()}`))
            return
          }
          resolve(this.#open(channel, remotePeer, new SimMultiaddr(`${address.endpoint}/p2p/${identity}`), 'outbound'))
        },
        onFailed: reject
      }))
      this.#upgrading.add(channel)
      return () => this.#giveUp(channel)
    })
  }

  #accept (socket: TcpSocket): void {
    const channel = this.#fabric.accepted(socket, (opened, diallerAddress) => new Upgrade(opened, false, this.peerId.toString(), {
      onUpgraded: identity => {
        timer.cancel()
        this.#open(opened, new SimPeerId(identity), new SimMultiaddr(`${diallerAddress.endpoint}/p2p/${identity}`), 'inbound')
      },
      onFailed: () => {
        timer.cancel()
        this.#giveUp(opened)
      }
    }))
    if (channel === undefined) {
      socket.abort()
      return
    }
    this.#upgrading.add(channel)
    const timer = this.#fabric.clock.setTimeout(() => this.#giveUp(channel), INBOUND_UPGRADE_TIMEOUT_MS)
  }

  /** Ends a connection in the making. One that has become a connection is left alone. */
  #giveUp (channel: Channel): void {
    if (this.#upgrading.delete(channel)) {
      this.#fabric.release(channel.socket.connection)
      channel.socket.handler = null
      channel.socket.abort()
    }
  }

  #open (channel: Channel, remotePeer: SimPeerId, remoteAddr: SimMultiaddr, direction: Direction): SimConnection {
    this.#upgrading.delete(channel)
    const first = this.getConnections(remotePeer).length === 0
    const connection = new SimConnection(channel, this.#fabric.clock, this, {
      id: `${this.peerId.toString()}-${channel.socket.connection}`, remotePeer, remoteAddr, direction
    })
    this.#connections.set(connection, channel)
    this.emit('connection:open', { detail: connection })
    if (first) {
      this.emit('peer:connect', { detail: remotePeer })
    }
    return connection
  }

  /** Each connection leaves from a port of its own, never the one that is listened on. */
  #outgoingAddress ({ connection }: TcpSocket): SimMultiaddr {
    const host = this.#address.endpoint.slice(0, this.#address.endpoint.lastIndexOf('/'))
    return new SimMultiaddr(`${host}/${FIRST_EPHEMERAL_PORT + connection % (65_536 - FIRST_EPHEMERAL_PORT)}`)
  }
}
