import test from 'ava'
import { FlowCounters } from '../../../src/sim/observe/flow-counters.ts'
import { NUMBERED } from '../../../src/sim/observe/nodes.ts'
import { PacketCapture } from '../../../src/sim/observe/packet-capture.ts'
import { Probe } from '../../../src/sim/observe/probe.ts'
import type { ProbeSample } from '../../../src/sim/observe/probe.ts'
import { ProbeTable } from '../../../src/sim/observe/probe-table.ts'
import { Timeline } from '../../../src/sim/observe/timeline.ts'
import { Collected, MS, S, TracedPath } from './observe-tools.ts'
import type { TracedPathOptions } from './observe-tools.ts'

const LOSSY: TracedPathOptions = {
  bottleneck: { rateBitsPerSecond: 10e6, delayNs: 19 * MS, loss: { model: 'bernoulli', probability: 0.01 }, queue: { limitBytes: 50_000 } }
}
/** All features of links that decide late: queue discipline, copies, jitter. */
const QUEUED: TracedPathOptions = {
  bottleneck: { rateBitsPerSecond: 10e6, delayNs: 19 * MS, corruption: 0.01, duplication: 0.01, jitter: { distribution: 'uniform', boundNs: 3 * MS }, reorder: true, queue: { discipline: 'fq-codel' } }
}

/** Everything by which two runs could differ. */
function outcome (options: TracedPathOptions, look: (path: TracedPath) => () => void): object {
  const path = new TracedPath(options)
  const finish = look(path)
  const client = path.transfer(2e6)
  path.run()
  finish()
  const { state, sentSegments, retransmittedSegments, timeouts, srttNs, cwndBytes } = client
  return {
    digest: path.kernel.digest(), dispatched: path.kernel.dispatched, nowNs: path.kernel.nowNs, pending: path.kernel.pending,
    counters: path.network.counters, state, sentSegments, retransmittedSegments, timeouts, srttNs, cwndBytes
  }
}

test('a run with all observers at work is the same run, event by event', t => {
  for (const options of [LOSSY, QUEUED]) {
    const alone = outcome(options, () => () => {})
    const watched = outcome(options, path => {
      const { network } = path
      const finishing = [
        new PacketCapture(network, () => {}, { labels: NUMBERED }),
        new Timeline(network, () => {}, NUMBERED),
        new ProbeTable(network, () => {}, { linkOf: () => path.bottleneck, intervalNs: 1 * MS })
      ]
      finishing.forEach(observer => network.observers.add(observer))
      network.observers.add(new FlowCounters(network))
      return () => finishing.forEach(observer => observer.finish())
    })
    t.deepEqual(watched, alone)
  }
})

test('nobody is told anything after stopping, and stopping twice stops nobody else', t => {
  const path = new TracedPath()
  let seen = 0
  let others = 0
  const first = path.network.observers.add({ onSend: () => { seen++ } })
  path.network.observers.add({ onSend: () => { others++ } })
  path.transfer(100_000)
  path.run(100 * MS)
  first.stop()
  first.stop()
  const [before, othersBefore] = [seen, others]
  t.true(before > 0)
  path.run()
  t.is(seen, before)
  t.true(others > othersBefore)
})

function probed (intervalNs: number | undefined, options: TracedPathOptions = {}): { readonly path: TracedPath, readonly samples: ProbeSample[], readonly probe: Probe } {
  const path = new TracedPath(options)
  const samples: ProbeSample[] = []
  const socket = path.transfer(2e6)
  const probe = new Probe(path.network, { socket, link: path.bottleneck, ...(intervalNs === undefined ? {} : { intervalNs }), onSample: sample => { samples.push(sample) } })
  probe.start()
  return { path, samples, probe }
}

test('an interval probe samples at its multiples, and what it says is what the socket says', t => {
  const { path, samples } = probed(10 * MS)
  path.run(1 * S)
  t.deepEqual(samples.map(({ timeNs }) => timeNs), Array.from({ length: 100 }, (_, i) => (i + 1) * 10 * MS))
  const last = samples[99]
  t.is(last.queueBytes, path.bottleneck.waitingBytes)
  t.is(last.queuePackets, path.bottleneck.waitingPackets)
  t.true(last.pipeBytes > 0 && last.queueBytes > 0)
})

test('slow start doubles the window in each of its first round trips, and the probe sees it', t => {
  const { path, samples } = probed(1 * MS, { bottleneck: { rateBitsPerSecond: 1e9, delayNs: 19 * MS }, tcp: { hystart: 'off', receiveAutotuning: false } })
  path.run(1 * S)
  // The first data leave after one round trip of 40 ms; in the middle of the ones after it the windows are full.
  const windows = [60, 100, 140, 180].map(ms => (samples.find(({ timeNs }) => timeNs === ms * MS)?.cwndBytes ?? 0) / 1448)
  t.deepEqual(windows, [10, 20, 40, 80])
})

test('a probe of changes samples whenever the socket sends, until its last acknowledgement, which closes it', t => {
  const { path, samples } = probed(undefined, LOSSY)
  const seen = new Set<number>()
  path.network.observers.add({ onSend: packet => { if (path.network.packets.source[packet] === 0) { seen.add(path.network.kernel.nowNs) } } })
  path.run()
  t.true(samples.length > 500)
  const times = new Set(samples.map(({ timeNs }) => timeNs))
  t.deepEqual([...seen].filter(timeNs => !times.has(timeNs)), [[...seen].at(-1)])
  t.true(['open', 'recovery'].every(phase => samples.some(sample => sample.phase === phase)))
})

test('a stopped probe leaves no event, and one of a closed connection ends by itself', t => {
  const { path, samples, probe } = probed(10 * MS)
  const alone = new TracedPath()
  alone.transfer(2e6)
  path.run(1 * S)
  alone.run(1 * S)
  t.is(path.kernel.pending, alone.kernel.pending + 1)
  probe.stop()
  probe.stop()
  t.is(path.kernel.pending, alone.kernel.pending)
  const count = samples.length
  path.run()
  t.is(samples.length, count)
  const other = probed(10 * MS)
  other.path.run()
  t.is(other.path.kernel.pending, 0)
})

test('the table has the names of the kernel\'s measurements, and rows from when a connection is established', t => {
  const path = new TracedPath(LOSSY)
  const collected = new Collected()
  const table = new ProbeTable(path.network, collected.sink, { linkOf: () => path.bottleneck })
  path.network.observers.add(table)
  const client = path.transfer(2e6)
  path.run()
  table.finish()
  const [header, ...rows] = collected.text.trimEnd().split('\n').map(line => line.split(','))
  t.deepEqual(header, 't_ms,flow,cwnd_pkts,ssthresh_pkts,srtt_us,rttvar_us,min_rtt_us,unacked,sacked,lost,retrans_out,total_retrans,ca_state,bytes_acked,pacing_rate_Bps,queue_bytes,rto_us,total_rto,snd_wnd,notsent'.split(','))
  t.true(rows.every(row => row.length === header.length))
  t.deepEqual(rows.map(([time]) => time), rows.map((_, i) => (10 * (i + 1)).toFixed(2)))
  const column = (name: string): number[] => rows.map(row => Number(row[header.indexOf(name)]))
  // The first row, as the kernel's begins: the initial window, out and not acknowledged.
  t.deepEqual(['cwnd_pkts', 'ssthresh_pkts', 'unacked', 'ca_state', 'snd_wnd'].map(name => column(name)[0]), [10, 0x7fff_ffff, 10, 0, 65_160])
  t.is(column('total_retrans').at(-1), client.retransmittedSegments)
  t.deepEqual([0, 1, 3].filter(state => !column('ca_state').includes(state)), [])
  t.true(column('sacked').some(count => count > 0) && column('lost').some(count => count > 0))
  t.true(column('min_rtt_us').every(us => us >= 40_000 && us < 42_000))
})

test('where there is no link the column of the queue is empty', t => {
  const path = new TracedPath()
  const collected = new Collected()
  const table = new ProbeTable(path.network, collected.sink, { linkOf: () => undefined, intervalNs: 20 * MS })
  path.network.observers.add(table)
  path.transfer(1e6)
  path.run(200 * MS)
  table.finish()
  const [header, ...rows] = collected.text.trimEnd().split('\n').map(line => line.split(','))
  t.true(rows.length === 7 && rows.every(row => row[header.indexOf('queue_bytes')] === ''))
})

test('a probe without an interval of time is refused', t => {
  for (const intervalNs of [0, -1, 0.5, NaN]) {
    t.throws(() => probed(intervalNs, {}), { code: 'ERR_INVALID_OPTION', message: /intervalNs/ })
  }
})
