import type { RandomStream } from '../../core/random.ts'
import type { TcpHost } from '../tcp/host.ts'
import type { TcpSocket } from '../tcp/socket.ts'
import type { ConnectionOwner, StreamHandler } from './connection.ts'
import type { Fabric } from './fabric.ts'
import { ConnectionMonitor, PING_PROTOCOL, servePing } from './connection-monitor.ts'
import { DEFAULT_MAX_INBOUND_STREAMS, DEFAULT_MAX_OUTBOUND_STREAMS, SimConnection } from './connection.ts'
import { DialQueue } from './dial-queue.ts'
import { Emitter } from './emitter.ts'
import { abortReason, SessionError } from './errors.ts'
import { SimMultiaddr, SimPeerId } from './identity.ts'
import { SimPeerStore } from './peer-store.ts'
import { Upgrade } from './upgrade.ts'

// libp2p 3.3, connection-manager/constants.defaults.ts.
const INBOUND_UPGRADE_TIMEOUT_MS = 10_000

interface NodeEvents {
  'connection:open': { readonly detail: SimConnection }
  'connection:close': { readonly detail: SimConnection }
  'peer:connect': { readonly detail: SimPeerId }
  'peer:disconnect': { readonly detail: SimPeerId }
}

export interface SimNodeInit {
  readonly name: string
  readonly tcp: TcpHost
  /** An address of its own, which others see as the remote address of what it dials. */
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
  readonly #protocols = new Map<string, { handler: StreamHandler, maxInboundStreams: number, maxOutboundStreams: number }>()
  readonly #connections = new Set<SimConnection>()
  readonly #dialQueue: DialQueue
  readonly #monitor: ConnectionMonitor

  constructor (fabric: Fabric, { name, tcp, address, random }: SimNodeInit) {
    super()
    this.peerId = new SimPeerId(name)
    this.#fabric = fabric
    this.#tcp = tcp
    this.#address = address
    this.#dialQueue = new DialQueue(fabric.clock, async (target, peer, signal) => await this.#dialAddress(target, peer, signal))
    this.#monitor = new ConnectionMonitor(fabric.clock, random.fork('connection-monitor'), () => [...this.#connections])
    this.#protocols.set(PING_PROTOCOL, { handler: servePing, maxInboundStreams: 2, maxOutboundStreams: 1 })
    this.#monitor.start()
  }

  /** Accepts connections at a port. */
  listen (port: number): void {
    this.#tcp.listen(port, socket => this.#accept(socket))
  }

  /**
   * @throws NoValidAddressesError, DialError, TimeoutError, ConnectionRefusedError, an AggregateError of those, or the
   * signal's reason
   */
  async dial (target: SimPeerId | SimMultiaddr | SimMultiaddr[], options: { signal?: AbortSignal, force?: boolean } = {}): Promise<SimConnection> {
    const { peer, addresses } = await this.#target(target)
    if (peer?.equals(this.peerId) === true) {
      throw new SessionError('DialError', 'Tried to dial self')
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
    // As in libp2p: a bare address does not tell in time that its peer is connected already.
    const duplicate = options.force === true ? undefined : this.getConnections(connection.remotePeer).find(({ id, remoteAddr }) => id !== connection.id && remoteAddr.endpoint === connection.remoteAddr.endpoint)
    if (duplicate !== undefined) {
      connection.abort(new SessionError('DialError', 'Duplicate multiaddr connection'))
      return duplicate
    }
    return connection
  }

  getConnections (peer?: SimPeerId): SimConnection[] {
    const connections = [...this.#connections]
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

  protocol (name: string): { handler: StreamHandler, maxInboundStreams: number, maxOutboundStreams: number } | undefined {
    return this.#protocols.get(name)
  }

  onConnectionClosed (connection: SimConnection): void {
    this.#connections.delete(connection)
    this.#fabric.release(connection.tcpConnection)
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
    const endpoint = this.#fabric.resolve(address.endpoint)
    if (endpoint === undefined) {
      throw new SessionError('DialError', `no route to ${address.toString()}`)
    }
    const socket = this.#tcp.connect(endpoint.node, endpoint.port)
    return await new Promise<SimConnection>((resolve, reject) => {
      const fail = (error: Error): void => {
        signal.removeEventListener('abort', onAbort)
        this.#fabric.release(socket.connection)
        socket.handler = null
        socket.abort()
        reject(error)
      }
      const onAbort = (): void => fail(abortReason(signal))
      signal.addEventListener('abort', onAbort, { once: true })
      const channel = this.#fabric.dialled(socket, opened => new Upgrade(opened, true, this.peerId.toString(), {
        onUpgraded: identity => {
          const remotePeer = new SimPeerId(identity)
          if (peer !== undefined && !peer.equals(remotePeer)) {
            fail(new SessionError('UnexpectedPeerError', `Payload identity key ${identity} does not match expected remote identity key ${peer.toString()}`))
            return
          }
          signal.removeEventListener('abort', onAbort)
          const connection = new SimConnection(channel, this.#fabric.clock, this, {
            id: `${this.peerId.toString()}-${socket.connection}`, remotePeer, remoteAddr: new SimMultiaddr(`${address.endpoint}/p2p/${identity}`), direction: 'outbound'
          })
          this.#onConnectionOpen(connection)
          resolve(connection)
        },
        onFailed: fail
      }))
    })
  }

  #accept (socket: TcpSocket): void {
    const timer = this.#fabric.clock.setTimeout(() => socket.abort(), INBOUND_UPGRADE_TIMEOUT_MS)
    const channel = this.#fabric.accepted(socket, opened => new Upgrade(opened, false, this.peerId.toString(), {
      onUpgraded: identity => {
        timer.cancel()
        const connection = new SimConnection(channel, this.#fabric.clock, this, {
          id: `${this.peerId.toString()}-${socket.connection}`, remotePeer: new SimPeerId(identity), remoteAddr: this.#address, direction: 'inbound'
        })
        this.#onConnectionOpen(connection)
      },
      onFailed: () => {
        timer.cancel()
        this.#fabric.release(socket.connection)
        socket.handler = null
        socket.abort()
      }
    }))
  }

  #onConnectionOpen (connection: SimConnection): void {
    const first = this.getConnections(connection.remotePeer).length === 0
    this.#connections.add(connection)
    this.emit('connection:open', { detail: connection })
    if (first) {
      this.emit('peer:connect', { detail: connection.remotePeer })
    }
  }
}
