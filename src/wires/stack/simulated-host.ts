import type { PeerId } from '@libp2p/interface'
import { TwinwireError } from '../../core/errors.ts'
import type { Listener, TcpHost } from '../../sim/tcp/host.ts'
import type { TcpSocket } from '../../sim/tcp/socket.ts'
import type { AcceptedSocket, ByteNetwork, SocketAddress } from './byte-network.ts'
import type { SimulatedSocket } from './simulated-socket.ts'

/** Of connections that a host begins, each from a port of its own. */
const FIRST_EPHEMERAL_PORT = 32_768
/** Where a host that asks for any port listens first. */
const FIRST_FREE_PORT = 10_000
const LAST_PORT = 65_535

/** Those of which a host says that they mean all addresses it has: there is one network, and no loopback beside it. */
const ALL_ADDRESSES: ReadonlySet<string> = new Set(['0.0.0.0', '127.0.0.1'])

export interface Listening {
  /** Where it listens: all of the host's addresses, or the one. */
  readonly addresses: readonly SocketAddress[]
  /** No more connections are taken; those that exist stay. */
  close(): void
}

type OnAccept = (accepted: AcceptedSocket) => void

interface Port {
  readonly listener: Listener
  /** By the address that is listened at. */
  readonly byAddress: Map<string, OnAccept>
}

/** A host of the simulated network as programs on it see it: addresses, ports and sockets. */
export class SimulatedHost {
  readonly network: ByteNetwork
  readonly ips: readonly string[]
  /** Who the node here is; set where peers do without a handshake that would prove it. */
  peerId: PeerId | undefined
  readonly #tcp: TcpHost
  readonly #ports = new Map<number, Port>()

  constructor (network: ByteNetwork, tcp: TcpHost, ips: readonly string[]) {
    this.network = network
    this.#tcp = tcp
    this.ips = ips
  }

  /**
   * @param address its port 0 asks for a free one; `0.0.0.0` and `127.0.0.1` mean all addresses of the host
   * @throws ERR_PORT_IN_USE; ERR_NO_ADDRESS where the host does not have the address
   */
  listen (address: SocketAddress, onAccept: OnAccept): Listening {
    const ips = ALL_ADDRESSES.has(address.ip) ? this.ips : [address.ip]
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
    return {
      addresses: ips.map(ip => ({ ip, port: number })),
      close: () => {
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
   * @throws ERR_NO_ADDRESS where nobody has the address; ERR_UNSUPPORTED for the host's own
   */
  connect (to: SocketAddress): SimulatedSocket {
    const endpoint = this.network.resolve(to.ip, to.port, this.#tcp.node)
    if (endpoint === undefined) {
      throw new TwinwireError('ERR_NO_ADDRESS', `no host has the address ${to.ip}`)
    }
    const socket = this.#tcp.connect(endpoint.node, endpoint.port)
    const from = { ip: this.ips[0], port: FIRST_EPHEMERAL_PORT + socket.connection % (LAST_PORT + 1 - FIRST_EPHEMERAL_PORT) }
    return this.network.dialled(socket, { from, to, peerId: this.peerId })
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
