import type { Kernel } from '../sim/kernel.ts'

/** Kept from the beginning: the global function counts who asks for a turn, and the pilot is none of those. */
const nextTurn = setImmediate

/**
 * Lets virtual time pass in a thread whose code just awaits: as soon as nothing is left to do at an instant (promises,
 * turns of the event loop, native cryptography), the next event comes, until only timers are left that keep nobody waiting.
 */
export class Pilot {
  readonly #kernel: Kernel
  readonly #unreferenced: () => number
  #flying = false

  /** @param unreferenced how many pending events are timers after `unref()` */
  constructor (kernel: Kernel, unreferenced: () => number) {
    this.#kernel = kernel
    this.#unreferenced = unreferenced
  }

  /** To be called whenever something has been scheduled, or may have been. */
  wake (): void {
    if (!this.#flying) {
      this.#flying = true
      void this.#fly()
    }
  }

  async #fly (): Promise<void> {
    try {
      await this.#kernel.runAsync(() => this.#idle)
    } catch (error) {
      // A timer's callback threw. As in Node that is nobody's to catch.
      nextTurn(() => { throw error })
    } finally {
      this.#flying = false
    }
    if (!this.#idle) {
      this.wake()
    }
  }

  get #idle (): boolean {
    return this.#kernel.pending <= this.#unreferenced()
  }
}
