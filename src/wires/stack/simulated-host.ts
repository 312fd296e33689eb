import type { PeerId } from '@libp2p/interface'
import { TwinwireError } from '../../core/errors.ts'
import type { Listener, TcpHost } from '../../sim/tcp/host.ts'
import type { TcpSocket } from '../../sim/tcp/socket.ts'
import type { AcceptedSocket, ByteNetwork, SocketAddress } from './byte-network.ts'
import type { OpenPort } from './open-ports.ts'
import type { SimulatedSocket } from './simulated-socket.ts'
import { connectError } from './connect-error.ts'

/** Of connections that a host begins, each from a port of its own. */
const FIRST_EPHEMERAL_PORT = 32_768
/** Where a host that asks for any port listens first. */
const FIRST_FREE_PORT = 10_000
const LAST_PORT = 65_535
/** In an error; a network may have thousands. */
const LISTED_HOSTS = 8

/**
 * Who listens there listens at all addresses that his host has: there is one network, and no loopback beside it. Who dials
 * them dials the one host of the network that has such a listener.
 */
const ALL_ADDRESSES: ReadonlySet<string> = new Set(['0.0.0.0', '127.0.0.1'])

export interface Listening {
  /** Where it listens: all of the host's addresses, or the one. */
  readonly addresses: readonly SocketAddress[]
  /** No more connections are taken; those that exist stay. */
  close(): void
}

type OnAccept = (accepted: AcceptedSocket) => void

export interface SocketUser {
  /** Who listens or dials; given where peers do without a handshake that would prove it. */
  readonly peerId?: PeerId | undefined
}

interface Port {
  readonly listener: Listener
  /** By the address that is listened at. */
  readonly byAddress: Map<string, OnAccept>
}

/** A host of the simulated network as programs on it see it: addresses, ports and sockets. */
export class SimulatedHost {
  /** @internal */
  readonly network: ByteNetwork
  /** Its addresses; what it dials is dialled from the first. */
  readonly ips: readonly string[]
  readonly #tcp: TcpHost
  readonly #ports = new Map<number, Port>()

  /** @internal */
  constructor (network: ByteNetwork, tcp: TcpHost, ips: readonly string[]) {
    this.network = network
    this.#tcp = tcp
    this.ips = ips
  }

  /**
   * @internal
   * @param address its port 0 asks for a free one; `0.0.0.0` and `127.0.0.1` mean all addresses of the host
   * @throws ERR_PORT_IN_USE; ERR_NO_ADDRESS where the host does not have the address
   */
  listen (address: SocketAddress, onAccept: OnAccept, { peerId }: SocketUser = {}): Listening {
    const everywhere = ALL_ADDRESSES.has(address.ip)
    const ips = everywhere ? this.ips : [address.ip]
    if (!ips.every(ip => this.ips.includes(ip))) {
      throw new TwinwireError('ERR_NO_ADDRESS', 'the host does not have this address', { expected: `one of ${this.ips.join(', ')}, 0.0.0.0`, found: address.ip })
    }
    const number = address.port === 0 ? this.#freePort() : address.port
    const port = this.#ports.get(number) ?? this.#open(number)
    const taken = ips.find(ip => port.byAddress.has(ip))
    if (taken !== undefined) {
      throw new TwinwireError('ERR_PORT_IN_USE', `somebody listens at ${taken}:${number}`)
    }
    ips.forEach(ip => port.byAddress.set(ip, onAccept))
    const entry: OpenPort = { node: this.#tcp.node, addresses: ips.map(ip => ({ ip, port: number })), everywhere, peerId }
    this.network.openPorts.add(entry)
    return {
      addresses: entry.addresses,
      close: () => {
        this.network.openPorts.remove(entry)
        ips.forEach(ip => port.byAddress.delete(ip))
        if (port.byAddress.size === 0) {
          port.listener.close()
          this.#ports.delete(number)
        }
      }
    }
  }

  /**
   * Begins to connect; the socket's events, to be set at once, tell how it went.
   *
   * @internal
   * @throws as Node's `net`: EHOSTUNREACH where nobody has the address, EADDRNOTAVAIL where it is the host's own or could be
   * several, ECONNREFUSED where nobody listens at an address that would mean any host; ERR_STOPPED
   */
  connect (address: SocketAddress, { peerId }: SocketUser = {}): SimulatedSocket {
    const to = this.locate(address)
    const endpoint = this.network.resolve(to.ip, to.port, this.#tcp.node)
    if (endpoint === undefined) {
      throw connectError('EHOSTUNREACH', to)
    }
    if (endpoint.node === this.#tcp.node) {
      throw connectError('EADDRNOTAVAIL', to, ': the address is the host\'s own, and simulated hosts do not connect to themselves')
    }
    const socket = this.#tcp.connect(endpoint.node, endpoint.port)
    const from = { ip: this.ips[0], port: FIRST_EPHEMERAL_PORT + socket.connection % (LAST_PORT + 1 - FIRST_EPHEMERAL_PORT) }
    return this.network.dialled(socket, { from, to, peerId })
  }

  /**
   * Who listens at an address of a host, where it was given as `peerId`.
   *
   * @internal
   */
  peerAt (to: SocketAddress): PeerId | undefined {
    const endpoint = this.network.resolve(to.ip, to.port, this.#tcp.node)
    return endpoint && this.network.openPorts.at(endpoint.node, to)?.peerId
  }

  /**
   * The address that connecting to this one would connect to: another only for those that mean any host.
   *
   * @internal
   * @throws as Node's `net`: ECONNREFUSED where it would be no host's, EADDRNOTAVAIL where it could be several hosts'
   */
  locate (address: SocketAddress): SocketAddress {
    if (!ALL_ADDRESSES.has(address.ip)) {
      return address
    }
    const found = this.network.openPorts.everywhere(address.port)
    if (found.length === 0) {
      throw connectError('ECONNREFUSED', address, ': no host of the simulated network listens there')
    }
    if (found.length > 1) {
      const listed = found.slice(0, LISTED_HOSTS).map(({ addresses: [{ ip, port }] }) => `${ip}:${port}`)
      throw connectError('EADDRNOTAVAIL', address, `: ${found.length} hosts of the simulated network listen there; dial one of ${listed.join(', ')}${found.length > LISTED_HOSTS ? ', ...' : ''}`)
    }
    return found[0].addresses[0]
  }

  #open (number: number): Port {
    const byAddress = new Map<string, OnAccept>()
    const port = { listener: this.#tcp.listen(number, socket => this.#accept(socket, byAddress)), byAddress }
    this.#ports.set(number, port)
    return port
  }

  #accept (socket: TcpSocket, byAddress: ReadonlyMap<string, OnAccept>): void {
    const accepted = this.network.accepted(socket)
    const onAccept = accepted && byAddress.get(accepted.dialler.to.ip)
    if (accepted === undefined || onAccept === undefined) {
      socket.abort()
    } else {
      onAccept(accepted)
    }
  }

  #freePort (): number {
    for (let number = FIRST_FREE_PORT; number < FIRST_EPHEMERAL_PORT; number++) {
      if (!this.#ports.has(number)) {
        return number
      }
    }
    throw new TwinwireError('ERR_PORT_IN_USE', 'the host has no free port')
  }
}
