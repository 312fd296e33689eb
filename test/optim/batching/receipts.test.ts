import test from 'ava'
import { sleep } from '../../../src/core/clock.ts'
import { Deadlines } from '../../../src/optim/deadlines.ts'
import { Receipts } from '../../../src/optim/batching/receipts.ts'
import { inVirtualTime } from '../timeouts/virtual-time.ts'
import type { BatchingEnvironment } from '../../../src/optim/batching/environment.ts'

test('an acknowledgement says how long the batch was held that it is of, whatever came after it', async t => {
  await inVirtualTime(async ({ clock }) => {
    let taken = 0
    const receipts = new Receipts({ clock, deadlines: new Deadlines(clock) } as BatchingEnvironment, () => taken, () => {})
    receipts.receive(true)
    await sleep(clock, 50)
    receipts.receive(true)
    await sleep(clock, 10)
    taken = 1
    t.deepEqual(receipts.take(), { batch: 1, heldUs: 60_000 })
    await sleep(clock, 5)
    receipts.receive(true)
    taken = 2
    t.deepEqual(receipts.take(), { batch: 2, heldUs: 15_000 })
    taken = 3
    t.deepEqual(receipts.take(), { batch: 3, heldUs: 0 })
  })
})

test('of more batches than it keeps the times of, the oldest are taken to be as old as the next', async t => {
  await inVirtualTime(async ({ clock }) => {
    let taken = 0
    const receipts = new Receipts({ clock, deadlines: new Deadlines(clock) } as BatchingEnvironment, () => taken, () => {})
    for (let i = 1; i <= 1_025; i++) {
      receipts.receive(true)
      await sleep(clock, 1)
    }
    taken = 1
    t.deepEqual(receipts.take(), { batch: 1, heldUs: 1_024_000 })
    taken = 2
    t.deepEqual(receipts.take(), { batch: 2, heldUs: 1_024_000 })
  })
})
