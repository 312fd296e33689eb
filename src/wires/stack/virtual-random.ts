import { createPrivateKey, createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import type { RandomStream } from '../../core/random.ts'

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

  fill<View extends ArrayBufferView> (view: View): View {
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
    return this.fill(Buffer.alloc(size))
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
