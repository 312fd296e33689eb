import timersPromises from 'node:timers/promises'
import { replace } from './replace.ts'

// Those of node:timers/promises, from the global timers as they are when they are called.

interface PromiseTimerOptions {
  readonly signal?: AbortSignal
  readonly ref?: boolean
}

export function installPromiseTimers (): void {
  replace(timersPromises, { setTimeout: timeoutPromise, setInterval: intervalIterator })
  replace(timersPromises.scheduler, { wait: async (delayMs: number, options?: PromiseTimerOptions) => { await timeoutPromise(delayMs, undefined, options) } })
}

export async function timeoutPromise<T> (delayMs?: number, value?: T, { signal, ref = true }: PromiseTimerOptions = {}): Promise<T | undefined> {
  if (signal?.aborted === true) {
    throw abortError(signal)
  }
  return await new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve(value)
    }, delayMs)
    const abort = (): void => {
      clearTimeout(timer)
      reject(abortError(signal))
    }
    signal?.addEventListener('abort', abort, { once: true })
    if (!ref) {
      timer.unref()
    }
  })
}

/** It ticks whether or not somebody waits, and those who are late get all ticks that they missed. */
async function * intervalIterator<T> (delayMs?: number, value?: T, { signal, ref = true }: PromiseTimerOptions = {}): AsyncGenerator<T | undefined> {
  let ticks = 0
  let goOn = (): void => {}
  const timer = setInterval(() => {
    ticks++
    goOn()
  }, delayMs)
  if (!ref) {
    timer.unref()
  }
  const abort = (): void => {
    clearInterval(timer)
    goOn()
  }
  signal?.addEventListener('abort', abort, { once: true })
  try {
    for (;;) {
      if (signal?.aborted === true) {
        throw abortError(signal)
      }
      if (ticks === 0) {
        await new Promise<void>(resolve => { goOn = resolve })
      }
      for (; ticks > 0; ticks--) {
        yield value
      }
    }
  } finally {
    clearInterval(timer)
    signal?.removeEventListener('abort', abort)
  }
}

function abortError (signal: AbortSignal | undefined): Error {
  return Object.assign(new Error('The operation was aborted', { cause: signal?.reason }), { name: 'AbortError', code: 'ABORT_ERR' })
}
