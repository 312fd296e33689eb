import crypto, { createPrivateKey, createPublicKey } from 'node:crypto'
import type { KeyObject, webcrypto } from 'node:crypto'
import { promisify } from 'node:util'
import { replace, withPromises } from './replace.ts'
import type { VirtualRandom } from './virtual-random.ts'

/** PKCS #8 of a key of 32 bytes (RFC 8410), up to the key. */
const PKCS8_PREFIXES: Readonly<Record<string, string>> = {
  ed25519: '302e020100300506032b657004220420',
  x25519: '302e020100300506032b656e04220420'
}

interface KeyPairOptions {
  readonly publicKeyEncoding?: object
  readonly privateKeyEncoding?: object
}

interface KeyPair {
  readonly publicKey: unknown
  readonly privateKey: unknown
}

type GenerateKey = (this: webcrypto.SubtleCrypto, algorithm: string | { readonly name?: unknown } | undefined, extractable: boolean, usages: webcrypto.KeyUsage[]) => Promise<webcrypto.CryptoKeyPair>

/**
 * Ed25519 and X25519 keys from the simulation's chance, by `generateKeyPair`, `generateKeyPairSync` and WebCrypto's
 * `generateKey`. All other keys stay real chance, and so differ from run to run, because OpenSSL draws it itself: RSA, EC
 * (ECDSA, ECDH, `createECDH`), Diffie-Hellman, post-quantum and secret keys, primes, and also the chance inside of ECDSA and
 * RSA-PSS signatures, RSA encryption and encapsulation.
 */
export function installKeys (random: VirtualRandom): void {
  installNodeKeys(random)
  installWebKeys(random)
}

function installNodeKeys (random: VirtualRandom): void {
  const { generateKeyPairSync, generateKeyPair } = crypto as unknown as Record<string, (type: string, ...rest: unknown[]) => unknown>
  const generateKeyPairPromise = promisify(crypto.generateKeyPair) as (type: string, options?: object) => Promise<KeyPair>
  replace(crypto, {
    generateKeyPairSync: (type: string, options?: KeyPairOptions) => isSeeded(type) ? keyPair(random, type, options) : generateKeyPairSync(type, options),
    generateKeyPair: withPromises((type: string, ...rest: unknown[]) => {
      const callback = rest.at(-1)
      if (!isSeeded(type) || typeof callback !== 'function') {
        return generateKeyPair(type, ...rest)
      }
      const { publicKey, privateKey } = keyPair(random, type, rest.length > 1 ? rest[0] as KeyPairOptions : {})
      process.nextTick(callback, null, publicKey, privateKey)
      return undefined
    }, async (type: string, options?: KeyPairOptions) => isSeeded(type) ? keyPair(random, type, options) : await generateKeyPairPromise(type, options))
  })
}

function installWebKeys (random: VirtualRandom): void {
  const prototype = Object.getPrototypeOf(crypto.webcrypto.subtle) as Omit<webcrypto.SubtleCrypto, 'generateKey'> & { generateKey: GenerateKey }
  const { generateKey, importKey } = prototype
  prototype.generateKey = async function (algorithm, extractable, usages) {
    const name = String(typeof algorithm === 'string' ? algorithm : algorithm?.name).toLowerCase()
    if (!isSeeded(name)) {
      return await generateKey.call(this, algorithm, extractable, usages)
    }
    // Drawn at the call, for who knows when Node's threads are done.
    const pkcs8 = randomPkcs8(random, name)
    // Node's pair says which arguments are wrong, and which uses each key has.
    const real = await generateKey.call(this, algorithm, extractable, usages)
    const spki = createPublicKey(createPrivateKey({ key: pkcs8, type: 'pkcs8', format: 'der' })).export({ type: 'spki', format: 'der' })
    return {
      privateKey: await importKey.call(this, 'pkcs8', pkcs8, real.privateKey.algorithm, real.privateKey.extractable, real.privateKey.usages),
      publicKey: await importKey.call(this, 'spki', spki, real.publicKey.algorithm, true, real.publicKey.usages)
    }
  }
}

function isSeeded (type: string): boolean {
  return Object.hasOwn(PKCS8_PREFIXES, type)
}

function randomPkcs8 (random: VirtualRandom, type: string): Buffer<ArrayBuffer> {
  return Buffer.concat([Buffer.from(PKCS8_PREFIXES[type], 'hex'), random.fillRandomly(Buffer.alloc(32))])
}

function keyPair (random: VirtualRandom, type: string, { publicKeyEncoding, privateKeyEncoding }: KeyPairOptions = {}): KeyPair {
  const privateKey = createPrivateKey({ key: randomPkcs8(random, type), type: 'pkcs8', format: 'der' })
  return { publicKey: encoded(createPublicKey(privateKey), publicKeyEncoding), privateKey: encoded(privateKey, privateKeyEncoding) }
}

function encoded (key: KeyObject, encoding: object | undefined): unknown {
  return encoding === undefined ? key : key.export(encoding as { type: 'spki', format: 'der' })
}
