import crypto from 'node:crypto'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import type { NativeWork } from './native-work.ts'
import { replace, withPromises } from './replace.ts'

/** Of WebCrypto: promises from Node's threads. */
const SUBTLE_METHODS = ['decrypt', 'deriveBits', 'deriveKey', 'digest', 'encrypt', 'exportKey', 'generateKey', 'importKey', 'sign', 'unwrapKey', 'verify', 'wrapKey']

/** Functions that work in Node's threads where their last argument is a callback. */
const CRYPTO_FUNCTIONS = ['checkPrime', 'diffieHellman', 'generateKey', 'generatePrime', 'hkdf', 'pbkdf2', 'scrypt', 'sign', 'verify']
const ZLIB_FUNCTIONS = ['brotliCompress', 'brotliDecompress', 'deflate', 'deflateRaw', 'gunzip', 'gzip', 'inflate', 'inflateRaw', 'unzip']

type NativeMethod = (this: unknown, ...args: unknown[]) => Promise<unknown>
type NativeFunction = (...args: unknown[]) => unknown
type Callback = (...results: unknown[]) => void

/**
 * Makes the clock wait for what Node does in threads of its own: cryptography and compression. Not among it are files and
 * sockets, for which nobody can say when they will be done.
 */
export function installNativeFunctions (work: NativeWork): void {
  const prototype = Object.getPrototypeOf(crypto.webcrypto.subtle) as Record<string, NativeMethod>
  for (const name of SUBTLE_METHODS) {
    const native = prototype[name]
    prototype[name] = async function (this: unknown, ...args: unknown[]) {
      return await work.result(async () => await native.apply(this, args))
    }
  }
  replaceFunctions(work, crypto, CRYPTO_FUNCTIONS)
  replaceFunctions(work, zlib, ZLIB_FUNCTIONS)
  const generateKeyPair = promisify(crypto.generateKeyPair) as (...args: unknown[]) => Promise<object>
  replace(crypto, {
    // Its promise is of an object, and not of the callback's arguments.
    generateKeyPair: withPromises(awaited(work, crypto.generateKeyPair as NativeFunction), async (...args: unknown[]) => await work.result(async () => await generateKeyPair(...args)))
  })
}

function replaceFunctions (work: NativeWork, module: object, names: readonly string[]): void {
  const functions = module as Readonly<Record<string, NativeFunction>>
  replace(module, Object.fromEntries(names.map(name => [name, awaited(work, functions[name])])))
}

function awaited (work: NativeWork, native: NativeFunction): NativeFunction {
  return (...args) => {
    const callback = args.at(-1)
    if (typeof callback !== 'function') {
      return native(...args)
    }
    work.result(async () => await new Promise<unknown[]>(resolve => {
      native(...args.slice(0, -1), (...results: unknown[]) => resolve(results))
    })).then(results => process.nextTick(callback as Callback, ...results), (error: unknown) => process.nextTick(callback as Callback, error))
    return undefined
  }
}
