import type { Kernel } from '../sim/kernel.ts'

/** Kept from the beginning: the global function counts who asks for a turn, and the pilot is none of those. */
const nextTurn = setImmediate

/**
 * Lets virtual time pass in a thread whose code just awaits: as soon as nothing is left to do at an instant (promises,
 * turns of the event loop, native cryptography), the next event comes, until only timers are left that keep nobody waiting.
 */
export class Pilot {
  readonly #kernel: Kernel
  readonly #isIdle: () => boolean
  #flying = false
  #ended = false

  /** @param isIdle whether nobody waits for anything that only time can bring */
  constructor (kernel: Kernel, isIdle: () => boolean) {
    this.#kernel = kernel
    this.#isIdle = isIdle
  }

  /** To be called whenever something has been scheduled, or may have been. */
  wake (): void {
    if (!this.#flying && !this.#ended) {
      this.#flying = true
      void this.#fly()
    }
  }

  /** Time stands still from the next event on. */
  end (): void {
    this.#ended = true
  }

  async #fly (): Promise<void> {
    try {
      await this.#kernel.runAsync(this.#isIdle)
    } catch (error) {
      // A timer's callback threw. As in Node that is nobody's to catch.
      nextTurn(() => { throw error })
    } finally {
      this.#flying = false
    }
    if (!this.#isIdle()) {
      this.wake()
    }
  }
}
