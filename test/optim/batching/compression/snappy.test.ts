import test from 'ava'
import * as fc from 'fast-check'
import { uncompress } from 'snappyjs'
import { TwinwireError } from '../../../../src/core/errors.ts'
import { randomStream } from '../../../../src/core/random.ts'
import { compressBlock, decompressBlock } from '../../../../src/optim/batching/compression/snappy-block.ts'
import { compressSnappy, decompressSnappy } from '../../../../src/optim/batching/compression/snappy-framing.ts'
import { naiveChecksum } from './naive-crc32c.ts'

fc.configureGlobal({ seed: 1 })

const IDENTIFIER = [0xff, 6, 0, 0, ...Buffer.from('sNaPpY')]

const text = (value: string): Uint8Array => new Uint8Array(Buffer.from(value))

/** By hand, from the format's text: type, three bytes of length, data. */
function chunk (type: number, data: readonly number[]): number[] {
  return [type, data.length & 0xff, data.length >>> 8 & 0xff, data.length >>> 16, ...data]
}

function raw (bytes: Uint8Array): number[] {
  return chunk(0x01, [...naiveChecksum(bytes), ...bytes])
}

function framed (...chunks: ReadonlyArray<readonly number[]>): Uint8Array {
  return Uint8Array.from(chunks.flat())
}

function decompressAlone (block: readonly number[], roomBytes = 65_536): Uint8Array {
  const target = new Uint8Array(roomBytes)
  return target.subarray(0, decompressBlock(Uint8Array.from(block), target, 0, roomBytes))
}

/** Elements of a block as format_description.txt has them, and what they mean by its words. */
interface Built {
  readonly block: number[]
  readonly plain: number[]
}

const element = fc.oneof(
  fc.record({ bytes: fc.uint8Array({ minLength: 1, maxLength: 80 }), lengthBytes: fc.integer({ min: 0, max: 4 }) }),
  fc.record({ back: fc.nat(3000), length: fc.integer({ min: 1, max: 64 }), offsetBytes: fc.constantFrom(1, 2, 4) })
)

const built = fc.array(element, { maxLength: 12 }).map((elements): Built => {
  const block: number[] = []
  const plain: number[] = []
  for (const element of elements) {
    if ('bytes' in element) {
      const { bytes } = element
      const lengthBytes = bytes.length > 60 ? Math.max(1, element.lengthBytes) : element.lengthBytes
      block.push(lengthBytes === 0 ? bytes.length - 1 << 2 : 59 + lengthBytes << 2)
      block.push(...[bytes.length - 1, 0, 0, 0].slice(0, lengthBytes), ...bytes)
      plain.push(...bytes)
    } else if (plain.length > 0) {
      const offset = 1 + element.back % Math.min(plain.length, element.offsetBytes === 1 ? 2047 : 65_535)
      const length = element.offsetBytes === 1 ? 4 + element.length % 8 : element.length
      block.push(...element.offsetBytes === 1
        ? [1 | length - 4 << 2 | offset >>> 8 << 5, offset & 0xff]
        : [(element.offsetBytes === 2 ? 2 : 3) | length - 1 << 2, offset & 0xff, offset >>> 8, 0, 0].slice(0, 1 + element.offsetBytes))
      for (let i = 0; i < length; i++) {
        plain.push(plain[plain.length - offset])
      }
    }
  }
  const lengthBytes = plain.length < 128 ? [plain.length] : [plain.length & 127 | 128, plain.length >>> 7]
  return { block: [...lengthBytes, ...block], plain }
})

test('a block built element by element from the format\'s description decompresses to what it means', t => {
  fc.assert(fc.property(built, ({ block, plain }) => Buffer.compare(decompressAlone(block), Uint8Array.from(plain)) === 0), { numRuns: 10_000 })
  t.pass()
})

test('what was compressed decompresses to itself, and to what snappyjs makes of it', t => {
  const repetitive = fc.array(fc.constantFrom('the ', 'of ', 'peer', '{"id":', 'aaaaaaaaaaaa'), { maxLength: 60 }).map(words => text(words.join('')))
  fc.assert(fc.property(fc.oneof(repetitive, fc.uint8Array({ maxLength: 200 })), bytes => {
    const block = compressBlock(bytes)
    return Buffer.compare(decompressAlone([...block]), bytes) === 0 && Buffer.compare(uncompress(block), bytes) === 0 &&
      Buffer.compare(decompressSnappy(compressSnappy(bytes), bytes.length), bytes) === 0
  }), { numRuns: 3000 })
  t.pass()
})

test('random blocks, and good ones with bytes changed, decompress within their room or fail with a code', t => {
  const mutated = fc.tuple(built, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 })).map(([{ block }, changes]) => {
    for (const [at, byte] of changes) {
      block[at % block.length] = byte
    }
    return block
  })
  fc.assert(fc.property(fc.oneof(mutated, fc.array(fc.nat(255), { maxLength: 40 })), block => {
    const target = new Uint8Array(1100).fill(0xee)
    try {
      const bytes = decompressBlock(Uint8Array.from(block), target, 50, 1000)
      return bytes <= 1000 && target.subarray(0, 50).every(byte => byte === 0xee) && target.subarray(50 + bytes).every(byte => byte === 0xee)
    } catch (error) {
      return error instanceof TwinwireError && error.code === 'ERR_BATCH_INVALID'
    }
  }), { numRuns: 10_000 })
  t.pass()
})

// snappyjs's own decompressor makes bytes of the first four, a RangeError of the fifth, and no end of the sixth.
const HOSTILE: ReadonlyArray<readonly [what: string, block: readonly number[]]> = [
  ['yields less than it announces', [10, 0, 65]],
  ['yields more than it announces', [1, 8, 65, 66, 67]],
  ['ends within a copy', [5, 0, 65, 1]],
  ['copies from where nothing is yet', [5, 0, 65, 3 << 2 | 3, 0, 0, 0, 0x80]],
  ['announces a length with its highest bit set', [0x80, 0x80, 0x80, 0x80, 0x08]],
  ['has a literal whose length has its highest bit set', [5, 63 << 2, 0xf0, 0xff, 0xff, 0xff, 1, 2]],
  ['announces more than there is room for', [0x80, 0x80, 0x40]],
  ['announces a length that does not end', [0x80, 0x80, 0x80, 0x80, 0x80, 0x80, 0x00]],
  ['is empty', []],
  ['copies from 0 bytes back', [5, 0, 65, 3 << 2 | 2, 0, 0]]
]

for (const [what, block] of HOSTILE) {
  test(`a block that ${what} is invalid`, t => {
    t.throws(() => decompressAlone(block, 1000), { code: 'ERR_BATCH_INVALID' })
  })
}

test('a frame is the stream identifier and a chunk with the masked checksum of what it holds', t => {
  // Too short to become smaller, so raw.
  t.deepEqual(compressSnappy(text('hello')), framed(IDENTIFIER, raw(text('hello'))))
  // By hand: 40 times "a" are a literal "a" and a copy of 39 from 1 back.
  const plain = text('a'.repeat(40))
  t.deepEqual(compressSnappy(plain), framed(IDENTIFIER, chunk(0x00, [...naiveChecksum(plain), 40, 0, 97, 38 << 2 | 2, 1, 0])))
})

test('chunks hold at most 65,536 bytes each, and one that does not become smaller is raw', t => {
  const stream = randomStream(1)
  const random = Uint8Array.from({ length: 65_536 }, () => stream.integer(256))
  const bytes = new Uint8Array(65_536 + 65_536 + 1)
  bytes.set(random, 65_536)
  const compressed = compressSnappy(bytes)
  const types: number[] = []
  for (let position = 0; position < compressed.length;) {
    types.push(compressed[position])
    position += 4 + compressed[position + 1] + compressed[position + 2] * 256 + compressed[position + 3] * 65_536
  }
  t.deepEqual(types, [0xff, 0x00, 0x01, 0x01])
  t.true(Buffer.compare(decompressSnappy(compressed, bytes.length), bytes) === 0)
})

test('padding, chunks that may be skipped, empty chunks and further identifiers change nothing', t => {
  const bytes = framed(IDENTIFIER, chunk(0xfe, [1, 2, 3]), raw(text('he')), chunk(0x80, []), IDENTIFIER, chunk(0xfd, [9]), raw(text('')), raw(text('llo')))
  t.deepEqual(decompressSnappy(bytes, 5), text('hello'))
})

const INVALID: ReadonlyArray<readonly [what: string, frame: Uint8Array]> = [
  ['that begins with data', framed(raw(text('hello')))],
  ['with another identifier', framed([0xff, 6, 0, 0, ...Buffer.from('SNAPPY')], raw(text('hello')))],
  ['with an identifier of another length', framed(chunk(0xff, [...Buffer.from('sNaPpYy')]), raw(text('hello')))],
  ['with a chunk of type 0x02', framed(IDENTIFIER, raw(text('hello')), chunk(0x02, [0]))],
  ['with a chunk of type 0x7f', framed(IDENTIFIER, raw(text('hello')), chunk(0x7f, []))],
  ['that ends within a header', framed(IDENTIFIER, raw(text('hello')), [0xfe, 0])],
  ['that ends within a chunk', framed(IDENTIFIER, raw(text('hello')), [0xfe, 2, 0, 0, 0])],
  ['with a chunk too short for a checksum', framed(IDENTIFIER, raw(text('hello')), chunk(0x01, [1, 2, 3]))],
  ['that yields less', framed(IDENTIFIER, raw(text('hell')))],
  ['that yields more', framed(IDENTIFIER, raw(text('hello')), raw(text('o')))]
]

for (const [what, frame] of INVALID) {
  test(`a frame ${what} is invalid`, t => {
    t.throws(() => decompressSnappy(frame, 5), { code: 'ERR_BATCH_INVALID' })
  })
}

test('a chunk of more than 65,536 bytes is invalid, though there is room for it', t => {
  const bytes = new Uint8Array(65_537)
  t.throws(() => decompressSnappy(framed(IDENTIFIER, raw(bytes)), bytes.length), { code: 'ERR_BATCH_INVALID' })
})

test('a wrong checksum is ERR_CHECKSUM, of raw chunks and of compressed ones', t => {
  for (const plain of [text('hello'), text('a'.repeat(40))]) {
    const frame = compressSnappy(plain)
    frame[IDENTIFIER.length + 4] ^= 1
    t.throws(() => decompressSnappy(frame, plain.length), { code: 'ERR_CHECKSUM' })
  }
})

test('an announcement that so few bytes cannot hold is refused before anything is allocated for it', t => {
  const before = process.memoryUsage().arrayBuffers
  t.throws(() => decompressSnappy(Uint8Array.from(IDENTIFIER), 2 ** 40), { code: 'ERR_BATCH_INVALID' })
  t.true(process.memoryUsage().arrayBuffers - before < 1024 * 1024)
  // The densest that there is, copies of 64 bytes in three, is taken.
  const densest = new Uint8Array(65_536)
  t.is(decompressSnappy(compressSnappy(densest), densest.length).length, 65_536)
})
