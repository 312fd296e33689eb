import type { Clock, Timer } from '../core/clock.ts'

export interface WatcherOptions {
  readonly clock: Clock
  /** Brings what is to be watched up to date. */
  readonly write: () => Promise<void>
  /** To be told of what `write` throws: the run goes on without. */
  readonly onError: (error: unknown) => void
}

/** As often as a reader can follow. */
const LEAST_PAUSE_MS = 2000
/** Of what writing took, before it is done again: the machine is there for the run. */
const PAUSE_FACTOR = 4

/** Writes something again and again while it changes: at once, then with pauses of four times what writing takes. */
export class Watcher {
  readonly #options: WatcherOptions
  #timer: Timer | undefined
  #writing: Promise<void> | undefined
  #changed = false
  #stopped = false

  constructor (options: WatcherOptions) {
    this.#options = options
  }

  /** To be told of each change. */
  changed (): void {
    this.#changed = true
    if (!this.#stopped && this.#writing === undefined && this.#timer === undefined) {
      this.#writing = this.#write()
    }
  }

  /** Nothing is written or scheduled when it returns, nor afterwards. */
  async stop (): Promise<void> {
    this.#stopped = true
    this.#timer?.cancel()
    this.#timer = undefined
    await this.#writing
  }

  async #write (): Promise<void> {
    const { clock, write, onError } = this.#options
    this.#changed = false
    const startedMs = clock.now()
    try {
      await write()
    } catch (error) {
      onError(error)
    }
    this.#writing = undefined
    if (!this.#stopped) {
      this.#timer = clock.setTimeout(() => {
        this.#timer = undefined
        if (this.#changed) {
          this.changed()
        }
      }, Math.max(LEAST_PAUSE_MS, PAUSE_FACTOR * (clock.now() - startedMs)))
    }
  }
}
