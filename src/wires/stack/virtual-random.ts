import crypto, { createPrivateKey, createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { RandomStream } from '../../core/random.ts'
import { replace } from './replace.ts'

/** PKCS #8 of a key of 32 bytes (RFC 8410), up to the key. */
const PKCS8_PREFIXES: Readonly<Record<string, string>> = {
  ed25519: '302e020100300506032b657004220420',
  x25519: '302e020100300506032b656e04220420'
}

interface KeyPairOptions {
  readonly publicKeyEncoding?: object
  readonly privateKeyEncoding?: object
}

/** Chance as Node and browsers offer it to everybody, drawn from one stream. */
export class VirtualRandom {
  readonly #random: RandomStream

  constructor (random: RandomStream) {
    this.#random = random
  }

  /** Uniform in [0, 1), 32 bits. */
  number (): number {
    return this.#random.next()
  }

  fillRandomly<View extends ArrayBufferView> (view: View): View {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    for (let i = 0; i < bytes.length; i += 4) {
      const word = this.#random.next() * 2 ** 32
      for (let k = 0; k < 4 && i + k < bytes.length; k++) {
        bytes[i + k] = word >>> (8 * k)
      }
    }
    return view
  }

  bytes (size: number): Buffer {
    return this.fillRandomly(Buffer.alloc(size))
  }

  /** Uniform over the integers from `minimum` to `maximum - 1`, 48 bits of them. */
  integer (minimum: number, maximum: number): number {
    const fraction = this.#random.next() + Math.floor(this.#random.next() * 2 ** 20) / 2 ** 52
    return minimum + Math.floor(fraction * (maximum - minimum))
  }

  /** RFC 9562 version 4. */
  uuid (): string {
    const bytes = this.bytes(16)
    bytes[6] = bytes[6] & 0x0f | 0x40
    bytes[8] = bytes[8] & 0x3f | 0x80
    return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
  }

  /** What `generateKeyPairSync` gives for Ed25519 and X25519; undefined for types whose keys this cannot make. */
  keyPair (type: string, { publicKeyEncoding, privateKeyEncoding }: KeyPairOptions = {}): { publicKey: unknown, privateKey: unknown } | undefined {
    if (!Object.hasOwn(PKCS8_PREFIXES, type)) {
      return undefined
    }
    const der = Buffer.concat([Buffer.from(PKCS8_PREFIXES[type], 'hex'), this.bytes(32)])
    const privateKey = createPrivateKey({ key: der, type: 'pkcs8', format: 'der' })
    return { publicKey: encoded(createPublicKey(privateKey), publicKeyEncoding), privateKey: encoded(privateKey, privateKeyEncoding) }
  }
}

function encoded (key: KeyObject, encoding: object | undefined): unknown {
  return encoding === undefined ? key : key.export(encoding as { type: 'spki', format: 'der' })
}

type BytesCallback = (error: null, bytes: Buffer) => void
type IntegerCallback = (error: null, integer: number) => void

/** Replaces `Math.random` and the randomness of `crypto`, Ed25519 and X25519 keys included. */
export function installRandom (virtual: VirtualRandom): void {
  Math.random = () => virtual.number()
  const getRandomValues = <View extends ArrayBufferView>(view: View): View => virtual.fillRandomly(view)
  const randomUUID = (): string => virtual.uuid()
  for (const target of new Set<object>([globalThis.crypto, crypto.webcrypto])) {
    replace(target, { getRandomValues, randomUUID })
  }
  const fill = <View extends ArrayBufferView>(view: View, offset = 0, size = view.byteLength - offset): View => {
    virtual.fillRandomly(new Uint8Array(view.buffer, view.byteOffset + offset, size))
    return view
  }
  const generateKeyPairSync = crypto.generateKeyPairSync as (type: string, options?: object) => unknown
  replace(crypto, {
    // Its getRandomValues calls WebCrypto's.
    randomUUID,
    randomBytes: (size: number, callback?: BytesCallback) => {
      const bytes = virtual.bytes(size)
      return callback === undefined ? bytes : process.nextTick(callback, null, bytes)
    },
    randomInt: (...args: readonly [number, (number | IntegerCallback)?, IntegerCallback?]) => {
      const callback = args.find(arg => typeof arg === 'function')
      const [first, second] = args
      const integer = typeof second === 'number' ? virtual.integer(first, second) : virtual.integer(0, first)
      return callback === undefined ? integer : process.nextTick(callback, null, integer)
    },
    randomFillSync: fill,
    randomFill: (view: NodeJS.ArrayBufferView, ...args: unknown[]) => {
      const [offset, size] = args.filter(arg => typeof arg === 'number')
      process.nextTick(args.at(-1) as (error: null, view: object) => void, null, fill(view, offset, size))
    },
    generateKeyPairSync: (type: string, options?: object) => virtual.keyPair(type, options) ?? generateKeyPairSync(type, options)
  })
}
