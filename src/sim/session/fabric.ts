import type { Clock } from '../../core/clock.ts'
import type { Kernel } from '../kernel.ts'
import type { NodeId } from '../network.ts'
import type { TcpSocket } from '../tcp/socket.ts'
import type { ChannelHandler } from './channel.ts'
import { Channel, MessageQueue } from './channel.ts'
import type { SimMultiaddr } from './identity.ts'

/** Where packets for an address go. */
export interface Endpoint {
  readonly node: NodeId
  readonly port: number
}

interface Content {
  readonly toListener: MessageQueue
  readonly toDialler: MessageQueue
  /** What the listener sees as the remote address. */
  readonly diallerAddress: SimMultiaddr
  ends: number
}

/**
 * What the sessions of one simulation share: the clock, where each address leads, and the content of every TCP
 * connection, which travels beside the packets.
 */
export class Fabric {
  readonly kernel: Kernel
  readonly clock: Clock
  readonly #resolve: (endpoint: string) => Endpoint | undefined
  readonly #contents = new Map<number, Content>()
  readonly #onActivity: () => void

  constructor (kernel: Kernel, clock: Clock, resolve: (endpoint: string) => Endpoint | undefined) {
    this.kernel = kernel
    this.clock = clock
    this.#resolve = resolve
    this.#onActivity = () => kernel.wake()
  }

  /** Undefined where nobody has that address. */
  resolve (endpoint: string): Endpoint | undefined {
    return this.#resolve(endpoint)
  }

  /** The dialler's end of a new connection. */
  dialled (socket: TcpSocket, diallerAddress: SimMultiaddr, handlerOf: (channel: Channel) => ChannelHandler): Channel {
    const content = { toListener: new MessageQueue(), toDialler: new MessageQueue(), diallerAddress, ends: 1 }
    this.#contents.set(socket.connection, content)
    return new Channel(socket, { outgoing: content.toListener, incoming: content.toDialler }, handlerOf, this.#onActivity)
  }

  /** The listener's end; undefined where the dialler has given up in the meantime. */
  accepted (socket: TcpSocket, handlerOf: (channel: Channel, diallerAddress: SimMultiaddr) => ChannelHandler): Channel | undefined {
    const content = this.#contents.get(socket.connection)
    if (content === undefined) {
      return undefined
    }
    content.ends++
    return new Channel(socket, { outgoing: content.toDialler, incoming: content.toListener }, channel => handlerOf(channel, content.diallerAddress), this.#onActivity)
  }

  /** Connections whose content is kept: both ends open, or one of them. */
  get connectionCount (): number {
    return this.#contents.size
  }

  /** One end is done with the connection; its content is freed when both are, or when nobody has accepted it. */
  release (connection: number): void {
    const content = this.#contents.get(connection)
    if (content !== undefined && --content.ends === 0) {
      this.#contents.delete(connection)
    }
  }
}
