import type { EventId, Kernel } from '../kernel.ts'
import { FLAG_ACK, FLAG_FIN, FLAG_PSH, FLAG_RST, FLAG_SYN } from '../packets.ts'
import type { PacketId } from '../packets.ts'
import { createController } from './create-controller.ts'
import { SocketEvents } from './events.ts'
import type { SegmentNetwork, TimedSocket } from './events.ts'
import { LazyTimer } from './lazy-timer.ts'
import type { TcpOptions } from './options.ts'
import { TcpReceiver } from './receiver.ts'
import { addSackBytes, allocateReset, allocateSegment, allocateSyn } from './segment.ts'
import type { Ends } from './segment.ts'
import { TcpSender } from './sender.ts'
import type { TcpCloseReason, TcpSocketHandler, TcpState } from './socket-handler.ts'
import { timerExpiryNs } from './timer-clock.ts'

export type { TcpCloseReason, TcpSocketHandler, TcpState } from './socket-handler.ts'

/** The window field of a SYN is not scaled (RFC 7323 2.2). */
const MAXIMUM_SYN_WINDOW_BYTES = 65_535

/** What a socket asks of the host it belongs to. */
export interface SocketOwner {
  socketEstablished(socket: TcpSocket): void
  socketClosed(socket: TcpSocket, reason: TcpCloseReason): void
}

export interface SocketWiring extends Ends {
  readonly network: SegmentNetwork
  readonly options: Readonly<TcpOptions>
  readonly owner: SocketOwner
  /** Who sends the SYN. */
  readonly role: 'initiator' | 'acceptor'
}

/**
 * One end of a TCP connection: the handshake, and the shell around the sans-IO `TcpSender` and `TcpReceiver` that turns
 * their wishes into packets and kernel events. Made by `TcpHost`.
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
  readonly #receiver: TcpReceiver
  readonly #events: SocketEvents
  readonly #slot: number

  #phase: 'syn-sent' | 'syn-received' | 'open' | 'closed'
  #synsSent = 0
  #handshakeDeadlineNs = Infinity
  #closing = false
  #remoteClosed = false
  #remoteClosedFirst = false
  #drainWanted = false
  readonly #timer: LazyTimer
  #flush: EventId = 0
  #flushPending = false

  constructor (wiring: SocketWiring) {
    this.#wiring = wiring
    this.#network = wiring.network
    this.#kernel = wiring.network.kernel
    this.#options = wiring.options
    this.#sender = new TcpSender(wiring.options, createController(wiring.options, wiring.connection))
    this.#receiver = new TcpReceiver(wiring.options)
    this.#events = SocketEvents.of(wiring.network)
    this.#slot = this.#events.enter(this)
    this.#timer = new LazyTimer(this.#kernel, this.#events.timerOperation, this.#slot)
    this.#phase = wiring.role === 'initiator' ? 'syn-sent' : 'syn-received'
    if (wiring.role === 'initiator') {
      this.#sendSyn()
    }
  }

  /** The connection's number, the same at both ends. */
  get connection (): number {
    return this.#wiring.connection
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
    return this.#sender.unsentBytes
  }

  /** Bytes written and not yet acknowledged. */
  get queuedBytes (): number {
    return this.#sender.queuedBytes
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

  /**
   * Queues bytes for sending, however many, also before the connection is established. They leave at the end of the
   * instant, so that all writes of one instant fill segments together. Where the connection has ended they are dropped:
   * `onClosed` has said so. After `close` it is a bug.
   */
  write (byteCount: number): void {
    if (this.#phase === 'closed') {
      return
    }
    if (this.#closing || !(byteCount >= 0)) {
      throw new Error(this.#closing ? 'write after close' : `cannot write ${byteCount} bytes`)
    }
    this.#sender.write(byteCount)
    this.#drainWanted ||= this.#sender.unsentBytes > this.#options.lowWaterBytes
    this.#flushLater()
  }

  /** With `autoRead` off: so many of the bytes announced by `onData` are consumed; the window opens accordingly. */
  read (byteCount: number): void {
    this.#receiver.read(this.#kernel.nowNs, byteCount)
    if (this.#receiver.ackDue) {
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
    this.#sender.finish()
    this.#flushLater()
  }

  /** Gives the connection up with a RST (none where the peer has not answered yet). On a closed one does nothing. */
  abort (): void {
    if (this.#phase === 'closed') {
      return
    }
    if (this.#phase !== 'syn-sent') {
      const { packets } = this.#network
      const id = allocateReset(packets, this.#wiring, this.#sender.nextSequence)
      this.#network.send(id)
    }
    this.#end('aborted')
  }

  /** For the host: a packet of this connection arrived. The host releases it afterwards. */
  receive (id: PacketId): void {
    const flags = this.#network.packets.flags[id]
    if ((flags & FLAG_RST) !== 0) {
      this.#end(this.#phase === 'syn-sent' ? 'refused' : 'reset')
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
    const { nowNs } = this.#kernel
    if (nowNs >= this.#handshakeDeadlineNs) {
      this.#onHandshakeTimeout()
      return
    }
    if (nowNs >= this.#sender.deadlineNs) {
      this.#sender.onDeadline(nowNs)
      if (this.#sender.failed) {
        this.#end('timeout')
        return
      }
    }
    if (nowNs >= this.#receiver.deadlineNs) {
      this.#receiver.ackDue = true
    }
    this.#transmit()
  }

  onFlush (): void {
    this.#flushPending = false
    this.#transmit()
  }

  #onSegment (id: PacketId, flags: number): void {
    const { nowNs } = this.#kernel
    const { packets } = this.#network
    if ((flags & FLAG_SYN) !== 0) {
      // The peer did not get the acknowledgement of its SYN-ACK.
      this.#receiver.ackDue = true
    } else {
      this.#sender.onAcknowledgement(nowNs, packets, id)
      const byteCount = this.#receiver.onSegment(nowNs, packets, id)
      if (byteCount > 0) {
        this.handler?.onData(byteCount)
        if (this.autoRead) {
          this.#receiver.read(this.#kernel.nowNs, byteCount)
        }
      }
      if (this.#receiver.finished && !this.#remoteClosed && this.#phase === 'open') {
        this.#remoteClosed = true
        this.handler?.onRemoteClose()
      }
    }
    this.#transmit()
    if (this.#sender.finished && this.#receiver.finished && this.#phase === 'open') {
      this.#end('closed')
    }
  }

  #onSynAck (id: PacketId, flags: number): void {
    if ((flags & (FLAG_SYN | FLAG_ACK)) !== (FLAG_SYN | FLAG_ACK)) {
      return
    }
    this.#establish(id)
    this.#receiver.ackDue = true
    this.handler?.onConnected()
    this.#flushIfWaiting()
    this.#transmit()
  }

  /** In syn-received: the SYN itself, its repetition, or what completes the handshake, be it an ACK or data. */
  #onHandshake (id: PacketId, flags: number): void {
    if ((flags & FLAG_SYN) !== 0) {
      this.#receiver.establish(this.#kernel.nowNs, this.#network.packets.timestamp[id])
      this.#sendSyn()
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
    this.#handshakeDeadlineNs = Infinity
    this.#receiver.establish(nowNs, packets.timestamp[id])
    this.#sender.rtt.sample(nowNs - packets.timestampEcho[id])
    this.#sender.rtt.noteLeast(nowNs - packets.timestampEcho[id])
    this.#sender.rtt.endBackOff()
    this.#sender.establish(nowNs, packets.window[id])
  }

  #onHandshakeTimeout (): void {
    const { maximumSyns, maximumSynAcks } = this.#options
    if (this.#synsSent === (this.#phase === 'syn-sent' ? maximumSyns : maximumSynAcks)) {
      this.#end('timeout')
      return
    }
    if (this.#phase !== 'syn-sent' || this.#synsSent > this.#options.linearSynTimeouts) {
      this.#sender.rtt.backOff()
    }
    this.#sendSyn()
  }

  #sendSyn (): void {
    const { packets } = this.#network
    const { nowNs } = this.#kernel
    const id = allocateSyn(packets, this.#wiring, this.#phase === 'syn-sent' ? FLAG_SYN : FLAG_SYN | FLAG_ACK, nowNs)
    if (this.#phase === 'syn-received') {
      this.#receiver.acknowledge(packets, id)
    }
    packets.window[id] = Math.min(MAXIMUM_SYN_WINDOW_BYTES, this.#receiver.initialWindowBytes)
    this.#synsSent++
    this.#handshakeDeadlineNs = timerExpiryNs(nowNs, this.#sender.rtt.rtoNs, this.#options.timerTickNs)
    this.#network.send(id)
    this.#armTimer()
  }

  /** What was written before the connection was established now leaves, at the end of this instant. */
  #flushIfWaiting (): void {
    if (this.#sender.unsentBytes > 0 || this.#closing) {
      this.#flushLater()
    }
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
      if (this.#receiver.ackDue && this.#receiver.holes) {
        // Only a segment without payload has room for SACK blocks.
        this.#sendAcknowledgement(nowNs)
      }
      while (this.#sender.poll(nowNs)) {
        this.#sendSegment(nowNs)
      }
      if (this.#receiver.ackDue) {
        this.#sendAcknowledgement(nowNs)
      }
      if (this.#drainWanted && this.#sender.unsentBytes <= this.#options.lowWaterBytes) {
        this.#drainWanted = false
        this.handler?.onDrain?.()
      }
    }
    this.#armTimer()
  }

  #sendSegment (nowNs: number): void {
    const { packets } = this.#network
    const { segmentSequence, segmentLength, segmentFin, segmentPush } = this.#sender
    const flags = (segmentFin ? FLAG_FIN : 0) | (segmentPush ? FLAG_PSH : 0)
    const id = allocateSegment(packets, this.#wiring, flags, segmentSequence, segmentLength, nowNs)
    this.#receiver.acknowledge(packets, id)
    if (segmentLength > 0) {
      this.#receiver.onReply(nowNs)
    }
    this.#network.send(id)
  }

  #sendAcknowledgement (nowNs: number): void {
    const { packets } = this.#network
    const id = allocateSegment(packets, this.#wiring, 0, this.#sender.nextSequence, 0, nowNs)
    this.#receiver.acknowledge(packets, id)
    this.#receiver.report(packets, id)
    addSackBytes(packets, id)
    this.#network.send(id)
  }

  #armTimer (): void {
    if (this.#phase !== 'closed') {
      this.#timer.arm(Math.min(this.#handshakeDeadlineNs, this.#sender.deadlineNs, this.#receiver.deadlineNs))
    }
  }

  #end (reason: TcpCloseReason): void {
    if (this.#phase === 'closed') {
      return
    }
    this.#phase = 'closed'
    this.#timer.stop()
    if (this.#flushPending) {
      this.#kernel.cancel(this.#flush)
      this.#flushPending = false
    }
    this.#events.leave(this.#slot)
    this.#wiring.owner.socketClosed(this, reason)
    this.handler?.onClosed(reason)
  }
}
