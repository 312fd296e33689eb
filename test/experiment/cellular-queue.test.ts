import test from 'ava'
import { loadExperiment } from '../../src/experiment/registry.ts'
import { runUnit } from '../../src/experiment/run-unit.ts'
import type { SampleEvent } from '../../src/experiment/definition.ts'
import { quantile } from '../../src/stats/quantile.ts'
import { SimWire } from '../../src/wires/sim.ts'

const loaded = await loadExperiment('cellular-queue', new URL('../../experiments/', import.meta.url))

async function samplesOf (name: string, arm: string, over: Readonly<Record<string, number>> = {}): Promise<readonly SampleEvent[]> {
  const parameters = loaded.experiment.parameters.parse(over) as Record<string, number>
  const { samples, error } = await runUnit({ loaded, parameters, unit: { wire: 'sim', case: name, arm, seed: 'example' }, wire: new SimWire() })
  if (error !== undefined) {
    throw new Error(`${error.code}: ${error.message}`)
  }
  return samples
}

function valuesOf (samples: readonly SampleEvent[], metric: string): number[] {
  return samples.filter(sample => sample.metric === metric).map(({ value }) => value)
}

async function medianOf (name: string, arm: string): Promise<number> {
  return quantile(valuesOf(await samplesOf(name, arm), 'request'), 0.5)
}

test('the example of a link that follows a trace runs, and FQ-CoDel spares requests the download\'s queue', async t => {
  const [dropTail, fqCodel] = [await medianOf('drop-tail', 'plain'), await medianOf('fq-codel', 'plain')]
  // A stream and a reply are two round trips of 60 ms, behind any queue.
  t.true(fqCodel > 120 && fqCodel < dropTail, `${fqCodel} and ${dropTail} ms`)
})

test('behind FQ-CoDel a request on a stream that is kept, by hand or by the pool, takes one round trip and less than two', async t => {
  for (const arm of ['kept-streams', 'pool']) {
    const median = await medianOf('fq-codel', arm)
    t.true(median > 60 && median < 120, `${arm}: ${median} ms`)
  }
})

test('a request is one attempt on one connection, and sends half as much where streams are kept, by hand or by the pool; the download is nobody\'s cost', async t => {
  const sent = new Map<string, number>()
  for (const arm of loaded.experiment.arms.map(({ name }) => name)) {
    const samples = await samplesOf('fq-codel', arm)
    t.deepEqual([valuesOf(samples, 'attempts'), valuesOf(samples, 'connections')], [[1], [1]], arm)
    const [bytes, ...others] = valuesOf(samples, 'sent-bytes')
    t.deepEqual(others, [])
    sent.set(arm, bytes)
  }
  const { plain, pool, 'kept-streams': kept } = Object.fromEntries(sent)
  // The request and what acknowledges two segments. Of the download, half the time 8 Mbit/s, come some 50 kB a request.
  t.true(pool > 100 && pool < 1_000, `${pool} B`)
  t.true(pool < plain / 2 && kept < plain / 2, `${plain}, ${kept} and ${pool} B`)
})

test('a request that fails is one attempt, too', async t => {
  const samples = await samplesOf('drop-tail', 'plain', { deadlineMs: 100 })
  const [first] = samples.filter(({ metric }) => metric === 'request')
  // TCP, multistream-select and Noise alone take three round trips of 60 ms.
  t.false(first.ok)
  t.deepEqual(valuesOf(samples, 'attempts'), [1])
})
