import test from 'ava'
import * as fc from 'fast-check'
import { NUMBERED } from '../../../src/sim/observe/nodes.ts'
import { Timeline } from '../../../src/sim/observe/timeline.ts'
import type { TraceEvent } from '../../../src/sim/observe/trace-events.ts'
import { IGNORING } from '../../../src/sim/tcp/socket-handler.ts'
import { CLIENT, Collected, MS, PORT, ROUTER, S, SERVER, TracedPath } from './observe-tools.ts'
import type { TracedPathOptions } from './observe-tools.ts'

function timelineOf (options: TracedPathOptions, act: (path: TracedPath) => void, untilNs?: number): TraceEvent[] {
  const path = new TracedPath(options)
  const collected = new Collected()
  const timeline = new Timeline(path.network, collected.sink, NUMBERED)
  path.network.observers.add(timeline)
  act(path)
  path.run(untilNs)
  timeline.finish()
  const { traceEvents, displayTimeUnit } = JSON.parse(collected.text) as { traceEvents: TraceEvent[], displayTimeUnit: string }
  if (displayTimeUnit !== 'ms') {
    throw new Error('the unit of time')
  }
  return traceEvents
}

type Timed = Exclude<TraceEvent, { readonly ph: 'M' }>

/** What the format's description asks for: what breaks it, in words. */
function faultsOf (events: readonly TraceEvent[]): string[] {
  const faults: string[] = []
  const open = new Map<string, string[]>()
  const named = new Set<number>()
  let lastTs = -Infinity
  for (const event of events) {
    if (event.ph === 'M') {
      named.add(event.pid)
      continue
    }
    if (!named.has(event.pid) || event.pid === 0) {
      faults.push(`process ${event.pid} has no name`)
    }
    if (!(event.ts >= lastTs)) {
      faults.push(`${event.ts} after ${lastTs}`)
    }
    lastTs = event.ts
    if (event.ph === 'C' && !Object.values(event.args).every(value => Number.isFinite(value))) {
      faults.push(`${event.name} has the value ${JSON.stringify(event.args)}`)
    }
    if (event.ph === 'b' || event.ph === 'e' || event.ph === 'n') {
      const key = `${event.cat} ${event.id}`
      const stack = open.get(key) ?? []
      open.set(key, stack)
      if (event.ph === 'b') {
        stack.push(event.name)
      } else if (event.ph === 'e' ? stack.pop() !== event.name : stack.length === 0) {
        faults.push(`${event.ph} of ${event.name} at ${event.ts}`)
      }
    }
  }
  for (const [key, stack] of open) {
    if (stack.length > 0) {
      faults.push(`${key} does not end: ${stack.join(', ')}`)
    }
  }
  return faults
}

function named (events: readonly TraceEvent[], ph: TraceEvent['ph'], name: RegExp): Timed[] {
  return events.filter((event): event is Timed => event.ph === ph && event.ph !== 'M' && name.test(event.name))
}

test('whatever is lost and whenever the run ends, slices nest and end, time does not go back, and processes have names', t => {
  fc.assert(fc.property(fc.string(), fc.double({ min: 0.001, max: 0.3, noNaN: true }), fc.integer({ min: 1, max: 300_000 }), fc.integer({ min: 1, max: 20_000 }), fc.constantFrom('reno', 'cubic', 'bbr'), (seed, probability, bytes, endMs, congestion) => {
    const bottleneck = { rateBitsPerSecond: 10e6, delayNs: 19 * MS, loss: { model: 'bernoulli', probability } as const, queue: { limitPackets: 30 } }
    const events = timelineOf({ seed, bottleneck, tcp: { congestion } }, path => {
      path.transfer(bytes)
      path.kernel.schedule(300 * MS, path.kernel.define(() => path.clientHost.connect(ROUTER, 1), 'event'), 0)
    }, endMs * MS)
    t.deepEqual(faultsOf(events), [])
  }), { numRuns: 100 })
})

test('a connection is a slice from its SYN to its end, the handshake the first round trip of it', t => {
  const events = timelineOf({}, path => path.transfer(50_000))
  t.deepEqual(faultsOf(events), [])
  const [begin] = named(events, 'b', /^connection 1 to node2:5001$/)
  const [end] = named(events, 'e', /^connection 1 to node2:5001$/)
  t.is(begin.ts, 0)
  t.like(end, { args: { reason: 'closed', acknowledgedBytes: 50_000 } })
  const handshake = named(events, 'e', /^handshake$/).find(event => event.pid === begin.pid)
  // 40 ms, and 60 B over 1 Gbit/s and 10 Mbit/s, forth and back.
  t.is(handshake?.ts, 40_000 + 2 * (0.48 + 48))
  const phases = events.filter(event => event.ph === 'b' && event.pid === begin.pid).map(({ name }) => name)
  t.deepEqual(phases, ['connection 1 to node2:5001', 'handshake', 'slow start'])
})

test('drops, retransmissions and timeouts are as many as the counters say', t => {
  const bottleneck = { rateBitsPerSecond: 10e6, delayNs: 19 * MS, loss: { model: 'bernoulli', probability: 0.01 } as const, queue: { limitPackets: 10 } }
  const path = new TracedPath({ bottleneck })
  const collected = new Collected()
  const timeline = new Timeline(path.network, collected.sink, NUMBERED)
  path.network.observers.add(timeline)
  const client = path.transfer(3e6)
  // Long enough for the timer.
  path.run(1 * S)
  const fault = path.bottleneck.beginFault({ kind: 'black-hole' })
  path.run(2 * S)
  fault.end()
  path.run()
  timeline.finish()
  const { traceEvents } = JSON.parse(collected.text) as { traceEvents: TraceEvent[] }
  const { droppedLoss, droppedQueue } = path.bottleneck.counters
  t.is(named(traceEvents, 'i', /^drop: loss$/).length, droppedLoss)
  t.is(named(traceEvents, 'i', /^drop: queue$/).length, droppedQueue)
  const again = named(traceEvents, 'n', /^retransmission$/).filter(({ pid }) => pid === CLIENT + 1)
  t.is(again.reduce((sum, event) => sum + Number('args' in event ? event.args?.['segments'] : NaN), 0), client.retransmittedSegments)
  t.is(named(traceEvents, 'n', /^timeout$/).filter(({ pid }) => pid === CLIENT + 1).length, client.timeouts)
  t.true(droppedLoss > 0 && droppedQueue > 0 && client.timeouts > 0)
  t.true(named(traceEvents, 'b', /^recovery$/).length > 0 && named(traceEvents, 'b', /^loss$/).length > 0)
})

test('the counter of the queue reaches what the queue holds, and that of the window what the socket has', t => {
  const path = new TracedPath({ bottleneck: { rateBitsPerSecond: 10e6, delayNs: 19 * MS, queue: { limitBytes: 60_000 } } })
  const collected = new Collected()
  const timeline = new Timeline(path.network, collected.sink, NUMBERED)
  path.network.observers.add(timeline)
  const client = path.transfer(1e7)
  path.run(3 * S)
  timeline.finish()
  const { traceEvents } = JSON.parse(collected.text) as { traceEvents: TraceEvent[] }
  const values = (name: RegExp): number[] => named(traceEvents, 'C', name).map(event => Number('args' in event ? event.args?.['bytes'] : NaN))
  t.true(Math.max(...values(/^queue to node2$/)) > 60_000 - 1500 && Math.max(...values(/^queue to node2$/)) <= 60_000)
  t.is(values(/^connection 1 window$/).at(-1), client.cwndBytes)
})

test('SYNs sent again, refusals, faults and changes of rate are instants where they happen', t => {
  const events = timelineOf({}, path => {
    path.clientHost.connect(SERVER, PORT + 1).handler = IGNORING
    path.kernel.schedule(100 * MS, path.kernel.define(() => {
      const fault = path.bottleneck.beginFault({ kind: 'black-hole' })
      path.transfer(1000)
      path.kernel.schedule(1600 * MS, path.kernel.define(() => {
        fault.end()
        fault.end()
        path.bottleneck.setRate(1e6)
      }, 'event'), 0)
    }, 'event'), 0)
  })
  t.deepEqual(faultsOf(events), [])
  t.like(named(events, 'e', /^connection 1 to node2:5002$/)[0], { args: { reason: 'refused' } })
  // The first SYN is lost at 0.1 s, the second 1 s later, the third passes.
  t.is(named(events, 'n', /^SYN sent again$/).length, 2)
  t.is(named(events, 'i', /^drop: fault$/).length, 2)
  t.deepEqual(['black-hole begins', 'black-hole ends', 'rate changes'].map(name => named(events, 'i', new RegExp(`^${name}$`)).map(({ pid, ts }) => [pid, ts])), [[[ROUTER + 1, 100_000]], [[ROUTER + 1, 1_600_000]], [[ROUTER + 1, 1_600_000]]])
})

test('a timeline without events is one all the same', t => {
  const collected = new Collected()
  new Timeline(new TracedPath().network, collected.sink, NUMBERED).finish()
  t.deepEqual(JSON.parse(collected.text), { displayTimeUnit: 'ms', traceEvents: [] })
})
