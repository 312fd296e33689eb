import { NS_PER_MS } from '../../core/units.ts'
import type { EventId, Kernel } from '../kernel.ts'
import { ECN_CAPABLE_0, FLAG_ACK, FLAG_CWR, FLAG_FIN, FLAG_PSH, FLAG_RST, FLAG_SYN } from '../packets.ts'
import type { PacketId } from '../packets.ts'
import { createController } from './create-controller.ts'
import { SocketEvents } from './events.ts'
import type { SegmentNetwork, TimedSocket } from './events.ts'
import { Handshake } from './handshake.ts'
import type { HandshakeWiring } from './handshake.ts'
import { KeepAlive } from './keep-alive.ts'
import { LazyTimer } from './lazy-timer.ts'
import type { TcpOptions } from './options.ts'
import { ProcessedHandler } from './processor.ts'
import type { Processor, SocketReading } from './processor.ts'
import { READ_BYTES } from './read-bytes.ts'
import { TcpReceiver } from './receiver.ts'
import { addSackBytes, allocateReset, allocateSegment } from './segment.ts'
import { SendBuffer } from './send-buffer.ts'
import { TcpSender } from './sender.ts'
import type { TcpCloseReason, TcpSocketHandler, TcpState } from './socket-handler.ts'

export type { TcpCloseReason, TcpSocketHandler, TcpState } from './socket-handler.ts'

/** What an onlooker can see of a socket's sending half, beside what the socket itself tells. */
export type SenderView = Readonly<Pick<TcpSender, 'phase' | 'outstanding' | 'peerWindowBytes' | 'rtt' | 'congestion'>>

/** Between two challenge acknowledgements, lest two ends answer each other for ever (RFC 5961 7; Linux: tcp_invalid_ratelimit). */
const CHALLENGE_INTERVAL_NS = 500 * NS_PER_MS

/** What a socket asks of the host it belongs to. */
export interface SocketOwner {
  socketEstablished(socket: TcpSocket): void
  socketClosed(socket: TcpSocket, reason: TcpCloseReason): void
}

export interface SocketWiring extends HandshakeWiring {
  readonly owner: SocketOwner
  /** Of the host. Absent: computing takes no time. */
  readonly processor: Processor | undefined
}

/**
 * One end of a TCP connection: its states, and the shell around the sans-IO `TcpSender` and `TcpReceiver` that turns their
 * wishes into packets and kernel events. Made by `TcpHost`.
 */
export class TcpSocket implements TimedSocket {
  handler: TcpSocketHandler | null = null
  /** Whether `onData` counts as having read the bytes. Where it is false the window opens by `read` only. */
  autoRead = true

  readonly #wiring: SocketWiring
  readonly #kernel: Kernel
  readonly #network: SegmentNetwork
  readonly #options: Readonly<TcpOptions>
  readonly #sender: TcpSender
  readonly #buffer: SendBuffer
  readonly #receiver: TcpReceiver
  readonly #events: SocketEvents
  readonly #slot: number

  #phase: 'syn-sent' | 'syn-received' | 'open' | 'closed'
  readonly #handshake: Handshake
  #keepAlive: KeepAlive | undefined
  #challengedNs = -Infinity
  #closing = false
  #remoteClosed = false
  #remoteClosedFirst = false
  #drainWanted = false
  readonly #timer: LazyTimer
  #flush: EventId = 0
  #flushPending = false
  /** A segment is being taken in, after which what is due leaves. */
  #receiving = false
  /** Whether a program reads, which has woken up when all of an instant has arrived. */
  #wakes = false
  #read: EventId = 0
  /** Arrived, and to be told when the program has woken up. */
  #arrivedBytes = 0
  /** Of them, when it was looked last. */
  #seenBytes = 0

  constructor (wiring: SocketWiring) {
    this.#wiring = wiring
    this.#network = wiring.network
    this.#kernel = wiring.network.kernel
    this.#options = wiring.options
    this.#sender = new TcpSender(wiring.options, createController(wiring.options, wiring.connection))
    this.#buffer = new SendBuffer(wiring.options)
    this.#receiver = new TcpReceiver(wiring.options, this.#sender.rtt)
    this.#handshake = new Handshake(wiring, this.#sender.rtt, this.#receiver)
    this.#events = SocketEvents.of(wiring.network)
    this.#slot = this.#events.enter(this)
    this.#timer = new LazyTimer(this.#kernel, this.#events.timerOperation, this.#slot)
    this.#phase = wiring.role === 'initiator' ? 'syn-sent' : 'syn-received'
    this.#network.observers.active?.onSocket(this)
    if (wiring.role === 'initiator') {
      this.#handshake.send(this.#kernel.nowNs)
      this.#armTimer()
    }
  }

  /** The connection's number, the same at both ends. */
  get connection (): number {
    return this.#wiring.connection
  }

  get localNode (): number {
    return this.#wiring.localNode
  }

  get role (): SocketWiring['role'] {
    return this.#wiring.role
  }

  get options (): Readonly<TcpOptions> {
    return this.#options
  }

  get sender (): SenderView {
    return this.#sender
  }

  get remoteNode (): number {
    return this.#wiring.remoteNode
  }

  /** The port that was connected to. */
  get port (): number {
    return this.#wiring.port
  }

  get state (): TcpState {
    if (this.#phase !== 'open') {
      return this.#phase
    }
    if (!this.#closing) {
      return this.#remoteClosed ? 'close-wait' : 'established'
    }
    if (!this.#remoteClosed) {
      return this.#sender.finished ? 'fin-wait-2' : 'fin-wait-1'
    }
    return this.#remoteClosedFirst ? 'last-ack' : 'closing'
  }

  /** Bytes written and not yet sent for the first time. */
  get unsentBytes (): number {
    return this.#sender.unsentBytes + this.#buffer.waitingBytes
  }

  /** What the program's stream counts as not written, while its kernel has no room for all of it: Node's `writableLength`. */
  get unwrittenBytes (): number {
    return this.#buffer.unwrittenBytes
  }

  /** Bytes written and not yet acknowledged. */
  get queuedBytes (): number {
    return this.#sender.queuedBytes + this.#buffer.waitingBytes
  }

  /** Of the bytes written, those that the peer acknowledged. */
  get acknowledgedBytes (): number {
    return this.#sender.acknowledgedBytes
  }

  /** Bytes that arrived in order. */
  get deliveredBytes (): number {
    return this.#receiver.deliveredBytes
  }

  /** Segments with payload, FIN or as window probes, retransmissions included; no pure acknowledgements. */
  get sentSegments (): number {
    return this.#sender.sentSegments
  }

  get retransmittedSegments (): number {
    return this.#sender.retransmittedSegments
  }

  /** Expiries of the retransmission timer, after the handshake. */
  get timeouts (): number {
    return this.#sender.timeouts
  }

  /** -1 before the first measurement. */
  get srttNs (): number {
    return this.#sender.rtt.srttNs
  }

  /** The retransmission timeout as it stands, back-off included. */
  get rtoNs (): number {
    return this.#sender.rtt.rtoNs
  }

  get cwndBytes (): number {
    return this.#sender.congestion.cwndBytes
  }

  /** Both ends agreed on ECN in the handshake. */
  get ecn (): boolean {
    return this.#sender.ecn !== undefined
  }

  /** Infinite before the first loss. */
  get ssthreshBytes (): number {
    return this.#sender.congestion.ssthreshBytes
  }

  /** Bytes taken to be in the network. */
  get pipeBytes (): number {
    return this.#sender.pipeBytes
  }

  /** The sequence number of what this end would send next. */
  get nextSequence (): number {
    return this.#sender.nextSequence
  }

  /** The sequence number that this end acknowledges: what it expects next. */
  get expectedSequence (): number {
    return this.#receiver.nextSequence
  }

  /** The window that the peer was offered last, less what came since. */
  get offeredBytes (): number {
    return this.#receiver.offeredBytes
  }

  /**
   * Queues bytes for sending, however many, also before the connection is established. They leave at the end of the
   * instant, so that all writes of one instant fill segments together: a program that hands over all it has in one system
   * call. Where the connection has ended they are dropped: `onClosed` has said so. After `close` it is a bug.
   */
  write (byteCount: number): void {
    if (this.#queue(byteCount)) {
      this.#flushLater()
    }
  }

  /**
   * The same as a system call of its own with TCP_NODELAY, as js-libp2p makes one for each piece: what finds room in the
   * windows leaves before this returns, in segments of its own where nothing waited before it; the rest joins what waits.
   */
  send (byteCount: number): void {
    if (!this.#queue(byteCount) || this.#phase !== 'open') {
      return
    }
    const { nowNs } = this.#kernel
    if (this.#receiver.acks.due) {
      // The kernel has acknowledged what was read before whoever read it can answer.
      this.#sendAcknowledgement(nowNs)
    }
    this.#sendSegments(nowNs)
    this.#sendTaken(nowNs)
    this.#armTimer()
    if (this.#drainWanted && this.#buffer.waitingBytes === 0) {
      // Not from within: whoever sends is not told meanwhile.
      this.#flushLater()
    }
    this.#tellChange()
  }

  /** With `autoRead` off: so many of the bytes announced by `onData` are consumed; the window opens accordingly. */
  read (byteCount: number): void {
    this.#receiver.read(this.#kernel.nowNs, byteCount)
    if (this.#receiver.acks.due && !this.#receiving) {
      this.#flushLater()
    }
  }

  /** Sends a FIN after what is queued. Data can still arrive. A second call does nothing. */
  close (): void {
    if (this.#closing || this.#phase === 'closed') {
      return
    }
    this.#closing = true
    this.#remoteClosedFirst = this.#remoteClosed
    this.#receiver.closing = true
    if (this.#buffer.waitingBytes === 0) {
      this.#sender.finish()
    }
    this.#flushLater()
  }

  /** Gives the connection up with a RST (none where the peer has not answered yet). On a closed one does nothing. */
  abort (): void {
    if (this.#phase === 'closed') {
      return
    }
    if (this.#phase !== 'syn-sent') {
      this.#sendReset()
    }
    this.#end('aborted')
  }

  /** The network cuts the connection: this end is told at once, as if a reset had arrived. On a closed one does nothing. */
  reset (): void {
    this.#end('reset')
  }

  /**
   * Sets the handler, with the host's processor between, where it has one. Who reads by itself does it by what this returns:
   * the socket, or that which stands for it.
   */
  attach (handler: TcpSocketHandler): SocketReading {
    const { processor } = this.#wiring
    this.#wakes = true
    if (processor === undefined) {
      this.handler = handler
      return this
    }
    const processed = new ProcessedHandler(this, handler, processor)
    this.handler = processed
    return processed
  }

  /** For the host: a packet of this connection arrived. The host releases it afterwards. */
  receive (id: PacketId): void {
    const flags = this.#network.packets.flags[id]
    this.#keepAlive?.onReceived(this.#kernel.nowNs)
    this.#receiving = true
    this.#take(id, flags)
    this.#receiving = false
    this.#tellChange()
  }

  #take (id: PacketId, flags: number): void {
    if ((flags & FLAG_RST) !== 0) {
      this.#onReset(id)
    } else if (this.#phase === 'open') {
      this.#onSegment(id, flags)
    } else if (this.#phase === 'syn-sent') {
      this.#onSynAck(id, flags)
    } else if (this.#phase === 'syn-received') {
      this.#onHandshake(id, flags)
    }
  }

  onTimer (): void {
    this.#timer.onEvent()
    this.#onTime()
    this.#tellChange()
  }

  #tellChange (): void {
    const { active } = this.#network.observers
    if (active !== undefined && this.#phase !== 'closed') {
      active.onSocketChange(this)
    }
  }

  #onTime (): void {
    const { nowNs } = this.#kernel
    if (nowNs >= this.#handshake.deadlineNs) {
      this.#handshake.onDeadline(nowNs)
      if (this.#handshake.failed) {
        this.#end('timeout')
      } else {
        this.#armTimer()
      }
      return
    }
    if (nowNs >= this.#sender.deadlineNs) {
      this.#sender.onDeadline(nowNs)
      if (this.#sender.failed) {
        this.#end('timeout')
        return
      }
    }
    if (nowNs >= this.#receiver.acks.deadlineNs) {
      this.#receiver.acks.onDeadline(nowNs)
    }
    if (this.#keepAlive !== undefined && nowNs >= this.#keepAlive.deadlineNs) {
      this.#askForLife(this.#keepAlive, nowNs)
    }
    this.#transmit()
  }

  onRead (): void {
    if (this.#arrivedBytes > this.#seenBytes) {
      // More may come in this instant.
      this.#seenBytes = this.#arrivedBytes
      this.#readLater()
      return
    }
    const byteCount = Math.min(this.#arrivedBytes, READ_BYTES)
    this.#arrivedBytes -= byteCount
    this.#seenBytes = this.#arrivedBytes
    if (this.#arrivedBytes > 0) {
      this.#readLater()
    }
    this.#receiving = true
    this.#handData(byteCount)
    this.#receiving = false
    this.#tellRemoteClose()
    this.#transmit()
    this.#endIfFinished()
    this.#tellChange()
  }

  onFlush (): void {
    this.#flushPending = false
    this.#transmit()
    this.#tellChange()
  }

  #onSegment (id: PacketId, flags: number): void {
    const { nowNs } = this.#kernel
    const { packets } = this.#network
    if ((flags & FLAG_SYN) !== 0) {
      // The peer did not get the acknowledgement of its SYN-ACK, or it is none of this connection (RFC 5961 4).
      this.#challenge()
    } else {
      this.#sender.onAcknowledgement(nowNs, packets, id)
      const byteCount = this.#receiver.onSegment(nowNs, packets, id)
      if (byteCount > 0) {
        this.#tellData(byteCount)
      }
      this.#tellRemoteClose()
    }
    this.#transmit()
    this.#endIfFinished()
  }

  #endIfFinished (): void {
    if (this.#sender.finished && this.#receiver.finished && this.#phase === 'open') {
      this.#end('closed')
    }
  }

  #tellData (byteCount: number): void {
    if (!this.#wakes) {
      this.#handData(byteCount)
    } else {
      if (this.#arrivedBytes === 0) {
        this.#readLater()
      }
      this.#arrivedBytes += byteCount
    }
  }

  #readLater (): void {
    this.#read = this.#kernel.schedule(this.#kernel.nowNs, this.#events.readOperation, this.#slot)
  }

  #handData (byteCount: number): void {
    if (this.autoRead) {
      // First, as a program has read what it answers.
      this.#receiver.read(this.#kernel.nowNs, byteCount)
    }
    this.handler?.onData(byteCount)
  }

  /** Behind all data. */
  #tellRemoteClose (): void {
    if (this.#receiver.finished && !this.#remoteClosed && this.#phase === 'open' && this.#arrivedBytes === 0) {
      this.#remoteClosed = true
      this.handler?.onRemoteClose()
    }
  }

  #onSynAck (id: PacketId, flags: number): void {
    if ((flags & (FLAG_SYN | FLAG_ACK)) !== (FLAG_SYN | FLAG_ACK)) {
      return
    }
    this.#establish(id)
    if (this.#sender.unsentBytes > 0) {
      this.#receiver.acks.due = true
    } else {
      // As in Linux: at once, unless somebody waits with data that can bear it.
      this.#sendAcknowledgement(this.#kernel.nowNs)
    }
    this.handler?.onConnected()
    this.#flushIfWaiting()
    this.#transmit()
  }

  /** In syn-received: the SYN itself, its repetition, or what completes the handshake, be it an ACK or data. */
  #onHandshake (id: PacketId, flags: number): void {
    if ((flags & FLAG_SYN) !== 0) {
      this.#handshake.onSyn(this.#kernel.nowNs, id)
      this.#armTimer()
      return
    }
    this.#establish(id)
    this.#wiring.owner.socketEstablished(this)
    if (this.#phase === 'open') {
      this.#onSegment(id, flags)
    }
  }

  #establish (id: PacketId): void {
    const { packets } = this.#network
    const { nowNs } = this.#kernel
    this.#phase = 'open'
    this.#receiver.establish(nowNs, packets.timestamp[id])
    this.#sender.rtt.sample(nowNs - packets.timestampEcho[id])
    this.#sender.rtt.noteLeast(nowNs - packets.timestampEcho[id])
    this.#sender.rtt.endBackOff()
    this.#sender.establish(nowNs, packets.window[id], this.#handshake.lost(id))
    if (this.#handshake.complete(id)) {
      this.#sender.useEcn()
      this.#receiver.useEcn()
    }
    if (this.#options.keepAlive) {
      this.#keepAlive = new KeepAlive(this.#options, nowNs)
    }
  }

  /**
   * RFC 9293 3.10.7.3: in answer to a SYN it must acknowledge that. RFC 5961 3.2: else it must stand exactly where the next
   * byte is expected; elsewhere in the window the peer is asked, and one that means it will answer with another.
   */
  #onReset (id: PacketId): void {
    const { packets } = this.#network
    const sequence = packets.sequence[id]
    if (this.#phase === 'syn-sent') {
      if (packets.acknowledgement[id] === this.#sender.nextSequence) {
        this.#end('refused')
      }
    } else if (sequence === this.#receiver.nextSequence) {
      this.#end('reset')
    } else if (sequence > this.#receiver.nextSequence && sequence <= this.#receiver.windowEdge) {
      this.#challenge()
    }
  }

  /** Tells the peer at once where this end stands. */
  #challenge (): void {
    const { nowNs } = this.#kernel
    if (nowNs - this.#challengedNs >= CHALLENGE_INTERVAL_NS) {
      this.#challengedNs = nowNs
      this.#sendAcknowledgement(nowNs)
    }
  }

  /** A segment that asks for nothing but an answer: a byte already acknowledged, of no length. */
  #askForLife (keepAlive: KeepAlive, nowNs: number): void {
    if (keepAlive.onDeadline(nowNs, this.#sender.waiting)) {
      this.#sendAcknowledgement(nowNs, this.#sender.nextSequence - 1)
    } else if (keepAlive.failed) {
      this.#sendReset()
      this.#end('timeout')
    }
  }

  /** What was written before the connection was established now leaves, at the end of this instant. */
  #flushIfWaiting (): void {
    if (this.#sender.unsentBytes > 0 || this.#closing) {
      this.#flushLater()
    }
  }

  /** False where the connection has ended. */
  #queue (byteCount: number): boolean {
    if (this.#phase === 'closed') {
      return false
    }
    if (this.#closing || !(byteCount >= 0)) {
      throw new Error(this.#closing ? 'write after close' : `cannot write ${byteCount} bytes`)
    }
    this.#buffer.write(byteCount)
    this.#takeWritten()
    this.#drainWanted ||= this.#buffer.waitingBytes > 0
    return true
  }

  #flushLater (): void {
    if (!this.#flushPending && this.#phase === 'open') {
      this.#flushPending = true
      this.#flush = this.#kernel.schedule(this.#kernel.nowNs, this.#events.flushOperation, this.#slot)
    }
  }

  /** Sends all that may leave now; where a flush is to come at this instant, it is left to that. */
  #transmit (): void {
    if (this.#phase !== 'open') {
      return
    }
    if (!this.#flushPending) {
      const { nowNs } = this.#kernel
      if (this.#receiver.acks.due && this.#receiver.holes) {
        // Only a segment without payload has room for SACK blocks.
        this.#sendAcknowledgement(nowNs)
      }
      this.#sendSegments(nowNs)
      if (this.#receiver.acks.due) {
        this.#sendAcknowledgement(nowNs)
      }
      this.#sendTaken(nowNs)
      if (this.#drainWanted && this.#buffer.waitingBytes === 0) {
        this.#drainWanted = false
        this.handler?.onDrain?.()
      }
    }
    this.#armTimer()
  }

  /** What the program has waited to write, and what of it may leave. */
  #sendTaken (nowNs: number): void {
    if (this.#buffer.waitingBytes > 0) {
      this.#buffer.expand(this.#sender)
      if (this.#takeWritten()) {
        this.#sendSegments(nowNs)
      }
    }
  }

  /** Lets the send buffer take what there is room for: false where that is nothing. */
  #takeWritten (): boolean {
    const takenBytes = this.#buffer.take(this.#sender)
    this.#sender.write(takenBytes)
    if (this.#closing && this.#buffer.waitingBytes === 0) {
      this.#sender.finish()
    }
    return takenBytes > 0
  }

  #sendSegments (nowNs: number): void {
    while (this.#sender.poll(nowNs)) {
      this.#sendSegment(nowNs)
      if (this.#sender.burstOver) {
        this.#buffer.expand(this.#sender)
      }
    }
  }

  #sendSegment (nowNs: number): void {
    const { packets } = this.#network
    const { segmentSequence, segmentLength, segmentFin, segmentPush, segmentCopy, ecn } = this.#sender
    const flags = (segmentFin ? FLAG_FIN : 0) | (segmentPush ? FLAG_PSH : 0)
    const id = allocateSegment(packets, this.#wiring, flags, segmentSequence, segmentLength, nowNs)
    this.#receiver.acknowledge(packets, id)
    if (segmentLength > 0) {
      this.#receiver.acks.onReply(nowNs)
      if (ecn !== undefined && !segmentCopy) {
        // RFC 3168 6.1.4 and 6.1.5: neither acknowledgements nor copies, so that no mark is lost with them or forged by them.
        packets.ecn[id] = ECN_CAPABLE_0
        if (ecn.answerDue) {
          ecn.answerDue = false
          packets.flags[id] |= FLAG_CWR
        }
      }
    }
    this.#network.send(id)
  }

  #sendAcknowledgement (nowNs: number, sequence = this.#sender.nextSequence): void {
    const { packets } = this.#network
    const id = allocateSegment(packets, this.#wiring, 0, sequence, 0, nowNs)
    this.#receiver.acknowledge(packets, id)
    this.#receiver.report(packets, id)
    addSackBytes(packets, id)
    this.#network.send(id)
  }

  #sendReset (): void {
    const { packets } = this.#network
    this.#network.send(allocateReset(packets, this.#wiring, FLAG_ACK, this.#sender.nextSequence, this.#receiver.nextSequence))
  }

  #armTimer (): void {
    if (this.#phase !== 'closed') {
      const deadlineNs = Math.min(this.#handshake.deadlineNs, this.#sender.deadlineNs, this.#receiver.acks.deadlineNs)
      this.#timer.arm(this.#keepAlive === undefined ? deadlineNs : Math.min(deadlineNs, this.#keepAlive.deadlineNs))
    }
  }

  #end (reason: TcpCloseReason): void {
    if (this.#phase === 'closed') {
      return
    }
    this.#phase = 'closed'
    this.#timer.stop()
    if (this.#arrivedBytes > 0) {
      this.#kernel.cancel(this.#read)
      const byteCount = this.#arrivedBytes
      this.#arrivedBytes = 0
      this.#handData(byteCount)
    }
    if (this.#flushPending) {
      this.#kernel.cancel(this.#flush)
      this.#flushPending = false
    }
    this.#events.leave(this.#slot)
    this.#wiring.owner.socketClosed(this, reason)
    this.#network.observers.active?.onSocketClosed(this, reason)
    this.handler?.onClosed(reason)
  }
}
