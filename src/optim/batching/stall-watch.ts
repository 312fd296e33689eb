import type { Timer } from '../../core/clock.ts'
import type { BatchingEnvironment } from './environment.ts'

/** Notices when something is owed, and nothing has moved for `stallTimeoutMs`. */
export class StallWatch {
  readonly #environment: BatchingEnvironment
  readonly #onStall: () => void
  #timer: Timer | undefined
  #progressMs = 0

  constructor (environment: BatchingEnvironment, onStall: () => void) {
    this.#environment = environment
    this.#onStall = onStall
  }

  /** Something moved. */
  progress (): void {
    this.#progressMs = this.#environment.clock.now()
  }

  /** Whether anything is owed now. */
  watch (owed: boolean): void {
    if (!owed) {
      this.#timer?.cancel()
      this.#timer = undefined
    } else if (this.#timer === undefined) {
      this.progress()
      this.#wait(this.#environment.settings.stallTimeoutMs)
    }
  }

  /** One timer is moved along rather than set anew whenever something moves. */
  #wait (delayMs: number): void {
    const { clock, deadlines, settings } = this.#environment
    this.#timer = deadlines.after(delayMs, () => {
      this.#timer = undefined
      const leftMs = this.#progressMs + settings.stallTimeoutMs - clock.now()
      if (leftMs > ROUNDING_MS) {
        this.#wait(leftMs)
      } else {
        this.#onStall()
      }
    })
  }
}

/** What rounding may leave of a time that has passed: no timer can wait for less. */
const ROUNDING_MS = 0.001
