import type { BatchDecoder } from '../../../../src/optim/batching/wire/batch-decoder.ts'
import type { Batch } from '../../../../src/optim/batching/wire/items.ts'
import type { Bytes } from '../../../../src/optim/port.ts'

/** The batches that these bytes complete, in order. */
export function decoded (decoder: BatchDecoder, bytes: Bytes): Batch[] {
  decoder.push(bytes)
  const batches: Batch[] = []
  for (let batch = decoder.next(); batch !== undefined; batch = decoder.next()) {
    batches.push(batch)
  }
  return batches
}
