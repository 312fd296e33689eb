import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../src/core/errors.ts'
import { encodeFrame, FrameDecoder, varintBytes } from '../../src/optim/frames.ts'

fc.configureGlobal({ seed: 1 })

/** A buffer of bytes that no test names would be slow to compare element by element. */
function same (a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0
}

// The examples of the multiformats unsigned-varint specification.
const VARINTS: Array<[value: number, bytes: number[]]> = [
  [0, [0x00]], [1, [0x01]], [127, [0x7f]], [128, [0x80, 0x01]], [255, [0xff, 0x01]], [300, [0xac, 0x02]], [16_384, [0x80, 0x80, 0x01]]
]

test('a frame is its length as an unsigned varint, and its payload', t => {
  for (const [length, bytes] of VARINTS) {
    const payload = new Uint8Array(length).fill(7)
    t.true(same(encodeFrame(payload), Buffer.from([...bytes, ...payload])), String(length))
    t.is(varintBytes(length), bytes.length)
  }
})

test('payloads come out as they went in, however their bytes are cut', t => {
  const payload = fc.uint8Array({ maxLength: 300 })
  fc.assert(fc.property(fc.array(payload, { maxLength: 10 }), fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 1, maxLength: 20 }), (payloads, cuts) => {
    const bytes = Buffer.concat(payloads.map(encodeFrame))
    const decoder = new FrameDecoder()
    const decoded: Uint8Array[] = []
    for (let position = 0, i = 0; position < bytes.length; i++) {
      const length = cuts[i % cuts.length]
      decoded.push(...decoder.push(bytes.subarray(position, position + length)))
      position += length
    }
    return decoder.empty && decoded.length === payloads.length && decoded.every((payload, i) => same(payload, payloads[i]))
  }))
  t.pass()
})

test('a frame of 1 MiB in single bytes comes out whole', t => {
  const payload = new Uint8Array(1024 * 1024).map((_, i) => i)
  const frame = encodeFrame(payload)
  const decoder = new FrameDecoder()
  let decoded: Uint8Array[] = []
  for (let i = 0; i < frame.length; i++) {
    decoded = decoder.push(frame.subarray(i, i + 1))
    if (i < frame.length - 1 && decoder.empty) {
      t.fail()
    }
  }
  t.true(same(decoded[0], payload))
})

test('a length above the limit is refused before anything of the payload has come', t => {
  const decoder = new FrameDecoder(1000)
  t.deepEqual(decoder.push(encodeFrame(new Uint8Array(1000))).map(({ length }) => length), [1000])
  t.throws(() => decoder.push(Uint8Array.of(0xe9, 0x07)), { code: 'ERR_FRAME_TOO_LARGE' })
})

test('a huge length is refused as soon as its digits say so, before it ends', t => {
  const decoder = new FrameDecoder(1000)
  t.throws(() => decoder.push(Uint8Array.of(0xff, 0xff)), { code: 'ERR_FRAME_TOO_LARGE' })
})

test('a length of 4 MiB alone reserves no 4 MiB', t => {
  const before = process.memoryUsage().arrayBuffers
  const decoders = Array.from({ length: 100 }, () => {
    const decoder = new FrameDecoder()
    decoder.push(Uint8Array.of(0x80, 0x80, 0x80, 0x02))
    return decoder
  })
  // 64 KiB each, and not 400 MiB in all.
  t.true(process.memoryUsage().arrayBuffers - before < 50e6)
  t.true(decoders.every(({ empty }) => !empty))
})

test('a length that is not minimal, or does not end, is invalid', t => {
  t.throws(() => new FrameDecoder().push(Uint8Array.of(0x81, 0x00)), { code: 'ERR_FRAME_INVALID' })
  t.throws(() => new FrameDecoder().push(new Uint8Array(20).fill(0x80)), { code: 'ERR_FRAME_INVALID' })
})

test('a payload is a buffer of its own: bytes that change later do not change it', t => {
  const frame = encodeFrame(Uint8Array.of(1, 2, 3))
  const [payload] = new FrameDecoder().push(frame)
  frame.fill(0)
  t.deepEqual([...payload], [1, 2, 3])
})

test('random bytes never do anything but decode or fail with a code, and no payload exceeds the limit', t => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 100 }), { maxLength: 20 }), chunks => {
    const decoder = new FrameDecoder(64)
    for (const chunk of chunks) {
      try {
        if (decoder.push(chunk).some(({ length }) => length > 64)) {
          return false
        }
      } catch (error) {
        return error instanceof TwinwireError && (error.code === 'ERR_FRAME_TOO_LARGE' || error.code === 'ERR_FRAME_INVALID')
      }
    }
    return true
  }), { numRuns: 1000 })
  t.pass()
})
