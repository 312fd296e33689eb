import type { PeerId } from '@libp2p/interface'
import type { Kernel } from '../../sim/kernel.ts'
import type { NodeId } from '../../sim/network.ts'
import { ByteQueue } from '../../sim/session/byte-queue.ts'
import type { Endpoint } from '../../sim/session/fabric.ts'
import { ConnectionContents } from '../../sim/tcp/connection-contents.ts'
import type { TcpSocket } from '../../sim/tcp/socket.ts'
import { OpenPorts } from './open-ports.ts'
import { SimulatedSocket } from './simulated-socket.ts'

/** An address in the simulated network. */
export interface SocketAddress {
  /** `10.0.0.1` */
  readonly ip: string
  readonly port: number
}

/** What a listener is told of who dialled it. */
export interface Dialler {
  /** Where it dials from. */
  readonly from: SocketAddress
  /** The address that it dialled, which tells listeners at one port apart. */
  readonly to: SocketAddress
  /** Only where the two do without a handshake that would prove it. */
  readonly peerId: PeerId | undefined
}

export interface AcceptedSocket {
  readonly socket: SimulatedSocket
  readonly dialler: Dialler
}

export interface ByteNetworkInit {
  readonly kernel: Kernel
  readonly resolve: ByteNetwork['resolve']
  /** Called whenever something may have been scheduled. */
  readonly onActivity?: () => void
  /** Is told of all bytes that any end of a connection writes. */
  readonly onWrite?: (connection: number, bytes: Uint8Array) => void
}

/** What the hosts of one simulation share: where addresses lead, who listens, and the bytes of every connection. */
export class ByteNetwork {
  readonly kernel: Kernel
  /** Where packets go that are sent from a node to an address; undefined where nobody has it. */
  readonly resolve: (ip: string, port: number, from: NodeId) => Endpoint | undefined
  readonly openPorts = new OpenPorts()
  readonly #contents = new ConnectionContents<ByteQueue, Dialler>(() => new ByteQueue())
  readonly #onActivity: () => void
  readonly #onWrite: ByteNetworkInit['onWrite']

  constructor ({ kernel, resolve, onActivity = () => {}, onWrite = () => {} }: ByteNetworkInit) {
    this.kernel = kernel
    this.resolve = resolve
    this.#onWrite = onWrite
    this.#onActivity = () => {
      kernel.wake()
      onActivity()
    }
  }

  /** Connections whose content is kept: both ends open, or one of them. */
  get connectionCount (): number {
    return this.#contents.size
  }

  /** The dialling end of a connection that has been begun. */
  dialled (socket: TcpSocket, dialler: Dialler): SimulatedSocket {
    return this.#socket(socket, this.#contents.dialled(socket.connection, dialler))
  }

  /** The listening end; undefined where the dialler has given up in the meantime. */
  accepted (socket: TcpSocket): AcceptedSocket | undefined {
    const content = this.#contents.accepted(socket.connection)
    return content && { socket: this.#socket(socket, content), dialler: content.dialler }
  }

  #socket (socket: TcpSocket, { outgoing, incoming }: { readonly outgoing: ByteQueue, readonly incoming: ByteQueue }): SimulatedSocket {
    this.#onActivity()
    return new SimulatedSocket({ socket, outgoing, incoming, onActivity: this.#onActivity, onWrite: bytes => this.#onWrite?.(socket.connection, bytes), onReleased: () => this.#contents.release(socket.connection) })
  }
}
