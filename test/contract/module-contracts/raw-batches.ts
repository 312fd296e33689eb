import { deflateRawSync } from 'node:zlib'
import { encodeFrame, varintBytes, writeVarint } from '../../../src/optim/frames.ts'
import { BatchDecoder } from '../../../src/optim/batching/wire/batch-decoder.ts'
import { BatchEncoder } from '../../../src/optim/batching/wire/batch-encoder.ts'
import { BATCH_PROTOCOL, INITIAL_FRAME_BYTES } from '../../../src/optim/batching/wire/format.ts'
import type { Batch, Item } from '../../../src/optim/batching/wire/items.ts'
import type { Side } from '../../../src/optim/batching/wire/format.ts'
import type { Bytes, Stream } from '../../../src/optim/index.ts'
import type { Role } from '../../../src/wires/wire.ts'

/** One end of a stream of batches that does what it is told, right or wrong. */
export class RawBatches {
  readonly stream: Stream
  readonly #encoder = new BatchEncoder()

  /** @param onBatch told of each batch that comes, and how many there were; absent: nothing is read */
  constructor (stream: Stream, side: Side, onBatch?: (batch: Batch, number: number, raw: RawBatches) => void) {
    this.stream = stream
    if (onBatch !== undefined) {
      const decoder = new BatchDecoder({ maximumFrameBytes: INITIAL_FRAME_BYTES, maximumPlainBytes: INITIAL_FRAME_BYTES, from: side === 'initiator' ? 'responder' : 'initiator' })
      let number = 0
      stream.addEventListener('message', ({ data }: { readonly data: Bytes }) => {
        decoder.push(data)
        for (let batch = decoder.next(); batch !== undefined; batch = decoder.next()) {
          onBatch(batch, ++number, this)
        }
      })
    }
  }

  /** As one batch, with an acknowledgement of all up to `acknowledged` where there is one. */
  send (items: readonly Item[], acknowledged?: number): void {
    this.stream.send(this.frame(items, acknowledged))
  }

  frame (items: readonly Item[], acknowledged?: number): Uint8Array {
    this.#encoder.begin('normal')
    for (const item of items) {
      this.#encoder.add(item)
    }
    return this.#encoder.finish({ codec: 'none', acknowledgement: acknowledged === undefined ? undefined : { batch: acknowledged, heldUs: 0 } }).frame
  }
}

/** What a responder has to say first. */
export const SETTINGS: Item = { kind: 'settings', maximumFrameBytes: INITIAL_FRAME_BYTES, maximumRequests: 256 }

/** Bytes that are no batch. */
export const GARBAGE = Uint8Array.from({ length: 2_000 }, (_, i) => (i * 167 + 13) & 255)

/** A length whose varint does not end. */
export const ENDLESS_LENGTH = new Uint8Array(200).fill(0x80)

/** A compressed batch that says it has `plainBytes`, of ten million zeros. */
export function bomb (plainBytes: number): Uint8Array {
  const compressed = deflateRawSync(new Uint8Array(10_000_000))
  const body = new Uint8Array(1 + varintBytes(plainBytes) + compressed.length)
  body[0] = DEFLATE | NORMAL
  body.set(compressed, writeVarint(body, 1, plainBytes))
  return encodeFrame(body)
}

const DEFLATE = 2
const NORMAL = 1 << 2

/** What a recorder saw of one batch. Texts are cut, as they go into a report. */
export interface SeenBatch {
  readonly class: string
  readonly codec: string
  readonly texts: readonly string[]
}

/** Tells what batches came, as JSON. */
export const SEEN = '/contract/seen/1.0.0'

/** A peer that takes batches, acknowledges each, echoes requests at once, and tells what it saw on the wire. */
export const recorder: Role = {
  setUp: async ({ node }) => {
    const seen: SeenBatch[] = []
    await node.handle(BATCH_PROTOCOL, stream => {
      new RawBatches(stream, 'responder', ({ class: trafficClass, codec, items }, number, raw) => {
        if (items.length > 0) {
          seen.push({ class: trafficClass, codec, texts: items.flatMap(item => 'payload' in item ? [Buffer.from(item.payload.subarray(0, 24)).toString()] : []) })
          raw.send(items.flatMap(item => item.kind === 'request' ? [{ kind: 'reply', id: item.id, attempt: item.attempt, heldUs: 0, payload: item.payload } as const] : []), number)
        }
      }).send([SETTINGS])
    })
    await node.handle(SEEN, stream => {
      stream.addEventListener('message', () => { stream.send(encodeFrame(new TextEncoder().encode(JSON.stringify(seen)))) })
    })
  }
}
