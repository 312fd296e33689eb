import type { Alarm, Kernel, Operation } from '../kernel.ts'

/**
 * A timer whose deadline mostly moves on, as a retransmission timer's does with every acknowledgement. Its kernel event
 * stays where it is and looks again when it fires, so that moving the deadline on costs nothing.
 */
export class LazyTimer {
  readonly #kernel: Kernel
  readonly #alarm: Alarm
  #eventAtNs = Infinity

  /** Its event is `operation` with `argument`, whose handler calls `onEvent` first. */
  constructor (kernel: Kernel, operation: Operation, argument: number) {
    this.#kernel = kernel
    this.#alarm = kernel.reserve(operation, argument)
  }

  /** The event comes at `deadlineNs` at the latest, perhaps earlier; infinite asks for none. */
  arm (deadlineNs: number): void {
    if (deadlineNs < this.#eventAtNs) {
      this.#eventAtNs = deadlineNs
      this.#kernel.set(this.#alarm, deadlineNs)
    }
  }

  /** The event came. It is for the caller to see whether anything is due, and to arm the timer again. */
  onEvent (): void {
    this.#eventAtNs = Infinity
  }

  /** Gives the timer up. */
  stop (): void {
    this.#kernel.release(this.#alarm)
  }
}
