import test from 'ava'
import { TcpHost } from '../../src/sim/tcp/host.ts'
import { IGNORING } from '../../src/sim/tcp/socket-handler.ts'
import type { TcpSocket } from '../../src/sim/tcp/socket.ts'
import type { LinkOptions } from '../../src/sim/network.ts'
import { dumbbell } from '../../src/sim/topology.ts'
import { at, emptyNetwork } from './packet-tools.ts'

const MS = 1e6
const S = 1e9
const RATE = 10e6

interface Outcome {
  readonly deliveredBytes: readonly number[]
  /** Mean time that the bottleneck's queue would take, from 5 s on. */
  readonly meanQueueMs: number
  readonly droppedQueue: number
}

/** Bulk TCP flows for 30 s over a bottleneck of 10 Mbit/s and a round trip of 40 ms; the n-th starts at n / 10 s. */
function bulk (flows: number, bottleneck: Partial<LinkOptions>): Outcome {
  const network = emptyNetwork('bulk')
  const delayNs = 18 * MS
  const { senders, receivers, bottleneck: { forward } } = dumbbell(network, {
    pairs: flows,
    access: { forward: { delayNs: MS } },
    bottleneck: { forward: { ...(bottleneck.trace === undefined ? { rateBitsPerSecond: RATE } : {}), delayNs, ...bottleneck }, backward: { delayNs } }
  })
  const sinks: TcpSocket[] = []
  senders.forEach((sender, flow) => {
    new TcpHost(network, receivers[flow]).listen(5001, socket => {
      socket.handler = IGNORING
      sinks[flow] = socket
    })
    const host = new TcpHost(network, sender)
    at(network, flow * 100 * MS, () => {
      const socket = host.connect(receivers[flow], 5001)
      socket.handler = IGNORING
      socket.write(1e10)
    })
  })
  const link = network.link(forward)
  let waited = 0
  const samples = 2500
  for (let i = 0; i < samples; i++) {
    network.kernel.run(5 * S + i * 10 * MS)
    waited += link.waitingBytes * 8e3 / RATE
  }
  network.checkConservation()
  return { deliveredBytes: sinks.map(socket => socket.deliveredBytes), meanQueueMs: waited / samples, droppedQueue: link.counters.droppedQueue }
}

function goodput ({ deliveredBytes }: Outcome): number {
  return deliveredBytes.reduce((total, bytes) => total + bytes, 0) * 8 / 30
}

test('one bulk flow: CoDel and FQ-CoDel keep the queue near their target of 5 ms where drop-tail lets it fill, and cost little goodput', t => {
  const dropTail = bulk(1, { queue: { limitPackets: 200 } })
  // 200 packets of 1.2 ms; a window that is halved leaves more than the path's 33 packets, and 85 or more in the queue.
  t.true(dropTail.meanQueueMs > 100, String(dropTail.meanQueueMs))
  for (const discipline of ['codel', 'fq-codel'] as const) {
    const outcome = bulk(1, { queue: { discipline } })
    t.true(outcome.droppedQueue > 0)
    t.true(outcome.meanQueueMs < 15, `${discipline} ${outcome.meanQueueMs}`)
    t.true(goodput(outcome) > 0.85 * goodput(dropTail), `${discipline} ${goodput(outcome)}`)
  }
})

test('under FQ-CoDel flows that start at different times end up with equal shares', t => {
  const { deliveredBytes } = bulk(3, { queue: { discipline: 'fq-codel' } })
  t.true(Math.min(...deliveredBytes) > 0.9 * Math.max(...deliveredBytes), String(deliveredBytes))
})

test('RED keeps the queue between its thresholds in the mean', t => {
  const { meanQueueMs, droppedQueue } = bulk(3, { queue: { discipline: 'red' } })
  t.true(droppedQueue > 0)
  // Two times the maximum, 30 packets, is where all would be dropped.
  t.true(meanQueueMs > 1.2 && meanQueueMs < 30 * 1.2, String(meanQueueMs))
})

test('TCP gets through a link that reorders, doubles, damages and loses', t => {
  const outcome = bulk(1, { jitter: { distribution: 'pareto', scaleNs: 0.2 * MS, shape: 2 }, reorder: true, duplication: 0.01, corruption: 0.002, loss: { model: 'periodic', every: 1000 }, queue: { limitPackets: 50 } })
  t.true(goodput(outcome) > 1e6, String(goodput(outcome)))
})

test('TCP fills a trace as it fills a rate', t => {
  // 10 Mbit/s: five opportunities in 6 ms.
  const outcome = bulk(1, { trace: { opportunitiesMs: Uint32Array.of(1, 2, 4, 5, 6) }, queue: { limitPackets: 50 } })
  const even = bulk(1, { queue: { limitPackets: 50 } })
  t.true(Math.abs(goodput(outcome) / goodput(even) - 1) < 0.02, `${goodput(outcome)} and ${goodput(even)}`)
})
