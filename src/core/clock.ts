import { TwinwireError } from './errors.ts'

/** A pending callback. Cancelling one that has fired or was cancelled before does nothing. */
export interface Timer {
  /** Keeps it from firing. */
  cancel(): void
}

/**
 * The only source of time for code that also runs in simulation.
 * `now` is monotonic and counts milliseconds (fractions allowed) from an arbitrary start.
 */
export interface Clock {
  /** In milliseconds. */
  now(): number
  /**
   * Calls back once, `delayMs` from now (a negative delay counts as 0); never before this call returns. The real clock
   * takes Infinity for never; in simulation, where time ends after 104 days, what is beyond that is an error.
   */
  setTimeout(callback: () => void, delayMs: number): Timer
}

/** Real time. Its timers keep the process alive, so whoever starts one must be able to cancel it. */
export const systemClock: Clock = {
  now: () => performance.now(),
  setTimeout (callback, delayMs) {
    let leftMs = Math.max(0, delayMs)
    let handle = setTimeout(step, Math.min(leftMs, MAXIMUM_STEP_MS))
    function step (): void {
      leftMs -= MAXIMUM_STEP_MS
      if (leftMs > 0) {
        handle = setTimeout(step, Math.min(leftMs, MAXIMUM_STEP_MS))
      } else {
        callback()
      }
    }
    return { cancel: () => clearTimeout(handle) }
  }
}

/** Node's timers hold 31 bits and fire at once where it is more: what is later is come to in steps. */
export const MAXIMUM_STEP_MS = 2 ** 30

/**
 * Resolves after `delayMs` of the clock's time.
 *
 * @throws what `signal` was aborted with; no timer or listener is left behind
 */
export async function sleep (clock: Clock, delayMs: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted()
  await new Promise<void>((resolve, reject) => {
    const timer = clock.setTimeout(() => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    }, delayMs)
    function onAbort (): void {
      timer.cancel()
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

/** An abort signal that fires on a time-out or with its parent, and can be disposed of before either. */
export interface TimeoutSignal extends Disposable {
  readonly signal: AbortSignal
  /** True once the time-out itself (not the parent) fired. */
  readonly timedOut: boolean
  /** Forgets the timer and the parent. */
  [Symbol.dispose](): void
}

/**
 * Like `AbortSignal.timeout`, but on the given clock, joined with a parent, and leaving nothing behind once disposed.
 * The signal's reason is what `reason` makes (by default a `TwinwireError` with code `ERR_TIMEOUT`), or the parent's.
 */
export function timeoutSignal (clock: Clock, delayMs: number, parent?: AbortSignal, reason: () => Error = () => new TwinwireError('ERR_TIMEOUT', `timed out after ${delayMs} ms`)): TimeoutSignal {
  return new ClockSignal(clock, delayMs, parent, reason)
}

/** A class, because there are several a request and an object literal with a getter takes several times as long to make. */
class ClockSignal implements TimeoutSignal {
  readonly #controller = new AbortController()
  readonly #parent: AbortSignal | undefined
  readonly #timer: Timer
  #timedOut = false

  constructor (clock: Clock, delayMs: number, parent: AbortSignal | undefined, reason: () => Error) {
    this.#parent = parent
    this.#timer = clock.setTimeout(() => {
      this.#timedOut = true
      parent?.removeEventListener('abort', this.#onParentAbort)
      this.#controller.abort(reason())
    }, delayMs)
    if (parent?.aborted === true) {
      this.#onParentAbort()
    } else {
      parent?.addEventListener('abort', this.#onParentAbort, { once: true })
    }
  }

  get signal (): AbortSignal {
    return this.#controller.signal
  }

  get timedOut (): boolean {
    return this.#timedOut
  }

  [Symbol.dispose] (): void {
    this.#timer.cancel()
    this.#parent?.removeEventListener('abort', this.#onParentAbort)
  }

  readonly #onParentAbort = (): void => {
    this.#timer.cancel()
    this.#controller.abort(this.#parent?.reason)
  }
}
