import test from 'ava'
import * as fc from 'fast-check'
import { lingerMsOf, quantumBytesOf, whyNow } from '../../../src/optim/batching/batch-policy.ts'
import { Budget } from '../../../src/optim/batching/budget.ts'
import { InFlight } from '../../../src/optim/batching/in-flight.ts'
import { parseBatchingOptions } from '../../../src/optim/batching/options.ts'
import { Outgoing, OutgoingQueue } from '../../../src/optim/batching/outgoing-queue.ts'
import { SpokenProtocols } from '../../../src/optim/batching/spoken.ts'
import { inVirtualTime } from '../timeouts/virtual-time.ts'
import { sleep } from '../../../src/core/clock.ts'
import type { FlowState } from '../../../src/optim/batching/batch-policy.ts'
import type { BatchSender } from '../../../src/optim/batching/in-flight.ts'
import type { Item } from '../../../src/optim/batching/wire/items.ts'

class Entry extends Outgoing {
  readonly bytes: number
  readonly compressionContext = undefined

  constructor (bytes: number) {
    super()
    this.bytes = bytes
  }

  item (): Item {
    return { kind: 'cancel', id: 1, attempt: 1 }
  }
}

const state: fc.Arbitrary<FlowState> = fc.record({
  nowMs: fc.nat(100),
  oldestMs: fc.nat(100),
  lingerMs: fc.nat(20),
  items: fc.integer({ min: 1, max: 20 }),
  bytes: fc.nat(3_000),
  maximumItems: fc.integer({ min: 1, max: 20 }),
  quantumBytes: fc.integer({ min: 1, max: 3_000 }),
  inFlightBatches: fc.nat(2),
  completed: fc.boolean(),
  flushing: fc.boolean()
})

test('nothing waits with nothing under way, when full, after its linger or when flushed; all else does', t => {
  fc.assert(fc.property(state, state => {
    const waits = state.inFlightBatches > 0 && state.items < state.maximumItems && state.bytes < state.quantumBytes && state.nowMs < state.oldestMs + state.lingerMs && !state.flushing
    t.is(whyNow(state) === undefined, waits)
  }), { numRuns: 10_000 })
})

test('the linger is the least of its maximum and an eighth of the round trip, and none where it is urgent', t => {
  t.is(lingerMsOf('normal', undefined, 10), 10)
  t.is(lingerMsOf('bulk', 1_000, 10), 10)
  t.is(lingerMsOf('normal', 16, 10), 2)
  t.is(lingerMsOf('urgent', undefined, 10), 0)
})

test('a quantum is a millisecond of the rate, from two segments to the maximum', t => {
  t.is(quantumBytesOf(1e6, 65_536), 2_920)
  t.is(quantumBytesOf(100e6, 65_536), 12_500)
  t.is(quantumBytesOf(Infinity, 65_536), 65_536)
})

test('a budget never holds more than its bounds or those of the whole, and what it refuses it does not keep', t => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.nat(1), fc.boolean(), fc.nat(60)), { maxLength: 40 }), steps => {
    const whole = new Budget(6, 200)
    const parts = [new Budget(4, 150, whole), new Budget(4, 150, whole)]
    const taken: number[][] = [[], []]
    for (const [part, takes, bytes] of steps) {
      if (takes) {
        const sum = (sizes: readonly number[]): number => sizes.reduce((sum, size) => sum + size, 0)
        const all = [...taken[0], ...taken[1]]
        const fits = taken[part].length < 4 && sum(taken[part]) + bytes <= 150 && all.length < 6 && sum(all) + bytes <= 200
        t.is(parts[part].take(bytes), fits)
        if (fits) {
          taken[part].push(bytes)
        }
      } else {
        const bytes = taken[part].pop()
        if (bytes !== undefined) {
          parts[part].give(bytes)
        }
      }
      t.is(parts[part].messages, taken[part].length)
      t.is(whole.messages, taken[0].length + taken[1].length)
    }
  }), { numRuns: 10_000 })
})

test('a queue is a list that things can be taken out of', t => {
  fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom('push', 'first', 'remove'), fc.nat(20)), { maxLength: 40 }), steps => {
    const queue = new OutgoingQueue()
    const list: Entry[] = []
    for (const [step, i] of steps) {
      if (step === 'push') {
        const entry = new Entry(i)
        queue.push(entry, 0)
        list.push(entry)
      } else if (step === 'first') {
        const entry = new Entry(i)
        queue.pushFirst(entry, 0)
        list.unshift(entry)
      } else if (list.length > 0) {
        const [entry] = list.splice(i % list.length, 1)
        queue.remove(entry)
      }
      t.deepEqual([...queue].map(({ bytes }) => bytes), list.map(({ bytes }) => bytes))
      t.is(queue.length, list.length)
      t.is(queue.bytes, list.reduce((sum, { bytes }) => sum + bytes, 0))
      t.is(queue.first, list[0])
      t.true(list.every(({ sequence }, i) => i === 0 || sequence >= list[i - 1].sequence))
    }
  }), { numRuns: 10_000 })
})

test('an acknowledgement takes all up to it, never goes back, and never beyond what was sent', t => {
  const sender: BatchSender = { onAcknowledged () {} }
  fc.assert(fc.property(fc.array(fc.tuple(fc.boolean(), fc.nat(8)), { maxLength: 30 }), steps => {
    const inFlight = new InFlight()
    let sent = 0
    let acknowledged = 0
    for (const [sends, batch] of steps) {
      if (sends) {
        inFlight.send(sender, 100, [], sent)
        sent++
      } else {
        const arrived = inFlight.acknowledge(batch, sent)
        const isValid = batch >= acknowledged && batch <= sent
        t.is(arrived?.length, isValid ? batch - acknowledged : undefined)
        acknowledged = isValid ? batch : acknowledged
      }
      t.is(inFlight.owed, sent - acknowledged)
    }
  }), { numRuns: 10_000 })
})

test('the delivery rate is what arrived over the time since the last arrival before it was sent', t => {
  const sender: BatchSender = { onAcknowledged () {} }
  const inFlight = new InFlight()
  inFlight.send(sender, 1_000, [], 100)
  inFlight.send(sender, 1_000, [], 110)
  const [first] = inFlight.acknowledge(1, 200) ?? []
  t.deepEqual(inFlight.rateOf(first), { rateBitsPerSecond: 1_000 * 8_000 / 100, overMs: 100 })
  const [second] = inFlight.acknowledge(2, 210) ?? []
  // Sent when nothing had arrived since 100 ms: 2000 bytes in 110 ms.
  t.deepEqual(inFlight.rateOf(second), { rateBitsPerSecond: 2_000 * 8_000 / 110, overMs: 110 })
  inFlight.send(sender, 1_000, [], 1_000)
  const [third] = inFlight.acknowledge(3, 1_050) ?? []
  t.deepEqual(inFlight.rateOf(third), { rateBitsPerSecond: 1_000 * 8_000 / 50, overMs: 50 })
})

test('that a peer or a protocol is not spoken is believed for as long as it should be', async t => {
  await inVirtualTime(async ({ clock }) => {
    const spoken = new SpokenProtocols(clock, 1_000)
    t.is(spoken.speaks('a'), undefined)
    t.is(spoken.speaks('a', '/x'), undefined)
    spoken.onSpoken('a')
    t.is(spoken.speaks('a', '/x'), true)
    spoken.onUnsupported('a', '/x')
    t.deepEqual([spoken.speaks('a'), spoken.speaks('a', '/x'), spoken.speaks('a', '/y')], [true, false, true])
    spoken.onUnsupported('b')
    t.deepEqual([spoken.speaks('b'), spoken.speaks('b', '/x')], [false, false])
    await sleep(clock, 1_000)
    t.deepEqual([spoken.speaks('a', '/x'), spoken.speaks('b')], [true, undefined])
    spoken.onUnsupported('b')
    spoken.forget('b')
    t.is(spoken.speaks('b'), undefined)
  })
})

test('options are checked, and name what is wrong', t => {
  t.is(parseBatchingOptions({}).maximumLingerMs, 10)
  t.throws(() => parseBatchingOptions({ maximumMessages: 5_000 }), { code: 'ERR_INVALID_OPTION', message: /messageBatching\.maximumMessages/ })
  t.throws(() => parseBatchingOptions({ maximumFrameBytes: 1_000 }), { code: 'ERR_INVALID_OPTION' })
  t.throws(() => parseBatchingOptions({ lingerMs: 5 } as object), { code: 'ERR_UNKNOWN_OPTION' })
})
