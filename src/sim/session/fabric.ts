import type { Clock } from '../../core/clock.ts'
import type { Kernel } from '../kernel.ts'
import type { NodeId } from '../network.ts'
import { ConnectionContents } from '../tcp/connection-contents.ts'
import type { TcpSocket } from '../tcp/socket.ts'
import type { ChannelHandler } from './channel.ts'
import { Channel, MessageQueue } from './channel.ts'
import type { SimMultiaddr } from './identity.ts'

/** Where packets for an address go. */
export interface Endpoint {
  readonly node: NodeId
  readonly port: number
}

/** Where an address leads who dials it from `from`; undefined where nobody has it. */
export type Resolve = (address: SimMultiaddr, from: NodeId) => Endpoint | undefined

/**
 * What the sessions of one simulation share: the clock, where each address leads, and the content of every TCP
 * connection, which travels beside the packets.
 */
export class Fabric {
  readonly kernel: Kernel
  readonly clock: Clock
  readonly resolve: Resolve
  readonly #contents = new ConnectionContents<MessageQueue, SimMultiaddr>(() => new MessageQueue())
  readonly #onActivity: () => void

  constructor (kernel: Kernel, clock: Clock, resolve: Resolve) {
    this.kernel = kernel
    this.clock = clock
    this.resolve = resolve
    this.#onActivity = () => kernel.wake()
  }

  /** The dialler's end of a new connection; the listener sees `diallerAddress` as the remote address. */
  dialled (socket: TcpSocket, diallerAddress: SimMultiaddr, handlerOf: (channel: Channel) => ChannelHandler): Channel {
    return new Channel(socket, this.#contents.dialled(socket.connection, diallerAddress), handlerOf, this.#onActivity)
  }

  /** The listener's end; undefined where the dialler has given up in the meantime. */
  accepted (socket: TcpSocket, handlerOf: (channel: Channel, diallerAddress: SimMultiaddr) => ChannelHandler): Channel | undefined {
    const content = this.#contents.accepted(socket.connection)
    return content && new Channel(socket, content, channel => handlerOf(channel, content.dialler), this.#onActivity)
  }

  /** Connections whose content is kept: both ends open, or one of them. */
  get connectionCount (): number {
    return this.#contents.size
  }

  /** One end is done with the connection. */
  release (connection: number): void {
    this.#contents.release(connection)
  }
}
