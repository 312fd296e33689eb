import { readFile } from 'node:fs/promises'
import test from 'ava'
import { TwinwireError } from '../../../../src/core/errors.ts'
import { BatchDecoder } from '../../../../src/optim/batching/wire/batch-decoder.ts'
import { BatchEncoder } from '../../../../src/optim/batching/wire/batch-encoder.ts'
import { INITIAL_FRAME_BYTES, type Side } from '../../../../src/optim/batching/wire/format.ts'
import { decoded } from './decoded.ts'
import type { Batch } from '../../../../src/optim/batching/wire/items.ts'

interface Vector {
  readonly title: string
  readonly from: Side
  readonly isDecodedOnly: boolean
  readonly bytes: Uint8Array
  readonly batches: readonly Batch[] | undefined
  readonly code: string | undefined
}

const document = await readFile(new URL('../../../../docs/protocols.md', import.meta.url), 'utf8')
const vectors = document.split(/^#### /m).slice(1).map(readVector)

function readVector (section: string): Vector {
  const json = block(section, 'json')
  const [, from] = section.match(/^From the (initiator|responder)\./m) ?? []
  return {
    title: section.slice(0, section.indexOf('\n')),
    from: from as Side,
    isDecodedOnly: section.includes('Decoded only'),
    bytes: fromHex((block(section, 'hex') ?? '').replace(/#.*$/gm, '')),
    batches: json === undefined ? undefined : readBatches(json),
    code: block(section, 'error')?.trim()
  }
}

function block (section: string, language: string): string | undefined {
  return section.match(new RegExp(`\`\`\`${language}\n([^\`]*)\`\`\``))?.[1]
}

function fromHex (text: string): Uint8Array {
  return new Uint8Array(Buffer.from(text.replace(/\s/g, ''), 'hex'))
}

function readBatches (json: string): Batch[] {
  const batches = JSON.parse(json, (key, value: unknown) => key === 'payload' ? fromHex(value as string) : value) as Batch[]
  // JSON has no undefined.
  return batches.map(batch => ({ ...batch, acknowledgement: batch.acknowledgement }))
}

function distinct (values: readonly string[]): string[] {
  return [...new Set(values)].sort()
}

function decode ({ from, bytes }: Vector): Batch[] {
  return decoded(new BatchDecoder({ maximumFrameBytes: INITIAL_FRAME_BYTES, maximumPlainBytes: INITIAL_FRAME_BYTES, from }), bytes)
}

test('the document has vectors of every kind of item, of every codec and of every code of error', t => {
  const valid = vectors.flatMap(({ batches }) => batches ?? [])
  t.deepEqual(distinct(valid.flatMap(({ items }) => items.map(({ kind }) => kind))), ['cancel', 'message', 'part', 'refusal', 'reply', 'request', 'settings'])
  t.deepEqual(distinct(valid.map(({ codec }) => codec)), ['deflate', 'none', 'snappy'])
  t.deepEqual(distinct(vectors.flatMap(({ code }) => code ?? [])), ['ERR_BATCH_INVALID', 'ERR_CHECKSUM', 'ERR_FRAME_INVALID', 'ERR_FRAME_TOO_LARGE'])
  t.true(vectors.every(({ bytes, batches, code }) => bytes.length > 0 && (batches === undefined) !== (code === undefined)))
})

for (const vector of vectors) {
  const { title, batches, code, bytes, isDecodedOnly } = vector
  if (batches === undefined) {
    test(`${title} fails with ${code}, and says what was expected and found`, t => {
      const error = t.throws(() => decode(vector), { instanceOf: TwinwireError, code: code ?? 'one that the document names' })
      t.truthy(error.expected)
    })
    continue
  }
  test(`${title}: the bytes decode to the batches`, t => {
    t.deepEqual(decode(vector), batches)
  })
  if (!isDecodedOnly) {
    test(`${title}: the batches encode to the bytes`, t => {
      const encoder = new BatchEncoder()
      const frames = batches.map(({ class: trafficClass, codec, acknowledgement, items }) => {
        encoder.begin(trafficClass)
        for (const item of items) {
          encoder.add(item)
        }
        return encoder.finish({ codec, acknowledgement }).frame
      })
      t.is(Buffer.concat(frames).toString('hex'), Buffer.from(bytes).toString('hex'))
    })
  }
}
