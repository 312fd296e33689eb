import { FLAG_ACK, FLAG_CWR, FLAG_ECE, FLAG_SYN } from '../packets.ts'
import type { PacketId } from '../packets.ts'
import type { SegmentNetwork } from './events.ts'
import type { TcpOptions } from './options.ts'
import type { TcpReceiver } from './receiver.ts'
import type { RttEstimator } from './rtt-estimator.ts'
import { allocateSyn } from './segment.ts'
import type { Ends } from './segment.ts'
import { timerExpiryNs } from './timer-clock.ts'

/** The window field of a SYN is not scaled (RFC 7323 2.2). */
const MAXIMUM_SYN_WINDOW_BYTES = 65_535

export interface HandshakeWiring extends Ends {
  readonly network: SegmentNetwork
  readonly options: Readonly<TcpOptions>
  /** Who sends the SYN. */
  readonly role: 'initiator' | 'acceptor'
}

/** The SYN or SYN-ACK of one end: sends it, again where it is not answered, and agrees on ECN by it (RFC 3168 6.1.1). */
export class Handshake {
  /** `onDeadline` is to be called then. */
  deadlineNs = Infinity
  /** Too many went unanswered. */
  failed = false

  readonly #wiring: HandshakeWiring
  readonly #rtt: RttEstimator
  readonly #receiver: TcpReceiver
  #sent = 0
  #firstNs = 0
  #timeouts = 0
  /** Of an acceptor: the peer asked for ECN, and this end agrees. */
  #ecnAgreed = false

  constructor (wiring: HandshakeWiring, rtt: RttEstimator, receiver: TcpReceiver) {
    this.#wiring = wiring
    this.#rtt = rtt
    this.#receiver = receiver
  }

  /** Sends the SYN, or the SYN-ACK. */
  send (nowNs: number): void {
    const { network, options, role } = this.#wiring
    const { packets } = network
    const id = allocateSyn(packets, this.#wiring, this.#flags(), nowNs)
    if (role === 'acceptor') {
      this.#receiver.acknowledge(packets, id)
    }
    packets.window[id] = Math.min(MAXIMUM_SYN_WINDOW_BYTES, this.#receiver.initialWindowBytes)
    if (this.#sent++ === 0) {
      this.#firstNs = nowNs
    }
    this.deadlineNs = timerExpiryNs(nowNs, this.#rtt.rtoNs, options.timerTickNs)
    network.send(id)
  }

  /** To be called at `deadlineNs`: sends again, or has failed. */
  onDeadline (nowNs: number): void {
    const { role, options: { maximumSyns, maximumSynAcks, linearSynTimeouts } } = this.#wiring
    // SYN-ACKs also answer repeated SYNs, so that there may be more than the limit when the timer expires.
    if (this.#sent >= (role === 'initiator' ? maximumSyns : maximumSynAcks)) {
      this.failed = true
      return
    }
    if (role === 'acceptor' || this.#sent > linearSynTimeouts) {
      this.#rtt.backOff()
    }
    this.#timeouts++
    this.send(nowNs)
  }

  /** Of an acceptor: the SYN arrived, for the first time or again. */
  onSyn (nowNs: number, id: PacketId): void {
    const { network: { packets }, options } = this.#wiring
    const asked = (packets.flags[id] & (FLAG_ECE | FLAG_CWR)) === (FLAG_ECE | FLAG_CWR)
    this.#ecnAgreed ||= asked && options.ecn !== 'off'
    this.#receiver.establish(nowNs, packets.timestamp[id])
    this.send(nowNs)
  }

  /** The SYN-ACK arrived at the initiator, or what answers it at the acceptor. True where ECN is agreed on. */
  complete (id: PacketId): boolean {
    const { network: { packets }, options, role } = this.#wiring
    this.deadlineNs = Infinity
    return role === 'acceptor'
      ? this.#ecnAgreed
      : options.ecn === 'on' && (packets.flags[id] & (FLAG_ECE | FLAG_CWR)) === FLAG_ECE
  }

  /**
   * Whether what opens the connection was lost, and not late: it timed out at least twice, and the answer echoes another
   * than the first. The initial window is then a single segment, as in Linux (RFC 5681 3.1 has it so after one loss).
   */
  lost (id: PacketId): boolean {
    return this.#timeouts >= 2 && this.#wiring.network.packets.timestampEcho[id] !== this.#firstNs
  }

  #flags (): number {
    if (this.#wiring.role === 'acceptor') {
      return FLAG_SYN | FLAG_ACK | (this.#ecnAgreed ? FLAG_ECE : 0)
    }
    // RFC 3168 6.1.1.1: a SYN that went unanswered may have been dropped for asking, so the next does not.
    return this.#wiring.options.ecn === 'on' && this.#sent === 0 ? FLAG_SYN | FLAG_ECE | FLAG_CWR : FLAG_SYN
  }
}
