import type { Clock } from '../../../src/core/clock.ts'
import type { Flow, SendWindow, Uplink } from '../../../src/optim/uplink.ts'

/** Grants so many bytes at a time to the flows in turn, at a rate: slow enough for a queue, and with windows that fill. */
export class PacedUplink implements Uplink {
  readonly #clock: Clock
  readonly #rateBitsPerSecond: number
  readonly #windowBytes: number
  readonly #quantumBytes: number
  readonly #ready = new Set<Flow>()
  #freeMs = 0
  #armed = false

  constructor (clock: Clock, rateBitsPerSecond: number, windowBytes = 1_000, quantumBytes = 600) {
    this.#clock = clock
    this.#rateBitsPerSecond = rateBitsPerSecond
    this.#windowBytes = windowBytes
    this.#quantumBytes = quantumBytes
  }

  ready (flow: Flow): void {
    this.#ready.add(flow)
    this.#arm()
  }

  remove (flow: Flow): void {
    this.#ready.delete(flow)
  }

  rateBitsPerSecond (): number {
    return this.#rateBitsPerSecond
  }

  newWindow (): SendWindow {
    return { windowBytes: this.#windowBytes, onAcknowledged () {} }
  }

  #arm (): void {
    if (!this.#armed && this.#ready.size > 0) {
      this.#armed = true
      this.#clock.setTimeout(() => {
        this.#armed = false
        this.#next()
        this.#arm()
      }, this.#freeMs - this.#clock.now())
    }
  }

  #next (): void {
    const [flow] = this.#ready
    if (flow === undefined) {
      return
    }
    this.#ready.delete(flow)
    const sentBytes = flow.backlogBytes > 0 ? flow.transmit(this.#quantumBytes) : 0
    this.#freeMs = Math.max(this.#freeMs, this.#clock.now()) + sentBytes * 8_000 / this.#rateBitsPerSecond
    if (flow.backlogBytes > 0 && sentBytes > 0) {
      this.#ready.add(flow)
    }
  }
}
