import { deflateRawSync } from 'node:zlib'
import test from 'ava'
import { compress } from 'snappyjs'
import { Ballast, BATCH_BYTES } from '../../src/workload/payloads.ts'
import { requestPayloads } from '../../src/workload/request-reply.ts'

const HEADER_BYTES = 4
/** The most that a batch carries. */
const LARGEST_BATCH_BYTES = 64.5 * 1024

/** Every codec, at its best, against what stands together. */
function compressedBytes (parts: readonly Uint8Array[]): number {
  const whole = Buffer.concat(parts)
  return Math.min(deflateRawSync(whole, { level: 9 }).byteLength, compress(whole).byteLength)
}

test('of requests that stand in one batch nothing compresses but their headers, wherever it begins', t => {
  for (const requestBytes of [16, 100, 1_000, 32 * 1024, 64 * 1024]) {
    const next = requestPayloads(requestBytes, 1_000)
    const count = Math.floor(LARGEST_BATCH_BYTES / requestBytes)
    // Several times round, of which none begins where the one before did.
    for (let batch = 0; batch < 7; batch++) {
      const payloads = Array.from({ length: count }, next)
      t.true(payloads.every(({ byteLength }) => byteLength === requestBytes))
      t.true(compressedBytes(payloads) >= count * (requestBytes - HEADER_BYTES), `${requestBytes} B`)
    }
  }
})

test('of replies and messages that stand in one batch nothing compresses', t => {
  for (const bytes of [100, 1_000, 16 * 1024, 60_000]) {
    const ballast = new Ballast()
    for (let batch = 0; batch < 10; batch++) {
      const parts = Array.from({ length: Math.floor(LARGEST_BATCH_BYTES / bytes) }, () => ballast.take(bytes))
      t.true(compressedBytes(parts) >= parts.length * bytes, `${bytes} B`)
    }
  }
})

test('a request says in its first four bytes what it asks for; it is made once, and comes again when a batch is full', t => {
  for (const requestBytes of [4, 100, 100_000]) {
    const next = requestPayloads(requestBytes, 0x1234_5678)
    const count = Math.ceil(BATCH_BYTES / requestBytes)
    const first = Array.from({ length: count }, next)
    t.true(first.every(payload => new DataView(payload.buffer, payload.byteOffset).getUint32(0) === 0x1234_5678))
    t.is(new Set(first).size, count)
    t.true(first.every(payload => payload === next()))
  }
})

test('of ballast nothing is made but views, and what is larger than all there is is made once', t => {
  const ballast = new Ballast()
  const first = ballast.take(1_000)
  t.true(Array.from({ length: 1_000 }, () => ballast.take(1_000)).every(({ buffer, byteLength }) => buffer === first.buffer && byteLength === 1_000))
  const large = ballast.take(1_000_000)
  t.is(large.byteLength, 1_000_000)
  t.is(ballast.take(1_000_000), large)
  t.true(compressedBytes([large.subarray(300_000, 360_000)]) >= 60_000)
  t.is(ballast.take(1_000).buffer, first.buffer)
})

test('ballast at other positions is other bytes', t => {
  t.notDeepEqual(new Ballast().take(100), new Ballast(100).take(100))
  t.deepEqual(new Ballast(1e9).take(100).byteLength, 100)
})
