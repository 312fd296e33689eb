import type { CongestionController } from './congestion.ts'
import type { SenderPhase } from './loss-recovery.ts'

const NONE = -1

/**
 * The sender's part of ECN (RFC 3168 6.1.2), as Linux does it: the first echo of a mark reduces the window as a loss does,
 * over a round trip and with nothing to send again; further echoes do nothing until something sent after the reduction is
 * acknowledged, for the answer in it stops them.
 */
export class EcnSender {
  /** The next new segment bears CWR. */
  answerDue = false
  readonly #congestion: CongestionController
  #phase: SenderPhase = 'open'
  /** The reduction lasts until something beyond this is acknowledged. */
  #reductionEnd = NONE

  constructor (congestion: CongestionController) {
    this.#congestion = congestion
  }

  /** An acknowledgement brought something new, and losses were looked for; `echo`: it bears ECE. */
  onAck (echo: boolean, phase: SenderPhase, unacknowledged: number, next: number): void {
    if (phase !== 'open') {
      // A loss reduced the window, or took the reduction over: the peer is told as well (RFC 3168 6.1.2).
      this.answerDue ||= phase !== this.#phase
      this.#reductionEnd = NONE
    } else if (this.#reductionEnd !== NONE && unacknowledged > this.#reductionEnd) {
      this.#reductionEnd = NONE
      this.#congestion.onRecovered()
    }
    this.#phase = phase
    if (echo) {
      const first = phase === 'open' && this.#reductionEnd === NONE
      this.#congestion.onMark(first)
      if (first) {
        this.#reductionEnd = next
        this.answerDue = true
      }
    }
  }
}
