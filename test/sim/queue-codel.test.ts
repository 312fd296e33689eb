import test from 'ava'
import { ECN_CAPABLE_0, ECN_CONGESTION } from '../../src/sim/packets.ts'
import { CoDelQueue } from '../../src/sim/queue-codel.ts'
import { NO_PACKET } from '../../src/sim/queue.ts'
import type { CoDelOptions } from '../../src/sim/queue.ts'
import { at, OneLink } from './packet-tools.ts'
import { QueueBench } from './queue-tools.ts'

const MS = 1e6
const STEP_NS = 0.01 * MS

/** Instants, in ms, at which a queue that holds more than can ever be served drops or marks; one packet is asked for every 0.01 ms. */
function signalsMs (options: Partial<CoDelOptions>, untilMs: number, ecn = 0): number[] {
  const bench = new QueueBench()
  const queue = new CoDelQueue({ discipline: 'codel', limitPackets: Infinity, ...options }, bench.packets, bench)
  for (let i = 0; i < untilMs * 100 + 1000; i++) {
    queue.enqueue(bench.packet(1500, { ecn }), 0, true)
  }
  const signals: number[] = []
  for (let nowNs = 0; nowNs <= untilMs * MS; nowNs += STEP_NS) {
    const before = bench.dropped.length + queue.marked
    const packet = queue.dequeue(nowNs)
    if (bench.dropped.length + queue.marked > before) {
      signals.push(nowNs / MS)
    }
    bench.packets.release(packet)
  }
  return signals
}

// RFC 8289 section 3.3: the n-th drop follows the one before by interval / sqrt(n).
const LAW_MS = [0, 100, 170.7, 228.4, 278.4, 323.2]

test('while the delay stays high, CoDel drops 0, 100, 170.7, 228.4, 278.4 and 323.2 ms after entering the drop state', t => {
  const drops = signalsMs({}, 450)
  // The delay is at the target after 5 ms, and must stand there for 100 ms.
  t.is(drops[0], 105)
  // A drop happens with the first packet that is asked for at its instant or after it.
  LAW_MS.forEach((lawMs, i) => t.true(Math.abs(drops[i] - drops[0] - lawMs) <= 0.06, `${drops[i] - drops[0]} instead of ${lawMs}`))
})

test('with ECN, CoDel marks at the same instants and drops nothing that is capable', t => {
  const marks = signalsMs({ ecn: true }, 450, ECN_CAPABLE_0)
  t.deepEqual(marks, signalsMs({}, 450))
})

test('through a link at 12 Mbit/s drops keep the instants of the law, to one service', t => {
  // 1500 B take 1 ms. A packet comes each millisecond to a queue that holds 30: 30 ms of delay that stand.
  const one = new OneLink({ rateBitsPerSecond: 12e6, delayNs: 0, queue: { discipline: 'codel' } })
  one.sendAt(0, ...Array.from({ length: 300 }, () => 1500))
  for (let i = 1; i < 500; i++) {
    one.sendAt(i * MS, 1500)
  }
  const drops: number[] = []
  let dropped = 0
  for (let i = 0; i < 500; i++) {
    at(one.network, i * MS + 1000, () => {
      if (one.link.counters.droppedQueue > dropped) {
        drops.push(i)
        dropped = one.link.counters.droppedQueue
      }
    })
  }
  one.run()
  LAW_MS.slice(0, 4).forEach((lawMs, i) => t.true(Math.abs(drops[i] - drops[0] - lawMs) <= 1, `${drops[i] - drops[0]} instead of ${lawMs}`))
})

test('CoDel lets a delay below the target, and a burst shorter than the interval, alone', t => {
  const below = new OneLink({ rateBitsPerSecond: 12e6, delayNs: 0, queue: { discipline: 'codel' } })
  // Never more than four wait: 4 ms.
  for (let i = 0; i < 500; i += 4) {
    below.sendAt(i * MS, 1500, 1500, 1500, 1500)
  }
  below.run()
  t.is(below.link.counters.droppedQueue, 0)
  const burst = new OneLink({ rateBitsPerSecond: 12e6, delayNs: 0, queue: { discipline: 'codel' } })
  burst.sendAt(0, ...Array.from({ length: 100 }, () => 1500))
  burst.run()
  t.is(burst.link.counters.droppedQueue, 0)
})

test('CoDel does not drop the last full packet, however slow the link', t => {
  const one = new OneLink({ rateBitsPerSecond: 12e3, delayNs: 0, queue: { discipline: 'codel' } })
  for (let i = 0; i < 20; i++) {
    one.sendAt(i * 1000 * MS, 1500, ...(i === 0 ? [1500] : []))
  }
  one.run()
  t.is(one.link.counters.droppedQueue, 0)
})

test('CoDel starts a drop state soon after another from the rate that had controlled the queue', t => {
  const bench = new QueueBench()
  const queue = new CoDelQueue({ discipline: 'codel', limitPackets: Infinity }, bench.packets, bench)
  const serve = (fromMs: number, untilMs: number, sojournMs: number): number => {
    const before = bench.dropped.length
    for (let ms = fromMs; ms < untilMs; ms++) {
      while (queue.packets < 5) {
        queue.enqueue(bench.packet(), (ms - sojournMs) * MS, true)
      }
      bench.packets.release(queue.dequeue(ms * MS))
    }
    return bench.dropped.length - before
  }
  const first = serve(1000, 2000, 50)
  serve(2000, 2010, 0)
  const again = serve(2010, 3010, 50)
  t.true(again > 1.3 * first, `${again} after ${first}`)
})

test('ECN marks are seen on the packet, and what is not capable is dropped', t => {
  const bench = new QueueBench()
  const queue = new CoDelQueue({ discipline: 'codel', ecn: true, targetNs: 1, intervalNs: 1 }, bench.packets, bench)
  for (let i = 0; i < 6; i++) {
    queue.enqueue(bench.packet(1500, { ecn: i === 1 ? ECN_CAPABLE_0 : 0 }), 0, true)
  }
  queue.dequeue(10)
  const marked = queue.dequeue(20)
  t.deepEqual([bench.packets.sequence[marked], bench.packets.ecn[marked], bench.dropped], [1, ECN_CONGESTION, []])
  queue.dequeue(30)
  t.true(bench.dropped.length > 0)
  while (queue.dequeue(40) !== NO_PACKET) { /* empties it */ }
  t.deepEqual([queue.packets, queue.bytes], [0, 0])
})
