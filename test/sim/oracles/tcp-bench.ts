import type { NodeId, PacketNetwork } from '../../../src/sim/network.ts'
import type { PacketId } from '../../../src/sim/packets.ts'
import { TcpHost } from '../../../src/sim/tcp/host.ts'
import type { TcpOptions } from '../../../src/sim/tcp/options.ts'
import type { TcpCloseReason, TcpSocket, TcpSocketHandler } from '../../../src/sim/tcp/socket.ts'
import { at } from '../packet-tools.ts'

const MS = 1e6
const PORT = 1

type Ending = 'close' | 'abort' | 'leave'

export interface Transfer {
  readonly bytes: number
  readonly replyBytes: number
  /** What the initiator does so long after it has written, and the acceptor once the other has closed. */
  readonly end: Ending
  readonly endAfterMs: number
  readonly peerEnd: Ending
}

/** TCP hosts between which bytes go, and an account of it that is kept apart from theirs. */
export class TcpBench {
  readonly connections: Connection[] = []
  /** Packets that hosts sent and got, counted at the network's edge. */
  sent = 0
  received = 0
  /** Of each node, in their order. */
  readonly hosts: readonly TcpHost[]

  readonly #network: PacketNetwork
  readonly #nodes: readonly NodeId[]
  readonly #byNumber = new Map<number, Connection>()
  #stopped = false

  constructor (network: PacketNetwork, nodes: readonly NodeId[], options: (index: number) => Partial<TcpOptions>) {
    this.#network = network
    this.#nodes = nodes
    const send = network.send.bind(network)
    network.send = packet => {
      this.sent++
      send(packet)
    }
    this.hosts = nodes.map((node, index) => {
      const host = new TcpHost(network, node, options(index))
      host.listen(PORT, socket => this.#byNumber.get(socket.connection)?.accept(socket))
      network.setReceiver(node, { receive: packet => this.#receive(node, host, packet) })
      return host
    })
  }

  get socketCount (): number {
    return this.hosts.reduce((sum, host) => sum + host.socketCount, 0)
  }

  transfer (from: number, to: number, transfer: Transfer): void {
    if (this.#stopped) {
      return
    }
    const socket = this.hosts[from].connect(this.#nodes[to], PORT)
    const connection = new Connection(this.#network, transfer, socket, this.#nodes[from])
    this.connections.push(connection)
    this.#byNumber.set(socket.connection, connection)
  }

  stop (): void {
    this.#stopped = true
    this.hosts.forEach(host => host.stop())
  }

  #receive (node: NodeId, host: TcpHost, packet: PacketId): void {
    this.received++
    const connection = this.#byNumber.get(this.#network.packets.connection[packet])
    connection?.note(node, packet)
    host.receive(packet)
    connection?.check()
  }
}

/** One connection: what was written, what came, and what the ends say of it. */
export class Connection {
  readonly initiator: End
  readonly acceptor: End
  readonly #transfer: Transfer
  readonly #network: PacketNetwork
  readonly #from: NodeId

  constructor (network: PacketNetwork, transfer: Transfer, socket: TcpSocket, from: NodeId) {
    this.#network = network
    this.#transfer = transfer
    this.#from = from
    this.initiator = new End(end => this.#finish(end, transfer.end === 'leave' ? 'leave' : 'close'))
    this.acceptor = new End(end => this.#finish(end, transfer.peerEnd))
    this.initiator.take(socket, transfer.bytes)
    at(network, network.kernel.nowNs + transfer.endAfterMs * MS, () => this.#finish(this.initiator, transfer.end))
  }

  accept (socket: TcpSocket): void {
    this.acceptor.take(socket, this.#transfer.replyBytes)
  }

  /** A packet of this connection is about to be handed to a node's host. */
  note (node: NodeId, packet: PacketId): void {
    const { sequence, length } = this.#network.packets
    const end = node === this.#from ? this.initiator : this.acceptor
    end.noteArrival(sequence[packet], sequence[packet] + length[packet])
  }

  /**
   * Bytes are told once each and in order: an end never told of more than the unbroken run of what reached it, which is
   * never more than was written; and no sender takes for arrived what was not told.
   *
   * @throws where one of these does not hold
   */
  check (): void {
    for (const [end, other] of [[this.initiator, this.acceptor], [this.acceptor, this.initiator]]) {
      const { told, arrivedTo, socket } = end
      const orderly = told === (socket?.deliveredBytes ?? 0) && told <= arrivedTo && arrivedTo <= other.written &&
        (other.socket?.acknowledgedBytes ?? 0) <= told
      if (!orderly) {
        throw new Error(`told ${told} of ${arrivedTo} that came of ${other.written} written, ${other.socket?.acknowledgedBytes} of them acknowledged`)
      }
    }
  }

  #finish (end: End, how: Ending): void {
    if (how !== 'leave') {
      end.socket?.[how]()
    }
  }
}

/** One end of a connection; the acceptor's has no socket before the handshake is over. */
export class End implements TcpSocketHandler {
  socket: TcpSocket | undefined
  written = 0
  /** By `onData`. */
  told = 0
  closed: TcpCloseReason | undefined
  /** Everything below has reached the host, counted from 0. */
  arrivedTo = 0
  #beyond: Array<readonly [start: number, end: number]> = []
  readonly #onRemoteClose: (end: End) => void

  constructor (onRemoteClose: (end: End) => void) {
    this.#onRemoteClose = onRemoteClose
  }

  take (socket: TcpSocket, bytes: number): void {
    this.socket = socket
    socket.handler = this
    socket.write(bytes)
    this.written = bytes
  }

  noteArrival (startSequence: number, endSequence: number): void {
    // The first byte has sequence number 1.
    this.#beyond.push([startSequence - 1, endSequence - 1])
    for (let before = -1; before !== this.arrivedTo;) {
      before = this.arrivedTo
      for (const [start, end] of this.#beyond) {
        if (start <= this.arrivedTo && end > this.arrivedTo) {
          this.arrivedTo = end
        }
      }
    }
    this.#beyond = this.#beyond.filter(([, end]) => end > this.arrivedTo)
  }

  onConnected (): void {
    this.#expectOpen()
  }

  onData (byteCount: number): void {
    this.#expectOpen()
    this.told += byteCount
  }

  onRemoteClose (): void {
    this.#expectOpen()
    this.#onRemoteClose(this)
  }

  onClosed (reason: TcpCloseReason): void {
    this.#expectOpen()
    this.closed = reason
  }

  /** @throws after the last call that there is to be */
  #expectOpen (): void {
    if (this.closed !== undefined) {
      throw new Error('something was reported after the end')
    }
  }
}
