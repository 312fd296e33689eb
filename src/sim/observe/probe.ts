import { TwinwireError } from '../../core/errors.ts'
import type { EventId, Kernel, Operation } from '../kernel.ts'
import type { Link } from '../link.ts'
import type { PacketNetwork } from '../network.ts'
import type { SenderPhase } from '../tcp/loss-recovery.ts'
import type { TcpSocket } from '../tcp/socket.ts'
import type { Observation, Observers } from './observer.ts'

/** What the sending half of a socket, and the queue on its way, look like at one instant. */
export interface ProbeSample {
  readonly timeNs: number
  readonly cwndBytes: number
  /** Infinite before the first loss. */
  readonly ssthreshBytes: number
  readonly phase: SenderPhase
  /** -1 before the first measurement. */
  readonly srttNs: number
  readonly rttvarNs: number
  /** Infinite before the first measurement. */
  readonly minRttNs: number
  /** The retransmission timeout, back-off included. */
  readonly rtoNs: number
  /** Taken to be in the network. */
  readonly pipeBytes: number
  /** Sent and not cumulatively acknowledged; of these: selectively acknowledged, taken for lost, sent again. */
  readonly outstandingSegments: number
  readonly sackedBytes: number
  readonly lostBytes: number
  readonly retransmittedBytes: number
  /** Written and not sent. */
  readonly unsentBytes: number
  readonly acknowledgedBytes: number
  /** The peer's window beyond what it acknowledged. */
  readonly peerWindowBytes: number
  /** Infinite where acknowledgements alone clock what is sent. */
  readonly pacingBytesPerSecond: number
  /** Since the connection began. */
  readonly retransmittedSegments: number
  readonly timeouts: number
  /** Waiting in the link that the probe was given; 0 without one. */
  readonly queueBytes: number
  readonly queuePackets: number
}

export interface ProbeOptions {
  readonly socket: TcpSocket
  /** Whose queue is looked at beside the socket. */
  readonly link?: Link
  /** Time between samples, the first one after that time. Absent: a sample after everything that happens to the socket. */
  readonly intervalNs?: number
  onSample(sample: ProbeSample): void
}

/**
 * Looks at a socket again and again, from `start` until `stop` or until the socket is closed. A stopped one leaves nothing
 * in the kernel, and a run with probes has the digest of one without.
 */
export class Probe {
  readonly #kernel: Kernel
  readonly #observers: Observers
  readonly #options: ProbeOptions
  readonly #watch: Operation
  #observation: Observation | undefined
  #event: EventId | undefined

  /** @throws ERR_INVALID_OPTION for an interval that is not a whole number of nanoseconds, 1 or more */
  constructor ({ kernel, observers }: PacketNetwork, options: ProbeOptions) {
    const { intervalNs } = options
    if (intervalNs !== undefined && !(Number.isSafeInteger(intervalNs) && intervalNs >= 1)) {
      throw new TwinwireError('ERR_INVALID_OPTION', 'not an interval', { path: 'intervalNs', expected: 'a whole number of nanoseconds, 1 or more', found: String(intervalNs) })
    }
    this.#kernel = kernel
    this.#observers = observers
    this.#options = options
    this.#watch = kernel.defineWatch(() => this.#onTime())
  }

  /** To be called once. */
  start (): void {
    const { socket, intervalNs } = this.#options
    if (intervalNs !== undefined) {
      this.#event = this.#kernel.schedule(this.#kernel.nowNs + intervalNs, this.#watch, 0)
      return
    }
    this.#observation = this.#observers.add({
      onSocketChange: changed => {
        if (changed === socket) {
          this.#sample()
        }
      },
      onSocketClosed: closed => {
        if (closed === socket) {
          this.stop()
        }
      }
    })
  }

  /** A second call does nothing. */
  stop (): void {
    this.#observation?.stop()
    if (this.#event !== undefined) {
      this.#kernel.cancel(this.#event)
      this.#event = undefined
    }
  }

  #onTime (): void {
    const { socket, intervalNs = Infinity } = this.#options
    this.#event = undefined
    if (socket.state !== 'closed') {
      this.#sample()
      this.#event = this.#kernel.schedule(this.#kernel.nowNs + intervalNs, this.#watch, 0)
    }
  }

  #sample (): void {
    this.#options.onSample(sampleOf(this.#options.socket, this.#options.link, this.#kernel.nowNs))
  }
}

function sampleOf (socket: TcpSocket, link: Link | undefined, timeNs: number): ProbeSample {
  const { outstanding, phase, peerWindowBytes, rtt, congestion } = socket.sender
  return {
    timeNs,
    cwndBytes: congestion.cwndBytes,
    ssthreshBytes: congestion.ssthreshBytes,
    phase,
    srttNs: rtt.srttNs,
    rttvarNs: rtt.rttvarNs,
    minRttNs: rtt.leastNs,
    rtoNs: rtt.rtoNs,
    pipeBytes: socket.pipeBytes,
    outstandingSegments: outstanding.segments,
    sackedBytes: outstanding.sackedBytes,
    lostBytes: outstanding.lostBytes,
    retransmittedBytes: outstanding.retransmittedBytes,
    unsentBytes: socket.unsentBytes,
    acknowledgedBytes: socket.acknowledgedBytes,
    peerWindowBytes,
    pacingBytesPerSecond: congestion.pacingBytesPerSecond,
    retransmittedSegments: socket.retransmittedSegments,
    timeouts: socket.timeouts,
    queueBytes: link?.waitingBytes ?? 0,
    queuePackets: link?.waitingPackets ?? 0
  }
}
