import type { LinkFault } from '../faults.ts'
import type { Link, LinkId, NodeId } from '../link.ts'
import type { PacketNetwork } from '../network.ts'
import { FLAG_SYN } from '../packets.ts'
import type { PacketId } from '../packets.ts'
import type { TcpCloseReason } from '../tcp/socket-handler.ts'
import type { TcpSocket } from '../tcp/socket.ts'
import type { ByteSink } from './byte-sink.ts'
import type { NodeLabels } from './nodes.ts'
import { NO_LINK } from './observer.ts'
import type { DropReason, NetworkObserver } from './observer.ts'
import { TraceEventWriter } from './trace-events.ts'
import type { TraceArguments } from './trace-events.ts'

const CATEGORY = 'tcp'
/** One end of a connection, as far as it was told. */
interface Track {
  readonly id: string
  readonly pid: number
  readonly name: string
  readonly counters: Map<string, number>
  phase: string
  syns: number
  retransmitted: number
  timeouts: number
}

/**
 * A run as a timeline for Perfetto (ui.perfetto.dev) or chrome://tracing. Nodes are processes. Each end of a connection is
 * a slice from its first SYN until it is closed, in which its phases lie (handshake, slow start, congestion avoidance,
 * recovery, loss; `open` for a controller that has no slow start threshold) and instants for what it sends again and its
 * timeouts; counters show its window, what it has in flight and its round trip, and the queues of links that serialise.
 * Drops, faults and changes of rate are instants of the node at which the link begins.
 */
export class Timeline implements NetworkObserver {
  readonly #network: PacketNetwork
  readonly #labels: NodeLabels
  readonly #writer: TraceEventWriter
  readonly #tracks = new Map<TcpSocket, Track>()
  /** The same, for packets: by connection, that of the initiator and that of the acceptor. */
  readonly #byConnection = new Map<number, Track[]>()
  readonly #named = new Set<NodeId>()
  /** By link: what was last said of its queue. */
  readonly #queues: number[] = []

  constructor (network: PacketNetwork, sink: ByteSink, labels: NodeLabels) {
    this.#network = network
    this.#labels = labels
    this.#writer = new TraceEventWriter(sink)
  }

  /** Ends what is under way, and hands what is left to the sink. */
  finish (): void {
    for (const track of this.#tracks.values()) {
      this.#slice('e', track, track.phase)
      this.#slice('e', track, track.name, { reason: 'open at the end of the run' })
    }
    this.#tracks.clear()
    this.#writer.finish()
  }

  onSend (packet: PacketId, link: LinkId): void {
    const { packets } = this.#network
    this.#noteQueue(link)
    if ((packets.flags[packet] & FLAG_SYN) === 0 || packets.connection[packet] === 0) {
      return
    }
    const pid = this.#process(packets.source[packet])
    const track = this.#byConnection.get(packets.connection[packet])?.find(track => track.pid === pid)
    if (track !== undefined && ++track.syns > 1) {
      this.#slice('n', track, 'SYN sent again')
    }
  }

  onForward (_packet: PacketId, from: LinkId, into: LinkId): void {
    this.#noteQueue(from)
    this.#noteQueue(into)
  }

  onReceive (_packet: PacketId, link: LinkId): void {
    this.#noteQueue(link)
  }

  onDrop (packet: PacketId, reason: DropReason, node: NodeId, link: LinkId): void {
    const { packets } = this.#network
    this.#noteQueue(link)
    this.#instant(node, `drop: ${reason}`, 'drop', {
      ...(link === NO_LINK ? {} : { to: this.#labels.name(this.#network.link(link).to) }),
      connection: packets.connection[packet],
      bytes: packets.size[packet]
    })
  }

  onFault (link: LinkId, kind: LinkFault['kind'], begins: boolean): void {
    const { from, to } = this.#network.link(link)
    this.#instant(from, `${kind} ${begins ? 'begins' : 'ends'}`, 'fault', { to: this.#labels.name(to) })
  }

  onRate (link: LinkId, rateBitsPerSecond: number): void {
    const { from, to } = this.#network.link(link)
    this.#instant(from, 'rate changes', 'fault', { to: this.#labels.name(to), bitsPerSecond: rateBitsPerSecond === Infinity ? 'no limit' : rateBitsPerSecond })
  }

  onSocket (socket: TcpSocket): void {
    const { connection, role, localNode, remoteNode, port } = socket
    const remote = this.#labels.name(remoteNode)
    const track: Track = {
      // Two ends have two tracks, also where a reader takes ids for the whole trace's.
      id: `0x${(2 * connection + (role === 'initiator' ? 0 : 1)).toString(16)}`,
      pid: this.#process(localNode),
      name: role === 'initiator' ? `connection ${connection} to ${remote}:${port}` : `connection ${connection} from ${remote}`,
      counters: new Map(),
      phase: 'handshake',
      syns: 0,
      retransmitted: 0,
      timeouts: 0
    }
    this.#tracks.set(socket, track)
    this.#byConnection.set(connection, [...this.#byConnection.get(connection) ?? [], track])
    this.#slice('b', track, track.name)
    this.#slice('b', track, track.phase)
  }

  onSocketChange (socket: TcpSocket): void {
    const track = this.#tracks.get(socket)
    if (track === undefined) {
      return
    }
    this.#noteTroubles(track, socket)
    const phase = phaseOf(socket)
    if (phase !== track.phase) {
      this.#slice('e', track, track.phase)
      track.phase = phase
      this.#slice('b', track, phase)
    }
    if (phase !== 'handshake') {
      this.#count(track, socket.connection, 'window', socket.cwndBytes)
      this.#count(track, socket.connection, 'in flight', socket.pipeBytes)
      this.#count(track, socket.connection, 'round trip', socket.srttNs / 1e6)
    }
  }

  onSocketClosed (socket: TcpSocket, reason: TcpCloseReason): void {
    const track = this.#tracks.get(socket)
    if (track === undefined) {
      return
    }
    this.#noteTroubles(track, socket)
    this.#slice('e', track, track.phase)
    this.#slice('e', track, track.name, { reason, acknowledgedBytes: socket.acknowledgedBytes, deliveredBytes: socket.deliveredBytes })
    this.#tracks.delete(socket)
    const others = this.#byConnection.get(socket.connection)?.filter(other => other !== track) ?? []
    if (others.length === 0) {
      this.#byConnection.delete(socket.connection)
    } else {
      this.#byConnection.set(socket.connection, others)
    }
  }

  #noteTroubles (track: Track, { timeouts, retransmittedSegments }: TcpSocket): void {
    if (timeouts > track.timeouts) {
      this.#slice('n', track, 'timeout')
      track.timeouts = timeouts
    }
    if (retransmittedSegments > track.retransmitted) {
      this.#slice('n', track, 'retransmission', { segments: retransmittedSegments - track.retransmitted })
      track.retransmitted = retransmittedSegments
    }
  }

  #count (track: Track, connection: number, name: string, value: number): void {
    if (track.counters.get(name) !== value) {
      track.counters.set(name, value)
      this.#counter(track.pid, `connection ${connection} ${name}`, { [name === 'round trip' ? 'ms' : 'bytes']: value })
    }
  }

  #noteQueue (id: LinkId): void {
    if (id === NO_LINK) {
      return
    }
    const link: Link = this.#network.link(id)
    if (link.rateBitsPerSecond === Infinity) {
      return
    }
    const bytes = link.waitingBytes
    if (this.#queues[id] !== bytes) {
      this.#queues[id] = bytes
      this.#counter(this.#process(link.from), `queue to ${this.#labels.name(link.to)}`, { bytes })
    }
  }

  #slice (ph: 'b' | 'e' | 'n', { id, pid }: Track, name: string, args?: TraceArguments): void {
    this.#writer.write({ ph, cat: CATEGORY, id, name, pid, tid: pid, ts: this.#microseconds, ...(args === undefined ? {} : { args }) })
  }

  #counter (pid: number, name: string, args: TraceArguments): void {
    this.#writer.write({ ph: 'C', name, pid, ts: this.#microseconds, args })
  }

  #instant (node: NodeId, name: string, cat: string, args: TraceArguments): void {
    const pid = this.#process(node)
    this.#writer.write({ ph: 'i', s: 'p', name, cat, pid, tid: pid, ts: this.#microseconds, args })
  }

  /** Process 0 is the reader's own. */
  #process (node: NodeId): number {
    const pid = node + 1
    if (!this.#named.has(node)) {
      this.#named.add(node)
      this.#writer.write({ ph: 'M', name: 'process_name', pid, args: { name: this.#labels.name(node) } })
    }
    return pid
  }

  /** The format counts in microseconds, with as many digits behind the point as it takes. */
  get #microseconds (): number {
    return this.#network.kernel.nowNs / 1e3
  }
}

function phaseOf (socket: TcpSocket): string {
  const { phase, congestion } = socket.sender
  if (socket.state === 'syn-sent' || socket.state === 'syn-received') {
    return 'handshake'
  }
  if (phase !== 'open') {
    return phase
  }
  if (congestion.measuresRate) {
    return 'open'
  }
  return congestion.cwndBytes < congestion.ssthreshBytes ? 'slow start' : 'congestion avoidance'
}
