import test from 'ava'
import type { ExecutionContext } from 'ava'
import * as fc from 'fast-check'
import type { LinkOptions } from '../../../src/sim/link.ts'
import { play, scenarios } from './random-scenario.ts'
import type { Played } from './random-scenario.ts'

/** What can be counted only where a link's options or its faults give cause. */
function causes (options: LinkOptions, faulty: boolean): Record<string, boolean> {
  const { loss, queue, mtuBytes, policer, corruption = 0, duplication = 0 } = options
  return {
    droppedQueue: queue !== undefined,
    droppedLoss: loss !== undefined,
    droppedFault: faulty,
    droppedMtu: mtuBytes !== undefined,
    droppedPolicer: policer !== undefined,
    droppedCorrupt: corruption > 0,
    duplicated: duplication > 0
  }
}

/** Of each link and of the network, counted by hand: offered + duplicated = delivered + dropped by reason + queued + in flight. */
function expectConserved (t: ExecutionContext, { network, options, faulty, bench, sinks }: Played): void {
  const sum = (counters: object, pattern: RegExp): number => Object.entries(counters).filter(([name]) => pattern.test(name)).reduce((total, [, count]) => total + Number(count), 0)
  let [inside, dropped] = [0, 0]
  for (const { id, counters } of network.links) {
    const counted = new Map(Object.entries(counters))
    t.deepEqual(Object.entries(causes(options[id], faulty.has(id))).filter(([what, caused]) => !caused && counted.get(what) !== 0), [])
    t.is(counters.offered + counters.duplicated, sum(counters, /^(delivered|dropped.*|queued|inFlight)$/))
    inside += counters.queued + counters.inFlight
    dropped += sum(counters, /^dropped/)
  }
  const { counters } = network
  t.is(inside, network.packets.live)
  t.is(dropped + counters.droppedUnreachable, sum(counters, /^dropped/))
  t.is(counters.sent, bench.sent)
  t.is(counters.received, bench.received + sinks.reduce((total, sink) => total + sink.packets, 0))
  t.is(counters.sent + counters.duplicated, counters.received + sum(counters, /^dropped/) + inside)
  network.checkConservation()
  bench.connections.forEach(connection => connection.check())
}

test('whatever befalls a network, packets are conserved on each link and over all, each byte is delivered once and in order, nothing is left, and a seed gives one run', t => {
  const seen: Record<string, number> = {}
  const count = (what: string, times: number): void => { seen[what] = (seen[what] ?? 0) + times }
  fc.assert(fc.property(scenarios, scenario => {
    const played = play(scenario, now => expectConserved(t, now))
    const { network, bench } = played
    t.deepEqual([network.packets.live, network.kernel.pending, bench.socketCount], [0, 0, 0])
    for (const { initiator, acceptor } of bench.connections) {
      t.not(initiator.closed, undefined)
      if (initiator.closed === 'closed' && acceptor.closed === 'closed') {
        t.deepEqual([acceptor.told, initiator.told], [initiator.written, acceptor.written])
      }
      count(initiator.closed ?? 'open', 1)
    }
    for (const traffic of played.tcpTraffic) {
      t.is(traffic.openFlows, 0)
      count('crossTraffic', traffic.deliveredBytes)
    }
    t.is(play(scenario).network.kernel.digest(), network.kernel.digest())
    Object.entries(network.counters).forEach(([what, times]) => count(what, times))
  }), { numRuns: 500, includeErrorInReport: true })
  // Nothing of what may befall it has been left out.
  const expected = [
    'received', 'duplicated', 'droppedQueue', 'droppedLoss', 'droppedFault', 'droppedMtu', 'droppedPolicer', 'droppedCorrupt', 'droppedUnreachable',
    'closed', 'aborted', 'reset', 'timeout', 'crossTraffic'
  ]
  t.deepEqual(expected.filter(what => (seen[what] ?? 0) === 0), [])
})
