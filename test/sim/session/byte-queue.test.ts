import test from 'ava'
import * as fc from 'fast-check'
import { ByteQueue } from '../../../src/sim/session/byte-queue.ts'

test('what is taken is what was appended, in order, whatever the pieces', t => {
  fc.assert(fc.property(fc.array(fc.uint8Array({ maxLength: 20 })), fc.infiniteStream(fc.integer({ min: 0, max: 30 })), (chunks, counts) => {
    const queue = new ByteQueue()
    let held = 0
    const taken: Uint8Array[] = []
    const take = (count: number): void => {
      const bytes = queue.take(count)
      held -= count
      taken.push(bytes)
      t.is(bytes.byteLength, count)
      t.is(queue.byteLength, held)
    }
    for (const chunk of chunks) {
      queue.append(chunk)
      held += chunk.byteLength
      const { value } = counts.next()
      take(Math.min(held, Number(value)))
    }
    take(held)
    t.deepEqual(Buffer.concat(taken), Buffer.concat(chunks))
  }))
})
