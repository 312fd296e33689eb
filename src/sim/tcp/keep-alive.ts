import type { TcpOptions } from './options.ts'
import { timerExpiryNs } from './timer-clock.ts'

/**
 * When an idle peer is asked for a sign of life, and when it is taken for gone (RFC 9293 3.8.4), as Linux does it, without
 * IO: after `keepAliveIdleNs` without a segment from the peer, then every `keepAliveIntervalNs`; `keepAliveProbes`
 * unanswered ones end the connection an interval after the last. What arrives moves a number and no timer.
 */
export class KeepAlive {
  /** `onDeadline` is to be called then, or later. */
  deadlineNs: number
  /** No probe was answered. */
  failed = false

  readonly #options: Readonly<TcpOptions>
  #receivedNs: number
  #probes = 0

  /** The connection stands. */
  constructor (options: Readonly<TcpOptions>, nowNs: number) {
    this.#options = options
    this.#receivedNs = nowNs
    this.deadlineNs = this.#after(nowNs, options.keepAliveIdleNs)
  }

  /** Anything arrived from the peer. */
  onReceived (nowNs: number): void {
    this.#receivedNs = nowNs
    this.#probes = 0
  }

  /** True where a probe is to leave. `waiting`: data is outstanding or unsent, and its own timer watches the peer. */
  onDeadline (nowNs: number, waiting: boolean): boolean {
    const { keepAliveIdleNs, keepAliveIntervalNs, keepAliveProbes } = this.#options
    const idleNs = waiting ? 0 : nowNs - this.#receivedNs
    if (idleNs < keepAliveIdleNs) {
      this.deadlineNs = this.#after(nowNs, keepAliveIdleNs - idleNs)
      return false
    }
    if (this.#probes === keepAliveProbes) {
      this.failed = true
      return false
    }
    this.#probes++
    this.deadlineNs = this.#after(nowNs, keepAliveIntervalNs)
    return true
  }

  #after (nowNs: number, delayNs: number): number {
    return timerExpiryNs(nowNs, delayNs, this.#options.timerTickNs)
  }
}
