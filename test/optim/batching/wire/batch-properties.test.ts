import { isDeepStrictEqual } from 'node:util'
import test from 'ava'
import * as fc from 'fast-check'
import { TwinwireError } from '../../../../src/core/errors.ts'
import { BatchDecoder } from '../../../../src/optim/batching/wire/batch-decoder.ts'
import { BatchEncoder } from '../../../../src/optim/batching/wire/batch-encoder.ts'
import { BATCH_HEADER_BYTES, INITIAL_FRAME_BYTES, MAXIMUM_ITEMS, type Side } from '../../../../src/optim/batching/wire/format.ts'
import type { Batch, Item } from '../../../../src/optim/batching/wire/items.ts'
import { varintBytes } from '../../../../src/optim/frames.ts'
import { direction, encodeAll } from './arbitrary-batches.ts'
import { decoded } from './decoded.ts'

fc.configureGlobal({ seed: 1 })

const CODES = new Set(['ERR_BATCH_INVALID', 'ERR_CHECKSUM', 'ERR_FRAME_INVALID', 'ERR_FRAME_TOO_LARGE'])

/** Of the tests below, so small that random numbers exceed them. */
const LIMIT_BYTES = 400

function decoderOf (from: Side, limitBytes = INITIAL_FRAME_BYTES): BatchDecoder {
  return new BatchDecoder({ maximumFrameBytes: limitBytes, maximumPlainBytes: limitBytes, from })
}

function payloadOf (item: Item): Uint8Array | undefined {
  return 'payload' in item ? item.payload : undefined
}

/** What is kept of a batch lies in one buffer, no larger than the limits allow. */
function staysWithin (batch: Batch, limitBytes: number): boolean {
  const buffers = new Set(batch.items.flatMap(item => payloadOf(item)?.buffer ?? []))
  return batch.items.length <= MAXIMUM_ITEMS && buffers.size <= 1 && [...buffers].every(({ byteLength }) => byteLength <= limitBytes)
}

/** True where the bytes decode, or fail with a code. */
function decodesOrFails (chunks: readonly Uint8Array[], from: Side): boolean {
  const decoder = decoderOf(from, LIMIT_BYTES)
  try {
    return chunks.every(chunk => decoded(decoder, chunk).every(batch => staysWithin(batch, LIMIT_BYTES)))
  } catch (error) {
    return error instanceof TwinwireError && CODES.has(error.code)
  }
}

test('batches come out as they went in, however their bytes are cut', t => {
  fc.assert(fc.property(direction, fc.array(fc.integer({ min: 1, max: 200 }), { minLength: 1, maxLength: 8 }), ({ from, batches }, cuts) => {
    const { frames, sent } = encodeAll(batches)
    const bytes = new Uint8Array(Buffer.concat(frames))
    const decoder = decoderOf(from)
    const received: Batch[] = []
    for (let position = 0, i = 0; position < bytes.length; i++) {
      const chunk = bytes.slice(position, position + cuts[i % cuts.length])
      received.push(...decoded(decoder, chunk))
      // As Noise does to what it has handed out.
      chunk.fill(0)
      position += cuts[i % cuts.length]
    }
    return decoder.empty && isDeepStrictEqual(received, sent)
  }), { numRuns: 10_000 })
  t.pass()
})

test('sizes are known before an item is added, and a frame is never longer than they say', t => {
  fc.assert(fc.property(direction, ({ batches }) => {
    const encoder = new BatchEncoder()
    return batches.every(batch => {
      encoder.begin(batch.class)
      for (const item of batch.items) {
        const expected = encoder.plainBytes + encoder.sizeOf(item)
        encoder.add(item)
        if (encoder.plainBytes !== expected) {
          return false
        }
      }
      const plainBytes = encoder.plainBytes
      const { frame, codec } = encoder.finish(batch)
      const acknowledgementBytes = batch.acknowledgement === undefined ? 0 : varintBytes(batch.acknowledgement.batch) + varintBytes(batch.acknowledgement.heldUs)
      const bodyBytes = 1 + acknowledgementBytes + plainBytes
      const uncompressedBytes = varintBytes(bodyBytes) + bodyBytes
      return bodyBytes <= plainBytes + BATCH_HEADER_BYTES && (codec === 'none' ? frame.length === uncompressedBytes : frame.length < uncompressedBytes)
    })
  }), { numRuns: 2000 })
  t.pass()
})

test('a batch that was reset leaves no trace: what follows is as if it had never been', t => {
  fc.assert(fc.property(direction, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), ({ batches }, isReset) => {
    const encoder = new BatchEncoder()
    const frames: Uint8Array[] = []
    for (const [i, batch] of batches.entries()) {
      if (isReset[i]) {
        encoder.begin('bulk')
        for (const item of batches[batches.length - 1 - i].items) {
          encoder.add(item)
        }
        encoder.reset()
      }
      frames.push(...encodeAll([batch], encoder).frames)
    }
    return Buffer.concat(frames).equals(Buffer.concat(encodeAll(batches).frames))
  }), { numRuns: 2000 })
  t.pass()
})

test('random bytes decode or fail with a code, and nothing that is kept exceeds the limits', t => {
  const side = fc.constantFrom<Side>('initiator', 'responder')
  fc.assert(fc.property(side, fc.array(fc.uint8Array({ maxLength: 60 }), { maxLength: 6 }), (from, chunks) => decodesOrFails(chunks, from)), { numRuns: 10_000 })
  t.pass()
})

test('random payloads behind a right header decode or fail with a code, and nothing that is kept exceeds the limits', t => {
  const side = fc.constantFrom<Side>('initiator', 'responder')
  // Frames of up to 120 bytes, whose flags and first fields are mostly valid.
  const body = fc.tuple(fc.constantFrom(0, 1, 2, 4, 5, 6, 0x10, 0x11), fc.constantFrom(1, 2, 3, 0x11, 0x12, 0x20), fc.uint8Array({ maxLength: 100 }))
  fc.assert(fc.property(side, body, (from, [flags, first, rest]) => {
    return decodesOrFails([Uint8Array.of(2 + rest.length, flags, first, ...rest)], from)
  }), { numRuns: 10_000 })
  t.pass()
})

test('frames with a few bytes changed, added or left out decode or fail with a code, and nothing that is kept exceeds the limits', t => {
  const mutation = fc.record({ kind: fc.constantFrom('change', 'add', 'remove', 'cut'), at: fc.nat(), byte: fc.nat(255) })
  fc.assert(fc.property(direction, fc.array(mutation, { minLength: 1, maxLength: 3 }), ({ from, batches }, mutations) => {
    const bytes = encodeAll(batches).frames.flatMap(frame => [...frame])
    for (const { kind, at, byte } of mutations) {
      const place = at % (bytes.length + 1)
      if (kind === 'cut') {
        bytes.length = place
      } else {
        bytes.splice(place, kind === 'add' ? 0 : 1, ...kind === 'remove' ? [] : [byte])
      }
    }
    return decodesOrFails([Uint8Array.from(bytes)], from)
  }), { numRuns: 10_000 })
  t.pass()
})
