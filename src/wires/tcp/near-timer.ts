import { Worker } from 'node:worker_threads'
import { deadlineOf, generationOf, nearMemory } from './near-memory.ts'

/**
 * One timer on the monotonic clock that is late by a tenth of a millisecond where Node's count whole ones: a thread sleeps
 * until the deadline and sends a message. Holds its process open while there is a deadline.
 */
export class NearTimer {
  readonly #thread: Worker
  readonly #generation: Int32Array
  readonly #deadline: Float64Array
  readonly #started = Promise.withResolvers<void>()
  #ready = false

  /** `onTime` may be called without there being a deadline any more. */
  constructor (onTime: () => void) {
    const memory = nearMemory()
    this.#generation = generationOf(memory)
    this.#deadline = deadlineOf(memory)
    // Source and build differ in their extension, and the thread is of the same kind as its parent.
    const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js'
    this.#thread = new Worker(new URL(`./near-thread.${extension}`, import.meta.url), { workerData: memory })
    this.#thread.on('message', () => {
      if (!this.#ready) {
        this.#ready = true
        this.#thread.unref()
        this.#started.resolve()
      }
      onTime()
    })
  }

  /** False until the thread runs, some tens of milliseconds after the timer was made: nothing set before comes in time. */
  get ready (): boolean {
    return this.#ready
  }

  /** Resolves when it is ready. */
  async started (): Promise<void> {
    await this.#started.promise
  }

  /** Replaces the deadline: ms on the monotonic clock, `Infinity` for none. */
  set (atMs: number): void {
    if (atMs === Infinity) {
      this.#thread.unref()
    } else {
      this.#thread.ref()
    }
    this.#deadline[0] = atMs
    Atomics.add(this.#generation, 0, 1)
    Atomics.notify(this.#generation, 0)
  }

  async stop (): Promise<void> {
    // Or the process might end before its end was told; what the thread said before must not undo that.
    this.#thread.removeAllListeners('message')
    this.#thread.ref()
    await this.#thread.terminate()
  }
}
