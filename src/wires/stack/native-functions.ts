import crypto from 'node:crypto'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { NativeWork } from './native-work.ts'
import { replace, withPromises } from './replace.ts'

/** Those that work in Node's threads where their last argument is a callback, and at once where there is none. */
const ONE_FOR_BOTH = ['decapsulate', 'diffieHellman', 'encapsulate', 'randomBytes', 'sign', 'verify']

type NativeMethod = (this: unknown, ...args: unknown[]) => Promise<unknown>
type NativeFunction = (...args: unknown[]) => unknown
type Callback = (...results: unknown[]) => void

/**
 * Makes the clock wait for what Node does in threads of its own: cryptography, compression and WebAssembly's compiling.
 *
 * Not among it are files and sockets, for which nobody can say when they will be done; and streams, whose bytes may come at
 * any virtual time: those of `zlib` (`createGzip` and its like), `CompressionStream` and `DecompressionStream`, and
 * WebAssembly's `compileStreaming` and `instantiateStreaming`. What awaits them sees virtual time pass.
 */
export function installNativeFunctions (work: NativeWork): void {
  const subtle = Object.getPrototypeOf(crypto.webcrypto.subtle) as Record<string, NativeMethod>
  replaceMethods(work, subtle, Object.getOwnPropertyNames(subtle).filter(name => name !== 'constructor'))
  replaceMethods(work, WebAssembly as unknown as Record<string, NativeMethod>, ['compile', 'instantiate'])
  const generateKeyPair = promisify(crypto.generateKeyPair) as (...args: unknown[]) => Promise<object>
  replaceFunctions(work, crypto, [...withTwins(crypto), ...ONE_FOR_BOTH])
  replaceFunctions(work, zlib, withTwins(zlib))
  // Its promise is of an object, and not of the callback's arguments.
  withPromises(crypto.generateKeyPair, async (...args: unknown[]) => await work.result(async () => await generateKeyPair(...args)))
}

/** Who has a twin that works at once works in a thread otherwise. */
function withTwins (module: object): string[] {
  return Object.keys(module).filter(name => `${name}Sync` in module)
}

function replaceMethods (work: NativeWork, target: Record<string, NativeMethod>, names: readonly string[]): void {
  for (const name of names) {
    const native = target[name]
    target[name] = async function (this: unknown, ...args: unknown[]) {
      return await work.result(async () => await native.apply(this, args))
    }
  }
}

function replaceFunctions (work: NativeWork, module: object, names: readonly string[]): void {
  const functions = module as Readonly<Record<string, NativeFunction>>
  // Not every Node has all of them.
  replace(module, Object.fromEntries(names.filter(name => name in module).map(name => [name, awaited(work, functions[name])])))
}

function awaited (work: NativeWork, native: NativeFunction): NativeFunction {
  return (...args) => {
    const callback = args.at(-1)
    if (typeof callback !== 'function') {
      return native(...args)
    }
    const done = Promise.withResolvers<unknown[]>()
    // What it throws, it throws at the caller.
    native(...args.slice(0, -1), (...results: unknown[]) => done.resolve(results))
    void work.result(async () => await done.promise).then(results => process.nextTick(callback as Callback, ...results))
    return undefined
  }
}
