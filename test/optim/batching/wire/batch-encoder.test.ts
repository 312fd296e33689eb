import test from 'ava'
import { BatchDecoder } from '../../../../src/optim/batching/wire/batch-decoder.ts'
import { BatchEncoder, type EncodedBatch } from '../../../../src/optim/batching/wire/batch-encoder.ts'
import { INITIAL_FRAME_BYTES, MAXIMUM_ITEMS } from '../../../../src/optim/batching/wire/format.ts'
import { decoded } from './decoded.ts'
import type { Acknowledgement, Batch, Codec, Item } from '../../../../src/optim/batching/wire/items.ts'

function message (id: number, protocol: string, bytes: number): Item {
  return { kind: 'message', id, protocol, payload: new Uint8Array(bytes).fill(id) }
}

function encode (encoder: BatchEncoder, items: readonly Item[], codec: Codec = 'none', acknowledgement?: Acknowledgement): EncodedBatch {
  encoder.begin('normal')
  for (const item of items) {
    encoder.add(item)
  }
  return encoder.finish({ codec, acknowledgement })
}

function decode (frames: readonly Uint8Array[], from: 'initiator' | 'responder' = 'initiator', limitBytes = INITIAL_FRAME_BYTES): Batch[] {
  return decoded(new BatchDecoder({ maximumFrameBytes: limitBytes, maximumPlainBytes: limitBytes, from }), new Uint8Array(Buffer.concat(frames)))
}

test('the largest item with a payload of 64 KiB fits into the frame that needs no settings, with the longest acknowledgement', t => {
  const largest: Item = {
    kind: 'request', id: Number.MAX_SAFE_INTEGER, attempt: Number.MAX_SAFE_INTEGER, protocol: 'n'.repeat(256), payload: new Uint8Array(65_536)
  }
  const encoder = new BatchEncoder()
  // With the dictionary nearly full its reference takes two bytes.
  const first = encode(encoder, Array.from({ length: 200 }, (_, i) => message(i, `/${i}`, 0)))
  const { frame } = encode(encoder, [largest], 'none', { batch: Number.MAX_SAFE_INTEGER, heldUs: Number.MAX_SAFE_INTEGER })
  // Its own length is three bytes of the frame; kind 1, id 8, attempt 8, reference 2, name 2 + 256, payload 3 + 65,536.
  t.is(frame.length, 3 + (1 + 8 + 8) + (1 + 8 + 8 + 2 + 258 + 65_539))
  t.true(frame.length - 3 <= INITIAL_FRAME_BYTES)
  t.deepEqual(decode([first.frame, frame])[1].items, [largest])
})

test('256 names are remembered; those above come in full each time', t => {
  const encoder = new BatchEncoder()
  const items = Array.from({ length: 300 }, (_, i) => message(1, `/${1000 + i}`, 0))
  const first = encode(encoder, items)
  const second = encode(encoder, items)
  t.deepEqual(decode([first.frame, second.frame]).map(batch => batch.items), [items, items])
  // Kind, id, reference and an empty payload; of those above 256, a name of 5 bytes behind its length.
  t.is(second.plainBytes, 127 * 4 + 129 * 5 + 44 * (4 + 6))
})

test('a name longer than 256 bytes, an empty one and one that is not well-formed are refused, and the batch is as it was', t => {
  const encoder = new BatchEncoder()
  encoder.begin('normal')
  encoder.add(message(1, '/a', 3))
  for (const protocol of ['', 'n'.repeat(257), '\u00e9'.repeat(129), '\ud800']) {
    t.throws(() => encoder.sizeOf(message(2, protocol, 3)), { code: 'ERR_BATCH_INVALID' })
    t.throws(() => encoder.add(message(2, protocol, 3)), { code: 'ERR_BATCH_INVALID' })
  }
  t.deepEqual(decode([encoder.finish({ codec: 'none', acknowledgement: undefined }).frame])[0].items, [message(1, '/a', 3)])
})

test('a refusal\'s text is cut to 256 bytes between characters', t => {
  const settings: Item = { kind: 'settings', maximumFrameBytes: INITIAL_FRAME_BYTES, maximumRequests: 1 }
  // Three bytes each: 85 make 255, and a 86th does not fit.
  const refusal: Item = { kind: 'refusal', id: 1, attempt: 1, code: 'failed', text: '\u20ac'.repeat(100) }
  const [{ items }] = decode([encode(new BatchEncoder(), [settings, refusal]).frame], 'responder')
  t.deepEqual(items[1], { ...refusal, text: '\u20ac'.repeat(85) })
})

test('items that compression does not make smaller are sent as they are, and the ratio is told', t => {
  const payload = Uint8Array.from({ length: 256 }, (_, i) => i * 167)
  const item: Item = { kind: 'message', id: 1, protocol: '/a', payload }
  for (const codec of ['snappy', 'deflate'] as const) {
    const encoded = encode(new BatchEncoder(), [item], codec)
    t.is(encoded.codec, 'none')
    t.true(encoded.compressedBytes > encoded.plainBytes)
    t.deepEqual(encoded.frame, encode(new BatchEncoder(), [item]).frame)
  }
})

test('a payload may change once its batch is finished', t => {
  const item = { kind: 'message', id: 1, protocol: '/a', payload: Uint8Array.of(1, 2, 3) } as const
  const { frame } = encode(new BatchEncoder(), [item])
  item.payload.fill(0)
  t.deepEqual(decode([frame])[0].items, [{ ...item, payload: Uint8Array.of(1, 2, 3) }])
})

test('a batch of 4096 items is taken, and one of more is neither built nor taken', t => {
  const cancels = Array.from({ length: MAXIMUM_ITEMS }, (): Item => ({ kind: 'cancel', id: 1, attempt: 1 }))
  const { frame } = encode(new BatchEncoder(), cancels)
  t.is(decode([frame])[0].items.length, 4096)
  const encoder = new BatchEncoder()
  t.throws(() => encode(encoder, [...cancels, cancels[0]]), { message: /full/ })
  // The same frame by hand: 1 + 4097 x 3 bytes are 12,292, and 0x84 0x60 says so.
  const oneMore = Uint8Array.of(0x84, 0x60, 4, ...cancels.flatMap(() => [3, 1, 1]), 3, 1, 1)
  t.throws(() => decode([oneMore]), { code: 'ERR_BATCH_INVALID' })
})

test('what cannot be sent is a bug of the caller: numbers that are not whole, batches out of turn', t => {
  const encoder = new BatchEncoder()
  t.throws(() => encoder.add(message(1, '/a', 0)), { message: /no batch/ })
  encoder.begin('urgent')
  t.throws(() => encoder.begin('urgent'), { message: /before the last/ })
  t.throws(() => encoder.finish({ codec: 'none', acknowledgement: undefined }), { message: /nothing to say/ })
  for (const id of [-1, 0.5, Number.NaN, 2 ** 53]) {
    t.throws(() => encoder.add(message(id, '/a', 0)), { message: /whole numbers/ })
  }
  t.throws(() => encoder.add({ kind: 'cancel', id: 1, attempt: 0 }), { message: /whole numbers/ })
  t.is(encoder.itemCount, 0)
  t.is(encoder.plainBytes, 0)
})

test('4 MiB that compress to a few bytes are refused by a limit of 64 KiB before they are decompressed', t => {
  for (const codec of ['snappy', 'deflate'] as const) {
    const { frame, plainBytes } = encode(new BatchEncoder(), [message(1, '/a', 4 * 1024 * 1024)], codec)
    t.true(frame.length < plainBytes / 20)
    const before = process.memoryUsage().arrayBuffers
    const decoder = new BatchDecoder({ maximumFrameBytes: 1024 * 1024, maximumPlainBytes: 65_536, from: 'initiator' })
    t.throws(() => decoded(decoder, frame), { code: 'ERR_FRAME_TOO_LARGE' })
    t.true(process.memoryUsage().arrayBuffers - before < 1024 * 1024)
    t.is(decode([frame], 'initiator', plainBytes)[0].items.length, 1)
  }
})

test('a payload that is kept keeps no more than its batch', t => {
  for (const codec of ['none', 'snappy', 'deflate'] as const) {
    const { frame, plainBytes } = encode(new BatchEncoder(), [message(1, '/a', 100), message(2, '/a', 100)], codec)
    const [batch] = decode([frame])
    t.is(batch.codec, codec)
    for (const item of batch.items) {
      t.true('payload' in item && item.payload.buffer.byteLength <= plainBytes + 1)
    }
  }
})
