import { environment } from '../../../src/libp2p/environment.ts'
import crypto, { generateKeyPair, pbkdf2 } from 'node:crypto'
import { promisify } from 'node:util'
import zlib from 'node:zlib'
import test from 'ava'
import type { ExecutionContext } from 'ava'

test.serial('the clock waits for native cryptography, and results come in the order of the calls', async t => {
  const startMs = performance.now()
  let late = false
  setTimeout(() => { late = true }, 1)
  const order: string[] = []
  const large = crypto.subtle.digest('SHA-256', new Uint8Array(30e6)).then(() => order.push('30 MB'))
  const small = crypto.subtle.digest('SHA-256', new Uint8Array(1)).then(() => order.push('1 B'))
  const derived = promisify(pbkdf2)('password', 'salt', 50_000, 32, 'sha256').then(() => order.push('pbkdf2'))
  const keys = promisify(generateKeyPair)('rsa', { modulusLength: 1024 }).then(({ privateKey }) => order.push(privateKey.type))
  await Promise.all([large, small, derived, keys])
  t.deepEqual(order, ['30 MB', '1 B', 'pbkdf2', 'private'])
  t.is(performance.now(), startMs)
  t.false(late)
})

test.serial('what native functions throw and reject with reaches their callers', async t => {
  await t.throwsAsync(crypto.subtle.importKey('raw', new Uint8Array(3), 'AES-GCM', true, ['encrypt']))
  await t.throwsAsync(promisify(pbkdf2)('password', 'salt', 1, 32, 'no such digest'))
  t.throws(() => pbkdf2('password', 'salt', -1, 32, 'sha256', () => { t.fail() }), { code: 'ERR_OUT_OF_RANGE' })
})

/** Asserts that no virtual time passes until `action` is done, though a timer waits for its turn. */
async function takesNoTime (t: ExecutionContext, action: () => Promise<unknown>): Promise<void> {
  const { kernel } = environment
  const startNs = kernel.nowNs
  const timer = setTimeout(() => {}, 1)
  await action()
  t.is(kernel.nowNs, startNs)
  clearTimeout(timer)
}

test.serial('the clock waits for compression, of every kind that there is', async t => {
  const functions = zlib as unknown as Record<string, (input: Buffer, callback: (error: Error | null, output: Buffer) => void) => void>
  for (const [compress, decompress] of [['gzip', 'gunzip'], ['deflate', 'inflate'], ['deflateRaw', 'inflateRaw'], ['brotliCompress', 'brotliDecompress'], ['zstdCompress', 'zstdDecompress'], ['deflate', 'unzip']]) {
    if (compress in zlib) {
      await takesNoTime(t, async () => {
        const input = Buffer.alloc(1e5, compress)
        t.deepEqual(await promisify(functions[decompress])(await promisify(functions[compress])(input)), input)
      })
    }
  }
})

test.serial('the clock waits for WebAssembly to compile', async t => {
  const empty = Uint8Array.of(0, 0x61, 0x73, 0x6d, 1, 0, 0, 0)
  await takesNoTime(t, async () => {
    t.true((await WebAssembly.instantiate(empty)).instance instanceof WebAssembly.Instance)
    t.true(await WebAssembly.instantiate(await WebAssembly.compile(empty)) instanceof WebAssembly.Instance)
  })
})

test.serial('the clock waits for encapsulation and argon2, where Node has them', async t => {
  const functions = crypto as unknown as Record<string, (...args: unknown[]) => void>
  const called = async (name: string, ...args: unknown[]): Promise<unknown> => await new Promise((resolve, reject) => {
    functions[name](...args, (error: Error | null, result: unknown) => error === null ? resolve(result) : reject(error))
  })
  if (!('argon2' in crypto)) {
    t.pass()
    return
  }
  await takesNoTime(t, async () => {
    await called('argon2', 'argon2id', { message: 'password', nonce: 'a nonce of 16 by', parallelism: 1, tagLength: 32, memory: 64, passes: 1 })
    const { publicKey, privateKey } = crypto.generateKeyPairSync('x25519')
    const { sharedKey, ciphertext } = await called('encapsulate', publicKey) as Record<string, Buffer>
    t.deepEqual(await called('decapsulate', privateKey, ciphertext), sharedKey)
  })
})

test.serial('the clock waits for everything that has a twin which works at once, and for all of WebCrypto', t => {
  const isNative = (value: unknown): boolean => typeof value === 'function' && !value.toString().includes('work.result')
  const twins = (module: object): string[] => Object.keys(module).filter(name => `${name}Sync` in module)
  t.true(twins(crypto).length >= 8 && twins(zlib).length >= 9)
  for (const module of [crypto, zlib] as ReadonlyArray<Readonly<Record<string, unknown>>>) {
    t.deepEqual(twins(module).filter(name => isNative(module[name])), [])
  }
  const subtle = Object.getPrototypeOf(crypto.subtle) as Readonly<Record<string, unknown>>
  t.deepEqual(Object.getOwnPropertyNames(subtle).filter(name => isNative(subtle[name])), ['constructor'])
})
