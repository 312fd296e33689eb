import { NS_PER_MS } from '../../core/units.ts'
import type { EventId, Kernel, Operation } from '../../sim/kernel.ts'

/** As Node: a delay outside of these, and what is no number, counts as 1 ms, and fractions are cut off. */
const LONGEST_MS = 2 ** 31 - 1

/** What a handle is as a number begins here, far above the numbers of Node's own timers, some of which may still be pending. */
const FIRST_NUMBER = 2 ** 32

type Callback = (...args: unknown[]) => void

/** What `setTimeout` and `setInterval` return; Node's `Timeout`, as far as anybody can use it. */
export class VirtualTimeout {
  readonly id: number
  readonly callback: Callback
  readonly args: readonly unknown[]
  readonly delayMs: number
  readonly repeats: boolean
  /** -1 while it is not pending. */
  event: EventId = -1
  /** For good: refreshing it does nothing then, as in Node. */
  cleared = false
  referenced = true
  readonly #timers: VirtualTimers

  constructor (timers: VirtualTimers, id: number, callback: Callback, delayMs: number, args: readonly unknown[], repeats: boolean) {
    this.#timers = timers
    this.id = id
    this.callback = callback
    this.delayMs = delayMs >= 1 && delayMs <= LONGEST_MS ? Math.trunc(delayMs) : 1
    this.args = args
    this.repeats = repeats
  }

  ref (): this {
    this.#timers.reference(this, true)
    return this
  }

  unref (): this {
    this.#timers.reference(this, false)
    return this
  }

  hasRef (): boolean {
    return this.referenced
  }

  /** Counts anew from now, also where it has fired already, but not where it has been cleared. */
  refresh (): this {
    this.#timers.restart(this)
    return this
  }

  close (): this {
    this.#timers.clear(this)
    return this
  }

  [Symbol.toPrimitive] (): number {
    return FIRST_NUMBER + this.id
  }

  [Symbol.dispose] (): void {
    this.close()
  }
}

/** Node's timers on a kernel's clock. Their times are exact: what is due at 10 ms fires at 10 ms, to the nanosecond. */
export class VirtualTimers {
  readonly #kernel: Kernel
  readonly #fire: Operation
  /** Those that are pending or whose callback is running, by id. */
  readonly #known = new Map<number, VirtualTimeout>()
  readonly #onStart: () => void
  #nextId = 1
  #unreferenced = 0

  /** @param onStart called whenever a timer has been started */
  constructor (kernel: Kernel, onStart: () => void = () => {}) {
    this.#kernel = kernel
    this.#onStart = onStart
    this.#fire = kernel.define(id => this.#onDue(id), 'timer')
  }

  /** Pending timers that are to keep nobody waiting. */
  get unreferenced (): number {
    return this.#unreferenced
  }

  /** All others that are pending. */
  get referenced (): number {
    return [...this.#known.values()].filter(({ event, referenced }) => event !== -1 && referenced).length
  }

  start (callback: Callback, delayMs: number, args: readonly unknown[], repeats: boolean): VirtualTimeout {
    if (typeof callback !== 'function') {
      throw Object.assign(new TypeError('The "callback" argument must be of type function'), { code: 'ERR_INVALID_ARG_TYPE' })
    }
    const timer = new VirtualTimeout(this, this.#nextId, callback, delayMs, args, repeats)
    this.#nextId = (this.#nextId % LONGEST_MS) + 1
    this.#schedule(timer)
    return timer
  }

  /** `handle` is what starting gave, or that as a number or a string. False for anything else. */
  clear (handle: unknown): boolean {
    const timer = handle instanceof VirtualTimeout ? handle : this.#numbered(handle)
    if (timer === undefined) {
      return false
    }
    timer.cleared = true
    this.#cancel(timer)
    this.#known.delete(timer.id)
    return true
  }

  restart (timer: VirtualTimeout): void {
    if (!timer.cleared) {
      this.#cancel(timer)
      this.#schedule(timer)
    }
  }

  reference (timer: VirtualTimeout, referenced: boolean): void {
    if (timer.referenced !== referenced) {
      timer.referenced = referenced
      if (timer.event !== -1) {
        this.#unreferenced += referenced ? -1 : 1
        this.#onStart()
      }
    }
  }

  #schedule (timer: VirtualTimeout): void {
    const kernel = this.#kernel
    timer.event = kernel.schedule(kernel.nowNs + timer.delayMs * NS_PER_MS, this.#fire, timer.id)
    this.#known.set(timer.id, timer)
    if (!timer.referenced) {
      this.#unreferenced++
    }
    this.#onStart()
  }

  /** Only what is a number or a string already: a real timer of Node's becomes a number that means another thing. */
  #numbered (handle: unknown): VirtualTimeout | undefined {
    return typeof handle === 'number' || typeof handle === 'string' ? this.#known.get(Number(handle) - FIRST_NUMBER) : undefined
  }

  #cancel (timer: VirtualTimeout): void {
    if (timer.event !== -1) {
      this.#kernel.cancel(timer.event)
      this.#isPendingNoLonger(timer)
    }
  }

  #isPendingNoLonger (timer: VirtualTimeout): void {
    timer.event = -1
    if (!timer.referenced) {
      this.#unreferenced--
    }
  }

  #onDue (id: number): void {
    const timer = this.#known.get(id)
    if (timer === undefined) {
      throw new Error(`timer ${id} is due, and not known`)
    }
    this.#isPendingNoLonger(timer)
    this.#kernel.wake()
    try {
      timer.callback(...timer.args)
    } finally {
      // Only now, as Node does: what the callback started for the same time comes first.
      if (timer.repeats) {
        this.restart(timer)
      } else if (timer.event === -1) {
        this.#known.delete(id)
      }
    }
  }
}
