import crypto from 'node:crypto'
import type { RandomStream } from '../../core/random.ts'
import { replace } from './replace.ts'

/** Chance as Node and browsers offer it to everybody, drawn from one stream. */
export class VirtualRandom {
  #next: () => number

  constructor (random: RandomStream) {
    this.#next = () => random.next()
  }

  /** Uniform in [0, 1), 32 bits. */
  number (): number {
    return this.#next()
  }

  fillRandomly<View extends ArrayBufferView> (view: View): View {
    const bytes = new Uint8Array(view.buffer, view.byteOffset, view.byteLength)
    for (let i = 0; i < bytes.length; i += 4) {
      const word = this.#next() * 2 ** 32
      for (let k = 0; k < 4 && i + k < bytes.length; k++) {
        bytes[i + k] = word >>> (8 * k)
      }
    }
    return view
  }

  /** Uniform over the integers from `minimum` to `maximum - 1`, from 52 random bits (Node's ranges have up to 48). */
  integer (minimum: number, maximum: number): number {
    const fraction = this.#next() + Math.floor(this.#next() * 2 ** 20) / 2 ** 52
    return minimum + Math.floor(fraction * (maximum - minimum))
  }

  /** RFC 9562 version 4. */
  uuid (): string {
    return uuidOf(this.fillRandomly(Buffer.alloc(16)), 4)
  }

  /** RFC 9562 version 7. */
  timedUuid (epochMs: number): string {
    const bytes = this.fillRandomly(Buffer.alloc(16))
    bytes.writeUIntBE(epochMs, 0, 6)
    return uuidOf(bytes, 7)
  }

  /** Whether `action` draws from here. It draws zeros, and nothing from the stream. */
  isDrawnBy (action: () => void): boolean {
    const next = this.#next
    let drawn = false
    this.#next = () => {
      drawn = true
      return 0
    }
    try {
      action()
    } finally {
      this.#next = next
    }
    return drawn
  }
}

function uuidOf (bytes: Buffer, version: number): string {
  bytes[6] = bytes[6] & 0x0f | version << 4
  bytes[8] = bytes[8] & 0x3f | 0x80
  return bytes.toString('hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5')
}

type BytesCallback = (error: null, bytes: Buffer) => void
type IntegerCallback = (error: undefined, integer: number) => void
type Fillable = NodeJS.ArrayBufferView | ArrayBuffer | SharedArrayBuffer

/**
 * Replaces `Math.random` and the randomness of `crypto`. Node's own functions are called first, for what they think of their
 * arguments, and what they drew is drawn anew.
 */
export function installRandom (virtual: VirtualRandom): void {
  Math.random = () => virtual.number()
  const web = crypto.webcrypto
  const getRandomValues = web.getRandomValues.bind(web)
  for (const target of new Set<object>([globalThis.crypto, web])) {
    replace(target, {
      getRandomValues: <View extends Parameters<typeof getRandomValues>[0]>(view: View) => virtual.fillRandomly(getRandomValues(view)),
      randomUUID: () => virtual.uuid()
    })
  }
  const { randomBytes, randomInt, randomFillSync, randomFill, randomUUID } = crypto
  const fill = (target: Fillable, offset = 0, size?: number): Fillable => {
    randomFillSync(target as NodeJS.ArrayBufferView, offset, size as number)
    return filled(virtual, target, offset, size)
  }
  replace(crypto, {
    // Its getRandomValues calls WebCrypto's.
    randomUUID: (options?: crypto.RandomUUIDOptions) => {
      randomUUID(options)
      return virtual.uuid()
    },
    randomBytes: (size: number, callback?: BytesCallback) => {
      if (callback !== undefined && typeof callback !== 'function') {
        // Node refuses it.
        return randomBytes(size, callback)
      }
      const bytes = virtual.fillRandomly(randomBytes(size))
      return callback === undefined ? bytes : process.nextTick(callback, null, bytes)
    },
    randomInt: (...args: readonly [number, (number | IntegerCallback)?, IntegerCallback?]) => {
      const limits = args.filter(arg => typeof arg !== 'function') as [number, number]
      const callback = args.find(arg => typeof arg === 'function')
      randomInt(...limits)
      const [minimum, maximum] = limits[1] === undefined ? [0, limits[0]] : limits
      const integer = virtual.integer(minimum, maximum)
      return callback === undefined ? integer : process.nextTick(callback, undefined, integer)
    },
    randomFillSync: fill,
    randomFill: (target: Fillable, ...args: unknown[]) => {
      const callback = args.at(-1)
      if (typeof callback !== 'function') {
        // Node refuses it.
        return randomFill(target as NodeJS.ArrayBufferView, ...args as [() => void])
      }
      const [offset, size] = args.slice(0, -1) as number[]
      process.nextTick(callback, null, fill(target, offset, size))
      return undefined
    }
  })
  if ('randomUUIDv7' in crypto) {
    const randomUUIDv7 = crypto.randomUUIDv7 as (options?: object) => string
    replace(crypto, {
      randomUUIDv7: (options?: object) => {
        randomUUIDv7(options)
        return virtual.timedUuid(Date.now())
      }
    })
  }
}

/** `offset` and `size` count elements. */
function filled (virtual: VirtualRandom, target: Fillable, offset: number, size: number | undefined): Fillable {
  const [buffer, start] = ArrayBuffer.isView(target) ? [target.buffer, target.byteOffset] : [target, 0]
  const width = 'BYTES_PER_ELEMENT' in target ? target.BYTES_PER_ELEMENT : 1
  const from = offset * width
  virtual.fillRandomly(new Uint8Array(buffer, start + from, size === undefined ? target.byteLength - from : size * width))
  return target
}
