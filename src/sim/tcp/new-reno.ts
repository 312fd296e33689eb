import type { AckSample, CongestionController, LossSample } from './congestion.ts'
import { initialWindowBytes } from './options.ts'
import type { TcpOptions } from './options.ts'
import { ProportionalRateReduction } from './proportional-rate-reduction.ts'

/**
 * Reno's window (RFC 5681), growing by the bytes delivered and not by the number of acknowledgements (RFC 3465, without
 * its limit of 2 MSS an acknowledgement, as in Linux), so that delayed acknowledgements do not halve the growth.
 */
export class NewReno implements CongestionController {
  cwndBytes: number
  ssthreshBytes = Infinity
  readonly #mssBytes: number
  readonly #initialWindowBytes: number
  readonly #reduction: ProportionalRateReduction
  /** Delivered since the window last grew, in congestion avoidance. */
  #creditBytes = 0
  #recovering = false

  constructor (options: Readonly<TcpOptions>) {
    this.#mssBytes = options.mssBytes
    this.#initialWindowBytes = initialWindowBytes(options)
    this.#reduction = new ProportionalRateReduction(options.mssBytes)
    this.cwndBytes = this.#initialWindowBytes
  }

  onAck (sample: AckSample): void {
    if (sample.inRecovery) {
      this.cwndBytes = this.#reduction.cwndBytes(sample)
      return
    }
    if (sample.ackedBytes === 0 || !sample.windowLimited) {
      return
    }
    let creditBytes = sample.deliveredBytes
    if (this.cwndBytes < this.ssthreshBytes) {
      const growthBytes = Math.min(creditBytes, this.ssthreshBytes - this.cwndBytes)
      this.cwndBytes += growthBytes
      creditBytes -= growthBytes
    }
    // RFC 5681 (3), as RFC 3465 2.1 counts it: one MSS for each window of delivered bytes.
    this.#creditBytes += creditBytes
    if (this.#creditBytes >= this.cwndBytes) {
      this.#creditBytes -= this.cwndBytes
      this.cwndBytes += this.#mssBytes
    }
  }

  onSent (bytes: number): void {
    if (this.#recovering) {
      this.#reduction.onSent(bytes)
    }
  }

  onLoss ({ flightBytes }: LossSample): void {
    this.#reduceThreshold(flightBytes)
    this.#reduction.begin(flightBytes, this.ssthreshBytes)
    this.#recovering = true
  }

  onRecovered (): void {
    this.cwndBytes = this.ssthreshBytes
    this.#recovering = false
  }

  onTimeout ({ flightBytes }: LossSample): void {
    this.#reduceThreshold(flightBytes)
    this.cwndBytes = this.#mssBytes
    this.#recovering = false
  }

  /** As in Linux's tcp_cwnd_restart: the window is halved for each timeout of idle time, down to the restart window. */
  onIdle (idleNs: number, rtoNs: number): void {
    const restartBytes = Math.min(this.#initialWindowBytes, this.cwndBytes)
    if (this.ssthreshBytes !== Infinity) {
      this.ssthreshBytes = Math.max(this.ssthreshBytes, 0.75 * this.cwndBytes)
    }
    for (let leftNs = idleNs - rtoNs; leftNs > 0 && this.cwndBytes > restartBytes; leftNs -= rtoNs) {
      this.cwndBytes /= 2
    }
    this.cwndBytes = Math.max(Math.floor(this.cwndBytes), restartBytes)
    this.#creditBytes = 0
  }

  /**
   * RFC 5681 (4), in whole segments as in Linux: what is left of one would only slow the growth. Segments sent by limited
   * transmit are in flight beyond the window and do not count.
   */
  #reduceThreshold (flightBytes: number): void {
    const halfBytes = Math.min(flightBytes, this.cwndBytes) / 2
    this.ssthreshBytes = Math.max(Math.floor(halfBytes / this.#mssBytes), 2) * this.#mssBytes
    this.#creditBytes = 0
  }
}
