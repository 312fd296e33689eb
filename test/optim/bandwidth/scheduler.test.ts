import test from 'ava'
import * as fc from 'fast-check'
import { FairSharing } from '../../../src/optim/bandwidth/fair-sharing.ts'
import { Fifo } from '../../../src/optim/bandwidth/fifo.ts'
import { parseBandwidthOptions } from '../../../src/optim/bandwidth/options.ts'
import { PeerCaps } from '../../../src/optim/bandwidth/peer-caps.ts'
import { PeerQueue } from '../../../src/optim/bandwidth/peer-queue.ts'
import { Scheduler } from '../../../src/optim/bandwidth/scheduler.ts'
import { StrictPriority } from '../../../src/optim/bandwidth/strict-priority.ts'
import { TRAFFIC_CLASSES } from '../../../src/optim/traffic-class.ts'
import { ManualTime } from './manual-time.ts'
import { GreedyFlow, TestFlow } from './test-flow.ts'
import type { Discipline } from '../../../src/optim/bandwidth/discipline.ts'
import type { BandwidthOptions } from '../../../src/optim/bandwidth/options.ts'
import type { TrafficClass } from '../../../src/optim/traffic-class.ts'
import type { Flow } from '../../../src/optim/uplink.ts'

fc.configureGlobal({ seed: 1, numRuns: 10_000 })

/** 1000 bytes a millisecond, and what the manager makes of it by default: 3 KB is granted at a time, 10 ms is the burst. */
const BYTES_PER_MS = 1000
const QUANTUM = 3000
const BURST = 10_000
/** How long a class that was quiet may go first at the full rate. */
const GUARANTEE_BURST_MS = 10

function fair (options: BandwidthOptions = {}): Discipline {
  const { classes, peerCapBitsPerSecond } = parseBandwidthOptions(options)
  return new FairSharing({ rateBitsPerSecond: 8e3 * BYTES_PER_MS, quantumBytes: QUANTUM, classes, peerCapBitsPerSecond })
}

const DISCIPLINES = { fair, fifo: () => new Fifo(), 'strict-priority': () => new StrictPriority() }

interface Setup {
  readonly time: ManualTime
  readonly scheduler: Scheduler
  readonly sent: Array<{ readonly flow: Flow, readonly atMs: number, readonly bytes: number }>
}

function setUp (discipline: Discipline): Setup {
  const time = new ManualTime()
  const sent: Setup['sent'] = []
  const scheduler = new Scheduler(time, time.deadlines, { rateBitsPerSecond: 8e3 * BYTES_PER_MS, burstBytes: BURST, quantumBytes: QUANTUM, discipline }, {
    onSent: (flow, bytes) => sent.push({ flow, atMs: time.now(), bytes }),
    onWaiting: () => {}
  })
  return { time, scheduler, sent }
}

const stepArbitrary = fc.record({
  gapMs: fc.integer({ min: 0, max: 20 }),
  flow: fc.integer({ min: 0, max: 7 }),
  action: fc.constantFrom('offer', 'offer', 'offer', 'block', 'remove'),
  bytes: fc.integer({ min: 1, max: 8000 })
})

function flowsOf (): TestFlow[] {
  return Array.from({ length: 8 }, (_, i) => new TestFlow(`peer ${i % 4}`, TRAFFIC_CLASSES[i % 3]))
}

for (const [name, create] of Object.entries(DISCIPLINES)) {
  test(`${name}: over any window T, bytes <= R T + burst + one message, and no moment is idle that need not be, whatever flows do`, t => {
    fc.assert(fc.property(fc.array(stepArbitrary, { maxLength: 30 }), steps => {
      const { time, scheduler, sent } = setUp(create())
      const flows = flowsOf()
      /** A token bucket of the test's own: milliseconds of the rate that were sent ahead, after the last `seen` of what was sent. */
      let aheadMs = 0
      let lastMs = 0
      let seen = 0
      const account = (): boolean => {
        for (; seen < sent.length; seen++) {
          const { atMs, bytes } = sent[seen]
          aheadMs = Math.max(0, aheadMs - (atMs - lastMs))
          lastMs = atMs
          if (aheadMs > BURST / BYTES_PER_MS + 1e-5) {
            return false
          }
          aheadMs += bytes / BYTES_PER_MS
        }
        aheadMs = Math.max(0, aheadMs - (time.now() - lastMs))
        lastMs = time.now()
        const waiting = flows.some(flow => flow.backlogBytes > 0)
        return !waiting || aheadMs > BURST / BYTES_PER_MS - 1e-5
      }
      for (const { gapMs, flow: index, action, bytes } of steps) {
        time.runTo(time.now() + gapMs)
        const flow = flows[index]
        if (action === 'offer') {
          flow.room = true
          flow.offer(scheduler, bytes)
        } else if (action === 'block') {
          flow.room = false
        } else {
          flow.messages.length = 0
          scheduler.remove(flow)
        }
        if (!account()) {
          return false
        }
      }
      return true
    }))
    t.pass()
  })

  test(`${name}: whatever was ready, removed, blocked or sent in part, all that is not removed goes, and no state is left`, t => {
    fc.assert(fc.property(fc.array(stepArbitrary, { maxLength: 30 }), steps => {
      const discipline = create()
      const { time, scheduler } = setUp(discipline)
      const flows = flowsOf()
      let expected = 0
      for (const { gapMs, flow: index, action, bytes } of steps) {
        time.runTo(time.now() + gapMs)
        const flow = flows[index]
        if (action === 'offer') {
          expected += bytes
          flow.offer(scheduler, bytes)
        } else if (action === 'block') {
          flow.room = !flow.room
          if (flow.room) {
            scheduler.ready(flow)
          }
        } else {
          expected -= flow.messages.reduce((sum, bytes) => sum + bytes, 0)
          flow.messages.length = 0
          scheduler.remove(flow)
        }
      }
      for (const flow of flows) {
        flow.room = true
        scheduler.ready(flow)
      }
      time.runTo(time.now() + expected / BYTES_PER_MS + 1)
      const sentBytes = flows.reduce((sum, flow) => sum + flow.sentBytes, 0)
      return sentBytes === expected && scheduler.waitingFlows === 0 && scheduler.waitingBytes === 0 && time.deadlines.size === 0 && discipline.next(time.now()) === undefined
    }))
    t.pass()
  })
}

test('a peer queue has state for no peer once nothing waits, whatever was added, removed and served', t => {
  const step = fc.record({ flow: fc.integer({ min: 0, max: 7 }), action: fc.constantFrom('add', 'remove', 'serve', 'finish') })
  fc.assert(fc.property(fc.array(step, { maxLength: 40 }), steps => {
    const queue = new PeerQueue(QUANTUM)
    const flows = flowsOf()
    for (const { flow, action } of steps) {
      if (action === 'add') {
        queue.add(flows[flow])
      } else if (action === 'remove') {
        queue.remove(flows[flow])
      } else {
        const next = queue.next(0)
        if (next !== undefined) {
          queue.sent(next, 1000, action === 'serve', 0)
        }
      }
      if ((queue.size === 0) !== (queue.peers === 0) || [...queue.flows()].length !== queue.size) {
        return false
      }
    }
    for (let next = queue.next(0); next !== undefined; next = queue.next(0)) {
      queue.sent(next, 1000, false, 0)
    }
    return queue.size === 0 && queue.peers === 0
  }))
  t.pass()
})

test('backlogged peers of a class get equal shares within one quantum and one transmission, whatever their messages and streams', t => {
  const peer = fc.record({ messageBytes: fc.integer({ min: 50, max: 9000 }), streams: fc.integer({ min: 1, max: 3 }) })
  fc.assert(fc.property(fc.array(peer, { minLength: 2, maxLength: 6 }), fc.integer({ min: 1, max: 150 }), (peers, forMs) => {
    const { time, scheduler } = setUp(fair())
    const flows = peers.map(({ messageBytes, streams }, i) => Array.from({ length: streams }, () => new GreedyFlow(String(i), 'normal', messageBytes)))
    // All must wait before any is served, or the burst goes to the first.
    const blocker = new TestFlow('blocker', 'normal')
    blocker.offer(scheduler, BURST + 1)
    for (const flow of flows.flat()) {
      scheduler.ready(flow)
    }
    time.runTo(forMs)
    const sent = flows.map(streams => streams.reduce((sum, { sentBytes }) => sum + sentBytes, 0))
    const transmission = Math.max(QUANTUM, ...peers.map(({ messageBytes }) => messageBytes))
    const fluid = sent.reduce((sum, bytes) => sum + bytes, 0) / peers.length
    return sent.every(bytes => Math.abs(bytes - fluid) <= QUANTUM + transmission)
  }))
  t.pass()
})

/** The fluid that the scheduler approximates: what is guaranteed to those who want something, and the rest by weight. */
function fluidShares (wanting: readonly TrafficClass[], weights: Readonly<Record<TrafficClass, number>>, guarantees: Readonly<Record<TrafficClass, number>>): number[] {
  const rest = 1 - wanting.reduce((sum, name) => sum + guarantees[name], 0)
  const weight = wanting.reduce((sum, name) => sum + weights[name], 0)
  return wanting.map(name => guarantees[name] + rest * weights[name] / weight)
}

test('backlogged classes get their guarantee and by weight what is left of it, against a fluid oracle', t => {
  const weightArbitrary = fc.integer({ min: 1, max: 8 })
  const guaranteeArbitrary = fc.integer({ min: 0, max: 30 })
  const classes = fc.record({
    wanting: fc.subarray([...TRAFFIC_CLASSES], { minLength: 1 }),
    weights: fc.record({ urgent: weightArbitrary, normal: weightArbitrary, bulk: weightArbitrary }),
    percent: fc.record({ urgent: guaranteeArbitrary, normal: guaranteeArbitrary, bulk: guaranteeArbitrary }),
    messageBytes: fc.integer({ min: 100, max: QUANTUM })
  })
  fc.assert(fc.property(classes, ({ wanting, weights, percent, messageBytes }) => {
    const of = (name: TrafficClass): { weight: number, guaranteedShare: number } => ({ weight: weights[name], guaranteedShare: percent[name] / 100 })
    const { time, scheduler } = setUp(fair({ classes: { urgent: of('urgent'), normal: of('normal'), bulk: of('bulk') } }))
    const flows = wanting.map(name => new GreedyFlow('peer', name, messageBytes))
    for (const flow of flows) {
      scheduler.ready(flow)
    }
    time.runTo(400)
    const total = flows.reduce((sum, { sentBytes }) => sum + sentBytes, 0)
    const shares = fluidShares(wanting, weights, { urgent: percent.urgent / 100, normal: percent.normal / 100, bulk: percent.bulk / 100 })
    // The burst of the whole goes to whoever comes first. Each guarantee has a burst of its own, which goes before its
    // turn, and may be a transmission over; by weight it is a quantum and a transmission, here at most a quantum.
    const slack = BURST + QUANTUM + 0.9 * GUARANTEE_BURST_MS * BYTES_PER_MS + 3 * QUANTUM + 2 * QUANTUM
    return flows.every(({ sentBytes }, i) => Math.abs(sentBytes - total * shares[i]) <= slack)
  }))
  t.pass()
})

test('bulk has its floor under full load of the others, but for their bursts', t => {
  fc.assert(fc.property(fc.subarray<TrafficClass>(['urgent', 'normal']), fc.integer({ min: 100, max: 6000 }), fc.integer({ min: 1, max: 300 }), (others, messageBytes, forMs) => {
    const { time, scheduler } = setUp(fair())
    for (const name of others) {
      scheduler.ready(new GreedyFlow('other', name, messageBytes))
    }
    const bulk = new GreedyFlow('peer', 'bulk', messageBytes)
    scheduler.ready(bulk)
    time.runTo(forMs)
    const transmission = Math.max(messageBytes, QUANTUM)
    const bursts = (0.25 + 0.6875) * GUARANTEE_BURST_MS * BYTES_PER_MS + 3 * transmission
    return bulk.sentBytes >= 0.0625 * BYTES_PER_MS * forMs - bursts
  }))
  t.pass()
})

test('a peer that had nothing waiting is served before all who have: its message waits for one transmission at most', t => {
  fc.assert(fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 50, max: 9000 }), fc.integer({ min: 30, max: 200 }), fc.integer({ min: 1, max: QUANTUM }), (peers, messageBytes, atMs, bytes) => {
    const { time, scheduler, sent } = setUp(fair())
    for (let i = 0; i < peers; i++) {
      scheduler.ready(new GreedyFlow(String(i), 'normal', messageBytes))
    }
    // Until all have had their first turn, of up to two transmissions, they are as new as the one that comes.
    const startMs = 2 * peers * Math.max(QUANTUM, messageBytes) / BYTES_PER_MS + atMs
    time.runTo(startMs)
    const sparse = new TestFlow('sparse', 'normal')
    sparse.offer(scheduler, bytes)
    time.runTo(startMs + Math.max(QUANTUM, messageBytes) / BYTES_PER_MS + 1e-3)
    return sent.some(({ flow }) => flow === sparse)
  }))
  t.pass()
})

test('an urgent message waits for one transmission at most under full load of bulk and normal', t => {
  const { time, scheduler, sent } = setUp(fair())
  for (const name of ['normal', 'bulk'] as const) {
    for (let i = 0; i < 10; i++) {
      scheduler.ready(new GreedyFlow(String(i), name, QUANTUM))
    }
  }
  time.runTo(500)
  const urgent = new TestFlow('sparse', 'urgent')
  urgent.offer(scheduler, 500)
  time.runTo(500 + QUANTUM / BYTES_PER_MS + 1e-3)
  t.true(sent.some(({ flow }) => flow === urgent))
})

test('over its threshold urgent loses its priority, not its service', t => {
  const { time, scheduler } = setUp(fair({ classes: { urgent: { weight: 1 }, normal: { weight: 1 } } }))
  const urgent = new GreedyFlow('a', 'urgent', 1000)
  const normal = new GreedyFlow('b', 'normal', 1000)
  scheduler.ready(urgent)
  scheduler.ready(normal)
  time.runTo(10_000)
  // Of 10 MB: 25% and half of bulk's 6.25%; 68.75% and the other half.
  t.true(Math.abs(urgent.sentBytes - 0.28125e7) < 0.03e7)
  t.true(Math.abs(normal.sentBytes - 0.71875e7) < 0.03e7)
})

test('what others leave is borrowed: bulk alone has the whole rate', t => {
  const { time, scheduler } = setUp(fair())
  const bulk = new GreedyFlow('a', 'bulk', 1000)
  scheduler.ready(bulk)
  time.runTo(1000)
  t.true(bulk.sentBytes >= 1000 * BYTES_PER_MS + BURST)
})

test('a cap of a class holds though nobody else wants anything, and its rest is others\'', t => {
  const { time, scheduler } = setUp(fair({ classes: { bulk: { capBitsPerSecond: 8e3 * 100 } } }))
  const bulk = new GreedyFlow('a', 'bulk', 500)
  scheduler.ready(bulk)
  time.runTo(1000)
  // Within the cap's burst, a quantum, and one transmission.
  t.true(bulk.sentBytes >= 100 * 1000 && bulk.sentBytes <= 100 * 1000 + 2 * QUANTUM)
  const normal = new GreedyFlow('a', 'normal', 500)
  scheduler.ready(normal)
  time.runTo(2000)
  t.true(normal.sentBytes >= 900 * 1000 - QUANTUM)
})

test('a cap of a peer is one for all its classes, holds for a peer that never has much waiting, and leaves the rest to others', t => {
  const { time, scheduler } = setUp(fair({ peerCapBitsPerSecond: 8e3 * 100 }))
  const flows = [new TestFlow('a', 'urgent'), new TestFlow('a', 'bulk')]
  for (let atMs = 0; atMs < 1000; atMs++) {
    time.runTo(atMs)
    for (const flow of flows) {
      // One message each millisecond wherever none waits: its backlog is gone with each transmission.
      if (flow.messages.length === 0) {
        flow.offer(scheduler, 500)
      }
    }
  }
  const sentBytes = flows.reduce((sum, flow) => sum + flow.sentBytes, 0)
  t.true(sentBytes >= 99 * 1000 && sentBytes <= 100 * 1000 + QUANTUM + 1000)
  const other = new TestFlow('b', 'bulk')
  other.offer(scheduler, 500)
  t.is(other.sentBytes, 500)
})

test('the cap of a peer that is gone is forgotten when it is paid off', t => {
  const caps = new PeerCaps(8e3, 0)
  for (let i = 0; i < 10; i++) {
    caps.claim(String(i)).take(0, 100)
    caps.release(String(i))
  }
  caps.sweep(99)
  t.is(caps.size, 10)
  for (let i = 0; i < 5; i++) {
    caps.sweep(100)
  }
  t.is(caps.size, 0)
})

test('fifo: what came first goes first, whatever its class', t => {
  const order: string[] = []
  const { time, scheduler } = setUp(new Fifo())
  const log = (flow: TestFlow, bytes: number): void => { order.push(`${flow.class} ${bytes}`) }
  const bulk = new TestFlow('a', 'bulk', log)
  const urgent = new TestFlow('b', 'urgent', log)
  bulk.offer(scheduler, 50_000)
  bulk.offer(scheduler, 2000, 1000)
  urgent.offer(scheduler, 400)
  bulk.offer(scheduler, 3000)
  time.runTo(1000)
  t.deepEqual(order, ['bulk 50000', 'bulk 3000', 'urgent 400', 'bulk 3000'])
})

/** The largest ratio of weights that the options take. */
const UNEQUAL: BandwidthOptions = { classes: { urgent: { guaranteedShare: 0, weight: 1000 }, normal: { guaranteedShare: 0 }, bulk: { guaranteedShare: 0, weight: 0.001 } } }

test('the lightest class alone has all of the rate, without a million rounds for each quantum', t => {
  const { time, scheduler } = setUp(fair(UNEQUAL))
  const bulk = new GreedyFlow('a', 'bulk', 1000)
  scheduler.ready(bulk)
  time.runTo(10_000)
  t.true(bulk.sentBytes >= 10_000 * BYTES_PER_MS)
})

test('beside the heaviest class the lightest has a millionth, and its first turn', t => {
  const { time, scheduler } = setUp(fair(UNEQUAL))
  const bulk = new GreedyFlow('a', 'bulk', 1000)
  const urgent = new GreedyFlow('b', 'urgent', 1000)
  scheduler.ready(bulk)
  scheduler.ready(urgent)
  time.runTo(10_000)
  // What bulk sent while it was alone, the burst and the transmission over it, and one turn: of 10 MB it is due 10 bytes.
  t.true(bulk.sentBytes <= BURST + QUANTUM + QUANTUM)
  t.true(bulk.sentBytes + urgent.sentBytes >= 10_000 * BYTES_PER_MS)
})

test('rounds that are skipped change nobody\'s turn, against rounds gone through one by one', t => {
  const weight = fc.integer({ min: 1, max: 50 })
  const sizes = fc.array(fc.tuple(fc.constantFrom(...TRAFFIC_CLASSES), fc.integer({ min: 1, max: 20 * QUANTUM })), { minLength: 1, maxLength: 30 })
  fc.assert(fc.property(weight, weight, weight, sizes, (urgent, normal, bulk, messages) => {
    const weights = { urgent, normal, bulk }
    const discipline = fair({ classes: { urgent: { guaranteedShare: 0, weight: urgent }, normal: { guaranteedShare: 0, weight: normal }, bulk: { guaranteedShare: 0, weight: bulk } } })
    const waiting = { urgent: [] as number[], normal: [] as number[], bulk: [] as number[] }
    const flows = { urgent: new GreedyFlow('u', 'urgent', 1), normal: new GreedyFlow('n', 'normal', 1), bulk: new GreedyFlow('b', 'bulk', 1) }
    for (const [name, bytes] of messages) {
      waiting[name].push(bytes)
      discipline.add(flows[name])
    }
    const oracle = roundByRound(weights, waiting)
    for (const _ of messages) {
      const flow = discipline.next(0) as Flow
      const expected = oracle.next().value
      if (flow.class !== expected) {
        return false
      }
      const bytes = waiting[flow.class].shift() ?? 0
      discipline.sent(flow, bytes, waiting[flow.class].length > 0, 0)
    }
    return true
  }))
  t.pass()
})

/** Deficit round robin as it is written down: whose message is next, while the messages are taken from `waiting` outside. */
function * roundByRound (weights: Readonly<Record<TrafficClass, number>>, waiting: Readonly<Record<TrafficClass, readonly number[]>>): Generator<TrafficClass, TrafficClass> {
  const heaviest = Math.max(...TRAFFIC_CLASSES.map(name => weights[name]))
  const deficits = { urgent: 0, normal: 0, bulk: 0 }
  for (let turn = 0; ;) {
    const name = TRAFFIC_CLASSES[turn]
    if (waiting[name].length === 0) {
      deficits[name] = Math.min(deficits[name], 0)
    } else if (deficits[name] > 0) {
      const [bytes] = waiting[name]
      yield name
      deficits[name] -= bytes
      continue
    }
    turn = (turn + 1) % TRAFFIC_CLASSES.length
    deficits[TRAFFIC_CLASSES[turn]] += QUANTUM * weights[TRAFFIC_CLASSES[turn]] / heaviest
  }
}

test('strict priority: while anything pressing waits, bulk gets nothing', t => {
  const { time, scheduler } = setUp(new StrictPriority())
  const bulk = new GreedyFlow('a', 'bulk', 1000)
  scheduler.ready(new GreedyFlow('b', 'urgent', 1000))
  scheduler.ready(bulk)
  time.runTo(1000)
  t.is(bulk.sentBytes, 0)
})

test('a flow is never told to transmit from within its own transmission', t => {
  const { time, scheduler } = setUp(fair())
  let depth = 0
  let left = 50
  const flow: Flow = {
    peer: 'a',
    class: 'normal',
    get backlogBytes () { return left * 1000 },
    transmit () {
      t.is(++depth, 1)
      scheduler.ready(flow)
      depth--
      left--
      return 1000
    }
  }
  scheduler.ready(flow)
  time.runTo(100)
  t.is(left, 0)
})

test('a refund lets what waits go earlier, by what it is worth', t => {
  const { time, scheduler, sent } = setUp(fair())
  const flow = new TestFlow('a', 'normal')
  flow.offer(scheduler, BURST + 20_000)
  flow.offer(scheduler, 1)
  time.runTo(5)
  scheduler.refund(10_000)
  time.runTo(9.9)
  t.is(sent.length, 1)
  time.runTo(10.1)
  t.is(sent.length, 2)
})

test('a flow may count on the rate, shared with the other peers of its class that wait', t => {
  const { scheduler } = setUp(fair())
  const flow = new TestFlow('a', 'normal')
  flow.offer(scheduler, BURST + 20_000)
  flow.offer(scheduler, 4000)
  t.is(scheduler.rateBitsPerSecond(flow), 8e3 * BYTES_PER_MS)
  new TestFlow('b', 'normal').offer(scheduler, 4000)
  t.is(scheduler.rateBitsPerSecond(flow), 8e3 * BYTES_PER_MS / 2)
})

test('once stopped, what waits goes at once and so does what comes, also from within a transmission, and no timer is left', t => {
  const { time, scheduler } = setUp(fair())
  const stopping = new TestFlow('a', 'normal', () => scheduler.stop())
  const flow = new TestFlow('b', 'normal')
  const blocker = new TestFlow('c', 'normal')
  blocker.offer(scheduler, BURST + 1)
  flow.offer(scheduler, 50_000, 50_000)
  stopping.offer(scheduler, 1000, 5000)
  t.is(time.deadlines.size, 1)
  time.runTo(1000)
  t.is(flow.sentBytes, 100_000)
  t.is(stopping.sentBytes, 6000)
  t.is(time.deadlines.size, 0)
  flow.offer(scheduler, 1e6)
  t.is(flow.sentBytes, 1_100_000)
})
