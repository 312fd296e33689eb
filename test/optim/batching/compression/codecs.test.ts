import { deflateRawSync, inflateRawSync } from 'node:zlib'
import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../../../src/core/errors.ts'
import { compress, decompress, type CompressingCodec } from '../../../../src/optim/batching/compression/codecs.ts'

fc.configureGlobal({ seed: 1 })

const codec = fc.constantFrom<CompressingCodec>('snappy', 'deflate')

test('what was compressed comes out as it went in, in a buffer of its own and of just its size', t => {
  const bytes = fc.oneof(fc.uint8Array({ minLength: 1, maxLength: 200 }), fc.tuple(fc.integer({ min: 1, max: 5000 }), fc.nat(255)).map(([length, byte]) => new Uint8Array(length).fill(byte)))
  fc.assert(fc.property(codec, bytes, (codec, bytes) => {
    const plain = decompress(codec, compress(codec, bytes), bytes.length)
    return Buffer.compare(plain, bytes) === 0 && plain.constructor === Uint8Array && plain.buffer.byteLength === bytes.length
  }), { numRuns: 3000 })
  t.pass()
})

test('random bytes, and good ones with bytes changed, yield what was announced or fail with a code', t => {
  const mutated = fc.tuple(codec, fc.nat(300), fc.array(fc.tuple(fc.nat(), fc.nat(255)), { maxLength: 3 }), fc.integer({ min: -2, max: 2 }))
    .map(([codec, length, changes, off]) => {
      const bytes = Uint8Array.from(compress(codec, new Uint8Array(length + 3).map((_, i) => i % 7)))
      for (const [at, byte] of changes) {
        bytes[at % bytes.length] = byte
      }
      return [codec, bytes, length + 3 + off] as const
    })
  const random = fc.tuple(codec, fc.uint8Array({ maxLength: 60 }), fc.integer({ min: 1, max: 400 }))
  fc.assert(fc.property(fc.oneof(mutated, random), ([codec, bytes, plainBytes]) => {
    try {
      return decompress(codec, bytes, plainBytes).buffer.byteLength === plainBytes
    } catch (error) {
      return error instanceof TwinwireError && (error.code === 'ERR_BATCH_INVALID' || error.code === 'ERR_CHECKSUM')
    }
  }), { numRuns: 10_000 })
  t.pass()
})

test('DEFLATE is zlib\'s raw format, both ways', t => {
  const bytes = new Uint8Array(3000).map((_, i) => i * i % 11)
  t.deepEqual(new Uint8Array(inflateRawSync(compress('deflate', bytes))), bytes)
  for (const level of [0, 1, 6, 9]) {
    t.deepEqual(decompress('deflate', deflateRawSync(bytes, { level }), bytes.length), bytes)
  }
})

test('100 MB in 100 kB of DEFLATE stop at what was announced', t => {
  const bomb = deflateRawSync(new Uint8Array(100e6))
  t.true(bomb.length < 110_000)
  const before = process.memoryUsage().arrayBuffers
  t.throws(() => decompress('deflate', bomb, 65_536), { code: 'ERR_BATCH_INVALID' })
  // 64 KiB and a step of zlib's, and not 100 MB.
  t.true(process.memoryUsage().arrayBuffers - before < 1e6)
})

test('DEFLATE that is cut short, or followed by anything, is invalid', t => {
  const bytes = new Uint8Array(1000).map((_, i) => i % 13)
  const compressed = compress('deflate', bytes)
  t.throws(() => decompress('deflate', compressed.subarray(0, -1), 1000), { code: 'ERR_BATCH_INVALID' })
  t.throws(() => decompress('deflate', Uint8Array.of(...compressed, 0), 1000), { code: 'ERR_BATCH_INVALID' })
  t.throws(() => decompress('deflate', compressed, 999), { code: 'ERR_BATCH_INVALID' })
  t.throws(() => decompress('deflate', compressed, 1001), { code: 'ERR_BATCH_INVALID' })
  t.throws(() => decompress('deflate', new Uint8Array(0), 1), { code: 'ERR_BATCH_INVALID' })
})
