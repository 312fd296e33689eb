import { AbortError, serviceCapabilities, UnexpectedPeerError, transportSymbol } from '@libp2p/interface'
import type { ComponentLogger, Connection, CreateListenerOptions, DialTransportOptions, Listener, Logger, PeerId, StreamMuxerFactory, Transport, Upgrader } from '@libp2p/interface'
import { peerIdFromString } from '@libp2p/peer-id'
import type { Multiaddr } from '@multiformats/multiaddr'
import { TwinwireError } from '../../core/errors.ts'
import type { AcceptedSocket } from './byte-network.ts'
import { SimulatedConnection } from './simulated-connection.ts'
import type { SimulatedHost } from './simulated-host.ts'
import { SimulatedListener } from './simulated-listener.ts'
import type { SimulatedSocket } from './simulated-socket.ts'
import { isSimulated, socketAddress } from './socket-address.ts'
import { socketError } from '../../sim/tcp/socket-error.ts'

/** How the transport behaves. */
export interface SimulatedTcpOptions {
  /** Of connections that were accepted, ms: aborted when nothing was sent or received for so long. 0: never. As @libp2p/tcp: 120,000. */
  readonly inboundSocketInactivityTimeout?: number | undefined
  /** The same of those that were dialled. */
  readonly outboundSocketInactivityTimeout?: number | undefined
  /**
   * `skipped`: connections are neither secured nor is a muxer negotiated (both ends take the first that is configured), and
   * a dial takes one round trip instead of three. For networks so large that cryptography takes most of the time. All nodes
   * of a network must do the same. Default: `real`.
   */
  readonly handshake?: 'real' | 'skipped' | undefined
}

interface Dialled {
  readonly socket: SimulatedSocket
  /** Who listened there when it was begun, which a handshake would tell. */
  readonly peerId: PeerId | undefined
}

/** What libp2p hands to its transports. */
export interface SimulatedTcpComponents {
  readonly peerId: PeerId
  readonly logger: ComponentLogger
}

// @libp2p/tcp 11, socket-to-conn.ts.
const INACTIVITY_TIMEOUT_MS = 120_000

/** A libp2p transport for a node at a simulated host: TCP over the simulator's network instead of the kernel's. */
export class SimulatedTcp implements Transport {
  readonly [transportSymbol] = true
  readonly [Symbol.toStringTag] = '@twinwire/simulated-tcp'
  readonly [serviceCapabilities]: string[] = ['@libp2p/transport']
  readonly #host: SimulatedHost
  readonly #components: SimulatedTcpComponents
  readonly #options: SimulatedTcpOptions
  readonly #log: Logger

  constructor (host: SimulatedHost, components: SimulatedTcpComponents, options: SimulatedTcpOptions = {}) {
    this.#host = host
    this.#components = components
    this.#options = options
    this.#log = components.logger.forComponent('libp2p:twinwire:simulated-tcp')
  }

  async dial (address: Multiaddr, options: DialTransportOptions): Promise<Connection> {
    const { socket, peerId } = await this.#connect(address, options.signal)
    const connection = new SimulatedConnection({
      socket,
      remoteAddr: address,
      direction: 'outbound',
      log: this.#log.newScope('connection'),
      inactivityTimeoutMs: this.#options.outboundSocketInactivityTimeout ?? INACTIVITY_TIMEOUT_MS
    })
    try {
      const { upgrader } = options
      return this.#options.handshake === 'skipped'
        ? await upgrader.upgradeOutbound(connection, { ...options, ...withoutHandshake(upgrader, this.#expect(peerOf(address), peerId)) })
        : await upgrader.upgradeOutbound(connection, options)
    } catch (error) {
      connection.abort(error as Error)
      throw error
    }
  }

  createListener ({ upgrader }: CreateListenerOptions): Listener {
    return new SimulatedListener({
      host: this.#host,
      peerId: this.#claimedPeerId,
      logger: this.#components.logger,
      inactivityTimeoutMs: this.#options.inboundSocketInactivityTimeout ?? INACTIVITY_TIMEOUT_MS,
      upgrade: async (connection, accepted, signal) => await this.#upgradeInbound(upgrader, connection, accepted, signal)
    })
  }

  listenFilter (addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter(isSimulated)
  }

  dialFilter (addresses: Multiaddr[]): Multiaddr[] {
    return addresses.filter(isSimulated)
  }

  /** Who this node says that it is, where nothing proves it. */
  get #claimedPeerId (): PeerId | undefined {
    return this.#options.handshake === 'skipped' ? this.#components.peerId : undefined
  }

  /** @throws UnexpectedPeerError where somebody else was expected */
  #expect (expected: PeerId | undefined, found: PeerId | undefined): PeerId | undefined {
    if (found !== undefined && expected?.equals(found) === false) {
      throw new UnexpectedPeerError(`dialled ${expected.toString()}, found ${found.toString()}`)
    }
    return found
  }

  async #upgradeInbound (upgrader: Upgrader, connection: SimulatedConnection, { dialler: { peerId } }: AcceptedSocket, signal: AbortSignal): Promise<void> {
    await (this.#options.handshake === 'skipped'
      ? upgrader.upgradeInbound(connection, { signal, ...withoutHandshake(upgrader, peerId) })
      : upgrader.upgradeInbound(connection, { signal }))
  }

  async #connect (address: Multiaddr, signal: AbortSignal): Promise<Dialled> {
    signal.throwIfAborted()
    this.#log('dialing %a', address)
    const asked = socketAddress(address)
    try {
      const to = this.#host.locate(asked)
      const socket = this.#host.connect(to, { peerId: this.#claimedPeerId })
      // Before it takes time, in which the listener may go away.
      const peerId = this.#host.peerAt(to)
      await connected(socket, signal)
      return { socket, peerId }
    } catch (error) {
      // As @libp2p/tcp words it.
      throw error instanceof AbortError ? error : Object.assign(error as Error, { message: `connection error ${asked.ip}:${asked.port}: ${(error as Error).message}` })
    }
  }
}

/** @throws what the connection ended with instead, AbortError for the signal */
async function connected (socket: SimulatedSocket, signal: AbortSignal): Promise<void> {
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  const onAbort = (): void => {
    socket.abort()
    reject(new AbortError())
  }
  socket.events = {
    onConnect: resolve,
    // What comes before the handler of the connection is there comes in the instant in which it was connected: nothing can.
    onData: () => { throw new Error('data before the connection was made') },
    onDrain: () => {},
    onEnd: () => {},
    onClose: reason => reject(reason === 'closed' ? new AbortError() : socketError(reason, 'connect'))
  }
  signal.addEventListener('abort', onAbort, { once: true })
  try {
    await promise
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}

interface WithoutHandshake {
  readonly skipEncryption: true
  readonly skipProtection: true
  readonly remotePeer: PeerId
  readonly muxerFactory: StreamMuxerFactory
}

function withoutHandshake (upgrader: Upgrader, remotePeer: PeerId | undefined): WithoutHandshake {
  const muxerFactory = upgrader.getStreamMuxers().values().next().value
  if (remotePeer === undefined || muxerFactory === undefined) {
    throw new TwinwireError('ERR_INVALID_OPTION', 'the handshake cannot be skipped', {
      path: 'handshake', expected: 'a muxer, and the same option at both ends', found: muxerFactory === undefined ? 'no muxer' : 'no peer'
    })
  }
  return { skipEncryption: true, skipProtection: true, remotePeer, muxerFactory }
}

function peerOf (address: Multiaddr): PeerId | undefined {
  const id = address.getComponents().findLast(({ name }) => name === 'p2p')?.value
  return id === undefined ? undefined : peerIdFromString(id)
}
