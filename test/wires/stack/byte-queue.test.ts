import test from 'ava'
import * as fc from 'fast-check'
import { ByteQueue } from '../../../src/wires/stack/byte-queue.ts'

test('what is taken is what was pushed, in order, whatever the pieces', t => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), fc.infiniteStream(fc.integer({ min: 0, max: 30 })), (chunks, counts) => {
    const queue = new ByteQueue()
    let held = 0
    const taken: Uint8Array[] = []
    const take = (count: number): void => {
      const pieces = queue.take(count)
      held -= count
      taken.push(...pieces)
      t.is(Buffer.concat(pieces).byteLength, count)
    }
    for (const chunk of chunks) {
      queue.push(chunk)
      held += chunk.byteLength
      const { value } = counts.next()
      take(Math.min(held, Number(value)))
    }
    take(held)
    t.deepEqual(Buffer.concat(taken), Buffer.concat(chunks))
  }))
})
