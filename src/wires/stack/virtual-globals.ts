import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import type { RandomStream } from '../../core/random.ts'
import { NS_PER_MS } from '../../core/units.ts'
import type { Kernel } from '../../sim/kernel.ts'
import type { NativeWork } from './native-work.ts'
import { installNativeFunctions } from './native-functions.ts'
import { replace, withPromises } from './replace.ts'
import { installRandom, VirtualRandom } from './virtual-random.ts'
import { VirtualTimers } from './virtual-timers.ts'

/** What `Date` shows at virtual time zero, on every machine: 2024-01-01T00:00:00Z. */
export const EPOCH_MS = Date.UTC(2024, 0, 1)

export interface VirtualGlobalsInit {
  readonly kernel: Kernel
  readonly work: NativeWork
  /** Of all that draws from `Math.random`, `crypto` and their like, in the order in which it does. */
  readonly random: RandomStream
  /** Called whenever a timer has been started. */
  readonly onStart?: () => void
}

/** The timers of a thread that lives in virtual time. */
export interface VirtualGlobals {
  readonly timers: VirtualTimers
}

/**
 * Puts this thread into virtual time: `setTimeout` and the other timers, `Date`, `performance.now`, `process.hrtime`,
 * `AbortSignal.timeout`, `Math.random` and the randomness of `crypto` (with it Ed25519 and X25519 keys) come from the
 * kernel and the stream from here on, whether code takes them from `globalThis` or from `node:` modules. What asks for a
 * turn of the event loop or for native cryptography is counted, so that the clock waits for it.
 *
 * To be called before the code that is to live in virtual time is loaded: what it keeps of the old functions stays real.
 * There is no way back: a thread that is done with is ended.
 */
export function installVirtualGlobals ({ kernel, work, random, onStart }: VirtualGlobalsInit): VirtualGlobals {
  const virtualTimers = new VirtualTimers(kernel, onStart)
  const nowMs = (): number => kernel.nowNs / NS_PER_MS
  installTimers(virtualTimers)
  installImmediates(work)
  installClocks(nowMs)
  installRandom(new VirtualRandom(random))
  installNativeFunctions(work)
  syncBuiltinESMExports()
  return { timers: virtualTimers }
}

function installTimers (virtual: VirtualTimers): void {
  const replaced = {
    setTimeout: withPromises((callback: () => void, delayMs = 1, ...args: unknown[]) => virtual.start(callback, delayMs, args, false), timeoutPromise),
    setInterval: (callback: () => void, delayMs = 1, ...args: unknown[]) => virtual.start(callback, delayMs, args, true),
    clearTimeout: (handle: unknown) => virtual.clear(handle),
    clearInterval: (handle: unknown) => virtual.clear(handle)
  }
  replace(globalThis, replaced)
  replace(timers, replaced)
  replace(timersPromises, { setTimeout: timeoutPromise, setInterval: intervalIterator })
  replace(timersPromises.scheduler, { wait: async (delayMs: number, options?: { signal?: AbortSignal }) => { await timeoutPromise(delayMs, undefined, options) } })
  AbortSignal.timeout = delayMs => {
    const controller = new AbortController()
    virtual.start(() => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')), delayMs, [], false)
    return controller.signal
  }
}

interface PromiseTimerOptions {
  readonly signal?: AbortSignal
  readonly ref?: boolean
}

async function timeoutPromise<T> (delayMs?: number, value?: T, { signal, ref = true }: PromiseTimerOptions = {}): Promise<T | undefined> {
  return await new Promise((resolve, reject) => {
    const abort = (): void => {
      clearTimeout(timer)
      reject(Object.assign(new Error('The operation was aborted', { cause: signal?.reason }), { name: 'AbortError', code: 'ABORT_ERR' }))
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', abort)
      resolve(value)
    }, delayMs)
    if (!ref) {
      timer.unref()
    }
    if (signal?.aborted === true) {
      abort()
    } else {
      signal?.addEventListener('abort', abort, { once: true })
    }
  })
}

async function * intervalIterator<T> (delayMs?: number, value?: T, options: PromiseTimerOptions = {}): AsyncGenerator<T | undefined> {
  for (;;) {
    yield await timeoutPromise(delayMs, value, options)
  }
}

/** They stay real turns of the event loop: virtual time does not pass in them. */
function installImmediates (work: NativeWork): void {
  const { setImmediate: start, clearImmediate: clear } = globalThis
  const waiting = new WeakSet<object>()
  const replaced = {
    setImmediate: withPromises((callback: (...args: unknown[]) => void, ...args: unknown[]) => {
      const handle = start(() => {
        waiting.delete(handle)
        work.turn(-1)
        callback(...args)
      })
      waiting.add(handle)
      work.turn(1)
      return handle
    }, immediatePromise),
    clearImmediate: (handle: NodeJS.Immediate) => {
      if (waiting.delete(handle)) {
        work.turn(-1)
      }
      clear(handle)
    }
  }
  replace(globalThis, replaced)
  replace(timers, replaced)
  replace(timersPromises, { setImmediate: immediatePromise })
}

async function immediatePromise<T> (value?: T): Promise<T | undefined> {
  return await new Promise(resolve => { setImmediate(() => resolve(value)) })
}

function installClocks (nowMs: () => number): void {
  const dateNow = (): number => EPOCH_MS + Math.floor(nowMs())
  globalThis.Date = new Proxy(Date, {
    construct: (target, args, newTarget) => Reflect.construct(target, args.length === 0 ? [dateNow()] : args, newTarget) as object,
    apply: target => new target(dateNow()).toString(),
    get: (target, key, receiver) => key === 'now' ? dateNow : Reflect.get(target, key, receiver) as unknown
  })
  replace(performance, { now: nowMs, timeOrigin: EPOCH_MS })
  const hrtime = (earlier?: [number, number]): [number, number] => {
    const ns = Math.round(nowMs() * NS_PER_MS)
    const [seconds, rest] = [Math.floor(ns / 1e9), ns % 1e9]
    if (earlier === undefined) {
      return [seconds, rest]
    }
    const borrow = rest < earlier[1] ? 1 : 0
    return [seconds - earlier[0] - borrow, rest - earlier[1] + borrow * 1e9]
  }
  process.hrtime = Object.assign(hrtime, { bigint: () => BigInt(Math.round(nowMs() * NS_PER_MS)) })
}
