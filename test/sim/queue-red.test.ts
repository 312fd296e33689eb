import test from 'ava'
import { randomStream } from '../../src/core/random.ts'
import { ECN_CAPABLE_0 } from '../../src/sim/packets.ts'
import { RedQueue } from '../../src/sim/queue-red.ts'
import type { RedOptions } from '../../src/sim/queue.ts'
import { QueueBench } from './queue-tools.ts'

const RATE = 10e6

/** Share of arrivals dropped or marked by a queue that each of them finds at the same length, which is its average, too. */
function shareAt (length: number, options: Partial<RedOptions> = {}, ecn = 0): { dropped: number, marked: number } {
  const bench = new QueueBench()
  // With weight 1 the average is the queue itself.
  const queue = new RedQueue({ discipline: 'red', weight: 1, ...options }, () => RATE, bench.packets, bench, randomStream('red'))
  while (queue.packets < length) {
    queue.enqueue(bench.packet(), 0, true)
  }
  const arrivals = 20_000
  const [dropped, marked] = [bench.dropped.length, queue.marked]
  for (let i = 0; i < arrivals; i++) {
    queue.enqueue(bench.packet(1500, { ecn }), 0, true)
    if (queue.packets > length) {
      bench.packets.release(queue.dequeue(0))
    }
  }
  return { dropped: (bench.dropped.length - dropped) / arrivals, marked: (queue.marked - marked) / arrivals }
}

/** The n-th packet after a drop is dropped with p / (1 - n p): one over the mean distance that this makes. */
function spread (p: number): number {
  let [mean, survives] = [0, 1]
  for (let n = 1; survives > 0; n++) {
    mean += survives
    survives *= n * p >= 1 ? 0 : 1 - Math.min(1, p / (1 - n * p))
  }
  return 1 / mean
}

test('below 5 packets RED drops nothing', t => {
  t.is(shareAt(4).dropped, 0)
})

test('with gentle every packet is dropped from where p reaches 1/2, for then the first after a drop is', t => {
  const bench = new QueueBench()
  const queue = new RedQueue({ discipline: 'red', weight: 1, gentle: true }, () => RATE, bench.packets, bench, randomStream('red'))
  for (let i = 0; i < 5000; i++) {
    queue.enqueue(bench.packet(), 0, true)
  }
  // 1/50 at 15 and 1 at 30: 1/2 at 22.35.
  t.is(queue.packets, 23)
})

test('between 5 and 15 the probability rises to 1/50, and on to 1 at 30 where gentle', t => {
  for (const [length, p] of [[10, 0.01], [14, 0.018], [18, 0.02 + 0.98 * 3 / 15], [20, 0.02 + 0.98 / 3]]) {
    const { dropped } = shareAt(length)
    // The distance is spread over 1/p packets at most, which makes the share of n drops vary by less than 1 / sqrt(n).
    const bound = 4 * spread(p) / Math.sqrt(20_000 * spread(p))
    t.true(Math.abs(dropped - spread(p)) < bound, `${dropped} at ${length} instead of ${spread(p)}`)
  }
})

test('without gentle everything is dropped from 15 on', t => {
  const bench = new QueueBench()
  const queue = new RedQueue({ discipline: 'red', weight: 1, gentle: false }, () => RATE, bench.packets, bench, randomStream('red'))
  for (let i = 0; i < 2000; i++) {
    queue.enqueue(bench.packet(), 0, true)
  }
  t.is(queue.packets, 15)
})

test('with weight 0.002 the average follows 1 - (1 - w)^n, and an idle time stands for as many arrivals as packets would fit', t => {
  const bench = new QueueBench()
  const queue = new RedQueue({ discipline: 'red', maximumPackets: 1000, minimumPackets: 900 }, () => RATE, bench.packets, bench, randomStream('red'))
  for (let i = 0; i < 10; i++) {
    queue.enqueue(bench.packet(), 0, true)
  }
  for (let i = 0; i < 1000; i++) {
    queue.enqueue(bench.packet(), 0, true)
    bench.packets.release(queue.dequeue(0))
  }
  // The ten arrivals found 0 to 9.
  const start = Array.from({ length: 10 }, (_, i) => i).reduce((average, waiting) => average + 0.002 * (waiting - average), 0)
  t.true(Math.abs(queue.average - (10 + (start - 10) * 0.998 ** 1000)) < 1e-9)
  while (queue.packets > 0) {
    bench.packets.release(queue.dequeue(0))
  }
  const average = queue.average
  // 500 B at 10 Mbit/s: 0.4 ms.
  queue.enqueue(bench.packet(), 100 * 0.4e6, false)
  t.true(Math.abs(queue.average - average * 0.998 ** 100) < 1e-9)
})

test('with ECN what is capable is marked instead of dropped', t => {
  const { dropped, marked } = shareAt(14, { ecn: true }, ECN_CAPABLE_0)
  t.is(dropped, 0)
  t.true(Math.abs(marked - spread(0.018)) < 4 * spread(0.018) / Math.sqrt(20_000 * spread(0.018)), String(marked))
})

test('an idle time counts by the rate that the link has when it ends', t => {
  const bench = new QueueBench()
  let rate = RATE
  const queue = new RedQueue({ discipline: 'red', weight: 0.01 }, () => rate, bench.packets, bench, randomStream('red'))
  queue.enqueue(bench.packet(), 0, true)
  queue.enqueue(bench.packet(), 0, true)
  bench.packets.release(queue.dequeue(0))
  bench.packets.release(queue.dequeue(0))
  t.is(queue.average, 0.01)
  rate = RATE / 10
  // 500 B take ten times 0.4 ms.
  queue.enqueue(bench.packet(), 100 * 4e6, false)
  t.true(Math.abs(queue.average - 0.01 * 0.99 ** 100) < 1e-12)
})

test('a queue that was flushed is idle from then on, and not since a packet left it', t => {
  const bench = new QueueBench()
  const queue = new RedQueue({ discipline: 'red', weight: 0.01 }, () => RATE, bench.packets, bench, randomStream('red'))
  queue.enqueue(bench.packet(), 0, true)
  queue.enqueue(bench.packet(), 0, true)
  bench.packets.release(queue.dequeue(0))
  queue.flush(1e9)
  t.is(queue.packets, 0)
  // Again, of an empty queue, changes nothing.
  queue.flush(1.01e9)
  queue.enqueue(bench.packet(), 1e9 + 100 * 0.4e6, false)
  t.true(Math.abs(queue.average - 0.01 * 0.99 ** 100) < 1e-12)
})

test('an idle time counts once, also where packets that end it are dropped', t => {
  const bench = new QueueBench()
  // All is dropped as soon as the average is above 0.
  const queue = new RedQueue({ discipline: 'red', weight: 0.01, minimumPackets: 0, maximumPackets: 1e-9, gentle: false }, () => RATE, bench.packets, bench, randomStream('red'))
  queue.enqueue(bench.packet(), 0, true)
  queue.enqueue(bench.packet(), 0, true)
  bench.packets.release(queue.dequeue(0))
  for (const packets of [50, 100, 200]) {
    queue.enqueue(bench.packet(), packets * 0.4e6, false)
    t.true(Math.abs(queue.average - 0.01 * 0.99 ** packets) < 1e-12)
  }
  t.deepEqual(bench.dropped, [1, 2, 3, 4])
})
