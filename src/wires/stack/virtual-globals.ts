import { syncBuiltinESMExports } from 'node:module'
import timers from 'node:timers'
import type { RandomStream } from '../../core/random.ts'
import { NS_PER_MS } from '../../core/units.ts'
import type { Kernel } from '../../sim/kernel.ts'
import type { NativeWork } from './native-work.ts'
import { installNativeFunctions } from './native-functions.ts'
import { replace, withPromises } from './replace.ts'
import { installClocks } from './virtual-clocks.ts'
import { installImmediates } from './virtual-immediates.ts'
import { installKeys } from './virtual-keys.ts'
import { installPromiseTimers, timeoutPromise } from './virtual-promise-timers.ts'
import { installRandom, VirtualRandom } from './virtual-random.ts'
import { VirtualTimers } from './virtual-timers.ts'

export interface VirtualGlobalsInit {
  readonly kernel: Kernel
  readonly work: NativeWork
  /** Of all that draws from `Math.random`, `crypto` and their like, in the order in which it does. */
  readonly random: RandomStream
  /** Called whenever a timer has been started. */
  readonly onStart?: () => void
}

/** What a thread that lives in virtual time has instead of Node's. */
export interface VirtualGlobals {
  readonly timers: VirtualTimers
  readonly random: VirtualRandom
}

/**
 * Puts this thread into virtual time: `setTimeout` and the other timers, `Date`, `Temporal.Now`, what `Intl.DateTimeFormat`
 * formats by default, `performance.now`, `mark` and `measure`, `process.hrtime` and `uptime`, `AbortSignal.timeout`,
 * `Math.random` and the randomness of `crypto` (with it Ed25519 and X25519 keys, and no others: see `installKeys`) come from
 * the kernel and the stream from here on, whether code takes them from `globalThis` or from `node:` modules. What asks for a
 * turn of the event loop or for native cryptography is counted, so that the clock waits for it.
 *
 * These clocks stay real: `Event.timeStamp`, `new PerformanceMark()` without a start, the other entries and figures of
 * `performance` (`timerify`, `eventLoopUtilization`, `nodeTiming`, `toJSON`), `console.time`, the times of files, and what
 * measures the machine (`process.cpuUsage`, `os.uptime`). So do timers that Node starts itself, those of its sockets.
 *
 * To be called before the code that is to live in virtual time is loaded: what it keeps of the old functions stays real.
 * Timers that were started before stay real too, and can be cleared.
 * There is no way back: a thread that is done with is ended.
 */
export function installVirtualGlobals ({ kernel, work, random, onStart }: VirtualGlobalsInit): VirtualGlobals {
  const virtual = { timers: new VirtualTimers(kernel, onStart), random: new VirtualRandom(random) }
  installTimers(virtual.timers)
  installPromiseTimers()
  installImmediates(work)
  installClocks(() => kernel.nowNs / NS_PER_MS)
  installRandom(virtual.random)
  installKeys(virtual.random)
  // Last, for it makes the clock wait for what the others put there.
  installNativeFunctions(work)
  syncBuiltinESMExports()
  return virtual
}

function installTimers (virtual: VirtualTimers): void {
  const { clearTimeout: clearReal } = globalThis
  const clear = (handle: unknown): void => {
    if (!virtual.clear(handle)) {
      // Of the time before, or nothing at all.
      clearReal(handle as NodeJS.Timeout)
    }
  }
  const replaced = {
    setTimeout: withPromises((callback: () => void, delayMs = 1, ...args: unknown[]) => virtual.start(callback, delayMs, args, false), timeoutPromise),
    setInterval: (callback: () => void, delayMs = 1, ...args: unknown[]) => virtual.start(callback, delayMs, args, true),
    clearTimeout: clear,
    clearInterval: clear
  }
  replace(globalThis, replaced)
  replace(timers, replaced)
  const realTimeout = AbortSignal.timeout.bind(AbortSignal)
  AbortSignal.timeout = delayMs => {
    if (!(Number.isInteger(delayMs) && delayMs >= 0 && delayMs < 2 ** 32)) {
      // Node refuses it, in its own words.
      return realTimeout(delayMs)
    }
    const controller = new AbortController()
    virtual.start(() => controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError')), delayMs, [], false)
    return controller.signal
  }
}
