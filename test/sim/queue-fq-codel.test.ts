import test from 'ava'
import { FqCoDelQueue } from '../../src/sim/queue-fq-codel.ts'
import { NO_PACKET } from '../../src/sim/queue.ts'
import { QueueBench } from './queue-tools.ts'

const SALT = 12_345

/** Flows and sizes in the order in which they leave. */
function served (bench: QueueBench, queue: FqCoDelQueue, count: number, nowNs = 0): Array<[flow: number, size: number]> {
  const order: Array<[number, number]> = []
  for (let i = 0; i < count; i++) {
    const packet = queue.dequeue(nowNs)
    if (packet === NO_PACKET) {
      break
    }
    order.push([bench.packets.connection[packet], bench.packets.size[packet]])
    bench.packets.release(packet)
  }
  return order
}

test('flows that are all backlogged get the same bytes to within a quantum and a packet, whatever their packets\' sizes', t => {
  const bench = new QueueBench()
  const queue = new FqCoDelQueue({ discipline: 'fq-codel', limitPackets: 1e6 }, bench.packets, bench, SALT)
  const sizes = [1500, 500, 100, 1514]
  sizes.forEach((size, flow) => {
    for (let i = 0; i < 1e6 / size; i++) {
      queue.enqueue(bench.packet(size, { connection: flow }), 0, true)
    }
  })
  const bytes = [0, 0, 0, 0]
  for (const [flow, size] of served(bench, queue, 3000)) {
    bytes[flow] += size
  }
  t.true(Math.max(...bytes) - Math.min(...bytes) <= 1514 + 1514, String(bytes))
})

test('a flow that has just become active goes before those that have had a turn', t => {
  const bench = new QueueBench()
  const queue = new FqCoDelQueue({ discipline: 'fq-codel' }, bench.packets, bench, SALT)
  for (let i = 0; i < 100; i++) {
    queue.enqueue(bench.packet(1500, { connection: 1 }), 0, true)
    queue.enqueue(bench.packet(1500, { connection: 2 }), 0, true)
  }
  served(bench, queue, 20)
  queue.enqueue(bench.packet(100, { connection: 3 }), 0, true)
  t.deepEqual(served(bench, queue, 1), [[3, 100]])
})

test('an emptied new flow that comes back has to wait for its turn among the old ones', t => {
  const bench = new QueueBench()
  const queue = new FqCoDelQueue({ discipline: 'fq-codel' }, bench.packets, bench, SALT)
  for (let i = 0; i < 10; i++) {
    queue.enqueue(bench.packet(500, { connection: 1 }), 0, true)
    queue.enqueue(bench.packet(500, { connection: 2 }), 0, true)
  }
  // Four packets each use up the first quantum; the ninth leaves flow 1 the middle of its second.
  served(bench, queue, 9)
  queue.enqueue(bench.packet(100, { connection: 3 }), 0, true)
  // The second turn finds it empty and puts it behind both old flows.
  t.is(served(bench, queue, 2)[0][0], 3)
  queue.enqueue(bench.packet(100, { connection: 3 }), 0, true)
  t.not(served(bench, queue, 1)[0][0], 3)
  queue.enqueue(bench.packet(100, { connection: 4 }), 0, true)
  t.is(served(bench, queue, 1)[0][0], 4)
})

test('at its limit, half of the fattest flow is dropped from its head, at most 64 packets, and the thin flow keeps its own', t => {
  const bench = new QueueBench()
  const queue = new FqCoDelQueue({ discipline: 'fq-codel', limitPackets: 100 }, bench.packets, bench, SALT)
  queue.enqueue(bench.packet(1500, { connection: 1 }), 0, true)
  for (let i = 0; i < 100; i++) {
    queue.enqueue(bench.packet(1500, { connection: 2 }), 0, true)
  }
  t.deepEqual(bench.dropped, Array.from({ length: 50 }, (_, i) => i + 1))
  t.is(queue.packets, 51)
  t.is(queue.bytes, 51 * 1500)

  const large = new QueueBench()
  const queues = new FqCoDelQueue({ discipline: 'fq-codel', limitPackets: 1000 }, large.packets, large, SALT)
  for (let i = 0; i <= 1000; i++) {
    queues.enqueue(large.packet(), 0, true)
  }
  t.is(large.dropped.length, 64)
})

test('CoDel acts on each flow by itself: a flow that stands is dropped from, one that does not keeps all', t => {
  const bench = new QueueBench()
  const queue = new FqCoDelQueue({ discipline: 'fq-codel' }, bench.packets, bench, SALT)
  const MS = 1e6
  for (let i = 0; i < 2000; i++) {
    queue.enqueue(bench.packet(1500, { connection: 1 }), 0, true)
  }
  let thin = 0
  for (let ms = 0; ms < 500; ms++) {
    if (ms % 10 === 0) {
      queue.enqueue(bench.packet(100, { connection: 2 }), ms * MS, true)
    }
    thin += served(bench, queue, 2, ms * MS).filter(([flow]) => flow === 2).length
  }
  t.is(thin, 50)
  t.true(bench.dropped.length > 5)
})
