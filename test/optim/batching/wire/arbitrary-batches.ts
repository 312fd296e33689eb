import * as fc from 'fast-check'
import { BatchEncoder } from '../../../../src/optim/batching/wire/batch-encoder.ts'
import { INITIAL_FRAME_BYTES, REFUSAL_CODES, type Side } from '../../../../src/optim/batching/wire/format.ts'
import type { Batch, Codec, Item } from '../../../../src/optim/batching/wire/items.ts'
import { TRAFFIC_CLASSES } from '../../../../src/optim/traffic-class.ts'

/** One direction of a stream. */
export interface Direction {
  readonly from: Side
  /** `codec` is what was asked for. */
  readonly batches: readonly Batch[]
}

/** With the prototype of a literal, which is what a decoder makes. */
function record<T> (model: { [Key in keyof T]: fc.Arbitrary<T[Key]> }): fc.Arbitrary<T> {
  return fc.record(model, { noNullPrototype: true })
}

const number = fc.oneof({ weight: 3, arbitrary: fc.nat(300) }, fc.maxSafeNat())
const attempt = number.map(value => Math.max(1, value))
const protocol = fc.oneof({ weight: 4, arbitrary: fc.constantFrom('/a', '/chat/1', '/kv/1') }, fc.string({ unit: 'binary', minLength: 1, maxLength: 12 }))
const payload = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.tuple(fc.nat(300), fc.nat(255)).map(([length, byte]) => new Uint8Array(length).fill(byte))
)

const sentByInitiator: fc.Arbitrary<Item> = fc.oneof(
  record({ kind: fc.constant('message' as const), id: number, protocol, payload }),
  record({ kind: fc.constant('request' as const), id: number, attempt, protocol, payload }),
  record({ kind: fc.constant('cancel' as const), id: number, attempt })
)

const sentByResponder: fc.Arbitrary<Item> = fc.oneof(
  record({ kind: fc.constant('reply' as const), id: number, attempt, payload }),
  record({ kind: fc.constant('part' as const), id: number, attempt, payload }),
  record({
    kind: fc.constant('refusal' as const), id: number, attempt: number, code: fc.constantFrom(...REFUSAL_CODES), text: fc.string({ unit: 'binary', maxLength: 20 })
  })
)

const settings: fc.Arbitrary<Item> = record({
  kind: fc.constant('settings' as const), maximumFrameBytes: number.map(value => Math.max(value, INITIAL_FRAME_BYTES)), maximumRequests: attempt
})

const acknowledgement = record({ batch: attempt, heldUs: number })

const codec = fc.constantFrom<Codec>('none', 'none', 'snappy', 'deflate')

function batch (item: fc.Arbitrary<Item>): fc.Arbitrary<Batch> {
  return record({
    class: fc.constantFrom(...TRAFFIC_CLASSES), codec, acknowledgement: fc.option(acknowledgement, { nil: undefined }), items: fc.array(item, { maxLength: 6 })
  }).filter(({ items, acknowledgement }) => items.length > 0 || acknowledgement !== undefined)
}

const initiator = record({ from: fc.constant('initiator' as const), batches: fc.array(batch(sentByInitiator), { maxLength: 4 }) })

const responder = fc.tuple(settings, fc.array(batch(sentByResponder), { minLength: 1, maxLength: 4 })).map(([first, [batch, ...others]]): Direction => ({
  from: 'responder', batches: [{ ...batch, items: [first, ...batch.items] }, ...others]
}))

export const direction: fc.Arbitrary<Direction> = fc.oneof<Array<fc.Arbitrary<Direction>>>(initiator, responder)

/** The frames of the batches, and the batches with the codec that they were sent with. */
export function encodeAll (batches: readonly Batch[], encoder = new BatchEncoder()): { readonly frames: Uint8Array[], readonly sent: Batch[] } {
  const frames: Uint8Array[] = []
  const sent: Batch[] = []
  for (const batch of batches) {
    encoder.begin(batch.class)
    for (const item of batch.items) {
      encoder.add(item)
    }
    const { frame, codec } = encoder.finish(batch)
    frames.push(frame)
    sent.push({ ...batch, codec })
  }
  return { frames, sent }
}
