import timers from 'node:timers'
import timersPromises from 'node:timers/promises'
import type { NativeWork } from './native-work.ts'
import { replace, withPromises } from './replace.ts'

type PromisedImmediate = typeof timersPromises.setImmediate

/** Immediates stay real turns of the event loop, in which virtual time does not pass: `work` is told of those that are to come. */
export function installImmediates (work: NativeWork): void {
  const { setImmediate: start, clearImmediate: clear } = globalThis
  const waiting = new WeakSet<object>()
  const noLonger = (handle: object): void => {
    if (waiting.delete(handle)) {
      work.turn(-1)
    }
  }
  const clearImmediate = (handle: NodeJS.Immediate): void => {
    // Anything may be given, and is ignored.
    noLonger(handle)
    clear(handle)
  }
  const setImmediatePromise = countedPromise(work, timersPromises.setImmediate)
  const replaced = {
    setImmediate: withPromises((callback: (...args: unknown[]) => void, ...args: unknown[]) => {
      // What is no function, Node refuses.
      const handle = start(typeof callback !== 'function' ? callback : () => {
        noLonger(handle)
        Reflect.apply(callback, handle, args)
      })
      waiting.add(handle)
      work.turn(1)
      return handle
    }, setImmediatePromise),
    clearImmediate
  }
  // Disposing of one calls Node's own clearImmediate.
  const any = start(() => {})
  clear(any)
  const prototype = Object.getPrototypeOf(any) as Disposable
  prototype[Symbol.dispose] = function (this: NodeJS.Immediate) {
    clearImmediate(this)
  }
  replace(globalThis, replaced)
  replace(timers, replaced)
  replace(timersPromises, { setImmediate: setImmediatePromise })
  replace(timersPromises.scheduler, { yield: async () => { await setImmediatePromise() } })
}

/** The promise is Node's own, with all that it makes of options. */
function countedPromise (work: NativeWork, native: PromisedImmediate): PromisedImmediate {
  return (value, options) => {
    const promise = native(value, options)
    work.turn(1)
    void Promise.allSettled([promise]).then(() => work.turn(-1))
    return promise
  }
}
