import { TwinwireError } from '../../core/errors.ts'
import { FLAG_ACK, FLAG_FIN, FLAG_RST, FLAG_SYN } from '../packets.ts'
import type { PacketId } from '../packets.ts'
import type { SegmentNetwork } from './events.ts'
import { tcpOptions } from './options.ts'
import type { TcpOptions } from './options.ts'
import { BacklogHandler } from './processor.ts'
import type { Processor } from './processor.ts'
import { allocateReset, allocateSegment } from './segment.ts'
import { TcpSocket } from './socket.ts'
import type { SocketOwner, SocketWiring, TcpCloseReason } from './socket.ts'
import { TimeWait } from './time-wait.ts'

/** A port that takes connections. */
export interface Listener {
  /** No more are taken. Those that exist stay; half-open ones are reset when their handshake completes. */
  close(): void
}

/** TCP of one node: takes the node's packets, gives them to the connections, and answers those that belong to none. */
export class TcpHost implements SocketOwner {
  readonly #network: SegmentNetwork
  readonly #node: number
  readonly #options: Readonly<TcpOptions>
  readonly #processor: Processor | undefined
  readonly #sockets = new Map<number, TcpSocket>()
  readonly #listeners = new Map<number, (socket: TcpSocket) => void>()
  /** Whom the latest packet was for: mostly the next is for it, too. */
  #latest: TcpSocket | undefined
  #timeWait: TimeWait | undefined
  #stopped = false

  /**
   * @param processor what programs on the host compute with; absent: in no time
   * @throws ERR_INVALID_OPTION, ERR_UNKNOWN_OPTION
   */
  constructor (network: SegmentNetwork, node: number, options: Partial<TcpOptions> = {}, processor?: Processor) {
    this.#network = network
    this.#node = node
    this.#options = tcpOptions(options)
    this.#processor = processor
    network.setReceiver(node, this)
  }

  /** The network's node that it is at. */
  get node (): number {
    return this.#node
  }

  /** Connections at this host, half-open ones included. */
  get socketCount (): number {
    return this.#sockets.size
  }

  /**
   * `onAccept` gets each new connection once its handshake is complete, inside a kernel event; it sets the handler
   * before it returns, for data may follow at once.
   *
   * @throws ERR_PORT_IN_USE, ERR_STOPPED
   */
  listen (port: number, onAccept: (socket: TcpSocket) => void): Listener {
    this.#assertRunning()
    if (this.#listeners.has(port)) {
      throw new TwinwireError('ERR_PORT_IN_USE', `port ${port} is taken`)
    }
    this.#listeners.set(port, onAccept)
    return {
      close: () => {
        if (this.#listeners.get(port) === onAccept) {
          this.#listeners.delete(port)
        }
      }
    }
  }

  /**
   * Begins to connect; the socket's handler, to be set at once, learns how it went. A node does not connect to itself.
   *
   * @throws ERR_STOPPED, ERR_UNSUPPORTED
   */
  connect (destinationNode: number, port: number): TcpSocket {
    this.#assertRunning()
    if (destinationNode === this.#node) {
      throw new TwinwireError('ERR_UNSUPPORTED', 'a node does not connect to itself')
    }
    return this.#add(destinationNode, port, this.#network.openConnection(), 'initiator')
  }

  /** The network cuts every connection with another node, those in the making included: this end is told at once. */
  resetConnectionsTo (remoteNode: number): void {
    for (const socket of this.#sockets.values()) {
      if (socket.remoteNode === remoteNode) {
        socket.reset()
      }
    }
  }

  /** Aborts every connection and closes every port. Packets that still arrive are thrown away. */
  stop (): void {
    if (this.#stopped) {
      return
    }
    this.#stopped = true
    this.#listeners.clear()
    for (const socket of this.#sockets.values()) {
      socket.abort()
    }
  }

  /** For the network: a packet for this node arrived. */
  receive (id: PacketId): void {
    const { packets } = this.#network
    const connection = packets.connection[id]
    const latest = this.#latest
    const socket = latest !== undefined && latest.connection === connection ? latest : this.#latest = this.#sockets.get(connection)
    if (socket !== undefined) {
      socket.receive(id)
    } else if (!this.#stopped) {
      this.#receiveStray(id)
    }
    packets.release(id)
  }

  socketEstablished (socket: TcpSocket): void {
    const onAccept = this.#listeners.get(socket.port)
    if (onAccept === undefined) {
      socket.abort()
    } else if (this.#processor?.frozen === true) {
      this.#acceptLater(socket, onAccept, this.#processor)
    } else {
      onAccept(socket)
    }
  }

  socketClosed (socket: TcpSocket, reason: TcpCloseReason): void {
    this.#sockets.delete(socket.connection)
    this.#latest = undefined
    if (reason === 'closed') {
      this.#timeWait ??= new TimeWait()
      this.#timeWait.remember(socket.connection, socket.nextSequence, socket.expectedSequence, socket.offeredBytes)
    }
  }

  /** The kernel has made the connection; the program learns of it when it is there again. */
  #acceptLater (socket: TcpSocket, onAccept: (socket: TcpSocket) => void, processor: Processor): void {
    const backlog = new BacklogHandler(socket)
    processor.process(0, () => {
      if (!backlog.closed) {
        onAccept(socket)
        if (socket.handler !== null) {
          backlog.replay(socket.handler)
        }
      }
    })
  }

  #add (remoteNode: number, port: number, connection: number, role: SocketWiring['role']): TcpSocket {
    const socket = new TcpSocket({
      network: this.#network, options: this.#options, owner: this, processor: this.#processor, localNode: this.#node, remoteNode, port, connection, role
    })
    this.#sockets.set(connection, socket)
    return socket
  }

  /** RFC 9293 3.10.7.1 and 3.10.7.2. */
  #receiveStray (id: PacketId): void {
    const { packets, kernel } = this.#network
    const flags = packets.flags[id]
    const port = packets.port[id]
    const connection = packets.connection[id]
    const ends = { localNode: this.#node, remoteNode: packets.source[id], connection, port }
    if ((flags & FLAG_RST) !== 0) {
      return
    }
    if ((flags & (FLAG_SYN | FLAG_ACK)) === FLAG_SYN && this.#listeners.has(port)) {
      this.#add(ends.remoteNode, port, connection, 'acceptor').receive(id)
      return
    }
    const entry = this.#timeWait?.find(connection) ?? -1
    if (entry < 0 || this.#timeWait === undefined) {
      // What bears no acknowledgement is a SYN, which counts for one in its sequence.
      const reset = (flags & FLAG_ACK) === 0
        ? allocateReset(packets, ends, FLAG_ACK, 0, packets.sequence[id] + 1)
        : allocateReset(packets, ends, 0, packets.acknowledgement[id], 0)
      this.#network.send(reset)
    } else if (packets.length[id] > 0 || (flags & FLAG_FIN) !== 0) {
      const answer = allocateSegment(packets, ends, 0, this.#timeWait.sequence(entry), 0, kernel.nowNs)
      packets.acknowledgement[answer] = this.#timeWait.acknowledgement(entry)
      packets.window[answer] = this.#timeWait.windowBytes(entry)
      packets.timestampEcho[answer] = packets.timestamp[id]
      this.#network.send(answer)
    }
  }

  #assertRunning (): void {
    if (this.#stopped) {
      throw new TwinwireError('ERR_STOPPED', 'the host is stopped')
    }
  }
}
