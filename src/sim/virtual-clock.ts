import type { Clock, Timer } from '../core/clock.ts'
import { msToNs, nsToMs } from '../core/units.ts'
import type { Kernel, Operation } from './kernel.ts'

/** The clock of code that runs in simulation: a kernel's time, in milliseconds since a zero that can be set. */
export class VirtualClock implements Clock {
  /** The kernel's time at which `now` is 0. Setting it moves no timer: they are relative. */
  zeroNs: number

  readonly #kernel: Kernel
  readonly #fire: Operation
  readonly #callbacks: Array<(() => void) | undefined> = []
  readonly #free: number[] = []

  /** @param name of its timers, for who reads of events; whose they are should stand in it */
  constructor (kernel: Kernel, zeroNs = 0, name = 'timer') {
    this.#kernel = kernel
    this.zeroNs = zeroNs
    this.#fire = kernel.define(index => {
      const callback = this.#release(index)
      kernel.wake()
      callback?.()
    }, name)
  }

  now (): number {
    return nsToMs(this.#kernel.nowNs - this.zeroNs)
  }

  /** Calls back once, `delayMs` from now, to the nearest nanosecond; a negative delay counts as 0. */
  setTimeout (callback: () => void, delayMs: number): Timer {
    const kernel = this.#kernel
    const index = this.#free.at(-1) ?? this.#callbacks.length
    const id = kernel.schedule(kernel.nowNs + msToNs(Math.max(0, delayMs)), this.#fire, index)
    this.#free.pop()
    this.#callbacks[index] = callback
    return {
      cancel: () => {
        if (kernel.cancel(id)) {
          this.#release(index)
        }
      }
    }
  }

  /** Forgets the callback, so that what it holds can be collected, and returns it. */
  #release (index: number): (() => void) | undefined {
    const callback = this.#callbacks[index]
    this.#callbacks[index] = undefined
    this.#free.push(index)
    return callback
  }
}
