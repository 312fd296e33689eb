import test from 'ava'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import type { SampleEvent } from '../../src/experiment/definition.ts'
import { SimWire } from '../../src/wires/sim.ts'

const RTT_MS = 80
/** Linux's, at the least. */
const DELAYED_ACK_MS = 40
/** TCP, multistream-select and Noise. */
const DIAL_MS = 3 * RTT_MS
const loaded = await loadExperiment('early-stream-zombie', new URL('../../experiments/', import.meta.url))

async function valuesOf (theCase: string, arm: string, metric: string): Promise<readonly SampleEvent[]> {
  const parameters = loaded.experiment.parameters.parse({}) as Record<string, number>
  const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: theCase, arm, seed: 'zombie' }, wire: new SimWire() })
  if (error !== undefined) {
    throw new Error(`${error.code}: ${error.message}`)
  }
  return samples.filter(sample => sample.metric === metric)
}

test('one request takes the five round trips of a first one, and a sixth where another takes what is left of the first window', async t => {
  const [first, ...others] = await valuesOf('streams-1', 'plain', 'first')
  t.deepEqual(others, [])
  const startMs = first.timeMs - first.value
  // Of ten segments the end of the handshake takes three, yamux's ping two, and a stream four: of two streams one waits.
  const later = (await valuesOf('streams-1', 'plain', 'later')).filter(({ timeMs, value }) => timeMs - value < startMs + DIAL_MS)
  t.true(later.length > 0)
  t.true(first.ok && first.value >= 5 * RTT_MS - 1 && first.value < 6 * RTT_MS + 1, `${first.value} ms`)
})

test('over a path the first window holds forty streams back until the server listens, and plain libp2p loses none', async t => {
  const first = await valuesOf('streams-40', 'plain', 'first')
  t.is(first.length, 40)
  t.true(first.every(({ ok }) => ok))
})

test('where the server is busy for longer than the first window holds streams back, plain libp2p answers none of eleven, and nobody for seconds after them', async t => {
  const { nearRttMs, busyMs } = loaded.experiment.parameters.parse({}) as Record<string, number>
  t.true(busyMs > nearRttMs + DELAYED_ACK_MS)
  const first = await valuesOf('busy-11', 'plain', 'first')
  t.is(first.length, 11)
  t.true(first.every(({ ok }) => !ok))
  const [{ value }] = await valuesOf('busy-11', 'plain', 'outage')
  t.true(value > 1_000, `${value} ms`)
})

test('a busy server resets all where more than ten came at once, those counted that arrived during the dial', async t => {
  const { busyMs } = loaded.experiment.parameters.parse({}) as Record<string, number>
  for (const streams of [5, 9, 10]) {
    const first = await valuesOf(`busy-${streams}`, 'plain', 'first')
    const startMs = first[0].timeMs - first[0].value
    // Four events of the server precede the end of the dial: of multistream-select's first segment, of the others, and the same of Noise.
    const joined = (await valuesOf(`busy-${streams}`, 'plain', 'later')).filter(({ timeMs, value }) => timeMs - value < startMs + 4 * busyMs)
    const early = streams + joined.length
    t.true(first.every(({ ok }) => ok === early <= 10), `${streams} and ${joined.length}`)
  }
})

test('the pool, the full stack, and whoever lets one request go first lose none of forty, busy as the server may be', async t => {
  for (const arm of ['plain-one-first', 'pool', 'full']) {
    for (const theCase of ['streams-40', 'busy-40']) {
      const first = await valuesOf(theCase, arm, 'first')
      t.is(first.length, 40)
      t.true(first.every(({ ok }) => ok), `${theCase}, ${arm}`)
    }
  }
})

test('every goal is compared with plain libp2p and with both ways of those who know of the limit', t => {
  for (const { name, metrics } of loaded.experiment.cases) {
    for (const goal of metrics.filter(metric => metric.role !== 'cost' && metric.baseline === undefined)) {
      const baselines = metrics.filter(({ sample, statistic }) => sample === goal.sample && statistic === goal.statistic).map(({ baseline }) => baseline)
      t.deepEqual(baselines, [undefined, 'plain-one-first', 'plain-retry'], `${name}, ${goal.name}`)
    }
  }
})

test('what real peers do is simulated and run on the stack as well, with their first window', t => {
  const real = loaded.experiment.cases.filter(({ wires }) => wires?.includes('tcp'))
  t.deepEqual(real.map(({ name }) => name), ['streams-11', 'streams-40'])
  t.true(real.every(({ wires }) => wires?.length === 3))
  t.is(loaded.experiment.tcpNetwork, 'namespaces')
})
