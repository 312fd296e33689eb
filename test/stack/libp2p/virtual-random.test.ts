import test from 'ava'
import { printed } from './virtual-process.ts'

/** Everything that is drawn, by whatever way. */
const DRAWS = `
  import crypto, { randomInt, randomFill } from 'node:crypto'
  import { promisify } from 'node:util'
  const der = { publicKeyEncoding: { type: 'spki', format: 'der' }, privateKeyEncoding: { type: 'pkcs8', format: 'der' } }
  const lines = {
    random: Math.random(),
    randoms: crypto.getRandomValues(new Uint8Array(5)).join(),
    web: globalThis.crypto.randomUUID(),
    uuid: crypto.randomUUID(),
    timed: crypto.randomUUIDv7?.() ?? Math.random(),
    bytes: crypto.randomBytes(3).join(),
    later: (await promisify(crypto.randomBytes)(3)).join(),
    filled: (await promisify(randomFill)(Buffer.alloc(4))).join(),
    wide: crypto.randomFillSync(new Uint32Array(3), 1, 1).join(),
    buffer: Buffer.from(crypto.randomFillSync(new ArrayBuffer(4))).join(),
    integers: [randomInt(1e9), randomInt(5, 1e9), await promisify(randomInt)(1e9)].join()
  }
  for (const type of ['ed25519', 'x25519']) {
    lines[type] = crypto.generateKeyPairSync(type, der).privateKey.toString('hex')
    lines[type + ' later'] = (await promisify(crypto.generateKeyPair)(type, der)).privateKey.toString('hex')
    lines[type + ' callback'] = await new Promise(resolve => crypto.generateKeyPair(type, (error, publicKey, privateKey) => resolve(privateKey.export({ format: 'jwk' }).d)))
  }
  for (const [name, usages] of [['Ed25519', ['sign', 'verify']], ['X25519', ['deriveBits']]]) {
    const { publicKey, privateKey } = await crypto.subtle.generateKey(name, true, usages)
    lines['subtle ' + name] = Buffer.from(await crypto.subtle.exportKey('spki', publicKey)).toString('hex') + (await crypto.subtle.exportKey('jwk', privateKey)).d
  }
  console.log(JSON.stringify(lines))`

test('one seed gives the same numbers, bytes and keys in every process, and another seed others', async t => {
  const [first, again, other] = (await Promise.all([printed(DRAWS, 'a'), printed(DRAWS, 'a'), printed(DRAWS, 'b')])).map(line => JSON.parse(line) as Record<string, unknown>)
  t.deepEqual(first, again)
  for (const name of Object.keys(first)) {
    t.notDeepEqual(first[name], other[name], name)
  }
  t.regex(String(first.uuid), /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  t.regex(String(first.wide), /^0,\d+,0$/)
})

test('as in Node, keys of WebCrypto have their uses, and work', async t => {
  const script = `
    const { subtle } = crypto
    const { publicKey, privateKey } = await subtle.generateKey({ name: 'ed25519' }, false, ['sign', 'verify'])
    console.log(publicKey.usages, publicKey.extractable, publicKey.algorithm, privateKey.usages, privateKey.extractable, privateKey.algorithm)
    console.log(await subtle.verify('Ed25519', publicKey, await subtle.sign('Ed25519', privateKey, new Uint8Array(9)), new Uint8Array(9)))
    const [a, b] = [await subtle.generateKey('X25519', true, ['deriveKey']), await subtle.generateKey('X25519', true, ['deriveKey'])]
    const shared = async (mine, theirs) => Buffer.from(await subtle.exportKey('raw', await subtle.deriveKey({ name: 'X25519', public: theirs.publicKey }, mine.privateKey, { name: 'AES-GCM', length: 256 }, true, ['encrypt'])))
    console.log((await shared(a, b)).equals(await shared(b, a)))
    for (const args of [['Ed25519', true, ['encrypt']], ['Ed25519', true, []], [undefined, true, []], ['nothing', true, []]]) {
      await subtle.generateKey(...args).catch(error => console.log(error.name, error.code))
    }`
  t.is(await printed(script, '1'), await printed(script))
})

test('as in Node, what chance is asked for in a wrong way is refused in the same words', async t => {
  const script = `
    import crypto from 'node:crypto'
    const attempts = [
      () => crypto.randomInt(10, 5), () => crypto.randomInt(), () => crypto.randomInt(2 ** 48 + 1), () => crypto.randomInt(1.5), () => crypto.randomInt(1, 2, 3),
      () => crypto.getRandomValues(new Float32Array(1)), () => crypto.getRandomValues(new Uint8Array(65537)), () => globalThis.crypto.getRandomValues('bytes'),
      () => crypto.randomBytes(-1), () => crypto.randomBytes('3'), () => crypto.randomBytes(3, 4), () => crypto.randomUUID(5),
      () => crypto.randomFillSync('text'), () => crypto.randomFillSync(new Uint32Array(2), 3), () => crypto.randomFillSync(new Uint32Array(2), 1, 2),
      () => crypto.randomFill(new Uint8Array(2)), () => crypto.randomFill(new Uint8Array(2), 3, () => {}),
      () => crypto.randomFillSync(new Uint16Array(4), 1).length, () => crypto.randomFillSync(new DataView(new ArrayBuffer(4)), 1, 2).byteLength,
      () => crypto.getRandomValues(new BigInt64Array(2)).length, () => crypto.randomInt(-5, -4)
    ]
    for (const attempt of attempts) {
      try {
        console.log(attempt())
      } catch (error) {
        console.log(error.name, error.code, error.message)
      }
    }`
  t.is(await printed(script, '1'), await printed(script))
})
