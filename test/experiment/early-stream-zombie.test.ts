import test from 'ava'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import type { SampleEvent } from '../../src/experiment/definition.ts'
import { SimWire } from '../../src/wires/sim.ts'

const RTT_MS = 80
const loaded = await loadExperiment('early-stream-zombie', new URL('../../experiments/', import.meta.url))

async function valuesOf (theCase: string, arm: string, metric: string): Promise<readonly SampleEvent[]> {
  const parameters = loaded.experiment.parameters.parse({}) as Record<string, number>
  const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: theCase, arm, seed: 'zombie' }, wire: new SimWire() })
  if (error !== undefined) {
    throw new Error(`${error.code}: ${error.message}`)
  }
  return samples.filter(sample => sample.metric === metric)
}

test('one request takes the five round trips of a first one', async t => {
  const [first, ...others] = await valuesOf('streams-1', 'plain', 'first')
  t.deepEqual(others, [])
  t.true(first.ok && Math.abs(first.value - 5 * RTT_MS) < 1, `${first.value} ms`)
})

test('of forty requests at once plain libp2p answers none, and nobody for seconds after them', async t => {
  const first = await valuesOf('streams-40', 'plain', 'first')
  t.is(first.length, 40)
  t.true(first.every(({ ok }) => !ok))
  const [{ value }] = await valuesOf('streams-40', 'plain', 'outage')
  t.true(value > 1_000, `${value} ms`)
})

test('the pool, the full stack, and whoever lets one request go first lose none of forty', async t => {
  for (const arm of ['plain-one-first', 'pool', 'full']) {
    const first = await valuesOf('streams-40', arm, 'first')
    t.is(first.length, 40)
    t.true(first.every(({ ok }) => ok), arm)
  }
})
